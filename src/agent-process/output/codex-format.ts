import { describeTool, objectOf, textOf, type Json } from './event-parts.ts';
import type { EventFormat, OutputEvent } from './json-lines-reader.ts';

/** The events of `codex exec --json`: threads, turns, and the items that a turn is made of. */
export function createCodexFormat(): EventFormat {
  return { hasLastWord: true, understand };
}

function understand(event: Json & { readonly type: string }): readonly OutputEvent[] | undefined {
  switch (event.type) {
    case 'thread.started':
      return [{ kind: 'session', id: event['thread_id'] }];
    case 'turn.started':
    case 'item.updated':
      return [];
    case 'item.started':
      return startedItem(objectOf(event['item']));
    case 'item.completed':
      return completedItem(objectOf(event['item']));
    case 'turn.completed':
      return [{ kind: 'result', wrong: undefined }];
    case 'turn.failed':
      return [{ kind: 'result', wrong: reasonOf(event['error']) ?? 'no reason given' }];
    case 'error':
      return [{ kind: 'error', text: reasonOf(event) ?? 'no reason given' }];
    default:
      return undefined;
  }
}

function startedItem(item: Json): readonly OutputEvent[] {
  switch (item['type']) {
    case 'command_execution':
      return [{ kind: 'does', line: describeTool('run', { command: item['command'] }) }];
    case 'mcp_tool_call':
      return [{ kind: 'does', line: describeTool(item['tool'], item['arguments']) }];
    default:
      return [];
  }
}

function completedItem(item: Json): readonly OutputEvent[] {
  switch (item['type']) {
    case 'agent_message':
      return [{ kind: 'said', text: textOf(item['text']) ?? '' }];
    case 'file_change': {
      const changes = Array.isArray(item['changes']) ? item['changes'].map(objectOf) : [];
      return changes.map(({ kind, path }) => ({
        kind: 'does',
        line: describeTool(kind ?? 'edit', { path }),
      }));
    }
    case 'web_search':
      return [{ kind: 'does', line: describeTool('search', { query: item['query'] }) }];
    case 'error':
      return [{ kind: 'error', text: reasonOf(item) ?? 'no reason given' }];
    default:
      // Reasoning, lists of steps, and what a command printed: in the log.
      return [];
  }
}

function reasonOf(value: unknown): string | undefined {
  return textOf(value) ?? textOf(objectOf(value)['message']);
}

import {
  objectOf,
  reasonOf,
  says,
  usesTool,
  type EventFormat,
  type Json,
  type OutputEvents,
} from './event-parts.ts';

/** The events of `codex exec --json`: threads, turns, and the items that a turn is made of. */
export const codexFormat: EventFormat = {
  hasLastWord: true,
  understand(event) {
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
        return [{ kind: 'result', wrong: reasonOf(event['error']) }];
      case 'error':
        return [{ kind: 'error', text: reasonOf(event) }];
      default:
        return undefined;
    }
  },
};

function startedItem(item: Json): OutputEvents {
  switch (item['type']) {
    case 'command_execution':
      return [usesTool('run', { command: item['command'] })];
    case 'mcp_tool_call':
      return [usesTool(item['tool'], item['arguments'])];
    default:
      return [];
  }
}

function completedItem(item: Json): OutputEvents {
  switch (item['type']) {
    case 'agent_message':
      return says('said', item['text']);
    case 'file_change': {
      const changes = Array.isArray(item['changes']) ? item['changes'].map(objectOf) : [];
      return changes.map(({ kind, path }) => usesTool(kind ?? 'edit', { path }));
    }
    case 'web_search':
      return [usesTool('search', { query: item['query'] })];
    case 'error':
      return [{ kind: 'error', text: reasonOf(item) }];
    default:
      // Reasoning, lists of steps, and what a command printed: in the log.
      return [];
  }
}

import {
  describeCall,
  errorOf,
  listOf,
  objectOf,
  says,
  sumOf,
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
        return [...usageIn(event), { kind: 'result', error: undefined }];
      case 'turn.failed':
        return [...usageIn(event), { kind: 'result', error: errorOf(event['error']) }];
      case 'error':
        return [{ kind: 'error', ...errorOf(event) }];
      default:
        return undefined;
    }
  },
};

/**
 * Of the whole thread, also of turns before it was resumed. What came from a cache is in
 * `input_tokens`, reasoning in `output_tokens`.
 */
function usageIn(event: Json): OutputEvents {
  const usage = objectOf(event['usage']);
  const inputTokens = sumOf(usage, 'input_tokens');
  const outputTokens = sumOf(usage, 'output_tokens');
  if (inputTokens === undefined && outputTokens === undefined) return [];
  const used = { inputTokens, outputTokens, costUsd: undefined };
  return [{ kind: 'usage', told: { of: 'session', usage: used } }];
}

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
    case 'command_execution':
      return item['status'] === 'declined'
        ? [{ kind: 'denied', what: describeCall('run', { command: item['command'] }) }]
        : [];
    case 'file_change':
      return listOf(item['changes'])
        .map(objectOf)
        .map(({ kind, path }) => usesTool(kind ?? 'edit', { path }));
    case 'web_search':
      return [usesTool('search', { query: item['query'] })];
    case 'error':
      // Of one item, which the turn goes on without.
      return [{ kind: 'warning', text: errorOf(item).text }];
    default:
      // Reasoning, lists of steps, and what a command printed: in the log.
      return [];
  }
}

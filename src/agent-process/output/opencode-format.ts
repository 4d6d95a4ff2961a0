import { describeTool, objectOf, textOf, type Json } from './event-parts.ts';
import type { EventFormat, OutputEvent } from './json-lines-reader.ts';

/**
 * The events of `opencode run --format json`; each names its session, most have their facts in
 * `part`.
 */
export function createOpencodeFormat(): EventFormat {
  // It has no last word of its own: a session that comes to rest ends the process.
  return { hasLastWord: false, understand };
}

function understand(event: Json & { readonly type: string }): readonly OutputEvent[] | undefined {
  const session: OutputEvent = { kind: 'session', id: event['sessionID'] };
  const part = objectOf(event['part']);
  switch (event.type) {
    case 'text': {
      const text = textOf(part['text']);
      return text === undefined ? [session] : [session, { kind: 'said', text }];
    }
    case 'tool_use':
      return [
        session,
        { kind: 'does', line: describeTool(part['tool'], objectOf(part['state'])['input']) },
      ];
    case 'error':
      return [session, { kind: 'error', text: errorIn(event['error']) }];
    case 'step_start':
    case 'step_finish':
    case 'reasoning':
      return [session];
    default:
      return undefined;
  }
}

/** `{ "name": "APIError", "data": { "message": "…" } }`. */
function errorIn(value: unknown): string {
  const error = objectOf(value);
  const said =
    textOf(value) ?? textOf(objectOf(error['data'])['message']) ?? textOf(error['message']);
  return said ?? textOf(error['name']) ?? 'no reason given';
}

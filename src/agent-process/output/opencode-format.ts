import {
  objectOf,
  reasonOf,
  says,
  usesTool,
  type EventFormat,
  type OutputEvent,
} from './event-parts.ts';

/**
 * The events of `opencode run --format json`; each names its session, most have their facts in
 * `part`. There is no last word: a session that comes to rest ends the process.
 */
export const opencodeFormat: EventFormat = {
  hasLastWord: false,
  understand(event) {
    const session: OutputEvent = { kind: 'session', id: event['sessionID'] };
    const part = objectOf(event['part']);
    switch (event.type) {
      case 'text':
        return [session, ...says('said', part['text'])];
      case 'tool_use':
        return [session, usesTool(part['tool'], objectOf(part['state'])['input'])];
      case 'error':
        return [session, { kind: 'error', text: errorIn(event['error']) }];
      case 'step_start':
      case 'step_finish':
      case 'reasoning':
        return [session];
      default:
        return undefined;
    }
  },
};

/** `{ "name": "APIError", "data": { "message": "…" } }`. */
function errorIn(value: unknown): string {
  const { data, name } = objectOf(value);
  return reasonOf(data, value, name);
}

import {
  amountOf,
  describeCall,
  errorOf,
  objectOf,
  says,
  sumOf,
  textOf,
  usesTool,
  type EventFormat,
  type Json,
  type OutputEvent,
  type OutputEvents,
} from './event-parts.ts';
import type { ToldError } from './verdict.ts';

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
      case 'tool_use': {
        const { input, error } = objectOf(part['state']);
        const isDenied = DENIAL.test(textOf(error) ?? '');
        return isDenied
          ? [session, { kind: 'denied', what: describeCall(part['tool'], input) }]
          : [session, usesTool(part['tool'], input)];
      }
      case 'error':
        return [session, { kind: 'error', ...errorIn(event['error']) }];
      case 'step_finish':
        return [session, ...usageIn(part)];
      case 'step_start':
      case 'reasoning':
        return [session];
      default:
        return undefined;
    }
  },
};

/** Of one step. Neither what came from a cache nor reasoning is in `input` and `output`. */
function usageIn(part: Json): OutputEvents {
  const tokens = objectOf(part['tokens']);
  const inputTokens = sumOf({ ...tokens, ...objectOf(tokens['cache']) }, 'input', 'read', 'write');
  const outputTokens = sumOf(tokens, 'output', 'reasoning');
  const costUsd = amountOf(part['cost']);
  if (inputTokens === undefined && outputTokens === undefined && costUsd === undefined) return [];
  return [{ kind: 'usage', told: { of: 'step', usage: { inputTokens, outputTokens, costUsd } } }];
}

/** Its words for a call that needs a permission, where no user can be asked for it. */
const DENIAL =
  /\b(?:rejected permission|permission (?:was )?(?:denied|rejected)|prevents you from)\b/i;

/**
 * `{ "name": "APIError", "data": { "message": "…", "statusCode": 429, "responseHeaders": {…} } }`.
 */
function errorIn(value: unknown): ToldError {
  const { data, name } = objectOf(value);
  const error = errorOf(data, value, name);
  const wait = textOf(objectOf(objectOf(data)['responseHeaders'])['retry-after']);
  return wait === undefined ? error : { ...error, text: `${error.text}\nretry-after: ${wait}` };
}

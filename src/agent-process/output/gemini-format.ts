import {
  errorOf,
  objectOf,
  says,
  sumOf,
  textOf,
  usesModel,
  usesTool,
  type EventFormat,
  type Json,
  type OutputEvents,
} from './event-parts.ts';
import type { ToldError } from './verdict.ts';

/** The events of `gemini --output-format stream-json`. */
export const geminiFormat: EventFormat = {
  hasLastWord: true,
  understand(event, calls) {
    switch (event.type) {
      case 'init':
        return [{ kind: 'session', id: event['session_id'] }, ...usesModel(event['model'])];
      case 'message':
        if (event['role'] !== 'assistant') return [];
        return says(event['delta'] === true ? 'saying' : 'said', event['content']);
      case 'tool_use':
        calls.begin(event['tool_id'], event['tool_name'], event['parameters']);
        return [usesTool(event['tool_name'], event['parameters'])];
      case 'tool_result': {
        const type = textOf(objectOf(event['error'])['type']) ?? '';
        return calls.end(event['tool_id'], DENIALS.test(type));
      }
      case 'error':
        return event['severity'] === 'warning'
          ? [{ kind: 'warning', text: errorOf(event).text }]
          : [{ kind: 'error', ...errorOf(event) }];
      case 'result':
        return [...usageIn(event), { kind: 'result', error: errorIn(event) }];
      default:
        return undefined;
    }
  },
};

/** A tool that is not offered is one that its settings forbid where no user can be asked. */
const DENIALS =
  /^(?:tool_not_registered|policy_violation|tool_(?:denied|rejected)|.*permission.*)$/i;

/** What came from a cache is in `input_tokens`; thoughts are in the total alone. */
function usageIn(event: Json): OutputEvents {
  const stats = objectOf(event['stats']);
  const inputTokens = sumOf(stats, 'input_tokens');
  const outputTokens = sumOf(stats, 'output_tokens');
  if (inputTokens === undefined && outputTokens === undefined) return [];
  const beside = (sumOf(stats, 'total_tokens') ?? 0) - (inputTokens ?? 0);
  const used = {
    inputTokens,
    outputTokens: Math.max(outputTokens ?? 0, beside),
    costUsd: undefined,
  };
  return [{ kind: 'usage', told: { of: 'process', usage: used } }];
}

function errorIn(event: Json): ToldError | undefined {
  if (event['status'] === 'success') return undefined;
  const error = objectOf(event['error']);
  return errorOf(error, error['type'], { status: error['code'] });
}

import {
  errorOf,
  objectOf,
  says,
  textOf,
  usesModel,
  usesTool,
  type EventFormat,
  type Json,
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
        return [{ kind: 'result', error: errorIn(event) }];
      default:
        return undefined;
    }
  },
};

/** A tool that is not offered is one that its settings forbid where no user can be asked. */
const DENIALS =
  /^(?:tool_not_registered|policy_violation|tool_(?:denied|rejected)|.*permission.*)$/i;

function errorIn(event: Json): ToldError | undefined {
  if (event['status'] === 'success') return undefined;
  const error = objectOf(event['error']);
  return errorOf(error, error['type'], { status: error['code'] });
}

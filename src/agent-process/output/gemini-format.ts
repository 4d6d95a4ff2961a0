import {
  objectOf,
  reasonOf,
  says,
  shorten,
  usesModel,
  usesTool,
  type EventFormat,
  type Json,
} from './event-parts.ts';

/** The events of `gemini --output-format stream-json`. */
export const geminiFormat: EventFormat = {
  hasLastWord: true,
  understand(event) {
    switch (event.type) {
      case 'init':
        return [{ kind: 'session', id: event['session_id'] }, ...usesModel(event['model'])];
      case 'message':
        if (event['role'] !== 'assistant') return [];
        return says(event['delta'] === true ? 'saying' : 'said', event['content']);
      case 'tool_use':
        return [usesTool(event['tool_name'], event['parameters'])];
      case 'tool_result':
        return [];
      case 'error': {
        const text = reasonOf(event);
        return [
          event['severity'] === 'warning'
            ? { kind: 'note', line: `! ${shorten(text)}` }
            : { kind: 'error', text },
        ];
      }
      case 'result':
        return [{ kind: 'result', wrong: wrongIn(event) }];
      default:
        return undefined;
    }
  },
};

function wrongIn(event: Json): string | undefined {
  if (event['status'] === 'success') return undefined;
  return reasonOf(event['error'], objectOf(event['error'])['type']);
}

import {
  errorOf,
  objectOf,
  says,
  usesModel,
  usesTool,
  type EventFormat,
  type Json,
  type OutputEvent,
} from './event-parts.ts';

/**
 * The session events of `copilot --output-format json`; each has its facts in `data`. Later
 * versions end with `result`, earlier ones with the end of the session's last turn.
 */
export const copilotFormat: EventFormat = {
  hasLastWord: false,
  understand(event, calls) {
    const data = objectOf(event['data']);
    switch (event.type) {
      case 'session.start':
      case 'session.resume':
        return [{ kind: 'session', id: data['sessionId'] }, ...usesModel(data['selectedModel'])];
      case 'assistant.message_delta':
        return says('saying', data['deltaContent']);
      case 'assistant.message':
        return says('said', data['content']);
      case 'tool.execution_start':
        calls.begin(data['toolCallId'], data['toolName'], data['arguments']);
        return [usesTool(data['toolName'], data['arguments'])];
      case 'tool.execution_complete':
        return calls.end(data['toolCallId'], objectOf(data['error'])['code'] === 'denied');
      case 'model.call_failure':
        // It tries again by itself, for a while.
        return [{ kind: 'error', ...errorOf(data['errorMessage'], data) }];
      case 'session.error':
        return [{ kind: 'error', ...errorOf(data, data['errorType']) }];
      case 'result':
        return [
          { kind: 'session', id: event['sessionId'] ?? data['sessionId'] },
          resultOf(event, data),
        ];
      default:
        // Turns, reasoning, usage and what tools answer come and go with versions: they are in the
        // log.
        return KNOWN.test(event.type) ? [] : undefined;
    }
  },
};

const KNOWN = /^(assistant|user|tool|session|hook|subagent|system|permission|skill|model|agent)\./;

function resultOf(event: Json, data: Json): OutputEvent {
  const code = event['exitCode'] ?? data['exitCode'] ?? 0;
  // Where it says nothing, its own error came before and says more.
  const error = code === 0 ? undefined : errorOf(event['error'], data['error']);
  return { kind: 'result', error };
}

import {
  findReason,
  objectOf,
  reasonOf,
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
  understand(event) {
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
        return [usesTool(data['toolName'], data['arguments'])];
      case 'session.error':
        return [{ kind: 'error', text: reasonOf(data, data['errorType']) }];
      case 'result':
        return [
          { kind: 'session', id: event['sessionId'] ?? data['sessionId'] },
          resultOf(event, data),
        ];
      default:
        // Turns, reasoning, usage and what tools answer come and go with versions: they are in the
        // log.
        return /^(assistant|user|tool|session|hook|subagent|system|permission|skill)\./.test(
          event.type,
        )
          ? []
          : undefined;
    }
  },
};

function resultOf(event: Json, data: Json): OutputEvent {
  const code = event['exitCode'] ?? data['exitCode'] ?? 0;
  if (code === 0) return { kind: 'result', wrong: undefined };
  const said = findReason(event['error'], data['error']);
  // Its own error came before, and says more.
  return said === undefined
    ? { kind: 'note', line: `[ended with ${JSON.stringify(code)}]` }
    : { kind: 'result', wrong: said };
}

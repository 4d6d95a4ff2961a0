import { describeTool, objectOf, shorten, textOf, type Json } from './event-parts.ts';
import type { EventFormat, OutputEvent } from './json-lines-reader.ts';

/** The session events of `copilot --output-format json`; each has its facts in `data`. */
export function createCopilotFormat(): EventFormat {
  // Later versions end with `result`, earlier ones with the end of the session's last turn.
  return { hasLastWord: false, understand };
}

function understand(event: Json & { readonly type: string }): readonly OutputEvent[] | undefined {
  const data = objectOf(event['data']);
  switch (event.type) {
    case 'session.start':
    case 'session.resume': {
      const model = textOf(data['selectedModel']);
      const note: readonly OutputEvent[] =
        model === undefined ? [] : [{ kind: 'note', line: `Model: ${shorten(model)}` }];
      return [{ kind: 'session', id: data['sessionId'] }, ...note];
    }
    case 'assistant.message_delta': {
      const text = textOf(data['deltaContent']);
      return text === undefined ? [] : [{ kind: 'saying', text }];
    }
    case 'assistant.message': {
      const text = textOf(data['content']);
      return text === undefined ? [] : [{ kind: 'said', text }];
    }
    case 'tool.execution_start':
      return [{ kind: 'does', line: describeTool(data['toolName'], data['arguments']) }];
    case 'session.error':
      return [
        {
          kind: 'error',
          text: textOf(data['message']) ?? textOf(data['errorType']) ?? 'no reason given',
        },
      ];
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
}

function resultOf(event: Json, data: Json): OutputEvent {
  const code = event['exitCode'] ?? data['exitCode'] ?? 0;
  if (code === 0) return { kind: 'result', wrong: undefined };
  const said =
    textOf(objectOf(event['error'])['message']) ?? textOf(event['error']) ?? textOf(data['error']);
  // Its own error came before, and says more.
  return said === undefined
    ? { kind: 'note', line: `[ended with ${JSON.stringify(code)}]` }
    : { kind: 'result', wrong: said };
}

import { describeTool, objectOf, shorten, textOf, type Json } from './event-parts.ts';
import type { EventFormat, OutputEvent } from './json-lines-reader.ts';

/** The events of `gemini --output-format stream-json`. */
export function createGeminiFormat(): EventFormat {
  return { hasLastWord: true, understand };
}

function understand(event: Json & { readonly type: string }): readonly OutputEvent[] | undefined {
  switch (event.type) {
    case 'init': {
      const model = textOf(event['model']);
      const note: readonly OutputEvent[] =
        model === undefined ? [] : [{ kind: 'note', line: `Model: ${shorten(model)}` }];
      return [{ kind: 'session', id: event['session_id'] }, ...note];
    }
    case 'message': {
      const text = textOf(event['content']);
      if (event['role'] !== 'assistant' || text === undefined) return [];
      return [{ kind: event['delta'] === true ? 'saying' : 'said', text }];
    }
    case 'tool_use':
      return [{ kind: 'does', line: describeTool(event['tool_name'], event['parameters']) }];
    case 'tool_result':
      return [];
    case 'error': {
      const text = textOf(event['message']) ?? 'no reason given';
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
}

function wrongIn(event: Json): string | undefined {
  if (event['status'] === 'success') return undefined;
  const error = objectOf(event['error']);
  return textOf(error['message']) ?? textOf(error['type']) ?? 'no reason given';
}

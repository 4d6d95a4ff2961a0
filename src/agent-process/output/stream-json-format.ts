import { describeTool, objectOf, shorten, textOf, type Json } from './event-parts.ts';
import type { EventFormat, OutputEvent } from './json-lines-reader.ts';

/**
 * The events of Claude Code with `--output-format stream-json`, which Cursor, Qwen Code and Amp
 * write in much the same way.
 *
 * What the agent says and which tools it uses is shown, what the tools answer is left to the log.
 * With `--stream-partial-output` Cursor writes pieces of a message (that have a `timestamp_ms` and
 * no `model_call_id`), and then the whole again, which the reader knows for what it is.
 */
export function createStreamJsonFormat(): EventFormat {
  return { hasLastWord: true, understand };
}

function understand(event: Json & { readonly type: string }): readonly OutputEvent[] | undefined {
  const session: OutputEvent = { kind: 'session', id: event['session_id'] };
  switch (event.type) {
    case 'system':
      return [session, ...startOf(event)];
    case 'assistant':
      return [session, ...saidIn(event)];
    case 'tool_call':
      return event['subtype'] === 'started'
        ? [session, toolCall(objectOf(event['tool_call']))]
        : [session];
    case 'result':
      return [session, resultOf(event)];
    case 'rate_limit_event':
      return [session, ...refusalIn(objectOf(event['rate_limit_info']))];
    case 'user':
    case 'thinking':
    case 'stream_event':
      return [session];
    default:
      return undefined;
  }
}

function startOf(event: Json): readonly OutputEvent[] {
  const model = textOf(event['model']);
  return event['subtype'] === 'init' && model !== undefined
    ? [{ kind: 'note', line: `Model: ${shorten(model)}` }]
    : [];
}

function saidIn(event: Json): readonly OutputEvent[] {
  const isPiece = event['timestamp_ms'] !== undefined && event['model_call_id'] === undefined;
  return contentOf(event).flatMap((part): readonly OutputEvent[] => {
    const text = part['type'] === 'text' ? textOf(part['text']) : undefined;
    if (text !== undefined) return [{ kind: isPiece ? 'saying' : 'said', text }];
    return part['type'] === 'tool_use'
      ? [{ kind: 'does', line: describeTool(part['name'], part['input']) }]
      : [];
  });
}

function contentOf(event: Json): readonly Json[] {
  const content = objectOf(event['message'])['content'];
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return Array.isArray(content) ? content.map(objectOf) : [];
}

/** Cursor's: `{ "readToolCall": { "args": { … } } }`. */
function toolCall(call: Json): OutputEvent {
  const [name, body] = Object.entries(call)[0] ?? ['tool', {}];
  return {
    kind: 'does',
    line: describeTool(name.replace(/ToolCall$/, ''), objectOf(body)['args']),
  };
}

function resultOf(event: Json): OutputEvent {
  const text = textOf(event['result']);
  const subtype = typeof event['subtype'] === 'string' ? event['subtype'] : 'success';
  if (event['is_error'] !== true && subtype === 'success')
    return { kind: 'result', text, wrong: undefined };
  const said = text ?? textOf(objectOf(event['error'])['message']) ?? textOf(event['error']);
  return {
    kind: 'result',
    text,
    wrong: said ?? (subtype === 'success' ? 'no reason given' : shorten(subtype)),
  };
}

/** `resetsAt` is in seconds since 1970. */
function refusalIn(info: Json): readonly OutputEvent[] {
  if (info['status'] !== 'rejected') return [];
  const at = info['resetsAt'];
  const until = typeof at === 'number' && Number.isFinite(at) ? at * 1000 : undefined;
  return [{ kind: 'refused', until, detail: 'Its usage limit is reached' }];
}

import {
  findReason,
  objectOf,
  says,
  shorten,
  textOf,
  usesModel,
  usesTool,
  type EventFormat,
  type Json,
  type OutputEvent,
  type OutputEvents,
} from './event-parts.ts';

/**
 * The events of Claude Code with `--output-format stream-json`, which Cursor, Qwen Code and Amp
 * write in much the same way.
 *
 * What the agent says and which tools it uses is shown, what the tools answer is left to the log.
 * With `--stream-partial-output` Cursor writes pieces of a message (that have a `timestamp_ms` and
 * no `model_call_id`), and then the whole again, which the reader knows for what it is.
 */
export const streamJsonFormat: EventFormat = {
  hasLastWord: true,
  understand(event) {
    const session: OutputEvent = { kind: 'session', id: event['session_id'] };
    switch (event.type) {
      case 'system':
        return [session, ...(event['subtype'] === 'init' ? usesModel(event['model']) : [])];
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
  },
};

function saidIn(event: Json): OutputEvents {
  const isPiece = event['timestamp_ms'] !== undefined && event['model_call_id'] === undefined;
  return contentOf(event).flatMap((part): OutputEvents => {
    if (part['type'] === 'text') return says(isPiece ? 'saying' : 'said', part['text']);
    return part['type'] === 'tool_use' ? [usesTool(part['name'], part['input'])] : [];
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
  return usesTool(name.replace(/ToolCall$/, ''), objectOf(body)['args']);
}

function resultOf(event: Json): OutputEvent {
  const text = textOf(event['result']);
  const subtype = typeof event['subtype'] === 'string' ? event['subtype'] : 'success';
  if (event['is_error'] !== true && subtype === 'success')
    return { kind: 'result', text, wrong: undefined };
  const said = text ?? findReason(event['error']);
  const wrong = said ?? (subtype === 'success' ? 'no reason given' : shorten(subtype));
  return { kind: 'result', text, wrong };
}

/** `resetsAt` is in seconds since 1970. */
function refusalIn(info: Json): OutputEvents {
  if (info['status'] !== 'rejected') return [];
  const at = info['resetsAt'];
  const until = typeof at === 'number' && Number.isFinite(at) ? at * 1000 : undefined;
  return [{ kind: 'refused', until, detail: 'Its usage limit is reached' }];
}

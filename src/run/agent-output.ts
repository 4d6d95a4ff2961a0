import type { AgentOutput } from './agents.ts';

/** Turns the bytes of an agent into text for people, and listens for its own word on how it went. */
export interface OutputReader {
  /** The text of some more bytes, which may end within a character or a line. */
  read(bytes: Uint8Array): string;
  /** What is left when nothing more comes. */
  end(): string;
  /** What the agent itself says went wrong, whatever its exit code. */
  readonly complaint: string | undefined;
}

export function createReader(output: AgentOutput): OutputReader {
  return output === 'text' ? new TextReader() : new StreamJsonReader();
}

class TextReader implements OutputReader {
  readonly complaint = undefined;
  readonly #decoder = new TextDecoder();

  read(bytes: Uint8Array): string {
    return this.#decoder.decode(bytes, { stream: true });
  }

  end(): string {
    return this.#decoder.decode();
  }
}

/** A longer line is shown as it comes, so that an agent that never ends its line is still seen. */
const MAX_LINE = 1024 * 1024;
const MAX_DETAIL = 160;

type Json = Readonly<Record<string, unknown>>;

/**
 * One JSON event per line, as Claude Code and Cursor write with `--output-format stream-json`: what the agent says and
 * which tools it uses is shown, what the tools answer is left to the log. A line that is no such event is shown as it is.
 */
class StreamJsonReader implements OutputReader {
  complaint: string | undefined;
  readonly #decoder = new TextDecoder();
  #rest = '';
  #lastSaid = '';

  read(bytes: Uint8Array): string {
    return this.#take(this.#decoder.decode(bytes, { stream: true }));
  }

  end(): string {
    const text = this.#take(this.#decoder.decode());
    const rest = this.#rest;
    this.#rest = '';
    return text + (rest === '' ? '' : this.#tell(rest));
  }

  #take(text: string): string {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    const told = lines.map((line) => this.#tell(line)).join('');
    if (this.#rest.length <= MAX_LINE) return told;
    const long = this.#rest;
    this.#rest = '';
    return told + long;
  }

  #tell(line: string): string {
    const event = parseObject(line);
    if (typeof event?.['type'] !== 'string') return line.trim() === '' ? '' : `${line}\n`;
    const told = this.#describe(event['type'], event);
    return told === '' ? '' : `${told}\n`;
  }

  #describe(type: string, event: Json): string {
    switch (type) {
      case 'system':
        return typeof event['model'] === 'string' ? `Model: ${event['model']}` : '';
      case 'assistant':
        return this.#said(contentOf(event));
      case 'tool_call':
        return event['subtype'] === 'started' ? describeToolCall(objectOf(event['tool_call'])) : '';
      case 'result':
        return this.#result(event);
      case 'user':
      case 'thinking':
      case 'stream_event':
        return '';
      default:
        return `[${shorten(type)}]`;
    }
  }

  #said(content: readonly Json[]): string {
    const parts = content.flatMap((part) => {
      if (typeof part['text'] === 'string' && part['type'] === 'text') return (this.#lastSaid = part['text']);
      if (part['type'] !== 'tool_use') return [];
      return `→ ${shorten(String(part['name']))} ${describeInput(objectOf(part['input']))}`.trimEnd();
    });
    return parts.join('\n');
  }

  #result(event: Json): string {
    const text = typeof event['result'] === 'string' ? event['result'] : '';
    const subtype = typeof event['subtype'] === 'string' ? event['subtype'] : 'success';
    const failed = event['is_error'] === true || subtype !== 'success';
    this.complaint = failed ? text || (subtype === 'success' ? 'no reason given' : shorten(subtype)) : undefined;
    return text.trim() === this.#lastSaid.trim() ? '' : text;
  }
}

function contentOf(event: Json): readonly Json[] {
  const content = objectOf(event['message'])['content'];
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return Array.isArray(content) ? content.map(objectOf) : [];
}

/** Cursor's: `{ "readToolCall": { "args": { … } } }`. */
function describeToolCall(call: Json): string {
  const [name, body] = Object.entries(call)[0] ?? ['tool', {}];
  return `→ ${shorten(name.replace(/ToolCall$/, ''))} ${describeInput(objectOf(objectOf(body)['args']))}`.trimEnd();
}

/** The one part of a tool's input that tells most: a file, a command, or whatever comes first. */
function describeInput(input: Json): string {
  const texts = Object.values(input).filter((value) => typeof value === 'string');
  const telling = ['file_path', 'path', 'command', 'pattern', 'query', 'url', 'description'];
  const best = telling.map((name) => input[name]).find((value) => typeof value === 'string') ?? texts[0];
  return best === undefined ? '' : shorten(best);
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= MAX_DETAIL ? line : `${line.slice(0, MAX_DETAIL - 1)}…`;
}

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

function parseObject(line: string): Json | undefined {
  if (!line.trimStart().startsWith('{')) return undefined;
  try {
    return objectOf(JSON.parse(line));
  } catch {
    // Not an event: it is shown as the agent wrote it.
    return undefined;
  }
}

import { cut, oneLine } from '../../core/text.ts';

/** A JSON object of which nothing is known. */
export type Json = Readonly<Record<string, unknown>>;

const MAX_DETAIL = 160;

export function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** An event, where a line is one; its `type` is any text. */
export function parseEvent(line: string): (Json & { readonly type: string }) | undefined {
  if (!line.trimStart().startsWith('{')) return undefined;
  try {
    const event = objectOf(JSON.parse(line));
    return typeof event['type'] === 'string'
      ? (event as Json & { readonly type: string })
      : undefined;
  } catch {
    // Not an event: it is shown as the agent wrote it.
    return undefined;
  }
}

/** One plain line of at most 160 characters. */
export function shorten(text: string): string {
  return cut(oneLine(text.slice(0, 4 * MAX_DETAIL)), MAX_DETAIL);
}

/** `→ Bash npm test`: a tool and the most informative part of its input. */
export function describeTool(name: unknown, input: unknown): string {
  const title = typeof name === 'string' ? shorten(name) : 'tool';
  return `→ ${title} ${describeInput(objectOf(input))}`.trimEnd();
}

const TELLING = [
  'file_path',
  'filePath',
  'path',
  'command',
  'pattern',
  'query',
  'url',
  'description',
];

/** A file, a command, or else the first value. */
function describeInput(input: Json): string {
  const best = [...TELLING.map((name) => input[name]), ...Object.values(input)].find((value) =>
    textOf(value),
  );
  return typeof best === 'string' ? shorten(best) : '';
}

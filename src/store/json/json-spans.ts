// Positions in a JSON text, for patches that keep every other byte. jsonc-parser was measured for
// this and rejected: on 100,000 tasks (82 MB) its tree takes four times as long as a whole patch of
// ours, nesting that `JSON.parse` accepts overflows its stack, a byte order mark is an error, its
// edits take the first of two equal keys, and removing the last element of `[1, 2]` gives `[12]`.

/** The range of a value in a text; `end` is exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A member of an object; `start` is that of its key. */
export interface Member {
  readonly key: string;
  readonly start: number;
  readonly value: Span;
}

/**
 * The members of the object at `start`, in order; none where there is no object. The text must be
 * valid JSON.
 */
export function membersAt(text: string, start: number): readonly Member[] {
  const members: Member[] = [];
  let at = skipSpace(text, start);
  if (text[at] !== '{') return members;
  at = skipSpace(text, at + 1);
  while (at < text.length && text[at] !== '}') {
    const keyEnd = endOfString(text, at);
    const key = JSON.parse(text.slice(at, keyEnd)) as string;
    const value = valueAt(text, skipSpace(text, skipSpace(text, keyEnd) + 1));
    members.push({ key, start: at, value });
    at = skipComma(text, value.end);
  }
  return members;
}

/**
 * The values of the object at `start` by key; of a duplicate key the last one, as with
 * `JSON.parse`. Empty where there is no object. The text must be valid JSON.
 */
export function memberSpans(text: string, start: number): ReadonlyMap<string, Span> {
  return new Map(membersAt(text, start).map(({ key, value }) => [key, value]));
}

/**
 * The elements of the list at `start`; none where there is no list. The text must be valid JSON.
 */
export function elementSpans(text: string, start: number): readonly Span[] {
  const elements: Span[] = [];
  let at = skipSpace(text, start);
  if (text[at] !== '[') return elements;
  at = skipSpace(text, at + 1);
  while (at < text.length && text[at] !== ']') {
    const element = valueAt(text, at);
    elements.push(element);
    at = skipComma(text, element.end);
  }
  return elements;
}

/** The text with a range replaced. */
export function put(text: string, { start, end }: Span, value: string): string {
  return text.slice(0, start) + value + text.slice(end);
}

export function insert(text: string, at: number, more: string): string {
  return put(text, { start: at, end: at }, more);
}

/** Removes one of several elements, with the comma before it, or after it where it is the first. */
export function cutOne(text: string, spans: readonly Span[], index: number): string {
  const [before, span, next] = [spans[index - 1], spans[index], spans[index + 1]];
  if (span === undefined) throw new Error('Internal error: nothing to cut there');
  if (before !== undefined) return put(text, { start: before.end, end: span.end }, '');
  return put(text, { start: span.start, end: next?.start ?? span.end }, '');
}

function valueAt(text: string, start: number): Span {
  return { start, end: endOfValue(text, start) };
}

function endOfValue(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return endOfString(text, start);
  if (first !== '{' && first !== '[') return next(/[\s,\]}]/g, text, start);
  let depth = 0;
  for (let at = start; at < text.length;) {
    const char = text[at];
    if (char === '"') at = endOfString(text, at);
    else {
      depth += char === '{' || char === '[' ? 1 : -1;
      at++;
      if (depth === 0) return at;
    }
    at = next(STRUCTURE, text, at);
  }
  return text.length;
}

const STRUCTURE = /["{}[\]]/g;

function endOfString(text: string, start: number): number {
  for (let at = start + 1; ; at++) {
    at = text.indexOf('"', at);
    if (at === -1) return text.length;
    let backslashes = 0;
    while (text[at - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return at + 1;
  }
}

function skipSpace(text: string, from: number): number {
  return next(/\S/g, text, from);
}

function skipComma(text: string, from: number): number {
  const at = skipSpace(text, from);
  return text[at] === ',' ? skipSpace(text, at + 1) : at;
}

/** The next position that matches; the end of the text where none does. */
function next(kind: RegExp, text: string, from: number): number {
  kind.lastIndex = from;
  return kind.test(text) ? kind.lastIndex - 1 : text.length;
}

/** Where a value stands in a text, from its first character to after its last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A member of an object: its key, and where key and value stand. */
export interface Member {
  readonly key: string;
  readonly start: number;
  readonly value: Span;
}

/** The members of the object that begins at `start`, in their order; none where no object begins there. The text must be valid JSON. */
export function membersAt(text: string, start: number): readonly Member[] {
  const members: Member[] = [];
  let at = skipSpace(text, start);
  if (text[at] !== '{') return members;
  at = skipSpace(text, at + 1);
  while (at < text.length && text[at] !== '}') {
    const keyEnd = endOfValue(text, at);
    const key = JSON.parse(text.slice(at, keyEnd)) as string;
    const begin = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = endOfValue(text, begin);
    members.push({ key, start: at, value: { start: begin, end } });
    at = skipComma(text, end);
  }
  return members;
}

/**
 * The values of the object that begins at `start`, by their keys; of a key that stands twice the last one, as `JSON.parse`
 * has it. Empty where no object begins there. The text must be valid JSON.
 */
export function memberSpans(text: string, start: number): ReadonlyMap<string, Span> {
  return new Map(membersAt(text, start).map(({ key, value }) => [key, value]));
}

/** The elements of the list that begins at `start`; none where no list begins there. The text must be valid JSON. */
export function elementSpans(text: string, start: number): readonly Span[] {
  const elements: Span[] = [];
  let at = skipSpace(text, start);
  if (text[at] !== '[') return elements;
  at = skipSpace(text, at + 1);
  while (at < text.length && text[at] !== ']') {
    const end = endOfValue(text, at);
    elements.push({ start: at, end });
    at = skipComma(text, end);
  }
  return elements;
}

function endOfValue(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return endOfString(text, start);
  if (first !== '{' && first !== '[') {
    let at = start;
    while (at < text.length && !/[\s,\]}]/.test(text[at] ?? '')) at++;
    return at;
  }
  for (let at = start, depth = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') at = endOfString(text, at) - 1;
    else if (char === '{' || char === '[') depth++;
    else if ((char === '}' || char === ']') && --depth === 0) return at + 1;
  }
  return text.length;
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && /\s/.test(text[at] ?? '')) at++;
  return at;
}

function skipComma(text: string, from: number): number {
  const at = skipSpace(text, from);
  return text[at] === ',' ? skipSpace(text, at + 1) : at;
}

import { HANDOFFS } from './handoff-reader.ts';
import {
  cutOne,
  elementSpans,
  insert,
  membersAt,
  put,
  type Member,
  type Span,
} from './json-spans.ts';
import { trimSigns } from '../../core/text.ts';

/** An entry as it was read, or is to be written. */
type Entry = Readonly<Record<string, unknown>>;

// Each function takes valid JSON and changes only the entry; every other byte stays.

/**
 * The text with an entry appended to the list, in the style of the others; undefined where the
 * document cannot have a list.
 */
export function appendEntry(text: string, entry: Entry): string | undefined {
  const root = /\S/.exec(text)?.index ?? 0;
  if (text[root] !== '{') return undefined;
  const members = membersAt(text, root);
  const list = members.findLast(({ key }) => key === HANDOFFS);
  if (list === undefined) return appendList(text, root, members.at(-1), entry);
  const { start, end } = list.value;
  const elements = elementSpans(text, start);
  const last = elements.at(-1);
  if (last !== undefined) {
    const [first] = membersAt(text, last.start);
    const inner = first === undefined ? '' : spaceBefore(text, first.start);
    const outer = spaceBefore(text, last.end - 1);
    const json =
      isBroken(inner) && isBroken(outer)
        ? print(entry, outer, inner.slice(outer.length) || '  ')
        : undefined;
    return insert(
      text,
      last.end,
      `,${spaceBefore(text, last.start)}${json ?? JSON.stringify(entry)}`,
    );
  }
  if (text[start] !== '[' && text.slice(start, end) !== 'null') return undefined;
  return put(text, { start, end }, printList(entry, spaceBefore(text, list.start)));
}

/**
 * The text with the status of an entry set, or removed for `open`. Undefined where no entry equals
 * this one.
 */
export function setEntryStatus(
  text: string,
  entry: Entry,
  to: 'open' | 'closed' | 'approved',
): string | undefined {
  const span = find(text, entry)?.span;
  if (span === undefined) return undefined;
  const members = membersAt(text, span.start);
  const stored = members.findLast(({ key }) => key === 'status');
  if (to === 'open') {
    if (stored === undefined) return text;
    // With a duplicate key, removing only the last one would leave the other.
    return members
      .filter(({ key }) => key === 'status')
      .reduceRight((all, member) => cutMember(all, span.start, member), text);
  }
  if (stored !== undefined) return put(text, stored.value, JSON.stringify(to));
  const last = members.at(-1);
  if (last === undefined) return insert(text, span.start + 1, `"status": "${to}"`);
  return insert(
    text,
    last.value.end,
    `,${spaceBefore(text, last.start)}"status"${colonOf(text, last)}"${to}"`,
  );
}

/** The text without the entry; undefined where no entry equals this one. */
export function removeEntry(text: string, entry: Entry): string | undefined {
  const found = find(text, entry);
  return found && cutOne(text, found.elements, found.index);
}

/** The entry with the same content, including the order of its keys. */
function find(
  text: string,
  entry: Entry,
): { readonly span: Span; readonly elements: readonly Span[]; readonly index: number } | undefined {
  const list = membersAt(text, 0).findLast(({ key }) => key === HANDOFFS);
  const elements = list === undefined ? [] : elementSpans(text, list.value.start);
  const wanted = JSON.stringify(entry);
  const index = elements.findIndex(
    ({ start, end }) => JSON.stringify(JSON.parse(text.slice(start, end))) === wanted,
  );
  const span = elements[index];
  return span && { span, elements, index };
}

function cutMember(text: string, start: number, member: Member): string {
  const spans = membersAt(text, start).map((each) => ({ start: each.start, end: each.value.end }));
  return cutOne(
    text,
    spans,
    spans.findIndex((span) => span.start === member.start),
  );
}

function appendList(text: string, root: number, last: Member | undefined, entry: Entry): string {
  if (last === undefined)
    return insert(text, root + 1, `\n  "${HANDOFFS}": ${printList(entry, '\n  ')}\n`);
  const space = spaceBefore(text, last.start);
  return insert(
    text,
    last.value.end,
    `,${space}"${HANDOFFS}"${colonOf(text, last)}${printList(entry, space)}`,
  );
}

/** A list of one entry behind a key that `space` stands before. */
function printList(entry: Entry, space: string): string {
  if (!isBroken(space)) return `[${JSON.stringify(entry)}]`;
  const unit = space.slice(trimSigns(space, '', '\t ').length) || '  ';
  const inner = space + unit;
  return `[${inner}${print(entry, inner, unit)}${space}]`;
}

/** An entry over several lines; `space` is the line break and indentation before each. */
function print(entry: Entry, space: string, unit: string): string {
  return JSON.stringify(entry, undefined, unit).replaceAll('\n', space);
}

function isBroken(space: string): boolean {
  return space.includes('\n');
}

/** The whitespace before a position, from its last line break on: blank lines are not repeated. */
function spaceBefore(text: string, at: number): string {
  const before = text.slice(Math.max(0, at - 400), at);
  const space = before.slice(before.trimEnd().length);
  return /\r?\n[^\n]*$/.exec(space)?.[0] ?? space;
}

/** The text between a key and its value. */
function colonOf(text: string, { start, value }: Member): string {
  return /:\s*$/.exec(text.slice(start, value.start))?.[0] ?? ':';
}

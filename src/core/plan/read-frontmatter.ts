import { type Document, isMap, isNode, isScalar, type YAMLMap } from 'yaml';
import { PLAN_YAML, readYaml } from '../yaml.ts';

/**
 * A document in two: the YAML between its `---` lines, undefined where it has none, and everything
 * after.
 */
export interface Split {
  readonly yaml: string | undefined;
  readonly body: string;
}

/** Frontmatter, parsed once for all who read it. */
export interface Frontmatter {
  /** True where it is no YAML map as written. */
  readonly isBroken: boolean;
  /** Undefined where it is none either with its bare texts in quotes. */
  readonly map: FrontmatterMap | undefined;
}

export interface FrontmatterMap {
  /** What was parsed: what made it invalid as written is in quotes. */
  readonly yaml: string;
  /** Readers do not change it. */
  readonly document: Document.Parsed;
  readonly contents: YAMLMap;
  /** By key, with aliases followed. Scalars stay as written, so an id of digits stays text. */
  readonly values: ReadonlyMap<string, unknown>;
}

/**
 * Splits a document with any line ends and byte order mark into frontmatter and body, both with LF.
 */
export function splitFrontmatter(text: string): Split {
  const unix = text.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n');
  const match = /^---[ \t]*\n([\s\S]*?)(?:^|\n)---[ \t]*(?:\n|$)/.exec(unix);
  if (match === null) return { yaml: undefined, body: unix };
  return { yaml: match[1] ?? '', body: unix.slice(match[0].length) };
}

/** Reads the YAML of `splitFrontmatter`. Never fails. */
export function readFrontmatter(yaml: string): Frontmatter {
  const map = readMap(yaml);
  if (map !== undefined) return { isBroken: false, map };
  const mended = quoteNames(yaml);
  return { isBroken: true, map: mended === yaml ? undefined : readMap(mended) };
}

function readMap(yaml: string): FrontmatterMap | undefined {
  const { document, problems } = readYaml(yaml, PLAN_YAML, { schema: 'failsafe' });
  if (document === undefined || problems.length > 0) return undefined;
  const { contents } = document;
  if (!isMap(contents)) return undefined;
  const values = new Map<string, unknown>();
  try {
    for (const { key, value } of contents.items) {
      if (isScalar(key))
        values.set(String(key.value), isNode(value) ? (value.toJS(document) as unknown) : null);
    }
  } catch (error) {
    // Aliases that expand without bounds.
    if (error instanceof ReferenceError) return undefined;
    throw error;
  }
  return { yaml, document, contents, values };
}

/**
 * Quotes the texts that exarp-go and editors write bare, where a sign of YAML in one makes the
 * frontmatter invalid: the names at its top, and what stands in its todos.
 */
function quoteNames(yaml: string): string {
  let section = '';
  const mended = yaml.split('\n').map((line, at, lines) => {
    const [, name] = /^([\w-]+):/.exec(line) ?? [];
    section = name ?? section;
    const [, key, value = ''] =
      (section === 'todos' ? TODO_TEXT : TOP_TEXT).exec(line) ?? TOP_TEXT.exec(line) ?? [];
    if (key === undefined || !needsQuotes(value.trim(), lines[at + 1] ?? '')) return line;
    return `${key}: ${JSON.stringify(value.trim())}`;
  });
  return mended.join('\n');
}

const TOP_TEXT = /^(name|overview|status): ([^\n]*)/;
const TODO_TEXT = /^([ \t]*(?:-[ \t]+)?(?:content|status)): ([^\n]*)/;

/** The line of another pair or entry, or none: what stands before it ends there. */
const NEXT_PAIR = /^(?:[ \t]*$|[ \t]*-[ \t]|[ \t]*[\w-]+:(?:[ \t]|$))/;
/** A text in quotes as a whole, and a comment after it. */
const IN_QUOTES = /^(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')(?:\s+#[^\n]*)?$/;

/** True where a value of one line, before this next line, would not be read as the text it is. */
function needsQuotes(value: string, next: string): boolean {
  // Texts in quotes and blocks may go on in the next line.
  if (/^["']/.test(value)) return NEXT_PAIR.test(next) && !IN_QUOTES.test(value);
  if (/^[|>][-+\d]{0,2}$/.test(value)) return false;
  return /^(?:[[\]{}&*!%@`,#|>]|[-?:](?:\s|$))/.test(value) || /:(?:\s|$)| #/.test(value);
}

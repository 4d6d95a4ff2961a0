import { Document, isMap, isNode, isScalar, Scalar, visit, YAMLMap, YAMLSeq } from 'yaml';
import { PLAN_YAML, readYaml } from '../yaml.ts';

/**
 * A document in two: the YAML between its `---` lines, undefined where it has none, and everything
 * after.
 */
export interface Split {
  readonly yaml: string | undefined;
  readonly body: string;
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

/**
 * Frontmatter with its `---` lines, LF, the keys in the order given. Other keys of `existing`
 * follow, verbatim where possible; comments stay with their keys. Nothing is kept of frontmatter
 * that is no YAML map.
 */
export function writeFrontmatter(
  entries: readonly (readonly [key: string, value: unknown])[],
  existing?: string,
): string {
  const map = new YAMLMap();
  const document = new Document(map);
  const kept =
    existing === undefined
      ? NOTHING_KEPT
      : keepForeign(existing, new Set(entries.map(([key]) => key)));
  for (const [name, value] of entries) {
    const key = new Scalar(name);
    key.commentBefore = kept.comments.get(name) ?? null;
    map.items.push(document.createPair(key, value));
  }
  // No folding: exarp-go expects each wave on one line.
  const oneLineEach = {
    lineWidth: 0,
    doubleQuotedMinMultiLineLength: Infinity,
    flowCollectionPadding: false,
  };
  const own = document.toString(oneLineEach);
  const text = [own, ...kept.pairs.map(({ source }) => source), kept.end].join('');
  // Verbatim text may break out of its context, such as an alias without its anchor.
  if (readYaml(text, PLAN_YAML).problems.length === 0 && !/^---/m.test(text))
    return `---\n${text}---\n`;
  for (const { name, value } of kept.pairs) document.set(name, document.createNode(value));
  return `---\n${document.toString(oneLineEach)}---\n`;
}

/** What is kept of existing frontmatter. */
interface Kept {
  /** By the key of ours that they belong to. */
  readonly comments: ReadonlyMap<string, string>;
  /** Each with its own comments and a line end. */
  readonly pairs: readonly {
    readonly name: string;
    readonly value: unknown;
    readonly source: string;
  }[];
  readonly end: string;
}

const NOTHING_KEPT: Kept = { comments: new Map(), pairs: [], end: '' };

function keepForeign(written: string, own: ReadonlySet<string>): Kept {
  const yaml = quoteNames(written);
  const { document, problems } = readYaml(yaml, PLAN_YAML);
  if (document === undefined || problems.length > 0 || !isMap(document.contents))
    return NOTHING_KEPT;
  const { items, commentBefore } = document.contents;
  const comments = new Map<string, string>();
  const pairs: Kept['pairs'][number][] = [];
  let above = joined(document.commentBefore, commentBefore);
  try {
    for (const { key, value } of items) {
      if (!isScalar(key) || typeof key.value !== 'string') continue;
      if (own.has(key.value)) {
        const comment = joined(above, commentsIn(key), commentsIn(value));
        if (comment !== undefined) comments.set(key.value, comment);
      } else {
        const lead = joined(above, key.commentBefore);
        const plain: unknown = isNode(value) ? value.toJS(document) : null;
        const source = `${asComment(lead)}${sourceOf(yaml, key, value)}`;
        pairs.push({ name: key.value, value: plain, source });
      }
      above = undefined;
    }
  } catch (error) {
    // Aliases without an anchor, or that expand without bounds: treated as invalid YAML.
    if (error instanceof ReferenceError) return NOTHING_KEPT;
    throw error;
  }
  const last = items.at(-1)?.value;
  const lastName = items.at(-1)?.key;
  const isInLast = isScalar(lastName) && !own.has(String(lastName.value)) && isNode(last);
  const end = joined(isInLast ? undefined : document.contents.comment, document.comment);
  return { comments, pairs, end: asComment(end) };
}

/**
 * Quotes the texts that exarp-go and editors write bare, where a sign of YAML in one makes the
 * frontmatter invalid: the names at its top, and what stands in its todos. Valid YAML stays as it
 * is.
 */
export function quoteNames(yaml: string): string {
  if (readYaml(yaml, PLAN_YAML).problems.length === 0) return yaml;
  let section = '';
  const mended = yaml.split('\n').map((line) => {
    const [, name] = /^([\w-]+):/.exec(line) ?? [];
    section = name ?? section;
    const [, key, value = ''] =
      (section === 'todos' ? TODO_TEXT : TOP_TEXT).exec(line) ?? TOP_TEXT.exec(line) ?? [];
    if (key === undefined || !needsQuotes(value.trim())) return line;
    return `${key}: ${JSON.stringify(value.trim())}`;
  });
  return mended.join('\n');
}

const TOP_TEXT = /^(name|overview|status): ([^\n]*)/;
const TODO_TEXT = /^([ \t]*(?:-[ \t]+)?(?:content|status)): ([^\n]*)/;

/** True where a value of one line would not be read as the text that it is. */
function needsQuotes(value: string): boolean {
  // Texts in quotes and blocks may go on in the next line.
  if (/^["']/.test(value) || /^[|>][-+\d]{0,2}$/.test(value)) return false;
  return /^(?:[[\]{}&*!%@`,#|>]|[-?:](?:\s|$))/.test(value) || /:(?:\s|$)| #/.test(value);
}

/** The text of a pair from its key to the end of its value, including comments. */
function sourceOf(yaml: string, key: Scalar, value: unknown): string {
  const begin = key.range?.[0] ?? 0;
  const end = (isNode(value) ? value.range?.[2] : undefined) ?? key.range?.[2] ?? begin;
  return `${yaml.slice(begin, end).trimEnd()}\n`;
}

function commentsIn(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  const found: (string | null | undefined)[] = [];
  const collect = (
    _: unknown,
    each: { commentBefore?: string | null; comment?: string | null },
  ): void => {
    found.push(each.commentBefore, each.comment);
  };
  visit(node, { Scalar: collect, Map: collect, Seq: collect });
  return joined(...found);
}

function joined(...comments: readonly (string | null | undefined)[]): string | undefined {
  const there = comments.filter(
    (each) => each !== null && each !== undefined && each.trim() !== '',
  );
  return there.length === 0 ? undefined : there.join('\n');
}

function asComment(comment: string | undefined): string {
  return comment === undefined ? '' : comment.replace(/^/gm, '#').concat('\n');
}

/**
 * A string that is always written in double quotes, on one line; characters that YAML cannot hold
 * become U+FFFD.
 */
export function quoted(text: string): Scalar<string> {
  // Go's YAML parser rejects the whole file for one of these.
  const scalar = new Scalar(text.replace(/[\u007f-\u009f\p{Cs}\ufeff\ufffe\uffff]/gu, '\ufffd'));
  scalar.type = Scalar.QUOTE_DOUBLE;
  return scalar;
}

/**
 * An id as exarp-go writes it: bare where it cannot be read as a number, a date or a YAML keyword,
 * else quoted.
 */
export function bareId(id: string): Scalar<string> | string {
  return /^T-\d+$/.test(id) ? id : quoted(id);
}

/** A list on one line, its strings in double quotes: `["T-1", "T-2"]`. */
export function flowList(texts: readonly string[]): YAMLSeq<Scalar<string>> {
  const list = new YAMLSeq<Scalar<string>>();
  list.flow = true;
  list.items = texts.map(quoted);
  return list;
}

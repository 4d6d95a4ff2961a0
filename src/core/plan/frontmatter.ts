import { Document, isMap, isNode, isScalar, Scalar, visit, YAMLMap, YAMLSeq } from 'yaml';
import { PLAN_YAML, readYaml } from '../yaml.ts';
import type { FrontmatterMap } from './read-frontmatter.ts';

/**
 * Frontmatter with its `---` lines, LF, the keys in the order given. Other keys of `existing`
 * follow, verbatim where possible; comments stay with their keys. Nothing is kept of frontmatter
 * that is no YAML map.
 */
export function writeFrontmatter(
  entries: readonly (readonly [key: string, value: unknown])[],
  existing?: FrontmatterMap,
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
  if (
    kept.pairs.length === 0 ||
    (readYaml(text, PLAN_YAML).problems.length === 0 && !/^---/m.test(text))
  )
    return `---\n${text}---\n`;
  const values = valuesOf(existing?.yaml ?? '');
  for (const { name } of kept.pairs) document.set(name, document.createNode(values.get(name)));
  return `---\n${document.toString(oneLineEach)}---\n`;
}

/** What is kept of existing frontmatter. */
interface Kept {
  /** By the key of ours that they belong to. */
  readonly comments: ReadonlyMap<string, string>;
  /** Each with its own comments and a line end. */
  readonly pairs: readonly { readonly name: string; readonly source: string }[];
  readonly end: string;
}

const NOTHING_KEPT: Kept = { comments: new Map(), pairs: [], end: '' };

function keepForeign(existing: FrontmatterMap, own: ReadonlySet<string>): Kept {
  const { yaml, document, contents } = existing;
  const { items, commentBefore } = contents;
  const comments = new Map<string, string>();
  const pairs: Kept['pairs'][number][] = [];
  let above = joined(document.commentBefore, commentBefore);
  for (const { key, value } of items) {
    if (!isScalar(key) || typeof key.value !== 'string') continue;
    if (own.has(key.value)) {
      const comment = joined(above, commentsIn(key), commentsIn(value));
      if (comment !== undefined) comments.set(key.value, comment);
    } else {
      const lead = joined(above, key.commentBefore);
      pairs.push({ name: key.value, source: `${asComment(lead)}${sourceOf(yaml, key, value)}` });
    }
    above = undefined;
  }
  const last = items.at(-1)?.value;
  const lastName = items.at(-1)?.key;
  const isInLast = isScalar(lastName) && !own.has(String(lastName.value)) && isNode(last);
  const end = joined(isInLast ? undefined : contents.comment, document.comment);
  return { comments, pairs, end: asComment(end) };
}

/** What the keys of a map stand for, with aliases followed. */
function valuesOf(yaml: string): ReadonlyMap<string, unknown> {
  const { document } = readYaml(yaml, PLAN_YAML);
  const values = new Map<string, unknown>();
  if (document === undefined || !isMap(document.contents)) return values;
  for (const { key, value } of document.contents.items) {
    if (isScalar(key)) values.set(key.source, isNode(value) ? value.toJS(document) : null);
  }
  return values;
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

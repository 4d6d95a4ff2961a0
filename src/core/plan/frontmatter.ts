import { Document, isMap, isNode, isScalar, parseDocument, Scalar, YAMLSeq } from 'yaml';

/** A document in two: the YAML between its `---` lines, undefined where it has none, and everything after. */
export interface Split {
  readonly yaml: string | undefined;
  readonly body: string;
}

/** Splits a document into frontmatter and body, both with LF, whatever line ends and byte order mark it came with. */
export function splitFrontmatter(text: string): Split {
  const unix = text.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n');
  const match = /^---[ \t]*\n([\s\S]*?)(?:^|\n)---[ \t]*(?:\n|$)/.exec(unix);
  if (match === null) return { yaml: undefined, body: unix };
  return { yaml: match[1] ?? '', body: unix.slice(match[0].length) };
}

/**
 * Frontmatter with its `---` lines, LF, the keys in the order given. Keys of `existing` that are not among them follow,
 * with their values; frontmatter that is no YAML map has none to keep.
 */
export function writeFrontmatter(
  entries: readonly (readonly [key: string, value: unknown])[],
  existing?: string,
): string {
  const document = new Document({});
  for (const [key, value] of entries) document.set(key, value);
  const own = new Set(entries.map(([key]) => key));
  for (const [key, value] of existing === undefined ? [] : foreignEntries(existing)) {
    if (!own.has(key)) document.set(key, document.createNode(value));
  }
  // No folding: exarp-go reads each wave as one line.
  const oneLineEach = { lineWidth: 0, doubleQuotedMinMultiLineLength: Infinity, flowCollectionPadding: false };
  return `---\n${document.toString(oneLineEach)}---\n`;
}

function foreignEntries(yaml: string): readonly [key: string, value: unknown][] {
  const document = parseDocument(yaml);
  if (document.errors.length > 0 || !isMap(document.contents)) return [];
  try {
    return document.contents.items.flatMap(({ key, value }) =>
      isScalar(key) && typeof key.value === 'string' ? [[key.value, isNode(value) ? value.toJS(document) : null]] : [],
    );
  } catch (error) {
    // Aliases that name nothing, or that would grow without end: as good as no YAML.
    if (error instanceof ReferenceError) return [];
    throw error;
  }
}

/** A string that is always written in double quotes, on one line; what YAML cannot hold becomes U+FFFD. */
export function quoted(text: string): Scalar<string> {
  // Go's reader of YAML refuses the whole file for one of these.
  const scalar = new Scalar(text.replace(/[\u007f-\u009f\p{Cs}\ufeff\ufffe\uffff]/gu, '\ufffd'));
  scalar.type = Scalar.QUOTE_DOUBLE;
  return scalar;
}

/** An id as exarp-go writes it: bare where nothing could read it as a number, a date or a word of YAML, else quoted. */
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

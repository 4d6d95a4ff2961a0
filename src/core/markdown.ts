import type { TaskId } from './task.ts';
import { cleanLines, cut, oneLine } from './text.ts';

/**
 * Text that means only itself, on one line, wherever markdown takes inline text: table cells, list
 * items, headings.
 *
 * No HTML, link, image, formatting, icon or formula comes of it. A bare web address stays one that
 * a reader may click.
 */
export function inline(text: string): string {
  return oneLine(text)
    .replace(/[\\`*[\]|~]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\$&')
    .replace(/&(?=#?\w+;)/g, '&amp;')
    .replace(/[<>$]/g, (sign) => SIGNS[sign] ?? sign)
    .replace(/^[-+=#:]/, '\\$&')
    .replace(/^(\d{1,9})([.)])/, '$1\\$2');
}

// `$` as an entity, because a backslash does not stop an editor's `$(icon)`, nor Go's `$1` in a
// replacement.
const SIGNS: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', $: '&#36;' };

/**
 * As `inline`, but no part of it reads as the `(T-1)` that ends a milestone, so a title cannot
 * speak for another task.
 */
export function inlineName(text: string): string {
  return inline(text).replace(/\((\s*[A-Za-z0-9_-]+\s*)\)/g, '\\($1\\)');
}

/**
 * An id for a comma-separated list or a milestone: as it is where it is plain, else escaped so that
 * it stays one id.
 */
export function inlineId(id: TaskId): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(id)) return id;
  return inlineName(id).replaceAll(',', '&#44;');
}

// Breaks a construct in two without being seen, in text and in code alike, so it needs no idea of
// where code begins.
const JOINER = '\u2060';

const FENCE = /`{3,}|~{3,}|:{3,}/g;

/**
 * A description as markdown that keeps its headings, lists and code, and from which a preview loads
 * and runs nothing: no HTML, no images, no diagrams, no icons, and no link but to the web, mail, or
 * a relative path.
 */
export function inertMarkdown(text: string): string {
  return cleanLines(text)
    .replace(/<(?=[A-Za-z/!?])/g, `<${JOINER}`)
    .replace(/&(?=(?:lt|#0*60|#x0*3c)\b)/gi, `&${JOINER}`)
    .replace(/!(?=\[)/g, `!${JOINER}`)
    .replace(/\$(?=\()/g, `$${JOINER}`)
    .split('\n')
    .map((line) => (mayBeginDiagram(line) ? breakFences(line) : line))
    .join('\n')
    .replace(/\](?=[(:])/g, (bracket, at: number, all: string) =>
      leadsSomewhereSafe(all.slice(at + 1, at + 401)) ? bracket : `]${JOINER}`,
    );
}

/** Diagrams can name remote images; an entity in the name of a language could spell one. */
function mayBeginDiagram(line: string): boolean {
  const fence = line.search(/[`~:]{3}/);
  return fence !== -1 && (/mermaid/i.test(line) || line.indexOf('&', fence + 3) !== -1);
}

function breakFences(line: string): string {
  return line.replace(FENCE, (fence, at: number) =>
    line[at + fence.length] === JOINER ? fence : fence + JOINER,
  );
}

/** Reads `(destination…` or `: destination…`; a destination that it is not sure of is not safe. */
function leadsSomewhereSafe(rest: string): boolean {
  const [, opening, destination = '', next] = /^([(:])\s*([^\s()<>]*)(.?)/u.exec(rest) ?? [];
  if (destination === '') return opening === '(' && next === ')';
  if (/^(?:https?:\/\/|mailto:)/i.test(destination)) return true;
  return !/[:&\\]|^\/\//.test(destination);
}

/**
 * A node label for Mermaid: a plain id as it is, anything else quoted with every other sign as a
 * character code.
 */
export function mermaidLabel(text: string): string {
  // A word alone could be a keyword of the diagram (`end`), a word with a number is none.
  if (/^[A-Z]+-\d+$/.test(text)) return text;
  const safe = oneLine(text).replace(
    /[^\p{L}\p{N} _.,:/+-]/gu,
    (sign) => `#${sign.codePointAt(0) ?? 63};`,
  );
  return `"${safe}"`;
}

/**
 * The name of a bar in a Mermaid gantt: a line that begins with a word or a date of its language
 * would be read as that.
 */
export function ganttName(text: string): string {
  const name = mermaidName(text);
  return /^\p{Lu}{1,3}-\d+(?: |$)/u.test(name) ? name : `• ${name}`.trim();
}

const NAME_LENGTH = 60;

/**
 * A name that Mermaid takes without quotes. It ends a name at `:`, a line at `;`, reads `#` and
 * `%%` as comments, `%%{` as settings and HTML as HTML; none of that can be escaped there, so only
 * letters, digits and harmless signs stay.
 */
export function mermaidName(text: string): string {
  // Cut first: only so much of a long text needs looking at.
  const clean = oneLine(cut(text, 4 * NAME_LENGTH)).replace(
    /[^\p{L}\p{M}\p{N} ,.()'’/+_–—-]/gu,
    ' ',
  );
  return cut(clean.replace(/ +/g, ' ').trim(), NAME_LENGTH);
}

/** One line as code, within more backticks than it has itself. */
export function code(text: string): string {
  const line = oneLine(text);
  const ticks = '`'.repeat(longestRun(line) + 1);
  return `${ticks}${/^`|`$/.test(line) ? ` ${line} ` : line}${ticks}`;
}

/**
 * A block of code that its own content cannot close, without characters that cannot be seen or
 * printed.
 */
export function fenced(text: string, language = ''): string {
  const clean = cleanLines(text);
  const fence = fenceFor(clean);
  return `${fence}${language}\n${clean}\n${fence}`;
}

/** A line of backticks, three at least, that none of the texts contains. */
export function fenceFor(...texts: readonly string[]): string {
  return '`'.repeat(Math.max(2, ...texts.map(longestRun)) + 1);
}

function longestRun(text: string): number {
  let longest = 0;
  for (const [run] of text.matchAll(/`+/g)) longest = Math.max(longest, run.length);
  return longest;
}

/** A heading and what stands below it; nothing where there is nothing to stand there. */
export function section(title: string, body: string): string {
  return body === '' ? '' : `## ${title}\n\n${body}`;
}

/** The parts of a document with a blank line between them; empty parts are left out. */
export function page(...parts: readonly string[]): string {
  return `${paragraphs(...parts)}\n`;
}

/** As `page`, without the line feed at the end. */
export function paragraphs(...parts: readonly string[]): string {
  return parts.filter(Boolean).join('\n\n');
}

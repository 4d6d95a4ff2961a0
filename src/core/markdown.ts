import type { TaskId } from './task.ts';
import { oneLine } from './text.ts';

/**
 * Text that means only itself, on one line, wherever markdown takes inline text: table cells, list items, headings.
 *
 * No HTML, link, image, formatting, icon or formula comes of it. A bare web address stays one that a reader may click.
 */
export function inline(text: string): string {
  return oneLine(text)
    .replace(/[\\`*[\]|~]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\$&')
    .replace(/&(?=#?\w+;)/g, '&amp;')
    .replace(/[<>$]/g, (sign) => SIGNS[sign] ?? sign)
    .replace(/^[-+=#:]/, '\\$&')
    .replace(/^(\d{1,9})([.)])/, '$1\\$2');
}

// `$` as an entity, because a backslash does not stop an editor's `$(icon)`, nor Go's `$1` in a replacement.
const SIGNS: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', $: '&#36;' };

/** As `inline`, but no part of it reads as the `(T-1)` that ends a milestone, so a title cannot speak for another task. */
export function inlineName(text: string): string {
  return inline(text).replace(/\((\s*[A-Za-z0-9_-]+\s*)\)/g, '\\($1\\)');
}

/** An id for a comma-separated list or a milestone: as it is where it is plain, else escaped so that it stays one id. */
export function inlineId(id: TaskId): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(id)) return id;
  return inlineName(id).replaceAll(',', '&#44;');
}

// Breaks a construct in two without being seen, in text and in code alike, so it needs no idea of where code begins.
const JOINER = '\u2060';

// The whole run of signs, and not one that is broken already.
const FENCE = /(?:`{3,}(?!`)|~{3,}(?!~)|:{3,}(?!:))(?!\u2060)/g;

/**
 * A description as markdown that keeps its headings, lists and code, and from which a preview loads and runs nothing:
 * no HTML, no images, no diagrams, no icons, and no link but to the web, mail, or a relative path.
 */
export function inertMarkdown(text: string): string {
  return (
    text
      .replace(/\r\n?/g, '\n')
      // Tabs and line feeds are formatting; the rest as in `oneLine`.
      .replace(/[^\P{Cc}\n\t]|[\p{Cs}\u202a-\u202e\u2066-\u2069]/gu, '')
      .replace(/<(?=[A-Za-z/!?])/g, `<${JOINER}`)
      .replace(/&(?=(?:lt|#0*60|#x0*3c)\b)/gi, `&${JOINER}`)
      .replace(/!(?=\[)/g, `!${JOINER}`)
      .replace(/\$(?=\()/g, `$${JOINER}`)
      // Diagrams can name remote images; an entity in the name of a language could spell one.
      .replace(/^.*(?:mermaid|[`~:]{3}.*&).*$/gim, (line) => line.replace(FENCE, `$&${JOINER}`))
      .replace(/\](?=[(:])/g, (bracket, at: number, all: string) =>
        leadsSomewhereSafe(all.slice(at + 1, at + 401)) ? bracket : `]${JOINER}`,
      )
  );
}

/** Reads `(destination…` or `: destination…`; whatever it is not sure of is not safe. */
function leadsSomewhereSafe(rest: string): boolean {
  const [, opening, destination = '', next] = /^([(:])\s*([^\s()<>]*)(.?)/u.exec(rest) ?? [];
  if (destination === '') return opening === '(' && next === ')';
  if (/^(?:https?:\/\/|mailto:)/i.test(destination)) return true;
  return !/[:&\\]|^\/\//.test(destination);
}

/** A node label for Mermaid: a plain id as it is, anything else quoted with every other sign as a character code. */
export function mermaidLabel(text: string): string {
  // A word alone could be a keyword of the diagram (`end`), a word with a number is none.
  if (/^[A-Z]+-\d+$/.test(text)) return text;
  const safe = oneLine(text).replace(/[^\p{L}\p{N} _.,:/+-]/gu, (sign) => `#${sign.codePointAt(0) ?? 63};`);
  return `"${safe}"`;
}

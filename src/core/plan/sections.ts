/** A section of a plan that is not generated anew once the user has edited it. */
export interface OwnedSection {
  readonly number: 5 | 6 | 7 | 8;
  readonly title: string;
  readonly lines: readonly string[];
}

/**
 * Writes these sections, keeping those that the user edited in the body of an existing plan
 * verbatim.
 *
 * A generated section ends with a comment that holds a hash of its text. Where the hash matches,
 * the section is unedited and written anew; otherwise, also without the comment, the old text
 * stays.
 */
export function writeOwnedSections(
  sections: readonly OwnedSection[],
  existing: string | undefined,
): string {
  const kept = existing === undefined ? new Map<number, string>() : editedSections(existing);
  return sections.map((section) => kept.get(section.number) ?? generate(section)).join('\n\n');
}

function generate({ number, title, lines }: OwnedSection): string {
  const text = lines.join('\n');
  const end = number === 8 ? '' : '\n\n---';
  return `## ${number}. ${title}\n\n${text}\n\n<!-- todo2-waves: as generated, ${hash(text)} -->${end}`;
}

const AS_GENERATED =
  /^## [5-8]\. [^\n]*\n\n([\s\S]*)\n\n<!-- todo2-waves: as generated, ([0-9a-f]{8}) -->(?:\n\n---)?$/;

/** The text of each edited section 5 to 8, from its heading on. */
function editedSections(body: string): ReadonlyMap<number, string> {
  const lines = body.split('\n');
  // An unclosed fence would hide the headings after it, which would then be written twice.
  const headings = findHeadings(lines, true) ?? findHeadings(lines, false) ?? [];
  const edited = new Map<number, string>();
  headings.forEach(({ line, number }, i) => {
    const text = lines
      .slice(line, headings[i + 1]?.line)
      .join('\n')
      .trimEnd();
    const match = AS_GENERATED.exec(text);
    if (match === null || hash(match[1] ?? '') !== match[2]) edited.set(number, text);
  });
  return edited;
}

interface Heading {
  readonly line: number;
  readonly number: number;
}

/**
 * The first heading of each number, in the order of the lines; a later one of the same number is
 * text.
 */
function findHeadings(
  lines: readonly string[],
  heedFences: boolean,
): readonly Heading[] | undefined {
  const seen = new Set<number>();
  const headings: Heading[] = [];
  let fence: string | undefined;
  lines.forEach((text, line) => {
    const mark = heedFences ? /^ {0,3}(`{3,}|~{3,})/.exec(text)?.[1] : undefined;
    if (mark !== undefined) {
      if (fence === undefined) fence = mark;
      else if (mark.startsWith(fence) && text.trim() === mark) fence = undefined;
    }
    const number =
      fence === undefined ? Number(/^##[ \t]+([5-8])\.(?:\s|$)/.exec(text)?.[1] ?? 0) : 0;
    if (number === 0 || seen.has(number)) return;
    seen.add(number);
    headings.push({ line, number });
  });
  return fence === undefined ? headings : undefined;
}

/** FNV-1a over UTF-16 units: detects edits, without any protection against forgery. */
function hash(text: string): string {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return (h >>> 0).toString(16).padStart(8, '0');
}

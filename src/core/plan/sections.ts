/** A section of a plan that belongs to the user, once the user has edited it. */
export interface OwnedSection {
  readonly number: 5 | 6 | 7 | 8;
  readonly title: string;
  readonly lines: readonly string[];
}

/**
 * Writes these sections, keeping verbatim what a person made of them in the body of an existing plan.
 *
 * A generated section ends with a comment that holds a hash of its text. Where text and hash still agree nobody has
 * touched the section and it is written anew; in every other case, a missing comment included, the old text stays.
 */
export function writeOwnedSections(sections: readonly OwnedSection[], existing: string | undefined): string {
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

/** The text of each section 5 to 8, from its heading on, that is not just as we generated it. */
function editedSections(body: string): ReadonlyMap<number, string> {
  const lines = body.split('\n');
  // A fence that is not closed would swallow the headings after it, and they would come back double.
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

/** The first heading of each number, in the order of the lines; a later one of the same number is text. */
function findHeadings(lines: readonly string[], heedFences: boolean): readonly Heading[] | undefined {
  const seen = new Set<number>();
  const headings: Heading[] = [];
  let fence: string | undefined;
  lines.forEach((text, line) => {
    const mark = heedFences ? /^ {0,3}(`{3,}|~{3,})/.exec(text)?.[1] : undefined;
    if (mark !== undefined) {
      if (fence === undefined) fence = mark;
      else if (mark.startsWith(fence) && text.trim() === mark) fence = undefined;
    }
    const number = fence === undefined ? Number(/^##[ \t]+([5-8])\.(?:\s|$)/.exec(text)?.[1] ?? 0) : 0;
    if (number === 0 || seen.has(number)) return;
    seen.add(number);
    headings.push({ line, number });
  });
  return fence === undefined ? headings : undefined;
}

/** FNV-1a over UTF-16 units: tells an edit from none, and protects against no attacker. */
function hash(text: string): string {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return (h >>> 0).toString(16).padStart(8, '0');
}

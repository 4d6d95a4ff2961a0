/** A check box with a task: `- [x] **Title** (T-1)`. */
export interface Milestone {
  readonly id: string;
  readonly isChecked: boolean;
  /** Where the id begins in the line, from 0. */
  readonly start: number;
}

/** In characters: titles and references are far shorter, and what stands further on is no id. */
const MAX_LINE = 10_000;

const ID_IN_BRACKETS = /\(\s*([A-Za-z0-9_-]+)\s*\)/g;

/**
 * Reads a milestone as exarp-go does (plan_sync.go), or one with a bare id, which its generator
 * writes for tasks without a name. The id behind a bold name counts, else the first in brackets.
 * Takes time linear in the line.
 */
export function readMilestone(whole: string): Milestone | undefined {
  const line = whole.slice(0, MAX_LINE);
  const [box, inside = ''] = /^\s*-\s*\[([\sxX]*)\]/.exec(line) ?? [];
  if (box === undefined) return undefined;
  const mark = inside.trim();
  const isOpen = mark === '' && inside.includes(' ');
  const isChecked = mark === 'x' || mark === 'X';
  if (!isOpen && !isChecked) return undefined;
  const rest = line.slice(box.length);
  const found = idIn(rest);
  return found && { id: found.id, isChecked, start: box.length + found.start };
}

function idIn(rest: string): { readonly id: string; readonly start: number } | undefined {
  const name = rest.length - rest.trimStart().length;
  const isBold = rest.startsWith('**', name);
  let first: { readonly id: string; readonly start: number } | undefined;
  for (const match of rest.matchAll(ID_IN_BRACKETS)) {
    // Something has to stand before it.
    if (match.index === 0) continue;
    const [whole, id = ''] = match;
    const found = { id, start: match.index + whole.indexOf(id) };
    if (!isBold) return found;
    const end = endBefore(rest, match.index);
    // With one sign at least between the two pairs of asterisks.
    if (end - 2 > name + 2 && rest.startsWith('**', end - 2)) return found;
    first ??= found;
  }
  if (first !== undefined) return first;
  const bare = rest.trim();
  return /^[A-Za-z0-9_-]+$/.test(bare) ? { id: bare, start: name } : undefined;
}

/** Where the text before a position ends, blanks left out. */
function endBefore(text: string, position: number): number {
  let end = position;
  while (end > 0 && text.charAt(end - 1).trim() === '') end--;
  return end;
}

import { type MainPlanInput, writeMainPlan } from './main-plan.ts';
import { splitFrontmatter } from './read-frontmatter.ts';
import { HEADINGS, type PlanDamage, type ReadPlan, readPlan } from './read-plan.ts';
import { trimSigns } from '../text.ts';

/**
 * Repairs a plan for exarp-go and editors: frontmatter and sections 3 and 4 are written anew from
 * the backlog, everything else stays verbatim, with LF. A plan without damage stays as it is.
 *
 * Missing sections are restored in their place; notes that exarp-go's repairs repeated at the top
 * are reduced to one.
 */
export function repairPlan(input: MainPlanInput & { readonly existing: string }): string {
  const { existing } = input;
  // A repair keeps the date of the plan, where it has one.
  const date = dateOf(existing) ?? input.date;
  const fresh = splitFrontmatter(writeMainPlan({ ...input, date }));
  const freshLines = fresh.body.split('\n');
  let lines: readonly string[] = withoutRepeatedNotes(splitFrontmatter(existing).body.split('\n'));
  for (const heading of HEADINGS)
    lines = withSection(lines, heading, sectionOf(freshLines, heading) ?? []);
  const body = trimSigns(lines.join('\n'), '\n', '\n');
  return `---\n${fresh.yaml ?? ''}\n---\n\n${body}\n`;
}

/**
 * The damage that a repair undoes. A backslash before a quote may be what a title or a todo of the
 * user says: it stays, and is none.
 */
export function undoneDamage({ damage }: ReadPlan, repaired: string): readonly PlanDamage[] {
  const left = new Set(readPlan(repaired).damage.map(({ kind }) => kind));
  return damage.filter(({ kind }) => !left.has(kind));
}

/** The date in a plan, as `YYYY-MM-DD`. */
export function dateOf(plan: string): string | undefined {
  return (
    /^last_updated:\s*["']?(\d{4}-\d{2}-\d{2})["']?\s*$/m.exec(plan)?.[1] ??
    /^\*\*Last updated:\*\*\s*(\d{4}-\d{2}-\d{2})\s*$/m.exec(plan)?.[1]
  );
}

function sectionOf(lines: readonly string[], heading: string): readonly string[] | undefined {
  const at = lines.findIndex((line) => line.trimEnd() === heading);
  return at === -1 ? undefined : lines.slice(at, endOf(lines, at));
}

/** Where the section that begins at a line ends: before the next heading of its rank. */
function endOf(lines: readonly string[], start: number): number {
  const next = lines.findIndex((line, i) => i > start && /^##? /.test(line));
  return next === -1 ? lines.length : next;
}

function withSection(
  lines: readonly string[],
  heading: string,
  section: readonly string[],
): readonly string[] {
  const at = lines.findIndex((line) => line.trimEnd() === heading);
  if (at !== -1) return [...lines.slice(0, at), ...section, ...lines.slice(endOf(lines, at))];
  // Before the next section by number, else at the end.
  const number = Number(/\d/.exec(heading)?.[0]);
  const after = lines.findIndex((line) => Number(/^## (\d)\./.exec(line)?.[1] ?? 0) > number);
  if (after !== -1) return [...lines.slice(0, after), ...section, ...lines.slice(after)];
  const text = [...lines];
  while (text.at(-1)?.trim() === '') text.pop();
  return [...text, '', ...section];
}

/** Before the first heading, each line in italics once. */
function withoutRepeatedNotes(lines: readonly string[]): readonly string[] {
  const title = lines.findIndex((line) => line.startsWith('#'));
  const seen = new Set<string>();
  const kept: string[] = [];
  lines.slice(0, Math.max(0, title)).forEach((line) => {
    const isNote = /^[_*].*[_*]\s*$/.test(line);
    if (isNote && seen.has(line.trim())) return;
    if (line.trim() === '' && kept.at(-1)?.trim() === '') return;
    if (isNote) seen.add(line.trim());
    kept.push(line);
  });
  return [...kept, ...lines.slice(Math.max(0, title))];
}

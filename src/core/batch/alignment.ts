import { isSettled, type Task, type TaskId } from '../task.ts';
import { wordsOf } from './duplicates.ts';
import type { WorkspaceText } from './tool.ts';
import { trimSigns } from '../text.ts';

/** Where a plan and the backlog say different things of the same task. */
export interface PlanDifference {
  readonly file: string;
  readonly id: string;
  readonly kind: 'notInBacklog' | 'doneInPlan' | 'doneInBacklog';
}

/** How a backlog fits the goals and plans of its project. */
export interface Alignment {
  /** Undefined where the project has no goals file. */
  readonly goals:
    | {
        readonly file: string;
        /** Each goal by its heading, and how many open tasks serve it. */
        readonly goals: readonly { readonly title: string; readonly tasks: number }[];
        /** Open tasks that serve none of them. */
        readonly apart: readonly TaskId[];
      }
    | undefined;
  readonly plans: readonly PlanDifference[];
}

/** A milestone of a plan: `- [x] **Title** (T-1)`. */
const MILESTONE = /^\s*[-*] \[([ xX])\] .*\(([A-Za-z0-9_-]{1,100})\)\s*$/;
const HEADING = /^#{2,3}\s([^\n]*)/;
const MOST_TITLE = 200;
const KEYWORDS = /^[\s*_-]*keywords?[*_]*:([^\n]*)/i;
const MOST_LINES = 20_000;

/**
 * Compares open tasks with goals by their words, and all tasks with the milestones of plans by
 * their ids.
 */
export function findAlignment(
  tasks: readonly Task[],
  goals: WorkspaceText | undefined,
  plans: readonly WorkspaceText[],
): Alignment {
  const byId = new Map(tasks.map((task) => [task.id as string, task]));
  return {
    goals: goals && {
      file: goals.file,
      ...alignGoals(
        tasks.filter(({ status }) => !isSettled(status)),
        goals.text,
      ),
    },
    plans: plans.flatMap((plan) => comparePlan(plan, byId)),
  };
}

interface Goal {
  readonly title: string;
  readonly words: ReadonlySet<string>;
  readonly keywords: ReadonlySet<string>;
}

function alignGoals(open: readonly Task[], text: string) {
  const goals = goalsIn(text);
  const served = goals.map(() => 0);
  const apart: TaskId[] = [];
  for (const task of open) {
    const words = new Set([
      ...wordsOf(task),
      ...task.tags.map((tag) => tag.replace(/^#/, '').toLowerCase()),
    ]);
    let fits = false;
    for (const [n, goal] of goals.entries()) {
      if (!serves(words, goal)) continue;
      served[n] = (served[n] ?? 0) + 1;
      fits = true;
    }
    if (!fits) apart.push(task.id);
  }
  return { goals: goals.map(({ title }, n) => ({ title, tasks: served[n] ?? 0 })), apart };
}

/**
 * One keyword is enough, where the goal names some; else two words that say something, or the only
 * one there is.
 */
function serves(words: ReadonlySet<string>, { keywords, words: own }: Goal): boolean {
  if (keywords.size > 0) return [...keywords].some((word) => words.has(word));
  let shared = 0;
  for (const word of own) if (words.has(word)) shared++;
  return shared >= Math.min(2, own.size) && own.size > 0;
}

/** A goal is a heading of the second or third level with what stands below it. */
function goalsIn(text: string): readonly Goal[] {
  const goals: { title: string; body: string[]; keywords: string[] }[] = [];
  for (const line of text.split(/\r\n|\n|\r/).slice(0, MOST_LINES)) {
    const title = titleOf(line);
    if (title !== undefined) goals.push({ title, body: [], keywords: [] });
    else {
      const goal = goals.at(-1);
      const keywords = KEYWORDS.exec(line)?.[1];
      if (keywords !== undefined) {
        for (const word of keywords.toLowerCase().match(/[\p{L}\p{N}]{2,}/gu) ?? [])
          goal?.keywords.push(word);
      } else goal?.body.push(line);
    }
  }
  return goals.map(({ title, body, keywords }) => ({
    title,
    words: new Set(
      wordsOf({ title, description: body.join(' ') }).filter(
        (word) => word.length > 3 && !COMMON.has(word),
      ),
    ),
    keywords: new Set(keywords),
  }));
}

/** The text of a heading, without the signs that may close it. */
function titleOf(line: string): string | undefined {
  const heading = HEADING.exec(line)?.[1];
  if (heading === undefined) return undefined;
  const title = trimSigns(heading.trim(), '', '#').trimEnd();
  return title === '' || title.length > MOST_TITLE ? undefined : title;
}

const COMMON = new Set(
  'that this with from have will must should which when what into than then them they their there here each every some more most only also very such over under about between other make made does done been being task tasks project goal goals'.split(
    ' ',
  ),
);

function comparePlan(
  { file, text }: WorkspaceText,
  byId: ReadonlyMap<string, Task>,
): readonly PlanDifference[] {
  const found = new Map<string, PlanDifference>();
  for (const line of text.split(/\r\n|\n|\r/).slice(0, MOST_LINES)) {
    const [, box, id] = MILESTONE.exec(line) ?? [];
    if (box === undefined || id === undefined) continue;
    const task = byId.get(id);
    const isDone = task?.status === 'Done';
    if (task === undefined) found.set(id, { file, id, kind: 'notInBacklog' });
    else if (box !== ' ' && !isDone) found.set(id, { file, id, kind: 'doneInPlan' });
    else if (box === ' ' && isDone) found.set(id, { file, id, kind: 'doneInBacklog' });
  }
  return [...found.values()];
}

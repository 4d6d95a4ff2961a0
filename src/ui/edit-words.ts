import type { Backlog } from '../core/backlog.ts';
import { cut, count, oneLine, firstLines } from '../core/text.ts';
import { isSettled, type Task, type TaskId } from '../core/task.ts';
import { leaseText, readinessText } from '../core/messages.ts';

/** A question before something is written, and what the user should know first. */
export interface Question {
  readonly message: string;
  readonly detail: string;
}

const NAMED = 5;

/** A task as in “Fix the quay” (T-12), on one line. */
export function nameOf(task: Pick<Task, 'id' | 'title'>): string {
  const title = cut(oneLine(task.title), 60);
  return title === '' ? oneLine(task.id) : `“${title}” (${oneLine(task.id)})`;
}

/** The wave of a task, and its status or why it cannot start. */
export function standingOf(backlog: Backlog, task: Task): string {
  const wave = backlog.plan?.waveOf.get(task.id);
  const state = isSettled(task.status)
    ? task.status
    : readinessText(backlog.readinessOf(task), backlog.now);
  return [...(wave === undefined ? [] : [`wave ${wave}`]), state].join(' · ');
}

/** What deleting a task does to it and to others. */
export function askToDelete(backlog: Backlog, task: Task): Question {
  const tasks = backlog.snapshot?.tasks ?? [];
  const dependents = tasks.filter(
    (each) => each.dependencies.includes(task.id) && !isSettled(each.status),
  );
  const children = tasks.filter((each) => each.parentId === task.id);
  const lines = [
    ...(dependents.length === 0
      ? []
      : [`These would no longer wait for it:\n${listOf(dependents)}`]),
    ...(children.length === 0
      ? []
      : [`${count(children.length, 'task')} would lose their parent.`]),
    ...leaseText(backlog.leaseOf(task), backlog.now).map((words) => `It is ${words}.`),
    'Its tags, dependencies, comments and history go with it. This cannot be undone.',
  ];
  return { message: `Delete ${nameOf(task)}?`, detail: lines.join('\n\n') };
}

/** What adopting tasks does. */
export function askToAdopt(tasks: readonly Task[], project: string): Question {
  const [only, ...more] = tasks;
  const what = only !== undefined && more.length === 0 ? nameOf(only) : count(tasks.length, 'task');
  const from = [...new Set(tasks.map((task) => task.projectId ?? 'no project'))]
    .sort()
    .map(oneLine)
    .join(', ');
  return {
    message: `Adopt ${what} into the project ${oneLine(project)}?`,
    detail: `exarp-go lists only the tasks of the project that its folder is named after. Until now: ${from}.\n\nNothing but the project changes.`,
  };
}

/** What a folder has where a store is to be made. */
export interface StoreSite {
  readonly root: string;
  /** True where there is a database, only without a table of tasks. */
  readonly hasDatabase: boolean;
  /** How many tasks the JSON file has. */
  readonly importable: number;
  /** Why the JSON file cannot be read, where there is one that cannot. */
  readonly jsonTrouble: string | undefined;
}

/** What creating a store does, also to the tasks of a JSON file beside it. */
export function askToInitialise({
  root,
  hasDatabase,
  importable,
  jsonTrouble,
}: StoreSite): Question {
  const where = oneLine(root);
  const lines = [
    hasDatabase
      ? 'The database that is there has no table of tasks. The tables and indexes that are missing are added to it, as exarp-go would make them; what is in it stays as it is.'
      : 'This makes the database, .todo2/todo2.db where the configuration names no other, with the tables and indexes that exarp-go would make.',
    ...(importable === 0
      ? []
      : [
          `.todo2/state.todo2.json has ${count(importable, 'task')}. Once there is a database, only what is in the database is shown: without importing them they would vanish from view. The file itself stays as it is, and so do comments in it.`,
        ]),
    ...(jsonTrouble === undefined ? [] : [`Nothing can be imported: ${jsonTrouble}`]),
  ];
  const message = hasDatabase
    ? `Add tables for tasks to the database in ${where}?`
    : `Create a Todo2 store in ${where}?`;
  return { message, detail: lines.join('\n\n') };
}

/** Why one task cannot wait for another, by the way from there back to it. */
export function circleReason(way: readonly TaskId[]): string {
  const last = way.at(-1) ?? '';
  const between = way.length > NAMED ? [...way.slice(0, 2), '…', ...way.slice(-2)] : way;
  return way.length === 2
    ? `waits for ${oneLine(last)} itself`
    : `waits for ${oneLine(last)} itself: ${between.map(oneLine).join(' → ')}`;
}

/** A value of a task in a list of its fields. */
export function shown(text: string): string {
  return cut(oneLine(text), 80) || 'none';
}

/** Tags as the user writes them: with commas between, each once. */
export function parseTags(text: string): readonly string[] {
  return [...new Set(text.split(',').map(oneLine))].filter((tag) => tag !== '');
}

function listOf(tasks: readonly Task[]): string {
  return firstLines(tasks, NAMED, (task) => `• ${nameOf(task)}`).join('\n');
}

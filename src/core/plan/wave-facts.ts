import { isInExarpWaves, type Status, type Task } from '../task.ts';
import type { BlockedTask, Plan, Wave } from '../waves/waves.ts';
import { inline, inlineId, inlineName } from '../markdown.ts';
import { cut, oneLine, firstOf } from '../text.ts';

/** What both plan documents say of waves and tasks, in the same words. */

/** The name of a plan: the last part of its title, else the name of the root's folder. */
export function displayName(title: string, rootName: string): string {
  const last = title.split('/').findLast((part) => part.trim() !== '') ?? rootName;
  return cut(oneLine(last), 120) || 'Project';
}

/** How the waves of a document are numbered. */
export function describeNumbering({ options, asked }: Plan): string {
  if (asked?.kind === 'used')
    return `Waves are those of ${inline(asked.file)}, as far as their tasks are open.`;
  const numbers =
    options.numbering === 'open'
      ? 'Waves are numbered 0, 1, 2 … by the open tasks alone.'
      : 'Waves are numbered as exarp-go numbers them: by level in the graph of all tasks, finished ones included, so numbers may be left out. Tasks in Review or Blocked are in no wave.';
  return options.maxTasksPerWave > 0
    ? `${numbers} A wave of more than ${options.maxTasksPerWave} tasks is split into waves that follow each other.`
    : numbers;
}

/** `Wave 0`, or `Waves 0–3`. */
export function waveLabel(waves: readonly Wave[]): string {
  const [first, last] = [waves[0], waves.at(-1)];
  if (first === undefined || last === undefined) return 'No waves';
  return first === last ? `Wave ${first.number}` : `Waves ${first.number}–${last.number}`;
}

/**
 * True for a task that an agent may take; in Review, Blocked and unknown statuses the user decides
 * first.
 */
export function isForAgents({ status }: Task): boolean {
  return isInExarpWaves(status);
}

/** `T-1, T-2`. */
export function idList(tasks: readonly Task[]): string {
  return tasks.map((task) => inlineId(task.id)).join(', ');
}

/** `T-1 (Review), T-2 (Blocked)`. */
export function waitingList(tasks: readonly Task[]): string {
  return tasks.map((task) => `${inlineId(task.id)} (${statusWord(task)})`).join(', ');
}

/** The status for a reader: as stored where we do not know the word. */
export function statusWord({ status, rawStatus }: Pick<Task, 'status' | 'rawStatus'>): string {
  return status === 'Unknown' ? `${inline(cut(oneLine(rawStatus), 40))}?` : status;
}

/** The priority for a table cell: as stored where we do not know the word. */
export function priorityWord({ priority, rawPriority }: Task): string {
  return priority === 'other' ? inline(cut(oneLine(rawPriority), 40)) : priority;
}

/** The title on one line of inert text, at most `max` code points before escaping. */
export function shortTitle(task: Task, max: number): string {
  return inlineName(cut(oneLine(task.title), max));
}

/** The status of a plan's todo, as exarp-go maps it (report_plan_generate.go). */
export function todoStatus(status: Status): 'pending' | 'in_progress' | 'completed' {
  if (status === 'Done') return 'completed';
  return status === 'In Progress' || status === 'Review' ? 'in_progress' : 'pending';
}

/** Why a task is in no wave, as a sentence without its subject. */
export function describeBlock({ reason }: BlockedTask): string {
  switch (reason.kind) {
    case 'cycle':
      return `is part of the cycle ${ids(reason.members)}`;
    case 'behindCycle':
      return `waits for the cycle ${ids(reason.members)}`;
    case 'missing':
      return `waits for ${ids(reason.ids)}, which the backlog does not have`;
    case 'behindMissing':
      return `waits for ${inlineId(reason.via)}, which itself waits for a task that the backlog does not have`;
  }
}

/** Ids that are in no `Task`, at most twenty of them. */
export function ids(list: readonly Task['id'][]): string {
  return firstOf(list, 20, inlineId);
}

import type { Backlog } from '../core/backlog.ts';
import type { PlanDamage } from '../core/plan/read-plan.ts';
import { oneLine } from '../core/text.ts';
import type { WaveRefusal } from '../core/plan/wave-dependencies.ts';
import { isSettled, taskId, type TaskId } from '../core/task.ts';
import type { WaveOverrideReport } from '../core/waves/waves.ts';
import { nameOf } from './edit-words.ts';
import { isStartable } from './task-row.ts';

/** A task as in “Fix the quay” (T-12), also where it is gone. */
export function nameIn(backlog: Backlog, id: TaskId): string {
  return nameOf(backlog.task(id) ?? { id, title: '' });
}

/** Why a task cannot be in the wave that was asked for. */
export function explainRefusal(backlog: Backlog, refusal: WaveRefusal): string {
  const name = nameIn(backlog, refusal.id);
  switch (refusal.kind) {
    case 'notPlaced':
      return `${name} is in no wave: it is finished, or part of a circle.`;
    case 'waitsFor': {
      const why = refusal.asParent ? 'is part of' : 'waits for';
      return `${name} ${why} ${nameIn(backlog, refusal.on)}, which is in wave ${refusal.wave}. Dependencies are only added, never removed.`;
    }
    case 'noneBefore': {
      const circle = [...refusal.path, ...refusal.path.slice(0, 1)].map(oneLine).join(' → ');
      return refusal.path.length > 0
        ? `${name} cannot wait for a task of wave ${refusal.wave}: they would wait for each other (${circle}).`
        : `No task of wave ${refusal.wave} is left that ${name} could wait for.`;
    }
    case 'shifts':
      return `${name} would come to another wave by what would have to be added for the others.`;
  }
}

/** The status of the waves of a file, in a few words. */
export function explainAsked(asked: WaveOverrideReport): string {
  if (asked.kind === 'used') return `waves of ${oneLine(asked.file)}`;
  return `computed: ${oneLine(asked.file)} ${NOT_USED[asked.why]}`;
}

const NOT_USED = {
  missing: 'is not there',
  unreadable: 'cannot be read',
  noWaves: 'has no waves',
  nothingLeft: 'names no task that is open',
} as const;

/** What is wrong with a plan file. */
export function explainDamage(damage: PlanDamage): string {
  switch (damage.kind) {
    case 'byteOrderMark':
      return 'it begins with a byte order mark';
    case 'carriageReturns':
      return 'its lines end as on Windows, which exarp-go does not read';
    case 'noFrontmatter':
      return 'its frontmatter is gone';
    case 'brokenFrontmatter':
      return 'its frontmatter is not valid YAML';
    case 'doubleEscapes':
      return 'quotes in it are escaped twice';
    case 'missingKeys':
      return `keys are gone: ${damage.keys.join(', ')}`;
    case 'missingHeading':
      return `the heading “${damage.heading.replace(/^#+ /, '')}” is gone`;
  }
}

/** What a line of a plan would run: the ready tasks, and the state of the others in words. */
export function waveLens(
  backlog: Backlog,
  ids: readonly string[],
): { readonly title: string; readonly ready: readonly TaskId[] } {
  const ready: TaskId[] = [];
  const counts = { running: 0, review: 0, blocked: 0, finished: 0, unknown: 0 };
  for (const id of ids) {
    const task = backlog.task(taskId(id));
    if (task === undefined) counts.unknown++;
    else if (isSettled(task.status)) counts.finished++;
    else if (backlog.runs.of(task.id) !== undefined || backlog.leaseOf(task).kind === 'theirs')
      counts.running++;
    else if (isStartable(backlog.readinessOf(task))) ready.push(task.id);
    else if (task.status === 'Review') counts.review++;
    else counts.blocked++;
  }
  const parts = [
    ...(ready.length > 0 ? [`${ready.length} ready`] : []),
    ...(counts.running > 0 ? [`${counts.running} at work`] : []),
    ...(counts.review > 0 ? [`${counts.review} in review`] : []),
    ...(counts.blocked > 0 ? [`${counts.blocked} blocked`] : []),
    ...(counts.finished > 0 ? [`${counts.finished} finished`] : []),
    ...(counts.unknown > 0 ? [`${counts.unknown} unknown`] : []),
  ];
  const title = [ready.length > 0 ? '$(play) Run wave' : 'Nothing to run', ...parts].join(' · ');
  return { title, ready };
}

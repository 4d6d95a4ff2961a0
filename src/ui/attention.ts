import type { Backlog } from '../core/backlog.ts';
import { endedBadly, isOpenPart } from '../core/run/task-of-run.ts';
import { isInConflict } from '../core/run/decided-work.ts';
import { isSettled, type Task } from '../core/task.ts';

/** What a task needs a person for. */
type Matter = 'stuck' | 'failed' | 'conflict' | 'review';

const WORDS: Readonly<Record<Matter, string>> = {
  stuck: 'stuck',
  failed: 'failed',
  conflict: 'in conflict',
  review: 'to review',
};

/** How many tasks need the user, and what for; undefined where none does. */
export interface Attention {
  readonly count: number;
  /** “1 stuck, 2 failed, 5 to review”. */
  readonly words: string;
}

/** Counts every task once, by the matter that is most urgent. */
export function attentionOf(backlogs: readonly Backlog[]): Attention | undefined {
  const counts: Record<Matter, number> = { stuck: 0, failed: 0, conflict: 0, review: 0 };
  for (const backlog of backlogs)
    for (const task of backlog.snapshot?.tasks ?? []) {
      const matter = matterOf(backlog, task);
      if (matter !== undefined) counts[matter]++;
    }
  const entries = Object.entries(counts).filter(([, n]) => n > 0) as [Matter, number][];
  if (entries.length === 0) return undefined;
  return {
    count: entries.reduce((sum, [, n]) => sum + n, 0),
    words: entries.map(([matter, n]) => `${n} ${WORDS[matter]}`).join(', '),
  };
}

function matterOf({ runs }: Backlog, { id, status }: Task): Matter | undefined {
  if (isSettled(status)) return undefined;
  const latest = runs.latestOf(id);
  if (latest !== undefined) {
    if (isOpenPart(latest)) return runs.stuckSince(id) === undefined ? undefined : 'stuck';
    if (status === 'Review') return isInConflict(latest.part) ? 'conflict' : 'review';
    const isOpen = status === 'Todo' || status === 'In Progress';
    if (isOpen && endedBadly(latest.part)) return isInConflict(latest.part) ? 'conflict' : 'failed';
  }
  return status === 'Review' ? 'review' : undefined;
}

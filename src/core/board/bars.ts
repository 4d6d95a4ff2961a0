import type { TaskOfRun } from '../run/task-of-run.ts';
import { evidenceOf, type TaskOutcome } from '../run/run-events.ts';
import { groupOf } from '../run/report/run-summary.ts';
import type { Bar } from './board-state.ts';

/** What happened to a task in a run so far, in order. Attempts that were never started have none. */
export function barsOf({ run, part }: TaskOfRun): readonly Bar[] {
  const earlier = part.earlier.flatMap((attempt) => attemptBars(attempt, attempt.at));
  const isAtWork = part.phase !== 'queued';
  const current = isAtWork ? attemptBars(part, part.endedAt ?? run.endedAt) : [];
  return [...earlier, ...current];
}

interface Attempt {
  readonly outcome: TaskOutcome | undefined;
  readonly startingAt?: number | undefined;
  readonly startedAt?: number | undefined;
}

function attemptBars({ outcome, startingAt, startedAt }: Attempt, to: number | undefined): Bar[] {
  const evidence = evidenceOf(outcome);
  const began = startedAt ?? evidence?.startedAt;
  const end = outcome === undefined ? undefined : endOf(outcome);
  const bars: Bar[] = [];
  if (startingAt !== undefined)
    bars.push({ kind: 'starting', from: startingAt, to: began ?? to, end: undefined });
  if (began !== undefined) {
    const verifyMs = evidence?.verify?.durationMs ?? 0;
    const worked = to === undefined || verifyMs === 0 ? to : Math.max(began, to - verifyMs);
    bars.push({ kind: 'working', from: began, to: worked, end: undefined });
    if (worked !== undefined && verifyMs > 0)
      bars.push({ kind: 'verifying', from: worked, to, end: undefined });
  }
  const last = bars.pop();
  return last === undefined ? [] : [...bars, { ...last, end }];
}

function endOf(outcome: TaskOutcome): Bar['end'] {
  const group = groupOf({ outcome });
  if (group === 'succeeded') return 'good';
  return group === 'failed' || group === 'conflict' ? 'bad' : 'unclear';
}

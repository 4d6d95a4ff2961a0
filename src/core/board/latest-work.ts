import { evidenceOf, type RunState, type TaskOutcome, type TaskRun } from '../run/run-events.ts';
import { groupOf } from '../run/report/run-summary.ts';
import type { TaskId } from '../task.ts';
import type { Bar } from './board-state.ts';

/** The part of a task in a run. */
export interface LatestWork {
  readonly run: RunState;
  readonly part: TaskRun;
}

/**
 * By task, the part that counts: of a run that has not ended it, else of the latest run that has
 * begun it, else of the latest one. Work that was sent back is that of the run that goes on with it.
 */
export function latestWork(runs: readonly RunState[]): ReadonlyMap<TaskId, LatestWork> {
  const latest = new Map<TaskId, LatestWork>();
  for (const run of runs)
    for (const part of run.tasks.values())
      latest.set(part.id, laterOf(latest.get(part.id), { run, part }));
  return latest;
}

/** The part of these two that counts. */
export function laterOf(known: LatestWork | undefined, other: LatestWork): LatestWork;
export function laterOf(
  known: LatestWork | undefined,
  other: LatestWork | undefined,
): LatestWork | undefined;
export function laterOf(
  known: LatestWork | undefined,
  other: LatestWork | undefined,
): LatestWork | undefined {
  if (known === undefined || other === undefined) return known ?? other;
  if (goesOnWith(other, known)) return other;
  if (goesOnWith(known, other)) return known;
  const order = rankOf(other) - rankOf(known) || other.run.startedAt - known.run.startedAt;
  return order >= 0 ? other : known;
}

function goesOnWith({ part }: LatestWork, { run }: LatestWork): boolean {
  return part.followUp?.after?.runId === run.runId;
}

/** A run that never came to a task takes nothing from what an earlier one did. */
function rankOf(work: LatestWork): number {
  if (isOpenPart(work)) return 2;
  return work.part.attemptNo === undefined ? 0 : 1;
}

/** True while a run has this part and has not ended it. */
export function isOpenPart({ run, part }: LatestWork): boolean {
  return run.phase !== 'ended' && part.phase !== 'ended';
}

/** What happened to a task in a run so far, in order. Attempts that were never started have none. */
export function barsOf({ run, part }: LatestWork): readonly Bar[] {
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

import type { RunState } from '../core/run/run-events.ts';

/**
 * The runs that a run goes on with, the latest first. Journals are not trusted: they can say that
 * runs resume each other, and name any run. None that is real resumes one that began after it or has
 * not ended.
 */
export function earlierRuns(
  runId: string,
  runOf: (runId: string) => Pick<RunState, 'resumes' | 'startedAt' | 'phase'> | undefined,
): readonly string[] {
  const found: string[] = [];
  let run = runOf(runId);
  while (run?.resumes !== undefined) {
    const before = runOf(run.resumes);
    if (before !== undefined && (before.startedAt >= run.startedAt || before.phase !== 'ended'))
      break;
    found.push(run.resumes);
    run = before;
  }
  return found;
}

/** A run with those of `all` that it goes on with, the latest first. */
export function lineOf(
  run: RunState,
  all: readonly RunState[],
): readonly [RunState, ...RunState[]] {
  const runOf = (runId: string): RunState | undefined =>
    runId === run.runId ? run : all.find((each) => each.runId === runId);
  return [run, ...earlierRuns(run.runId, runOf).flatMap((runId) => runOf(runId) ?? [])];
}

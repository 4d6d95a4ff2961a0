import type { Failure } from '../core/failure.ts';
import type { Clock, LeaderRequest } from '../core/ports.ts';
import type { Result } from '../core/result.ts';
import type { WaveRunner } from '../core/run/engine/wave-runner.ts';
import { foldJournal } from '../core/run/journal/run-state.ts';
import type { RunEvent, RunState } from '../core/run/run-events.ts';
import type { WorkDecision } from '../core/run/work-decision.ts';
import type { TaskId } from '../core/task.ts';
import type { RunJournals } from '../store/runs/run-journals.ts';

export interface NoteParts {
  readonly journals: RunJournals;
  readonly runner: Pick<WaveRunner, 'runs' | 'steer'>;
  readonly clock: Clock;
  /** Runs that another window leads, and how a request reaches it. */
  readonly elsewhere: readonly RunState[];
  readonly ask: (runId: string, request: LeaderRequest) => Promise<Result<undefined, Failure>>;
  /** One after the other with everything else that takes the lead of a run. */
  readonly inTurn: (work: () => Promise<void>) => Promise<void>;
  /** The run as it is now. */
  readonly onNoted: (run: RunState) => void;
  readonly onFailed: (failure: Failure) => void;
  readonly log: (line: string) => void;
}

/**
 * Writes down what a person has decided about the work on tasks that have ended. A run that has
 * ended is led for that moment, so that no two windows write to its journal. What cannot be written
 * is told to the user: the work itself is as decided all the same.
 */
export async function noteDecision(
  parts: NoteParts,
  runId: string,
  ids: readonly TaskId[],
  decision: WorkDecision,
): Promise<void> {
  const { runner, elsewhere, ask, inTurn, onFailed } = parts;
  if (ids.length === 0) return;
  const request = { ask: 'noteDecision', ids, decision } as const;
  if (runner.runs.some((run) => run.runId === runId && run.phase !== 'ended'))
    return runner.steer(runId, request);
  if (!elsewhere.some((run) => run.runId === runId))
    return inTurn(() => noteAfterEnd(parts, runId, ids, decision));
  const asked = await ask(runId, request);
  if (!asked.ok) onFailed(asked.failure);
}

async function noteAfterEnd(
  { journals, clock, onNoted, onFailed, log }: NoteParts,
  runId: string,
  ids: readonly TaskId[],
  decision: WorkDecision,
): Promise<void> {
  const hasEnded = async (): Promise<RunState | undefined> => {
    const state = (await journals.read(runId))?.state;
    return state?.phase === 'ended' ? state : undefined;
  };
  // Of a run that came with a folder, nothing is written.
  if ((await hasEnded()) === undefined) {
    log(`A decision about the run ${runId} was not noted: its journal has no end.`);
    return;
  }
  if (!(await journals.lead(runId, () => undefined))) {
    const file = journals.folder.journalOf(runId);
    onFailed({ kind: 'writeFailed', file, detail: 'another window writes to it' });
    return;
  }
  try {
    // Another window may have written to it until a moment ago.
    const before = await hasEnded();
    if (before === undefined) return;
    const event: RunEvent = { kind: 'workDecided', runId, ids, decision, at: clock.now() };
    const writer = journals.open(runId, {
      onFailed,
      onLost: () => log(`Another window leads the run ${runId} now.`),
    });
    writer.append(event);
    await writer.close();
    onNoted(foldJournal([event], before) ?? before);
  } finally {
    await journals.release(runId);
  }
}

import type { Backlog } from '../../core/backlog.ts';
import { Kept } from '../../core/board/kept.ts';
import type { BoardInput } from '../../core/board/board-input.ts';
import { estimateDurations, type Estimates } from '../../core/run/engine/estimates.ts';
import type { AgentAssignment } from '../../core/run/run-options.ts';
import type { RunState } from '../../core/run/run-events.ts';
import type { Snapshot } from '../../core/snapshot.ts';
import type { TaskId } from '../../core/task.ts';
import type { BacklogServices } from '../backlogs.ts';
import { backlogTrouble } from '../tree-item.ts';

export interface BoardView {
  /** The run that the user wants to see. */
  readonly chosen: string | undefined;
  /** True where the folder is trusted. */
  readonly isTrusted: boolean;
}

/** What is asked for with every picture of a board, and changes far less often. */
export class EstimateCache {
  readonly #last = new Kept<Estimates>();

  /** New ones after an attempt has ended. */
  of(runs: readonly RunState[], snapshot: Snapshot): Estimates {
    const from = runs.flatMap((run): readonly unknown[] =>
      run.phase === 'ended' ? [run] : [run.runId, run.attemptCount, endedIn(run)],
    );
    return this.#last.of([snapshot, ...from], () => {
      const agents = new Map<TaskId, AgentAssignment>();
      for (const { tasks } of runs)
        for (const { id, agent } of tasks.values()) agents.set(id, agent);
      return estimateDurations(runs, snapshot, agents);
    });
  }
}

function endedIn({ tasks }: RunState): number {
  let n = 0;
  for (const { phase } of tasks.values()) if (phase === 'ended') n++;
  return n;
}

/** A backlog as its board is made of it; undefined while it has not been read. */
export function boardInputOf(
  backlog: Backlog,
  services: Pick<BacklogServices, 'activityOf' | 'hasTerminal'>,
  { chosen, isTrusted }: BoardView,
  estimates: EstimateCache,
): BoardInput | undefined {
  const { snapshot, plan, now, runs } = backlog;
  if (snapshot === undefined || plan === undefined) return undefined;
  const { all, past } = runs;
  const { durationOf } = estimates.of([...past, ...all], snapshot);
  return {
    name: backlog.name,
    now,
    trouble: backlogTrouble(backlog),
    isReadOnly: !isTrusted || backlog.claimsFailure !== undefined,
    snapshot,
    plan,
    runs: all,
    past,
    chosen,
    cap: runs.cap,
    readinessOf: (task) => backlog.readinessOf(task),
    leaseOf: (task) => backlog.leaseOf(task),
    workOf: (id) => runs.latestOf(id),
    durationOf,
    stuckSince: (id) => runs.stuckSince(id),
    activityOf: (id) => services.activityOf(id),
    hasTerminal: (id) => services.hasTerminal(id),
    awaitsManualCompletion: (id) => runs.awaitsManualCompletion(id),
    isLedElsewhere: (runId) => runs.isLedElsewhere(runId),
    restOf: (run) => runs.restOf(run),
  };
}

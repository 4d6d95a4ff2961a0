import type { TaskId } from '../task.ts';
import type { RunEvent, RunState } from './run-events.ts';
import { applyRunEvents } from './run-state.ts';
import type { RunPolicy } from './task-work.ts';

/** One task of a run that goes on, and the means to end it. */
export interface Entry {
  readonly id: TaskId;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
  readonly resolve: () => void;
  /** `waiting` for its wave or a slot, `begun` when its turn has come. */
  phase: 'waiting' | 'begun' | 'ended';
}

/** A run that goes on. */
export interface Run {
  readonly runId: string;
  readonly policy: RunPolicy;
  readonly entries: ReadonlyMap<TaskId, Entry>;
  state: RunState;
  /** Events that `state` does not contain yet. */
  unapplied: RunEvent[];
  ended: Promise<RunState>;
}

/** The run as all its events so far tell it; what came since the last look is applied in one go. */
export function stateOf(run: Run): RunState {
  if (run.unapplied.length > 0) {
    run.state = applyRunEvents(run.state, run.unapplied);
    run.unapplied = [];
  }
  return run.state;
}

export function entryOf(run: Run, id: TaskId): Entry {
  const entry = run.entries.get(id);
  if (entry === undefined) throw new Error(`Internal error: ${id} is no task of run ${run.runId}`);
  return entry;
}

export function createEntry(id: TaskId): Entry {
  let resolve = (): void => undefined;
  const ended = new Promise<void>((done) => (resolve = done));
  return { id, stop: new AbortController(), ended, resolve, phase: 'waiting' };
}

/** Each task once, where it stands first, and no empty wave. */
export function withoutRepeats(waves: readonly (readonly TaskId[])[]): readonly (readonly TaskId[])[] {
  const seen = new Set<TaskId>();
  const first = (id: TaskId): boolean => !seen.has(id) && seen.add(id).has(id);
  return waves.map((ids) => ids.filter(first)).filter((ids) => ids.length > 0);
}

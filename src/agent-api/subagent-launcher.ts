import type { Backlog } from '../core/backlog.ts';
import type { Disposable } from '../core/events.ts';
import type { Clock } from '../core/ports.ts';
import type { RunState, TaskRun } from '../core/run/run-events.ts';
import type { TaskId } from '../core/task.ts';

export interface SubagentLauncherOptions {
  readonly backlog: Backlog;
  /** Asks the editor's agent for one subagent for each of these tasks. */
  readonly launch: (ids: readonly TaskId[]) => Promise<void>;
  /** A run some of whose tasks were launched here has ended by itself. */
  readonly onEnded: (run: RunState) => void;
  readonly clock: Pick<Clock, 'after'>;
  readonly reportBug: (error: unknown) => void;
}

/** Attempts begin one after the other within a moment; they are to be launched together. */
const GATHER_MS = 300;

/**
 * Brings the tasks that runs of this window begin to subagents that cannot be started from here:
 * the editor's agent is asked for them, in one prompt for all that have their turn at the same
 * time. The next prompt comes when all of the one before have ended, so that no more are at work
 * than the run allows, and a person has one chat at a time to look at.
 */
export class SubagentLauncher implements Disposable {
  readonly #options: SubagentLauncherOptions;
  readonly #subscription: Disposable;
  /** By run and start: what was launched and has not ended. */
  readonly #open = new Set<string>();
  /** The same, with everything that was ever launched, for as long as its run goes on. */
  readonly #launched = new Set<string>();
  readonly #runs = new Set<string>();
  #timer: Disposable | undefined;
  #isDisposed = false;

  constructor(options: SubagentLauncherOptions) {
    this.#options = options;
    this.#subscription = options.backlog.onDidChange(() => this.#look());
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#subscription.dispose();
    this.#timer?.dispose();
  }

  #look(): void {
    const { backlog, clock, onEnded } = this.#options;
    const live = new Map<string, TaskRun>();
    for (const run of backlog.runs.all) {
      if (backlog.runs.isLedElsewhere(run.runId)) continue;
      for (const task of run.tasks.values()) {
        if (isAtWork(task)) live.set(keyOf(run, task), task);
      }
      if (run.phase !== 'ended' || !this.#runs.delete(run.runId)) continue;
      for (const key of this.#launched)
        if (key.startsWith(`${run.runId}/`)) this.#launched.delete(key);
      if (run.stop?.kind !== 'person') onEnded(run);
    }
    for (const key of this.#open) if (!live.has(key)) this.#open.delete(key);
    const isWaiting = [...live].some(
      ([key, task]) => task.phase === 'starting' && !this.#launched.has(key),
    );
    if (isWaiting && this.#open.size === 0)
      this.#timer ??= clock.after(GATHER_MS, () => this.#launch());
  }

  #launch(): void {
    this.#timer = undefined;
    const { backlog, launch, reportBug } = this.#options;
    const ids: TaskId[] = [];
    for (const run of this.#isDisposed ? [] : backlog.runs.all) {
      if (backlog.runs.isLedElsewhere(run.runId)) continue;
      for (const task of run.tasks.values()) {
        const key = keyOf(run, task);
        if (!isAtWork(task) || task.phase !== 'starting' || this.#launched.has(key)) continue;
        for (const set of [this.#open, this.#launched]) set.add(key);
        this.#runs.add(run.runId);
        ids.push(task.id);
      }
    }
    if (ids.length > 0) launch(ids).catch(reportBug);
  }
}

function isAtWork({ agent, phase, attemptNo }: TaskRun): boolean {
  return (
    agent.agentMode === 'subagent' &&
    attemptNo !== undefined &&
    phase !== 'queued' &&
    phase !== 'ended'
  );
}

function keyOf({ runId }: RunState, { attemptNo }: TaskRun): string {
  return `${runId}/${attemptNo ?? 0}`;
}

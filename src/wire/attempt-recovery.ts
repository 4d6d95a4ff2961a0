import type { Clock, JobInProgress, WorkEnd } from '../core/ports.ts';
import {
  interruptRun,
  recoverRun,
  type RecoveredAttempt,
  type Recovery,
} from '../core/run/journal/recovery.ts';
import { applyRunEvents } from '../core/run/journal/run-state.ts';
import type { WorkState } from '../core/run/journal/work-state.ts';
import type { RunState } from '../core/run/run-events.ts';
import { isWindowWork } from '../core/run/run-options.ts';
import type { TaskId } from '../core/task.ts';
import { readState, requestStop } from '../agent-process/work-files.ts';
import type { RunJournals } from '../store/runs/run-journals.ts';

export interface AttemptRecoveryOptions {
  readonly journals: Pick<RunJournals, 'folder'>;
  /** Whether the very process that a state names lives on this machine. */
  readonly isAlive: (state: WorkState) => Promise<boolean>;
  /**
   * Keeps what an attempt left in a worktree and brings it in where it succeeded; answers the end
   * that counts. Asked again for the same attempt, it does nothing twice.
   */
  readonly bringIn: (
    attempt: Pick<JobInProgress, 'runId' | 'id' | 'attemptNo' | 'options'>,
    end: WorkEnd,
  ) => Promise<WorkEnd>;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

type Attempts = ReadonlyMap<TaskId, RecoveredAttempt>;

/** Finds the state of the attempts of a run without a leader, in the files of their supervisors. */
export class AttemptRecovery {
  readonly #options: AttemptRecoveryOptions;

  constructor(options: AttemptRecoveryOptions) {
    this.#options = options;
  }

  /**
   * The ended state of a run that was not begun here and has no process: another installation may
   * continue it, or it came with a downloaded folder. So nothing is written, ended or reported; the
   * user may still resume it.
   */
  async asLeft(run: RunState): Promise<RunState> {
    const now = this.#options.clock.now();
    const recovered = applyRunEvents(run, recoverRun(run, await this.#find(run), now).events);
    return applyRunEvents(recovered, interruptRun(recovered, now));
  }

  /** True where a supervisor of the run lives, and is verifiably the one in its state file. */
  async isAtWork(run: RunState): Promise<boolean> {
    const found = await this.#find(run);
    return [...found.values()].some(({ supervisorAlive }) => supervisorAlive);
  }

  /**
   * The recovery of a run. An attempt without a state file has a stop request by then, and the work
   * of one that ended is brought in.
   */
  async settle(run: RunState): Promise<{ readonly found: Attempts; readonly recovery: Recovery }> {
    const { clock } = this.#options;
    const before = await this.#find(run);
    const first = recoverRun(run, before, clock.now());
    if (first.stops.length === 0) {
      const found = await this.#broughtIn(run, before);
      return { found, recovery: recoverRun(run, found, clock.now()) };
    }
    for (const attemptNo of first.stops) this.#stopAttempt(run.runId, attemptNo);
    // It may have begun between the search and the stop request: then it has a state file, and ends
    // by the request.
    const found = await this.#broughtIn(run, await this.#find(run, new Set(first.stops)));
    return { found, recovery: recoverRun(run, found, clock.now()) };
  }

  /**
   * Keeps what attempts left whose supervisors are gone. To be called once their agents have ended.
   */
  async keepWorkOf(run: RunState, orphans: readonly WorkState[]): Promise<void> {
    const { runId, options } = run;
    for (const { taskId: id, attemptNo } of orphans)
      await this.#options.bringIn(
        { runId, id, attemptNo, options },
        { kind: 'unknown', detail: 'gone' },
      );
  }

  /** One after the other, in the order in which the attempts began. */
  async #broughtIn(run: RunState, found: Attempts): Promise<Attempts> {
    const { runId, options } = run;
    const attempts = new Map(found);
    const inOrder = [...found].sort(
      ([, { state: one }], [, { state: other }]) => (one?.attemptNo ?? 0) - (other?.attemptNo ?? 0),
    );
    for (const [id, attempt] of inOrder) {
      const { state } = attempt;
      const agent = run.tasks.get(id)?.agent;
      if (state?.end === undefined || agent === undefined || isWindowWork(agent)) continue;
      const { attemptNo } = state;
      const end = await this.#options.bringIn({ runId, id, attemptNo, options }, state.end);
      attempts.set(id, { ...attempt, state: { ...state, end } });
    }
    return attempts;
  }

  /** Finds the attempts without an end; `toldToStop` has attempt numbers. */
  async #find(run: RunState, toldToStop: ReadonlySet<number> = new Set()): Promise<Attempts> {
    const { journals, isAlive } = this.#options;
    const found = new Map<TaskId, RecoveredAttempt>();
    for (const { id, attemptNo, phase } of run.tasks.values()) {
      if (attemptNo === undefined || phase === 'ended' || phase === 'queued') continue;
      const state = readState(journals.folder.filesOf(run.runId, attemptNo), {
        runId: run.runId,
        attemptNo,
        id,
      });
      const supervisorAlive = state !== undefined && (await isAlive(state));
      found.set(id, { state, supervisorAlive, isToldToStop: toldToStop.has(attemptNo) });
    }
    return found;
  }

  #stopAttempt(runId: string, attemptNo: number): void {
    try {
      requestStop(this.#options.journals.folder.filesOf(runId, attemptNo));
    } catch (error) {
      this.#options.log(
        `A request to stop attempt ${attemptNo} of ${runId} could not be written: ${String(error)}`,
      );
    }
  }
}

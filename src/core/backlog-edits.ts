import type { BacklogClaims } from './backlog-claims.ts';
import type { BacklogRuns } from './backlog-runs.ts';
import { type Change, isRealStatusChange } from './edit/change.ts';
import { createTaskIds } from './edit/new-task.ts';
import type { Failure } from './failure.ts';
import type { LeaseKeeper } from './lease/lease-keeper.ts';
import type { IsOurs } from './lease/lease.ts';
import type { Clock, Edits, Locks } from './ports.ts';
import { fail, ok, type Result } from './result.ts';
import type { Status, Task, TaskId } from './task.ts';

export interface BacklogEditsParts {
  readonly locks: Pick<Locks, 'setStatus'>;
  readonly edits: Edits;
  readonly keeper: Pick<LeaseKeeper, 'untrack'>;
  readonly clock: Clock;
  readonly backlog: {
    readonly runs: BacklogRuns;
    readonly claims: BacklogClaims;
    readonly isOurs: IsOurs;
    task(id: TaskId): Task | undefined;
    refresh(): Promise<void>;
  };
}

/** Changes of the tasks of one backlog; none is made to a task that an agent works on. */
export class BacklogEdits {
  readonly #parts: BacklogEditsParts;
  readonly #backlog: BacklogEditsParts['backlog'];
  readonly #newId: ReturnType<typeof createTaskIds>;

  constructor(parts: BacklogEditsParts) {
    this.#parts = parts;
    this.#backlog = parts.backlog;
    this.#newId = createTaskIds(() => parts.clock.now());
  }

  /**
   * Marks the user's task of a run as finished: its verification starts, and the run continues.
   * Clears another holder's lock on a task that is only followed. Fails as `setStatus` where no run
   * waits for the user.
   */
  async complete(task: Task, as?: 'Review' | 'Done'): Promise<Result<undefined, Failure>> {
    if (this.#backlog.runs.awaitsManualCompletion(task.id))
      return this.#backlog.runs.completeTask(task.id, as);
    const set = await this.setStatus(task, as ?? 'Review');
    return set.ok ? ok(undefined) : set;
  }

  /**
   * Sets the status of a task without a lock of another holder; clears a lock of ours. The user's
   * own task of a run ends with that.
   */
  async setStatus(task: Task, to: 'Todo' | 'Review' | 'Done'): Promise<Result<Status, Failure>> {
    if (this.#backlog.runs.awaitsManualCompletion(task.id)) {
      const said =
        to === 'Todo'
          ? await this.#backlog.runs.steerTask(task.id, 'stopTask')
          : await this.#backlog.runs.completeTask(task.id, to);
      return said.ok ? ok(to) : said;
    }
    const refusal = this.#backlog.claims.jsonOnly ?? this.#agentAtWork(task.id);
    if (refusal !== undefined) return fail(refusal);
    // Before it is written, so that our own change is not taken for one that undoes our claim.
    const keep = this.#parts.keeper.untrack(task.id);
    const set = await this.#parts.locks.setStatus(task.id, task.rawStatus, to);
    if (!set.ok) keep();
    await this.#backlog.refresh();
    return set;
  }

  /**
   * Makes these changes in one transaction, or none of them; what we held of a task that is gone or
   * has another status by then is released. Fails as `Edits.apply`.
   */
  async apply(changes: readonly Change[]): Promise<Result<undefined, Failure>> {
    const ending = changes.filter((change) => endsOurWork(change, this.#backlog.isOurs));
    const atWork = ending
      .map((change) => this.#agentAtWork(change.id))
      .find((failure) => failure !== undefined);
    const refusal = this.#backlog.claims.jsonOnly ?? atWork;
    if (refusal !== undefined) return fail(refusal);
    // Before it is written, so that our own change is not taken for one that undoes our claim.
    const keep = ending.map((change) => this.#parts.keeper.untrack(change.id));
    const applied = await this.#parts.edits.apply(changes);
    if (!applied.ok) for (const again of keep) again();
    await this.#backlog.refresh();
    return applied;
  }

  /** Makes a new task and answers its id. Fails as `Edits.apply`. */
  async create(
    draft: Omit<Extract<Change, { kind: 'create' }>, 'kind' | 'id'>,
  ): Promise<Result<TaskId, Failure>> {
    for (;;) {
      const id = this.#newId((taken) => this.#backlog.task(taken) !== undefined);
      const created = await this.apply([{ kind: 'create', id, ...draft }]);
      if (created.ok) return ok(id);
      // Another program took the id since; the next one is later, so this ends.
      if (created.failure.kind !== 'changedMeanwhile') return created;
    }
  }

  /** A task that is released while its agent works would be given to a second agent. */
  #agentAtWork(id: TaskId): Failure | undefined {
    const part = this.#backlog.runs.of(id)?.tasks.get(id);
    if (part === undefined || part.phase === 'queued') return undefined;
    // A supervisor releases the lock with the result, and a moment later its window hears of the
    // end.
    const stored = this.#backlog.task(id);
    if (stored?.lock === undefined && (stored?.status === 'Review' || stored?.status === 'Done'))
      return undefined;
    // The user's own task is theirs to change; where another holder has it, the store refuses.
    return part.agent.agentMode === 'human' ? undefined : { kind: 'agentAtWork', id };
  }
}

type EndsWork = Extract<Change, { kind: 'delete' | 'setStatus' | 'clearLock' }>;

function endsOurWork(change: Change, isOurs: IsOurs): change is EndsWork {
  if (change.kind === 'setStatus') return isRealStatusChange(change) && change.to !== 'In Progress';
  if (change.kind === 'clearLock') return isOurs(change.holder);
  return change.kind === 'delete';
}

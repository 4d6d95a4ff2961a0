import type { Backlog } from '../core/backlog.ts';
import type { Failure } from '../core/failure.ts';
import type { Locks } from '../core/ports.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { LeaseKeeper } from '../core/lease/lease-keeper.ts';
import type { Ending } from '../core/run/attempt/task-work.ts';
import type { Status, TaskId } from '../core/task.ts';

/** What an agent says of its work: `result` when it ends, `note` on the way. */
export interface AgentComment {
  readonly type: 'result' | 'note';
  readonly text: string;
}

/** What a writer of locks does beside `Locks`, for agents that report. */
export interface AgentLocks extends Pick<Locks, 'holder' | 'renew'> {
  /**
   * As `Locks.release`, with the comment in the same transaction; says whether the store took the
   * comment.
   */
  releaseWithResult(
    id: TaskId,
    ending: Ending,
    options: { readonly commentType: AgentComment['type']; readonly acceptsMoved?: boolean },
  ): Promise<Result<{ readonly status: Status; readonly commented: boolean }, Failure>>;
  /**
   * Adds a note, also to a task that another holder has. Fails with `noSuchTask`, `writeFailed`.
   */
  addNote(id: TaskId, text: string): Promise<Result<undefined, Failure>>;
  /** The latest `result` of each of these tasks that has one. */
  results(ids: readonly TaskId[]): Promise<Result<ReadonlyMap<TaskId, string>, Failure>>;
  /** The comments of a task but its results, the oldest first; `at` as stored. */
  notes?(id: TaskId): Promise<Result<readonly TaskNote[], Failure>>;
}

/** A comment on a task: by an agent, a person, or another program. */
export interface TaskNote {
  readonly type: string;
  readonly text: string;
  readonly at: string;
}

export interface AgentBacklogParts {
  readonly backlog: Backlog;
  readonly locks: AgentLocks;
  readonly keeper: Pick<LeaseKeeper, 'track' | 'untrack' | 'lockOf'>;
  /** Writes a plan file and answers its absolute path. */
  readonly writePlan: (kind: 'main' | 'subagents') => Promise<Result<string, Failure>>;
  /** Whether agents may set tasks to Done by their own word. */
  readonly allowDone: boolean;
  /** What the agent is called in what it reports. */
  readonly label: string;
  /** True where the file system does not tell `A` from `a`. */
  readonly foldCase: boolean;
}

/**
 * A backlog as agents work with it: all of it speaks for one holder, which is that of the process
 * that serves it.
 */
export class AgentBacklog {
  readonly #parts: AgentBacklogParts;
  /** What this process was given and has not ended, held or not. */
  readonly #claimed = new Set<TaskId>();

  constructor(parts: AgentBacklogParts) {
    this.#parts = parts;
  }

  get backlog(): Backlog {
    return this.#parts.backlog;
  }

  get holder(): string {
    return this.#parts.locks.holder;
  }

  get allowDone(): boolean {
    return this.#parts.allowDone;
  }

  get label(): string {
    return this.#parts.label;
  }

  get foldCase(): boolean {
    return this.#parts.foldCase;
  }

  /** To be called for each task that an agent was given. */
  noteClaimed(id: TaskId): void {
    this.#claimed.add(id);
  }

  /** Gives a lock of ours a new end, epoch ms. Fails with `lockLost`. */
  async renew(id: TaskId): Promise<Result<number, Failure>> {
    const { locks, keeper, backlog } = this.#parts;
    const { leaseMs } = backlog.options;
    const renewal = await locks.renew([id], leaseMs);
    if (!renewal.ok) return renewal;
    const lost = renewal.value.lost.find((lock) => lock.id === id);
    if (lost !== undefined) return fail({ kind: 'lockLost', id, holder: lost.holder });
    keeper.track(id, leaseMs, keeper.lockOf(id) ?? { byHand: true });
    await backlog.refresh();
    return ok(renewal.value.until);
  }

  /**
   * Ends our work on a task. What a run of this program works on is its own. Fails as
   * `AgentLocks.releaseWithResult`, and with `agentAtWork`.
   */
  async end(
    id: TaskId,
    to: 'Todo' | 'Review' | 'Done',
    comment: AgentComment | undefined,
  ): Promise<Result<{ readonly status: Status; readonly commented: boolean }, Failure>> {
    const { locks, keeper, backlog } = this.#parts;
    if (backlog.runs.of(id) !== undefined) return fail({ kind: 'agentAtWork', id });
    // Before it is written, so that our own change is not mistaken for one that undoes our claim.
    const keep = keeper.untrack(id);
    const ending = { to, overrules: false, comment: comment && (() => comment.text) };
    const ended = await locks.releaseWithResult(id, ending, {
      commentType: comment?.type ?? 'result',
      // Another program has set its status meanwhile, and with that the lock went: the report still
      // counts.
      acceptsMoved: this.#claimed.has(id),
    });
    if (ended.ok) this.#claimed.delete(id);
    // Still ours where it could not be written: it would run out under the agent that counts on it.
    if (!ended.ok && ended.failure.kind !== 'lockLost' && ended.failure.kind !== 'noSuchTask')
      keep();
    await backlog.refresh();
    return ended;
  }

  addNote(id: TaskId, text: string): Promise<Result<undefined, Failure>> {
    return this.#parts.locks.addNote(id, text);
  }

  /** Reports on these tasks; empty where they cannot be read, as on a Node without SQLite. */
  async results(ids: readonly TaskId[]): Promise<ReadonlyMap<TaskId, string>> {
    if (this.backlog.snapshot?.source !== 'sqlite') return new Map();
    const read = await this.#parts.locks.results(ids);
    return read.ok ? read.value : new Map<TaskId, string>();
  }

  /** Notes on a task; empty where they cannot be read. */
  async notes(id: TaskId): Promise<readonly TaskNote[]> {
    const { locks, backlog } = this.#parts;
    if (backlog.snapshot?.source !== 'sqlite') return [];
    const read = await locks.notes?.(id);
    return read?.ok === true ? read.value : [];
  }

  writePlan(kind: 'main' | 'subagents'): Promise<Result<string, Failure>> {
    return this.#parts.writePlan(kind);
  }
}

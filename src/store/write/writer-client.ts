import { dirname } from 'node:path';
import type { Disposable } from '../../core/events.ts';
import type { Failure } from '../../core/failure.ts';
import type { Change } from '../../core/edit/change.ts';
import type { Claim, Clock, Edits, Locks, ReadyRules, Renewal } from '../../core/ports.ts';
import { fail, mapOk, ok, type Result } from '../../core/result.ts';
import type { Ending } from '../../core/run/attempt/task-work.ts';
import { STATUSES, type Status, type Task, type TaskId } from '../../core/task.ts';
import { storePathsOf } from '../files/locate.ts';
import { BusyBackoff } from './busy-backoff.ts';
import { formatRfc3339 } from './rfc3339.ts';
import type { CommentType } from './comments.ts';
import type { StoredNote } from './read-results.ts';
import { startChild, type NodeCommand, type WriterChild } from './writer-child.ts';
import type { WriterRequest, FinalStatus, Values } from './writer-protocol.ts';

export interface WriterOptions {
  /** `todo2.db`, absolute. */
  readonly file: string;
  /**
   * The JSON file that mirrors statuses, and the project of new tasks. Default: derived from
   * `file`.
   */
  readonly json?: string;
  /** The folder that links to the database and the JSON file may not lead out of. */
  readonly root?: string;
  readonly project?: string;
  /** From `createHolderId`, with the id of this process, which must live as long as the claims. */
  readonly holder: string;
  /** The bundle of `writer.ts`, absolute. */
  readonly script: string;
  /** From `listNodeCommands`, tried in order. Read again for each search, since settings change. */
  readonly nodes: () => readonly NodeCommand[];
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Called after a status was written, before the call that wrote it resolves. */
  readonly onStatusWritten: (id: TaskId, status: Status) => void;
  readonly log: (line: string) => void;
  /** How long a call retries while another process has the database locked, in ms. */
  readonly deadlineMs?: number;
  /**
   * How long after the end of this process its locks are released, in ms: the time that its agents
   * take to end.
   */
  readonly graceMs?: number;
  /**
   * How long locks named by `linger` stay after the end of this process, in ms: the time that a
   * window takes to reload.
   */
  readonly lingerMs?: number;
}

const DEADLINE_MS = 10_000;
const GRACE_MS = 3_000;
const LINGER_MS = 20_000;
/** `deactivate` has about five seconds in all. */
const CLOSE_MS = 2_000;
/** A search starts several processes, so it is repeated only after this time. */
const LOOK_AGAIN_MS = 30_000;
const MAX_DEATHS = 3;
const MAX_PAUSE_MS = 400;

/**
 * Locks in one database, taken by a child process that starts with the first call, and again after
 * it died.
 *
 * A call whose process died is retried, as its outcome is unknown; all calls may be repeated. When
 * this process ends without `close`, the child releases all locks of the holder and moves their
 * tasks back to Todo.
 */
export class Writer implements Locks, Edits, Disposable {
  readonly holder: string;
  readonly #options: WriterOptions;
  readonly #held = new Set<TaskId>();
  /** Failed claims that may have been committed all the same: such locks must be released. */
  readonly #doubtful = new Set<TaskId>();
  #lingering: readonly TaskId[] = [];
  #child: Promise<Result<WriterChild, Failure>> | undefined;
  #noNode: { readonly failure: Failure; readonly at: number; readonly looked: string } | undefined;
  #closing: Promise<void> | undefined;
  #left = false;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.holder = options.holder;
  }

  async probe(): Promise<Failure | undefined> {
    const outcome = await this.#request({ kind: 'probe' });
    return outcome.ok ? undefined : outcome.failure;
  }

  async claim(
    id: TaskId,
    leaseMs: number,
    consent?: 'takeUnleased',
  ): Promise<Result<Claim, Failure>> {
    const takeUnleased = consent === 'takeUnleased';
    const outcome = await this.#request({ kind: 'claim', id, leaseMs, takeUnleased });
    return mapOk(outcome, (claimed) => this.#claimed(claimed));
  }

  async claimAll(
    ids: readonly TaskId[],
    leaseMs: number,
  ): Promise<Result<readonly Claim[], Failure>> {
    if (ids.length === 0) return ok([]);
    const outcome = await this.#request({ kind: 'claimAll', ids, leaseMs });
    return mapOk(outcome, ({ claims, changed }) =>
      claims.map((claim) => this.#claimed({ claim, changed: changed.includes(claim.id) })),
    );
  }

  async claimNext(
    candidates: readonly TaskId[],
    rules: ReadyRules,
    leaseMs: number,
  ): Promise<Result<Claim, Failure>> {
    // A candidate that we hold would be mistaken for the claim of a first try whose answer was
    // lost.
    const free = candidates.filter((id) => !this.#held.has(id));
    if (free.length === 0) return fail({ kind: 'nothingReady' });
    const request = { kind: 'claimNext', candidates: free, rules, leaseMs, again: false } as const;
    return mapOk(await this.#request(request), (claimed) => this.#claimed(claimed));
  }

  async adopt(
    ids: readonly TaskId[],
    from: string,
    leaseMs: number,
  ): Promise<Result<readonly Claim[], Failure>> {
    if (ids.length === 0) return ok([]);
    const outcome = await this.#request({ kind: 'adopt', ids, from, leaseMs, again: false });
    return mapOk(outcome, ({ claims, moved }) => {
      for (const id of moved) this.#tell(id, 'Todo');
      return claims.map((claim) => this.#claimed({ claim, changed: false }));
    });
  }

  async forceRelease(
    id: TaskId,
    { holder, until }: { readonly holder: string; readonly until: number | undefined },
    reason: string,
  ): Promise<Result<Status, Failure>> {
    const lock = { holder, until: until ?? null };
    const outcome = await this.#request({
      kind: 'forceRelease',
      id,
      ...lock,
      reason,
      again: false,
    });
    if (outcome.ok && holder === this.holder) this.#held.delete(id);
    return this.#written(id, outcome);
  }

  /**
   * Releases the lock of a holder whose process is gone, in one transaction: it is never ours in
   * between, so a crash leaves it either held or free. Fails with `lockLost` where that holder does
   * not have the task, and with `noSuchTask`.
   */
  async releaseFor(id: TaskId, from: string): Promise<Result<Status, Failure>> {
    return this.#written(id, await this.#request({ kind: 'releaseFor', id, from, again: false }));
  }

  /**
   * Names the tasks whose locks stay for a while after the end of this process, so that the next
   * window can adopt them.
   */
  linger(ids: readonly TaskId[]): void {
    this.#lingering = ids;
    // A process that starts later gets them with its start message.
    void this.#child?.then((started) =>
      started.ok ? started.value.request({ kind: 'linger', ids }) : undefined,
    );
  }

  async renew(ids: readonly TaskId[], leaseMs: number): Promise<Result<Renewal, Failure>> {
    if (ids.length === 0)
      return ok({ renewed: [], until: this.#options.clock.now() + leaseMs, lost: [] });
    const outcome = await this.#request({ kind: 'renew', ids, leaseMs });
    if (outcome.ok) for (const { id } of outcome.value.lost) this.#held.delete(id);
    return outcome;
  }

  async release(
    id: TaskId,
    to: FinalStatus,
    { onlyMoved = false }: { readonly onlyMoved?: boolean } = {},
  ): Promise<Result<Status, Failure>> {
    const outcome = await this.#request({ kind: 'release', id, to, again: false, onlyMoved });
    if (onlyMoved && outcome.ok && outcome.value.status === 'In Progress') return ok('In Progress');
    return this.#settle(id, outcome);
  }

  /**
   * As `release`, with the comment for the resulting status in the same transaction; `commented`
   * tells whether the store took it. `acceptsMoved`: a task in Review or Done whose lock another
   * process has released counts as ended. Fails with `lockLost`, `noSuchTask`.
   */
  async releaseWithResult(
    id: TaskId,
    { to, overrules, comment }: Ending,
    {
      acceptsMoved = false,
      commentType = 'result',
    }: { readonly acceptsMoved?: boolean; readonly commentType?: CommentType } = {},
  ): Promise<Result<{ readonly status: Status; readonly commented: boolean }, Failure>> {
    const comments = comment === undefined ? null : commentsOf(comment);
    const outcome = await this.#request({
      kind: 'releaseWithResult',
      id,
      to,
      overrules,
      acceptsMoved,
      comments,
      commentType,
      again: false,
    });
    const commented = outcome.ok && outcome.value.comment === 'written';
    return mapOk(this.#settle(id, outcome), (status) => ({ status, commented }));
  }

  /**
   * Adds a note to a task, even one that another process holds. Fails with `noSuchTask`; with
   * `writeFailed` where the store takes no comments.
   */
  async addNote(id: TaskId, text: string): Promise<Result<undefined, Failure>> {
    return mapOk(await this.#request({ kind: 'note', id, text, again: false }), () => undefined);
  }

  async setStatus(id: TaskId, from: string, to: FinalStatus): Promise<Result<Status, Failure>> {
    return this.#settle(id, await this.#request({ kind: 'setStatus', id, from, to, again: false }));
  }

  async apply(changes: readonly Change[]): Promise<Result<undefined, Failure>> {
    if (changes.length === 0) return ok(undefined);
    const outcome = await this.#request({ kind: 'apply', changes, again: false });
    return mapOk(outcome, ({ statuses }) => {
      for (const { kind, id } of changes) if (kind === 'delete') this.#held.delete(id);
      for (const { id, status } of statuses) this.#tell(id, status);
      return undefined;
    });
  }

  /** The latest comment of type `result` of each of these tasks. */
  async results(ids: readonly TaskId[]): Promise<Result<ReadonlyMap<TaskId, string>, Failure>> {
    if (ids.length === 0) return ok(new Map());
    return mapOk(await this.#request({ kind: 'results', ids }), (pairs) => new Map(pairs));
  }

  /** The notes of a task, the oldest first; of many the newest. */
  async notes(id: TaskId): Promise<Result<readonly StoredNote[], Failure>> {
    return this.#request({ kind: 'notes', id });
  }

  /** The Node command that the process runs on; undefined where none works. */
  async node(): Promise<NodeCommand | undefined> {
    const started = await this.#start();
    return started.ok ? started.value.node : undefined;
  }

  /**
   * Creates the tables of a store, and its database and folder, where they are missing, with these
   * tasks. False where a table of tasks exists: then nothing was done.
   */
  async initialise(tasks: readonly Task[]): Promise<Result<boolean, Failure>> {
    const outcome = await this.#request({ kind: 'initialise', tasks, again: false });
    return mapOk(outcome, ({ made }) => made);
  }

  /**
   * Ends the process within two seconds; no call is possible afterwards. `release` first releases
   * all locks of the holder; while the database is locked, the process stays behind and retries.
   * `linger` releases all locks but those named by `linger`: the process stays behind until their
   * time is up. Never rejects.
   */
  close(locks: 'keep' | 'release' | 'linger' = 'keep'): Promise<void> {
    return (this.#closing ??= this.#close(locks));
  }

  /** As `close('keep')`, without waiting. */
  dispose(): void {
    void this.close();
  }

  async #close(locks: 'keep' | 'release' | 'linger'): Promise<void> {
    if (
      this.#child === undefined &&
      (locks === 'keep' || this.#held.size + this.#doubtful.size === 0)
    )
      return;
    const limit = new Promise<'late'>((resolve) =>
      this.#options.clock.after(CLOSE_MS, () => resolve('late')),
    );
    if (locks !== 'keep') {
      const except = locks === 'linger' ? this.#lingering : [];
      // If the process has to stay behind, no lock lingers.
      if (locks === 'release') this.linger([]);
      const outcome = await Promise.race([this.#request({ kind: 'releaseAll', except }), limit]);
      if (outcome !== 'late' && outcome.ok)
        for (const id of outcome.value.moved) this.#tell(id, 'Todo');
      else
        this.#options.log(
          'The locks of this window could not be released at once; the writer process goes on trying.',
        );
      if (outcome === 'late' || !outcome.ok || except.length > 0) {
        this.#leaveBehind();
        return;
      }
    }
    const started = await Promise.race([this.#child, limit]);
    if (started === undefined) return;
    if (started === 'late' || !started.ok) {
      this.#leaveBehind();
      return;
    }
    const child = started.value;
    const reply = await Promise.race([child.request({ kind: 'exit' }), limit]);
    if (reply === 'late') child.kill();
    else if (reply.kind === 'done' && (reply.value as Values['exit']).stays) {
      this.#leaveBehind();
      return;
    }
    await child.ended;
  }

  #leaveBehind(): void {
    this.#left = true;
    void this.#child?.then((started) => {
      if (started.ok) started.value.abandon();
    });
  }

  #claimed({ claim, changed }: Values['claim']): Claim {
    this.#held.add(claim.id);
    const { id, takenFrom } = claim;
    if (takenFrom !== undefined) {
      const ended =
        takenFrom.until === undefined ? 'had no end' : `ended at ${formatRfc3339(takenFrom.until)}`;
      this.#options.log(`${id} was taken over from ${takenFrom.holder}, whose lease ${ended}.`);
    }
    if (changed) this.#tell(id, 'In Progress');
    return claim;
  }

  #settle(id: TaskId, outcome: Result<Values['release'], Failure>): Result<Status, Failure> {
    if (outcome.ok || isLockGone(outcome.failure)) this.#held.delete(id);
    return this.#written(id, outcome);
  }

  #written(id: TaskId, outcome: Result<Values['release'], Failure>): Result<Status, Failure> {
    return mapOk(outcome, ({ status, changed }) => {
      if (changed) this.#tell(id, status);
      return status;
    });
  }

  #tell(id: TaskId, status: Status): void {
    try {
      this.#options.onStatusWritten(id, status);
    } catch (error) {
      // The status is committed even if a listener fails: the caller must learn that.
      this.#options.log(`A listener to written statuses failed: ${String(error)}`);
    }
  }

  async #request<Kind extends keyof Values>(
    request: Extract<WriterRequest, { kind: Kind }>,
  ): Promise<Result<Values[Kind], Failure>> {
    const { clock, random, file, deadlineMs = DEADLINE_MS } = this.#options;
    const backoff = new BusyBackoff({ clock, random, deadlineMs, maxPauseMs: MAX_PAUSE_MS });
    let deaths = 0;
    let unknown = false;
    for (const id of claimedBy(request)) this.#doubtful.delete(id);
    const giveUp = (failure: Failure): Result<never, Failure> => {
      if (unknown)
        for (const id of claimedBy(request)) if (!this.#held.has(id)) this.#doubtful.add(id);
      return fail(failure);
    };
    for (;;) {
      if (this.#left || (this.#closing !== undefined && request.kind !== 'releaseAll'))
        return giveUp(died('it was closed'));
      const started = await this.#start();
      if (!started.ok) return giveUp(started.failure);
      const reply = await started.value.request(
        unknown && 'again' in request ? { ...request, again: true } : request,
      );
      if (reply.kind === 'done') {
        void this.#settleDoubts();
        return ok(reply.value as Values[Kind]);
      }
      if (reply.kind === 'failed') return giveUp(reply.failure);
      if (reply.kind === 'died') {
        const detail = await started.value.ended;
        this.#options.log(`The writer process ended: ${detail}`);
        unknown ||= reply.sent;
        if (++deaths === MAX_DEATHS) return giveUp(died(detail));
        continue;
      }
      const waitedMs = await backoff.pause();
      if (waitedMs === undefined) continue;
      // Not `busy`, which means that nothing was written.
      if (unknown)
        return giveUp(died(`and the database has been locked since, for ${waitedMs} ms`));
      return fail({ kind: 'busy', file, waitedMs });
    }
  }

  /**
   * Releases claims that may have been committed although the call failed, once a process answers
   * again.
   */
  async #settleDoubts(): Promise<void> {
    const ids = [...this.#doubtful];
    this.#doubtful.clear();
    for (const id of ids) {
      if (this.#held.has(id)) continue; // claimed again meanwhile
      const finished = await this.#request({
        ...{ kind: 'release', id, to: 'Todo', again: false, onlyMoved: false },
      });
      if (finished.ok) {
        this.#options.log(
          `A claim of ${id} that had failed was written all the same; it is given back.`,
        );
        if (finished.value.changed) this.#tell(id, finished.value.status);
      } else if (!isLockGone(finished.failure)) {
        this.#doubtful.add(id);
      }
    }
  }

  #start(): Promise<Result<WriterChild, Failure>> {
    if (this.#child !== undefined) return this.#child;
    const { clock } = this.#options;
    const isSame = this.#noNode?.looked === JSON.stringify(this.#options.nodes());
    if (this.#noNode !== undefined && isSame && clock.now() - this.#noNode.at < LOOK_AGAIN_MS) {
      return Promise.resolve(fail(this.#noNode.failure));
    }
    const starting = this.#findChild();
    this.#child = starting;
    void starting.then(async (started) => {
      if (started.ok) await started.value.ended;
      if (this.#child === starting) this.#child = undefined;
      // Restarted at once: a process must exist to release the locks when this one is killed.
      if (
        started.ok &&
        started.value.answered &&
        this.#held.size > 0 &&
        this.#closing === undefined
      )
        void this.#start();
    });
    return starting;
  }

  async #findChild(): Promise<Result<WriterChild, Failure>> {
    const {
      file,
      holder,
      script,
      nodes,
      clock,
      log,
      graceMs = GRACE_MS,
      lingerMs = LINGER_MS,
    } = this.#options;
    const defaults = storePathsOf(dirname(dirname(file)));
    const { json = defaults.json, root, project = defaults.project } = this.#options;
    const tried: string[] = [];
    const commands = nodes();
    for (const node of commands) {
      const lingering = this.#lingering;
      const started = await startChild(
        node,
        script,
        { kind: 'start', file, json, root, project, holder, graceMs, lingerMs, lingering },
        clock,
      );
      const line = [node.command, ...node.args].join(' ');
      if (typeof started === 'string') {
        tried.push(`${line}: ${started}`);
        continue;
      }
      // Changes during the start have not reached it.
      if (this.#lingering !== lingering)
        void started.request({ kind: 'linger', ids: this.#lingering });
      started.onNotice = (notice) => {
        if (notice.kind === 'log') log(notice.line);
        else this.#tell(notice.id, notice.status);
      };
      log(`The writer process ${started.pid} runs on ${line}`);
      return ok(started);
    }
    log(`No Node with node:sqlite was found. ${tried.join('; ')}`);
    const failure: Failure = { kind: 'readOnly', cause: { kind: 'noSqlite', tried } };
    this.#noNode = { failure, at: clock.now(), looked: JSON.stringify(commands) };
    return fail(failure);
  }
}

/** The tasks that a request may lock. */
function claimedBy(request: WriterRequest): readonly TaskId[] {
  switch (request.kind) {
    case 'claim':
      return [request.id];
    case 'claimAll':
    case 'adopt':
      return request.ids;
    case 'claimNext':
      return request.candidates;
    default:
      return [];
  }
}

/** The comment for each possible status: only the transaction knows which one applies. */
function commentsOf(comment: (status: Status) => string): Readonly<Record<Status, string>> {
  return Object.fromEntries(STATUSES.map((status) => [status, comment(status)])) as Record<
    Status,
    string
  >;
}

/** True where the lock is certainly not ours any more. */
function isLockGone({ kind }: Failure): boolean {
  return kind === 'lockLost' || kind === 'noSuchTask';
}

function died(detail: string): Failure {
  return { kind: 'writerDied', detail };
}

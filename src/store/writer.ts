import type { Disposable } from '../core/events.ts';
import type { Failure } from '../core/failure.ts';
import type { Claim, Clock, Locks, Renewal } from '../core/ports.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { Status, TaskId } from '../core/task.ts';
import { startChild, type NodeCommand, type WriterChild } from './writer-child.ts';
import type { Ask, FinalStatus, Values } from './writer-protocol.ts';

export interface WriterOptions {
  /** `todo2.db`, absolute. */
  readonly file: string;
  /** From `createHolderId`, with the id of a process that lives as long as the claims: this one. */
  readonly holder: string;
  /** The bundle of `writer-process.ts`, absolute. */
  readonly script: string;
  /** From `listNodeCommands`; tried in this order. Asked for with each search, since settings change. */
  readonly nodes: () => readonly NodeCommand[];
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** After a status was written, and before the call that wrote it resolves. */
  readonly onStatusWritten: (id: TaskId, status: Status) => void;
  readonly log: (line: string) => void;
  /** How long, in ms, a call goes on while another process has the database locked. */
  readonly deadlineMs?: number;
  /** How long, in ms, after this process is gone its locks are let go: the time its agents take to end. */
  readonly graceMs?: number;
}

const DEADLINE_MS = 10_000;
const GRACE_MS = 3_000;
/** `deactivate` has about five seconds for everything. */
const CLOSE_MS = 2_000;
/** A Node that appears meanwhile is found after this time, and no sooner: looking starts several processes. */
const LOOK_AGAIN_MS = 30_000;
const MAX_DEATHS = 3;

/**
 * Locks in one database, taken by a process of its own that starts with the first call and again when it died.
 *
 * A call whose process died is repeated, as its outcome is unknown; all of them may be. When this process ends without
 * `close`, the other one lets go of all locks of the holder and moves their tasks back to Todo.
 */
export class Writer implements Locks, Disposable {
  readonly holder: string;
  readonly #options: WriterOptions;
  readonly #held = new Set<TaskId>();
  #child: Promise<Result<WriterChild, Failure>> | undefined;
  #noNode: { readonly failure: Failure; readonly at: number; readonly looked: string } | undefined;
  #closing: Promise<void> | undefined;
  #left = false;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.holder = options.holder;
  }

  async probe(): Promise<Failure | undefined> {
    const outcome = await this.#request({ op: 'probe' });
    return outcome.ok ? undefined : outcome.failure;
  }

  async claim(id: TaskId, leaseMs: number, consent?: 'takeUnleased'): Promise<Result<Claim, Failure>> {
    const outcome = await this.#request({ op: 'claim', id, leaseMs, takeUnleased: consent === 'takeUnleased' });
    if (!outcome.ok) return outcome;
    this.#held.add(id);
    if (outcome.value.changed) this.#tell(id, 'In Progress');
    return ok(outcome.value.claim);
  }

  async renew(ids: readonly TaskId[], leaseMs: number): Promise<Result<Renewal, Failure>> {
    if (ids.length === 0) return ok({ renewed: [], until: this.#options.clock.now() + leaseMs, lost: [] });
    const outcome = await this.#request({ op: 'renew', ids, leaseMs });
    if (outcome.ok) for (const { id } of outcome.value.lost) this.#held.delete(id);
    return outcome;
  }

  async finish(id: TaskId, to: FinalStatus): Promise<Result<Status, Failure>> {
    return this.#settle(id, await this.#request({ op: 'finish', id, to, again: false }));
  }

  async setStatus(id: TaskId, from: string, to: FinalStatus): Promise<Result<Status, Failure>> {
    return this.#settle(id, await this.#request({ op: 'setStatus', id, from, to, again: false }));
  }

  /**
   * Ends the process, in two seconds at most; no call is possible afterwards. `release` first lets go of all locks of the
   * holder; where the database is locked for longer, the process stays behind until it has. Never rejects.
   */
  close(locks: 'keep' | 'release' = 'keep'): Promise<void> {
    return (this.#closing ??= this.#close(locks));
  }

  /** As `close('keep')`, without waiting. */
  dispose(): void {
    void this.close();
  }

  async #close(locks: 'keep' | 'release'): Promise<void> {
    if (this.#child === undefined && (locks === 'keep' || this.#held.size === 0)) return;
    const limit = new Promise<'late'>((resolve) => this.#options.clock.after(CLOSE_MS, () => resolve('late')));
    if (locks === 'release') {
      const outcome = await Promise.race([this.#request({ op: 'releaseAll' }), limit]);
      if (outcome !== 'late' && outcome.ok) for (const id of outcome.value.moved) this.#tell(id, 'Todo');
      else
        this.#options.log('The locks of this window could not be released at once; the writer process goes on trying.');
      if (outcome === 'late' || !outcome.ok) {
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
    if ((await Promise.race([child.ask({ op: 'exit' }), limit])) === 'late') child.kill();
    await child.ended;
  }

  #leaveBehind(): void {
    this.#left = true;
    void this.#child?.then((started) => {
      if (started.ok) started.value.abandon();
    });
  }

  #settle(id: TaskId, outcome: Result<Values['finish'], Failure>): Result<Status, Failure> {
    if (!outcome.ok) {
      if (outcome.failure.kind === 'lockLost' || outcome.failure.kind === 'noSuchTask') this.#held.delete(id);
      return outcome;
    }
    this.#held.delete(id);
    if (outcome.value.changed) this.#tell(id, outcome.value.status);
    return ok(outcome.value.status);
  }

  #tell(id: TaskId, status: Status): void {
    try {
      this.#options.onStatusWritten(id, status);
    } catch (error) {
      // The database has the status whatever the listener makes of it: the caller must hear that.
      this.#options.log(`A listener to written statuses failed: ${String(error)}`);
    }
  }

  async #request<Op extends keyof Values>(ask: Extract<Ask, { op: Op }>): Promise<Result<Values[Op], Failure>> {
    const { clock, random, file, deadlineMs = DEADLINE_MS } = this.#options;
    const beganAt = clock.now();
    let deaths = 0;
    let unknown = false;
    for (let attempt = 0; ; attempt++) {
      if (this.#left || (this.#closing !== undefined && ask.op !== 'releaseAll')) return fail(died('it was closed'));
      const started = await this.#start();
      if (!started.ok) return started;
      const reply = await started.value.ask(unknown && 'again' in ask ? { ...ask, again: true } : ask);
      if (reply.kind === 'done') return ok(reply.value as Values[Op]);
      if (reply.kind === 'failed') return fail(reply.failure);
      if (reply.kind === 'died') {
        const detail = await started.value.ended;
        this.#options.log(`The writer process ended: ${detail}`);
        unknown ||= reply.sent;
        if (++deaths === MAX_DEATHS) return fail(died(detail));
        continue;
      }
      const waitedMs = clock.now() - beganAt;
      const pauseMs = 20 + random() * Math.min(400, 25 * 2 ** attempt);
      if (waitedMs + pauseMs > deadlineMs) {
        // Not `busy`, which promises that nothing was written.
        if (unknown) return fail(died(`and the database has been locked since, for ${waitedMs} ms`));
        return fail({ kind: 'busy', file, waitedMs });
      }
      await new Promise<void>((resolve) => clock.after(pauseMs, resolve));
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
      // Locks need somebody who lets go of them when this process is killed: not only once the next call comes.
      if (started.ok && started.value.answered && this.#held.size > 0 && this.#closing === undefined)
        void this.#start();
    });
    return starting;
  }

  async #findChild(): Promise<Result<WriterChild, Failure>> {
    const { file, holder, script, nodes, clock, log, graceMs = GRACE_MS } = this.#options;
    const tried: string[] = [];
    const commands = nodes();
    for (const node of commands) {
      const started = await startChild(node, script, { kind: 'start', file, holder, graceMs }, clock);
      if (typeof started !== 'string') {
        log(`The writer process ${started.pid} runs on ${[node.command, ...node.args].join(' ')}`);
        return ok(started);
      }
      tried.push(`${[node.command, ...node.args].join(' ')}: ${started}`);
    }
    log(`No Node with node:sqlite was found. ${tried.join('; ')}`);
    const failure: Failure = { kind: 'readOnly', cause: { kind: 'noSqlite', tried } };
    this.#noNode = { failure, at: clock.now(), looked: JSON.stringify(commands) };
    return fail(failure);
  }
}

function died(detail: string): Failure {
  return { kind: 'writerDied', detail };
}

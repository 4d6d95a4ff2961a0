import { Emitter, type Disposable, type Event } from '../core/events.ts';
import type { Failure } from '../core/failure.ts';
import type { LeaderRequest, RunHistory } from '../core/ports.ts';
import type { Result } from '../core/result.ts';
import { interruptRun, mayGoOn } from '../core/run/journal/recovery.ts';
import type { RunEvent, RunState } from '../core/run/run-events.ts';
import { applyRunEvents } from '../core/run/journal/run-state.ts';
import type { WaveRunner } from '../core/run/engine/wave-runner.ts';
import type { WorkState } from '../core/run/journal/work-state.ts';
import type { WorkDecision } from '../core/run/work-decision.ts';
import type { TaskId } from '../core/task.ts';
import type { JournalWriter } from '../store/runs/journal-writer.ts';
import type { LeaderRequests } from '../store/runs/leader-requests.ts';
import type { RunJournals, RunRecord } from '../store/runs/run-journals.ts';
import { noteDecision } from './note-decision.ts';
import { AttemptRecovery, type AttemptRecoveryOptions } from './attempt-recovery.ts';

export interface RunTakeoverOptions extends AttemptRecoveryOptions {
  readonly journals: RunJournals;
  readonly runner: Pick<
    WaveRunner,
    'onEvent' | 'restore' | 'setCap' | 'steer' | 'detach' | 'runs' | 'renew'
  >;
  /**
   * Resolves when the backlog was read, or after a timeout: a continued run needs its tasks, their
   * files and their order.
   */
  readonly ready: () => Promise<void>;
  /** Ends the agent of a supervisor that was killed. */
  readonly endOrphan: (state: WorkState) => Promise<void>;
  readonly releaseFor: (holder: string, id: TaskId) => Promise<void>;
  /** Ends the wave verification of a closed window. */
  readonly endVerification: (runId: string, wave: number) => Promise<void>;
  /** The runs that this installation began: a downloaded folder can contain journals. */
  readonly begun: { has(runId: string): boolean; add(runId: string): void };
  /** An attempt of an earlier window, in this run, is at work again. */
  readonly onAttached: (state: WorkState, run: RunState) => void;
  readonly onFailed: (failure: Failure) => void;
  readonly reportBug: (error: unknown) => void;
}

/** Continues a run here. */
type Restore = () => void;

/** How many past runs are shown and read; the logs of more are kept. */
const SHOWN_RUNS = 20;
const READ_RUNS = 60;
const KEPT_RUNS = 200;

/**
 * Writes the journals of this window's runs, reads those of past runs, and takes over runs without
 * a leader: watches attempts at work, settles ended ones, and continues the run or ends it so that
 * it can be resumed.
 */
export class RunTakeover implements RunHistory, Disposable {
  readonly #options: RunTakeoverOptions;
  readonly #changed = new Emitter<undefined>();
  readonly #writers = new Map<
    string,
    { readonly writer: JournalWriter; readonly asks: LeaderRequests }
  >();
  readonly #attempts: AttemptRecovery;
  readonly #subscription: Disposable;
  #following: Disposable | undefined;
  #past: readonly RunState[] = [];
  #elsewhere: readonly RunState[] = [];
  /** One after the other: two checks must not both take over a run. */
  #work: Promise<void> = Promise.resolve();
  #isClosed = false;

  readonly onDidChange: Event<undefined> = this.#changed.event;

  constructor(options: RunTakeoverOptions) {
    this.#options = options;
    this.#attempts = new AttemptRecovery(options);
    this.#subscription = options.runner.onEvent((event) => this.#note(event));
  }

  get past(): readonly RunState[] {
    return this.#past;
  }

  get elsewhere(): readonly RunState[] {
    return this.#elsewhere;
  }

  async prepare(): Promise<Failure | undefined> {
    const prepared = await this.#options.journals.folder.prepare();
    return prepared.ok ? undefined : prepared.failure;
  }

  ask(runId: string, request: LeaderRequest): Promise<Result<undefined, Failure>> {
    return this.#options.journals.ask(runId, request);
  }

  /** See `noteDecision`. */
  noteDecision(runId: string, ids: readonly TaskId[], decision: WorkDecision): Promise<void> {
    const parts = {
      ...this.#options,
      elsewhere: this.#elsewhere,
      ask: (asked: string, request: LeaderRequest) => this.ask(asked, request),
      inTurn: (work: () => Promise<void>) => this.#inTurn(work),
      onNoted: (run: RunState) => this.#addPast(run),
    };
    return noteDecision(parts, runId, ids, decision);
  }

  /** Resolves when all events so far are durable. */
  async flushed(): Promise<void> {
    await Promise.all([...this.#writers.values()].map(({ writer }) => writer.flushed()));
  }

  /**
   * Reads the journals, takes over runs without a leader, and follows the runs of other windows
   * from then on.
   */
  open(): Promise<void> {
    const { journals, reportBug } = this.#options;
    return this.#inTurn(async () => {
      await this.#options.ready();
      if (this.#isClosed) return;
      this.#following = journals.follow((runId) => void this.#inTurn(() => this.#lookAt(runId)));
      const records = await journals.list(READ_RUNS);
      const restored: Restore[] = [];
      for (const record of records) {
        // A failed takeover must not prevent the others.
        const taken = await this.#take(record).catch(reportBug);
        if (taken !== undefined) restored.push(taken);
      }
      // Together, so that all attempts at work get slots before anything further starts.
      for (const restore of restored) restore();
      await journals.prune(KEPT_RUNS);
    });
  }

  /** Writes the remaining events; the next window may lead this window's runs at once. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#following?.dispose();
    this.#subscription.dispose();
    await this.#work;
    await Promise.all([...this.#writers.keys()].map((runId) => this.#closeWriter(runId)));
    await this.#options.journals.leave();
    this.#options.journals.dispose();
    this.#changed.dispose();
  }

  dispose(): void {
    void this.close();
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work
      .then(() => (this.#isClosed ? undefined : work()))
      .catch(this.#options.reportBug);
    return this.#work;
  }

  /** Handles the events of this window's runs. */
  #note(event: RunEvent): void {
    if (this.#isClosed) return;
    const { runId } = event;
    if (event.kind === 'runStarted') this.#options.begun.add(runId);
    const { writer } = this.#writers.get(runId) ?? this.#openWriter(runId);
    writer.append(event);
    if (event.kind !== 'runEnded') return;
    const ended = this.#options.runner.runs.find((run) => run.runId === runId);
    if (ended !== undefined) this.#addPast(ended);
    void this.#inTurn(async () => {
      await this.#closeWriter(runId);
      await this.#options.journals.release(runId);
    });
  }

  #openWriter(runId: string): { readonly writer: JournalWriter; readonly asks: LeaderRequests } {
    const { journals, onFailed } = this.#options;
    const writer = journals.open(runId, { onFailed, onLost: () => this.#lost(runId) });
    const asks = journals.onAsk(runId, (request) => this.#steer(runId, request));
    const opened = { writer, asks };
    this.#writers.set(runId, opened);
    return opened;
  }

  async #closeWriter(runId: string): Promise<void> {
    const opened = this.#writers.get(runId);
    this.#writers.delete(runId);
    opened?.asks.dispose();
    await opened?.writer.close();
  }

  /** Another machine took over the run, as after a long sleep of this one. */
  #lost(runId: string): void {
    this.#options.log(`Another window leads the run ${runId} now.`);
    this.#options.runner.detach(runId);
    void this.#inTurn(async () => {
      await this.#closeWriter(runId);
      await this.#lookAt(runId);
    });
  }

  #steer(runId: string, request: LeaderRequest): void {
    this.#options.runner.steer(runId, request).catch(this.#options.reportBug);
  }

  async #lookAt(runId: string): Promise<void> {
    const record = await this.#options.journals.read(runId);
    if (record === undefined) return;
    (await this.#take(record))?.();
  }

  /** Classifies a run; returns the function that continues it here, where it does. */
  async #take(record: RunRecord): Promise<Restore | undefined> {
    const { runId, state, lead } = record;
    // One that this window has is its own, also where the flag that says so was lost: see `#lost`.
    const isHere = this.#options.runner.runs.some(
      (run) => run.runId === runId && run.phase !== 'ended',
    );
    if (lead === 'ours' || (isHere && lead === 'none')) return undefined;
    if (state.phase === 'ended') {
      this.#addPast(state);
      return undefined;
    }
    if (lead === 'other') {
      this.#setElsewhere(runId, state);
      return undefined;
    }
    return this.#takeOver(record);
  }

  async #takeOver(record: RunRecord): Promise<Restore | undefined> {
    const { journals, runner, begun, clock, log, onAttached } = this.#options;
    const { runId, leaderGoneForMs } = record;
    if (!begun.has(runId) && !(await this.#attempts.isAtWork(record.state))) {
      this.#addPast(await this.#attempts.asLeft(record.state));
      return undefined;
    }
    if (!(await journals.lead(runId, () => this.#lost(runId)))) return undefined;
    // Its old window may have written to it until a moment ago.
    const state = (await journals.read(runId))?.state ?? record.state;
    if (state.phase === 'ended') {
      await journals.release(runId);
      this.#addPast(state);
      return undefined;
    }
    const { found, recovery } = await this.#attempts.settle(state);
    for (const orphan of recovery.orphans) await this.#options.endOrphan(orphan);
    await this.#attempts.keepWorkOf(state, recovery.orphans);
    for (const { id, holder } of recovery.locks) await this.#options.releaseFor(holder, id);
    for (const [wave, { startedAt, endedAt }] of state.waveRuns.entries()) {
      if (startedAt !== undefined && endedAt === undefined)
        await this.#options.endVerification(runId, wave);
    }
    const { writer } = this.#openWriter(runId);
    const [recovered, anyAlive] = [
      this.#apply(state, recovery.events, writer),
      recovery.isSupervised,
    ];
    this.#setElsewhere(runId, undefined);
    // A supervisor that is alive, and the very one, shows as well as our own note that the run was
    // begun on this machine.
    if (
      mayGoOn(recovered, { startedHere: begun.has(runId) || anyAlive, anyAlive, leaderGoneForMs })
    ) {
      log(
        `The run ${runId} continues: ${recovery.attach.size} at work, ${recovery.events.length} events caught up.`,
      );
      return () => {
        for (const id of recovery.attach) {
          const attempt = found.get(id)?.state;
          if (attempt !== undefined) onAttached(attempt, recovered);
        }
        // What the user chose while it ran still holds; where other runs continue already, theirs
        // does.
        const isOnly = runner.runs.every(({ phase }) => phase === 'ended');
        if (isOnly && recovered.cap !== undefined) runner.setCap(recovered.cap);
        runner.restore(recovered, recovery.attach);
        // An attempt that was stopped before its first state has not failed: its task is queued
        // again.
        for (const id of recovery.attach) {
          if (found.get(id)?.isToldToStop === true) this.#steer(runId, { ask: 'requeue', id });
        }
      };
    }
    log(`The run ${runId} was interrupted and does not go on by itself.`);
    this.#addPast(this.#apply(recovered, interruptRun(recovered, clock.now()), writer));
    await this.#closeWriter(runId);
    await journals.release(runId);
    return undefined;
  }

  #apply(state: RunState, events: readonly RunEvent[], writer: JournalWriter): RunState {
    for (const event of events) writer.append(event);
    return applyRunEvents(state, events);
  }

  #addPast(run: RunState): void {
    const others = this.#past.filter(({ runId }) => runId !== run.runId);
    // The interruption concerns the installation that began it; here the run is not expected to
    // continue.
    this.#options.runner.renew(run);
    const isOthers = run.stop?.kind === 'interrupted' && !this.#options.begun.has(run.runId);
    const shown = isOthers ? { ...run, stop: undefined } : run;
    this.#past = [...others, shown].sort((a, b) => b.startedAt - a.startedAt).slice(0, SHOWN_RUNS);
    this.#elsewhere = this.#elsewhere.filter(({ runId }) => runId !== run.runId);
    this.#changed.fire(undefined);
  }

  #setElsewhere(runId: string, run: RunState | undefined): void {
    const others = this.#elsewhere.filter((each) => each.runId !== runId);
    // It may have looked left behind until another window took it over.
    this.#past = this.#past.filter((each) => each.runId !== runId);
    this.#elsewhere = run === undefined ? others : [...others, run];
    this.#changed.fire(undefined);
  }
}

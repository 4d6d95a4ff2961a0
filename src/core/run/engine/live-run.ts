import type { LeaderRequest } from '../../ports.ts';
import { taskIn } from '../../snapshot.ts';
import type { TaskId } from '../../task.ts';
import type { Disposable } from '../../events.ts';
import { Breaker, isFailure } from './retry-policy.ts';
import { Rescheduler } from './reschedule.ts';
import type { VerifyResult } from '../evidence.ts';
import { failedDependency, type RunProgress } from './start-check.ts';
import { entryFrom, isEqualReason, type Entry } from './run-entry.ts';
import {
  type PausedBy,
  type RunEvent,
  type RunState,
  type RunStep,
  type RunStop,
  type SkipReason,
  type TaskOutcome,
  usageOf,
  type WaitReason,
} from '../run-events.ts';
import { isBudgetLimit, reachedLimit, timeLimitAt, type BudgetStart } from '../run-budget.ts';
import { addUsage, type Usage } from '../usage.ts';
import type { RunContext } from './run-context.ts';
import { HUMAN_CAP, KIND_OF, type RunOptions } from '../run-options.ts';
import { applyRunEvents } from '../journal/run-state.ts';
import { Scheduler } from './scheduler.ts';
import { candidateOf, type RunParts, TaskExecutor, type Unstarted } from './task-executor.ts';
import { DelayedTasks } from './delayed-tasks.ts';
import { WaveProgression } from './wave-progression.ts';

/**
 * One run until it ends: starts its tasks, opens and closes its waves, and applies the failure
 * policy.
 *
 *     waiting ──turn──▶ begun: check again ▶ durable ▶ worker ──▶ ended
 *        ▲  └────stop────────────────────────────────────────▶ ended
 *        └──held, retry, cool-down, requeue───┘
 */
export class LiveRun {
  readonly runId: string;
  readonly options: RunOptions;
  readonly entries: ReadonlyMap<TaskId, Entry>;
  readonly ended: Promise<RunState>;
  readonly #runContext: RunContext;
  readonly #scheduler: Scheduler;
  readonly #executor: TaskExecutor;
  readonly #progression: WaveProgression;
  readonly #delayed: DelayedTasks;
  readonly #breaker: Breaker;
  readonly #progress: RunProgress;
  readonly #rescheduler: Rescheduler;
  #isGone = false;
  #tellGone: () => void = () => undefined;
  /** Resolves when the window detaches from this run. */
  readonly #gone = new Promise<void>((resolve) => (this.#tellGone = resolve));
  #resolve: (state: RunState) => void = () => undefined;
  #state: RunState;
  /** Events that `#state` does not contain yet. */
  #unapplied: RunEvent[] = [];
  #phase: RunState['phase'];
  #paused: RunState['paused'];
  #stop: RunStop | undefined;
  #attemptCount: number;
  /** As in the state, which is not made anew for each event. */
  #usage: Usage | undefined;
  #budgetStart: BudgetStart;
  /** Until the run reaches the limit of its time. */
  #timeBudget: Disposable | undefined;
  /** How many tasks have not ended. */
  #left = 0;
  /** A slot is requested and not granted yet. */
  #hasTicket = false;
  #isJudging = false;
  /**
   * After a failure only waves up to this one continue; `from` is the first of them that may not be
   * over.
   */
  #halt: { readonly wave: number; readonly id: TaskId; from: number } | undefined;

  /** `state` may come from an earlier window. */
  constructor(state: RunState, runContext: RunContext) {
    const { runId, options } = state;
    [this.runId, this.options, this.#state, this.#runContext] = [runId, options, state, runContext];
    [this.#phase, this.#paused, this.#stop, this.#attemptCount] = [
      state.phase,
      state.paused,
      state.stop,
      state.attemptCount,
    ];
    [this.#usage, this.#budgetStart] = [state.usage, state.budgetStart];
    this.ended = new Promise((resolve) => (this.#resolve = resolve));
    this.entries = new Map([...state.tasks.values()].map((task) => [task.id, entryFrom(task)]));
    this.#breaker = new Breaker(options.maxEqualFailures);
    this.#progression = new WaveProgression({
      state,
      world: runContext.world,
      isDetached: this.#isDetached,
      leftIn: (wave) => this.#scheduler.left(wave),
      left: () => this.#left,
      isRunning: () => this.#phase === 'running',
      onClosed: (wave, verify) => this.#closed(wave, verify),
      onVerified: () => this.#advance(),
    });
    this.#delayed = new DelayedTasks(runContext.world, (entries) => this.#comeBack(entries));
    this.#progress = {
      options,
      outcomeOf: (id) => this.entries.get(id)?.outcome,
      isPending: (id) => (this.entries.get(id)?.phase ?? 'ended') !== 'ended',
    };
    const { world } = runContext;
    const { state: store } = world.source;
    const candidates = [...this.entries.values()].map((entry) =>
      candidateOf(entry, taskIn(store, entry.id), world, options),
    );
    this.#scheduler = new Scheduler(candidates, options.runMode, runContext.files);
    const parts: RunParts = {
      options,
      runContext,
      scheduler: this.#scheduler,
      whyNot: (entry) => this.#whyNot(entry),
      tell: (step) => this.#tell(step),
    };
    this.#rescheduler = new Rescheduler({
      ...parts,
      delayed: this.#delayed,
      breaker: this.#breaker,
      isRunning: () => this.#phase === 'running',
      tellWaits: (entry, reason) => this.#tellWaits(entry, reason),
      end: (entry, outcome, sameInARow) => this.#end(entry, outcome, sameInARow),
      onBackoffOver: () => this.#advance(),
    });
    this.#executor = new TaskExecutor({
      ...parts,
      runId,
      soFar: this.#progress,
      isDetached: this.#isDetached,
      openWave: (wave) => this.#openWave(wave),
      nextAttemptNo: () => ++this.#attemptCount,
      onSettled: (entry, result) => {
        if ('end' in result) this.#rescheduler.attempted(entry, result);
        else this.#rescheduler.unstarted(entry, result);
        this.#advance();
      },
    });
    for (const wave of state.waves.keys())
      if (!this.#progression.isUnopened(wave)) this.#scheduler.openThrough(wave);
    for (const { id, outcome } of this.entries.values()) {
      if (outcome === undefined) this.#left++;
      else this.#scheduler.ended(id, outcome.kind === 'succeeded');
    }
  }

  /** The state after all events so far; applies new events on access. */
  get state(): RunState {
    if (this.#unapplied.length > 0) {
      this.#state = applyRunEvents(this.#state, this.#unapplied);
      this.#unapplied = [];
    }
    return this.#state;
  }

  get phase(): RunState['phase'] {
    return this.#phase;
  }

  isHolder(holder: string): boolean {
    return this.#executor.isHolder(holder);
  }

  /** Opens its first wave. */
  begin(): void {
    this.#advance();
  }

  /**
   * Continues a run that an earlier window led. Attempts of `attach` count as at work at once, even
   * beyond the cap; other attempts without an end are `unknown`.
   */
  takeOver(attach: ReadonlySet<TaskId>): void {
    const { limiter, coolDown, world, limit } = this.#runContext;
    const tasks = [...this.state.tasks.values()];
    this.#tell({ kind: 'runTakenOver' });
    const ends = tasks.flatMap(({ id, earlier, outcome, endedAt }) => [
      ...earlier.map((attempt) => ({ id, outcome: attempt.outcome, at: attempt.at })),
      ...(outcome === undefined ? [] : [{ id, outcome, at: endedAt ?? 0 }]),
    ]);
    for (const { id, outcome } of ends.sort((a, b) => a.at - b.at)) this.#breaker.note(id, outcome);
    const began = tasks.filter(({ phase }) => phase !== 'queued' && phase !== 'ended');
    // First, since the end of another task may skip everything that is not at work.
    for (const task of began.filter(({ id }) => attach.has(id))) {
      this.#scheduler.takeThis(task.id);
      const attempt = this.#executor.attach(this.#entryOf(task.id), task);
      // It is at work already, even without a slot; it takes one as soon as one is free.
      if (needsSlot(task)) void limit(() => attempt).catch(world.reportBug);
      else attempt.catch(world.reportBug);
    }
    for (const { id } of began.filter((task) => !attach.has(task.id))) {
      const entry = this.#entryOf(id);
      if (entry.phase === 'waiting')
        this.#end(entry, { kind: 'unknown', detail: 'It was not watched any more.' });
    }
    for (const { id, phase, waits } of tasks) {
      const entry = this.#entryOf(id);
      const now = this.#now();
      if (phase !== 'queued' || entry.phase !== 'waiting') continue;
      if (waits?.kind === 'retry' && waits.at > now) {
        this.#scheduler.setAside(id);
        this.#delayed.waitFor(entry, waits.at - now);
      } else if (waits?.kind === 'coolingDown' && waits.until > now) {
        coolDown(waits.agent, limiter.coolDownUntil(waits.agent, waits.until));
      } else {
        this.#tellWaits(entry, undefined);
      }
    }
    for (const entry of this.entries.values())
      if (entry.outcome !== undefined) this.#mind(entry, entry.outcome);
    const { series } = this.#breaker;
    if (series !== undefined && this.#phase === 'running')
      this.#stopFor({ kind: 'breaker', ...series });
    if (this.#phase === 'stopping') this.#skipRest();
    if (this.#stop?.kind === 'person') void this.#stopTasks(this.entries.keys());
    // Later, so that the other runs that are taken over now request slots for their attempts at
    // work first.
    void Promise.resolve().then(() => this.#advance());
  }

  /** Requests a slot if a task may start; reports why the next tasks wait. */
  pump(): void {
    if (!this.#mayStart() || this.#hasTicket) return;
    if (this.#scheduler.hasReady(this.#isOpen)) {
      this.#hasTicket = true;
      void this.#runContext.limit(() => this.#turn()).catch(this.#runContext.world.reportBug);
    }
    this.#tellClosed();
  }

  /** No task at work uses these files any more. */
  freed(files: readonly string[]): void {
    for (const file of files) {
      for (const id of this.#scheduler.freed(file)) this.#tellWaits(this.#entryOf(id), undefined);
    }
  }

  /** Agents of a kind may start again. */
  cooledDown(agent: string): void {
    if (this.#phase === 'ended') return;
    for (const entry of this.entries.values()) {
      const { waits } = entry;
      if (waits?.kind === 'coolingDown' && waits.agent === agent) this.#tellWaits(entry, undefined);
    }
    this.pump();
  }

  setCap(cap: number): void {
    if (this.#phase !== 'ended') this.#tell({ kind: 'capChanged', cap });
  }

  /**
   * Executes a request of the user. Resolves when the stopped tasks have ended and their events
   * were sent.
   */
  async steer(request: LeaderRequest): Promise<void> {
    switch (request.ask) {
      case 'pause':
        this.#pause('person');
        return;
      case 'goOn':
        this.#goOn();
        return;
      case 'requeue':
        this.#requeue(request.id);
        return;
      case 'stopTask':
        return this.#stopTasks([request.id]);
      case 'stopWave':
        return this.#stopTasks(this.state.waves[request.wave] ?? []);
      case 'stopRun':
        return this.#stopAll();
      case 'noteDecision':
        this.#noteDecision(request);
        return;
    }
  }

  /** Nothing further starts until the run is resumed; agents at work continue. */
  #pause(by: PausedBy): void {
    if (this.#phase !== 'running' || this.#paused !== undefined) return;
    this.#paused = by;
    this.#tell({ kind: 'runPaused', by });
  }

  #goOn(): void {
    if (this.#phase === 'ended' || this.#paused === undefined) return;
    if (isBudgetLimit(this.#paused)) this.#budgetStart = { usage: this.#usage, at: this.#now() };
    this.#paused = undefined;
    this.#tell({ kind: 'runWentOn' });
    this.#advance();
  }

  /** Stops tasks; waiting ones end at once. Resolves when all of them have ended. */
  async #stopTasks(ids: Iterable<TaskId>): Promise<void> {
    if (this.#isDetached()) return;
    const ends: Promise<void>[] = [];
    for (const id of ids) {
      const entry = this.entries.get(id);
      if (entry === undefined || entry.phase === 'ended') continue;
      entry.isStopped = true;
      entry.control?.abort();

      if (entry.phase === 'waiting') this.#end(entry, STOPPED);
      else ends.push(new Promise((resolve) => void entry.whenEnded.push(resolve)));
    }
    this.#advance();
    await Promise.race([Promise.all(ends), this.#gone]);
  }

  /** Stops the run: waiting tasks are skipped, agents at work are stopped. */
  async #stopAll(): Promise<void> {
    if (this.#phase === 'ended' || this.#isDetached()) return;
    this.#progression.stop();
    if (this.#phase === 'running') this.#stopFor({ kind: 'person' });
    await this.#stopTasks(this.entries.keys());
    await Promise.race([this.ended, this.#gone]);
  }

  /**
   * Stops an attempt and queues its task again, without counting a failure; does nothing for a task
   * that is not at work.
   */
  #requeue(id: TaskId): void {
    const entry = this.entries.get(id);
    if (entry?.isAtWork !== true || this.#isDetached()) return;
    entry.isRequeued = true;
    entry.control?.abort();
  }

  /**
   * No further starts or events; attempts at work continue, and keep their slots until they end.
   */
  detach(): void {
    this.#isGone = true;
    this.#delayed.dispose();
    this.#rescheduler.dispose();
    this.#progression.stop();
    this.#timeBudget?.dispose();
    this.#tellGone();
  }

  readonly #isDetached = (): boolean => this.#isGone || this.#runContext.isDetached();

  readonly #isOpen = (agent: string): boolean => this.#closedBy(agent) === undefined;

  #closedBy(agent: string): WaitReason | undefined {
    const cap = this.options.agentCaps.find(([name]) => name === agent)?.[1];
    const otherwise = agent === KIND_OF.human ? HUMAN_CAP : Infinity;
    return this.#runContext.limiter.closedBy(
      agent,
      cap === undefined ? otherwise : Math.max(1, cap),
    );
  }

  #mayStart(): boolean {
    const isHeldUp = this.#paused !== undefined || this.#rescheduler.isBackingOff;
    return this.#phase === 'running' && !isHeldUp && !this.#isDetached();
  }

  #whyNot(entry: Entry): Unstarted | undefined {
    if (entry.isStopped) return { kind: 'skip', reason: { kind: 'stopped' } };
    if (this.#stop !== undefined) return { kind: 'skip', reason: this.#skipReason(this.#stop) };
    return this.#mayStart() ? undefined : { kind: 'back' };
  }

  #skipReason(stop: RunStop): SkipReason {
    return stop.kind === 'person' ? { kind: 'stopped' } : { kind: 'runStopped', stop };
  }

  /** Starts the best task of the run in a free slot. */
  async #turn(): Promise<void> {
    this.#hasTicket = false;
    if (!this.#mayStart()) return;
    const { id, parked } = this.#scheduler.take(this.#isOpen);
    for (const { id: other, with: user, files } of parked) {
      this.#tellWaits(this.#entryOf(other), { kind: 'sharesFiles', with: user, files });
    }
    if (id === undefined) {
      this.#tellClosed();
      return;
    }
    const entry = this.#entryOf(id);
    const turn = this.#executor.take(entry);
    // The next task requests its own slot, behind the other runs.
    this.pump();
    if (needsSlot(entry)) await turn;
    else turn.catch(this.#runContext.world.reportBug);
  }

  #tellClosed(): void {
    for (const id of this.#scheduler.tops()) {
      const entry = this.#entryOf(id);
      const reason = this.#closedBy(entry.agent.agent);
      if (reason !== undefined) this.#tellWaits(entry, reason);
    }
  }

  /** Queues tasks again whose delay is over. */
  #comeBack(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.#tellWaits(entry, undefined);
      this.#scheduler.back(entry.id);
    }
    this.#advance();
  }

  #end(entry: Entry, outcome: TaskOutcome, sameInARow?: number): void {
    entry.phase = 'ended';
    entry.outcome = outcome;
    this.#delayed.leave(entry);
    this.#left--;
    if (outcome.kind === 'succeeded') this.#progression.succeededIn(entry.wave);
    this.#scheduler.ended(entry.id, outcome.kind === 'succeeded');
    this.#tell({ kind: 'taskEnded', id: entry.id, outcome });
    for (const resolve of entry.whenEnded.splice(0)) resolve();
    if (this.#phase !== 'running') return;
    if (sameInARow !== undefined) this.#stopFor({ kind: 'breaker', count: sameInARow, outcome });
    else this.#mind(entry, outcome);
  }

  /** Applies the failure policy to the rest of the run. */
  #mind({ id, wave }: Entry, outcome: TaskOutcome): void {
    const { onFailure } = this.options;
    if (this.#phase !== 'running' || onFailure === 'continue' || !isFailure(outcome)) return;
    if (onFailure === 'stopAtOnce') {
      this.#stopFor({ kind: 'failure', id });
      return;
    }
    if (this.#halt !== undefined && this.#halt.wave <= wave) return;
    this.#halt = { wave, id, from: 0 };
    this.#scheduler.haltAfter(wave);
  }

  #stopFor(stop: RunStop): void {
    this.#phase = 'stopping';
    this.#stop = stop;
    this.#tell({ kind: 'runStopping', stop });
    this.#skipRest();
  }

  #skipRest(): void {
    const stop = this.#stop;
    if (stop === undefined) return;
    for (const entry of this.entries.values()) {
      if (entry.phase === 'waiting')
        this.#end(entry, { kind: 'skipped', reason: this.#skipReason(stop) });
    }
  }

  /** Closes finished waves, ends the run, opens the next wave, requests slots. */
  #advance(): void {
    if (this.#phase === 'ended' || this.#progression.isVerifying || this.#isDetached()) return;
    for (;;) {
      if (!this.#progression.closeOver()) return;
      if (this.#left === 0) {
        this.#finish();
        return;
      }
      if (this.#halt !== undefined && this.#phase === 'running' && this.#isHalted(this.#halt)) {
        this.#stopFor({ kind: 'failure', id: this.#halt.id });
        continue;
      }
      this.#heedBudget();
      const next = this.#mayStart() ? this.#progression.next() : undefined;
      if (next === undefined) break;
      this.#openWave(next);
    }
    if (this.#scheduler.hasSuspects && !this.#isJudging) void this.#judge();
    this.pump();
  }

  /**
   * Pauses the run where it has reached a limit of its budget and something is left that could
   * start.
   */
  #heedBudget(): void {
    const { budget } = this.options;
    if (budget === undefined || !this.#mayStart()) return;
    const now = this.#now();
    const limit = reachedLimit(budget, this.#budgetStart, this.#usage, now);
    this.#timeBudget?.dispose();
    this.#timeBudget = undefined;
    if (limit === undefined) {
      const at = timeLimitAt(budget, this.#budgetStart);
      if (at === undefined) return;
      const { clock } = this.#runContext.world;
      this.#timeBudget = clock.after(Math.min(at - now, LONGEST_TIMER_MS), () => this.#advance());
      return;
    }
    const behindBad = this.#scheduler.behindBad();
    const isLeft = [...this.entries.values()].some(
      (entry) => entry.phase !== 'ended' && !entry.isAtWork && !behindBad.has(entry.id),
    );
    if (isLeft) this.#pause(limit);
  }

  #openWave(wave: number): void {
    if (!this.#progression.isUnopened(wave)) return;
    this.#progression.opened(wave);
    this.#tell({ kind: 'waveStarted', wave });
    this.#scheduler.openThrough(wave);
  }

  #closed(wave: number, verify: VerifyResult | undefined): void {
    this.#tell({ kind: 'waveEnded', wave, verify });
    if (this.#phase !== 'running') return;
    if (verify?.passed === false) this.#stopFor({ kind: 'waveVerify', wave, result: verify });
    else if (this.options.pauseBetweenWaves && this.#left > 0) this.#pause('wave');
  }

  /** True when everything up to the wave of the failure is over. */
  #isHalted(halt: { readonly wave: number; from: number }): boolean {
    while (halt.from <= halt.wave && this.#scheduler.left(halt.from) === 0) halt.from++;
    return halt.from > halt.wave;
  }

  /**
   * Skips what depends on a task that did not succeed, unless that task is settled in the backlog
   * by now.
   */
  async #judge(): Promise<void> {
    const { world } = this.#runContext;
    this.#isJudging = true;
    try {
      await world.source.refresh();
    } catch (error) {
      // The earlier read is good enough: each task is checked again before it starts.
      world.reportBug(error);
    }
    this.#isJudging = false;
    if (this.#isDetached()) return;
    const { state } = world.source;
    for (
      let ids = this.#scheduler.takeSuspects();
      ids.length > 0;
      ids = this.#scheduler.takeSuspects()
    ) {
      for (const id of ids) {
        const task = taskIn(state, id);
        const failed =
          task && state.kind === 'ready'
            ? failedDependency(task, state.snapshot, this.#progress)
            : undefined;
        if (failed === undefined) this.#scheduler.readmit(id);
        else
          this.#end(this.#entryOf(id), {
            kind: 'skipped',
            reason: { kind: 'dependencyFailed', id: failed },
          });
      }
    }
    this.#advance();
  }

  #finish(): void {
    this.#phase = 'ended';
    this.#timeBudget?.dispose();
    this.#delayed.dispose();
    this.#rescheduler.dispose();
    this.#tell({ kind: 'runEnded' });
    this.#resolve(this.state);
  }

  #tellWaits(entry: Entry, reason: WaitReason | undefined): void {
    if (entry.phase !== 'waiting' || isEqualReason(entry.waits, reason)) return;
    entry.waits = reason;
    this.#tell({ kind: 'taskWaits', id: entry.id, reason });
  }

  #tell(step: RunStep): void {
    if (this.#isDetached()) return;
    const event = { ...step, runId: this.runId, at: this.#now() };
    this.#unapplied.push(event);
    if (step.kind === 'taskEnded' || step.kind === 'taskRequeued')
      this.#usage = addUsage(this.#usage, usageOf(step.outcome));
    this.#runContext.tell(event);
  }

  /** Of tasks that have ended, in a run that has not: see `renew` for one that has. */
  #noteDecision({ ids, decision }: Extract<LeaderRequest, { readonly ask: 'noteDecision' }>): void {
    const areEnded = ids.every((id) => this.entries.get(id)?.phase === 'ended');
    if (this.#phase !== 'ended' && areEnded) this.#tell({ kind: 'workDecided', ids, decision });
  }

  /** Takes on what was written about a run after its end. */
  renew(state: RunState): void {
    if (this.#phase === 'ended') [this.#state, this.#unapplied] = [state, []];
  }

  #entryOf(id: TaskId): Entry {
    const entry = this.entries.get(id);
    if (entry === undefined)
      throw new Error(`Internal error: ${id} is no task of run ${this.runId}`);
    return entry;
  }

  #now(): number {
    return this.#runContext.world.clock.now();
  }
}

/** The cap is about agents: the user's own tasks take no slots. */
function needsSlot({ agent }: Pick<Entry, 'agent'>): boolean {
  return agent.agentMode !== 'human';
}

/** Node.js has no longer timers. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const STOPPED: TaskOutcome = { kind: 'skipped', reason: { kind: 'stopped' } };

import type { BatchResult } from './batch/batch-result.ts';
import { BacklogRuns, type BacklogRunsParts } from './backlog-runs.ts';
import { claimCandidates } from './lease/claim-candidates.ts';
import { type Options, resolveOptions, type Settings } from './config.ts';
import { diagnose, staleAt } from './doctor/diagnose.ts';
import type { DoctorInput } from './doctor/doctor-input.ts';
import type { Finding } from './doctor/finding.ts';
import { type Disposable, Emitter, type Event } from './events.ts';
import { type Change, isRealStatusChange } from './edit/change.ts';
import { createTaskIds } from './edit/new-task.ts';
import type { Failure } from './failure.ts';
import type { GitStatus, Handoffs } from './handoff.ts';
import { isLive, type IsOurs, type Lease, leaseAt } from './lease/lease.ts';
import { type HolderLife, lifeOf } from './lease/holder-life.ts';
import { applyWaveOverride, type WaveSourceState } from './plan/wave-override.ts';
import type { BacklogSource, Claim, Clock, Edits, Locks, Processes, WaveSource } from './ports.ts';
import { type Readiness, type ReadinessContext, readinessOf } from './waves/readiness.ts';
import { fail, ok, type Result } from './result.ts';
import type { LeaseKeeper } from './lease/lease-keeper.ts';
import type { Snapshot, StoreState } from './snapshot.ts';
import type { Status, Task, TaskId } from './task.ts';
import { summariseWave, type WaveProgress } from './waves/wave-progress.ts';
import { type Plan, planWaves, type Wave, type WaveOptions } from './waves/waves.ts';

/** What a backlog is made of; the composition root wires it. */
export interface BacklogParts {
  readonly source: BacklogSource;
  readonly locks: Locks;
  readonly edits: Edits;
  readonly keeper: Pick<LeaseKeeper, 'track' | 'tracks' | 'untrack'>;
  readonly runs: Omit<BacklogRunsParts, 'clock' | 'options' | 'snapshot' | 'plan' | 'readiness' | 'whyReadOnly'>;
  readonly handoffs: Handoffs;
  /** Without one, waves are computed. */
  readonly waveSource?: WaveSource;
  /** Undefined where git has nothing to say. */
  readonly gitStatus: () => Promise<GitStatus | undefined>;
  readonly clock: Clock;
  readonly processes: Processes;
  readonly settings: () => Settings;
}

/** A task under a lease that runs. */
export interface LiveLock {
  readonly task: Task;
  readonly lease: Extract<Lease, { remainingMs: number }>;
}

const COMPUTED: WaveSourceState = { kind: 'computed' };

/** Looking for trouble takes a twentieth of the time at most, so that a busy store does not keep a window from its work. */
const EXAMINE_SHARE = 20;
const EXAMINE_REST_MS = 5_000;

/**
 * One backlog as the views see it: what the store holds, the waves that follow from it, and the runs of this window.
 *
 * A view keeps no copy: it listens to `onDidChange`, which says nothing but that something is new, and asks again.
 */
export class Backlog implements Disposable {
  readonly #parts: BacklogParts;
  readonly #changed = new Emitter<undefined>();
  readonly #subscriptions: readonly Disposable[];
  readonly #newId: ReturnType<typeof createTaskIds>;
  #planned:
    | {
        readonly snapshot: Snapshot;
        readonly options: WaveOptions;
        readonly asked: WaveSourceState;
        readonly computed: Plan;
        readonly plan: Plan;
      }
    | undefined;
  #examined:
    | {
        readonly plan: Plan;
        readonly from: number;
        readonly to: number;
        readonly restUntil: number;
        readonly findings: readonly Finding[];
      }
    | undefined;
  #examineLater: Disposable | undefined;
  #options: Options | undefined;
  #claimsFailure: Failure | undefined;
  #configuredCap: number | undefined;
  #lastBatch: BatchResult | undefined;

  readonly onDidChange: Event<undefined> = this.#changed.event;
  readonly runs: BacklogRuns;

  constructor(parts: BacklogParts) {
    this.#parts = parts;
    this.#newId = createTaskIds(() => parts.clock.now());
    this.runs = new BacklogRuns({
      ...parts.runs,
      clock: parts.clock,
      options: () => this.options,
      snapshot: () => this.snapshot,
      plan: () => this.plan,
      readiness: (snapshot, id, opened) => this.readinessIn(snapshot, id, opened),
      whyReadOnly: async () => this.#jsonOnly ?? (await this.probeClaims()),
    });
    this.#subscriptions = [
      parts.source.onDidChange(() => {
        this.#options = undefined;
        // A limit in the project's configuration counts at once, as one in the settings does.
        this.#followCap();
        this.#changed.fire(undefined);
      }),
      this.runs.onDidChange(() => this.#changed.fire(undefined)),
      this.runs,
      parts.handoffs.onDidChange(() => this.#changed.fire(undefined)),
      ...(parts.waveSource === undefined ? [] : [parts.waveSource.onDidChange(() => this.#changed.fire(undefined))]),
    ];
  }

  /** The folder that holds the backlog, absolute. */
  get root(): string {
    return this.#parts.source.root;
  }

  /** The last part of the root, as a person would call the project. */
  get name(): string {
    return this.root.split(/[\\/]/).filter(Boolean).at(-1) ?? this.root;
  }

  get store(): StoreState {
    return this.#parts.source.state;
  }

  /** What was last read well, even if the store cannot be read at the moment. */
  get snapshot(): Snapshot | undefined {
    const { store } = this;
    if (store.kind === 'ready') return store.snapshot;
    return store.kind === 'unreadable' ? store.last : undefined;
  }

  /** Asked for with every row that is drawn, so the settings are read once and again when they have changed. */
  get options(): Options {
    return (this.#options ??= resolveOptions(this.#parts.settings(), this.#parts.source.config));
  }

  /** The waves of the current snapshot, computed or of the file that was chosen; undefined while there is none. */
  get plan(): Plan | undefined {
    const { snapshot } = this;
    return snapshot === undefined ? undefined : this.#planOf(snapshot).plan;
  }

  /** The waves as they are computed, whatever file was chosen. */
  get computedPlan(): Plan | undefined {
    const { snapshot } = this;
    return snapshot === undefined ? undefined : this.#planOf(snapshot).computed;
  }

  /** Why this backlog is read-only, as far as it is known by now. */
  get claimsFailure(): Failure | undefined {
    return this.#jsonOnly ?? this.#claimsFailure;
  }

  /** Since when a read goes on that takes much longer than one should; what is shown is of before. */
  get slowSince(): number | undefined {
    return this.#parts.source.slowSince;
  }

  /** What sessions have handed over here. */
  get handoffs(): Handoffs {
    return this.#parts.handoffs;
  }

  /** This machine, as handoffs name it. */
  get host(): string {
    return this.#parts.processes.hostname;
  }

  /** The state of the working copy; undefined where git has nothing to say. */
  gitStatus(): Promise<GitStatus | undefined> {
    return this.#parts.gitStatus();
  }

  get now(): number {
    return this.#parts.clock.now();
  }

  /** This window's own name, and those of the supervisors that work on its runs. */
  readonly isOurs: IsOurs = (holder) => holder === this.#parts.locks.holder || this.#parts.runs.runner.isHolder(holder);

  /**
   * Everything that is wrong with the current snapshot; the same list until something is new. A large store that changes all
   * the time is examined from time to time only, and `onDidChange` says when.
   */
  get findings(): readonly Finding[] {
    const { snapshot, plan, now } = this;
    if (snapshot === undefined || plan === undefined) return [];
    const known = this.#examined;
    if (known?.plan === plan && known.from <= now && now < known.to) return known.findings;
    if (known !== undefined && known.from <= now && now < known.restUntil) {
      this.#examineIn(known.restUntil - now);
      return known.findings;
    }
    const patient: DoctorInput = { snapshot, plan, now, isOurs: this.isOurs, processes: this.#parts.processes };
    const findings = diagnose(patient);
    const restUntil = now + Math.min((this.now - now) * EXAMINE_SHARE, EXAMINE_REST_MS);
    this.#examined = { plan, from: now, to: staleAt(patient), restUntil, findings };
    return findings;
  }

  #examineIn(ms: number): void {
    this.#examineLater ??= this.#parts.clock.after(ms, () => {
      this.#examineLater = undefined;
      this.#changed.fire(undefined);
    });
  }

  task(id: TaskId): Task | undefined {
    return this.snapshot?.byId.get(id);
  }

  leaseOf(task: Task): Lease {
    return leaseAt(task.lock, this.isOurs, this.now, this.options.staleLockMs);
  }

  /** May this task start now. */
  readinessOf(task: Task): Readiness {
    return readinessOf(task, this.#readinessContext());
  }

  /** As `readinessOf`, in a snapshot that may be newer than what is shown; a task that is gone is not ready. */
  readinessIn(snapshot: Snapshot, id: TaskId, opened: ReadonlySet<TaskId>): Readiness {
    const task = snapshot.byId.get(id);
    if (task === undefined) return { kind: 'notReady', reasons: [{ kind: 'missing', id }] };
    const { now, isOurs } = this;
    return readinessOf(task, {
      plan: this.#planOf(snapshot).plan,
      byId: snapshot.byId,
      isOurs,
      now,
      opened: (dependency) => opened.has(dependency),
    });
  }

  /** How far the tasks of a wave are. */
  progressOf(wave: Wave): WaveProgress {
    return summariseWave(wave, this.#readinessContext(), (id) => this.runs.failedPartOf(id) !== undefined);
  }

  /** Tasks with a lease that still runs, whoever holds it, the one that ends first first. */
  liveLocks(): readonly LiveLock[] {
    const live: LiveLock[] = [];
    for (const task of this.snapshot?.tasks ?? []) {
      if (task.lock === undefined) continue;
      const lease = this.leaseOf(task);
      if (isLive(lease)) live.push({ task, lease });
    }
    return live.sort((a, b) => a.lease.remainingMs - b.lease.remainingMs);
  }

  async refresh(): Promise<void> {
    await Promise.all([this.#parts.source.refresh(), this.#parts.handoffs.refresh()]);
  }

  /** Asks once whether locks can be written, and tells the views. */
  async probeClaims(): Promise<Failure | undefined> {
    const failure = await this.#parts.locks.probe();
    // Only that no SQLite can be had lasts; whatever else it is may be over with the next attempt.
    const lasting = failure?.kind === 'readOnly' ? failure : undefined;
    if (lasting?.kind !== this.#claimsFailure?.kind) {
      this.#claimsFailure = lasting;
      this.#changed.fire(undefined);
    }
    return failure;
  }

  /** Whether the process that a holder names lives, as far as this machine can tell. */
  lifeOf(holder: string): HolderLife {
    return lifeOf(holder, this.#parts.processes);
  }

  /** Locks a task for the person at this window and keeps the lease alive until it is released. */
  async claim(id: TaskId, consent?: 'takeUnleased'): Promise<Result<Claim, Failure>> {
    const claimed = await this.#claim(async (leaseMs) => {
      const claim = await this.#parts.locks.claim(id, leaseMs, consent);
      return claim.ok ? ok([claim.value]) : claim;
    });
    return firstOf(claimed);
  }

  /** Locks all of these as `claim` does, or none; the failure names the first that is in the way. */
  claimAll(ids: readonly TaskId[]): Promise<Result<readonly Claim[], Failure>> {
    return this.#claim((leaseMs) => this.#parts.locks.claimAll(ids, leaseMs));
  }

  /** Locks the first task of those wanted, in the order of the waves, that is ready and that nobody has when it is locked. */
  async claimNext(isWanted?: (task: Task) => boolean): Promise<Result<Claim, Failure>> {
    const candidates = claimCandidates(this).filter((id) => {
      const task = this.task(id);
      return isWanted === undefined || (task !== undefined && isWanted(task));
    });
    const { waves, reviewOpensGate } = this.options;
    const rules = { missing: waves.missing, reviewOpensGate: reviewOpensGate === 'always' };
    const claimed = await this.#claim(async (leaseMs) => {
      if (candidates.length === 0) return fail({ kind: 'nothingReady' });
      const claim = await this.#parts.locks.claimNext(candidates, rules, leaseMs);
      return claim.ok ? ok([claim.value]) : claim;
    });
    return firstOf(claimed);
  }

  /** Takes off a task the lock that it is shown with, whoever has it; In Progress becomes Todo. */
  async forceRelease(task: Task, reason: string): Promise<Result<Status, Failure>> {
    const refusal = this.#jsonOnly;
    if (refusal !== undefined) return fail(refusal);
    if (task.lock === undefined) return fail({ kind: 'lockLost', id: task.id, holder: undefined });
    const released = await this.#parts.locks.forceRelease(task.id, task.lock, reason);
    await this.refresh();
    return released;
  }

  /** Gives a lock of ours back; In Progress becomes Todo. A task that a run works on is stopped instead. */
  async release(id: TaskId): Promise<Result<Status, Failure>> {
    if (this.runs.of(id) !== undefined) {
      const stopped = await this.runs.steerTask(id, 'stopTask');
      if (!stopped.ok) return stopped;
      // What a run had begun it has given back; a lock taken by hand, on a task that was still queued, is still there.
      if (!this.#parts.keeper.tracks(id)) return ok('Todo');
    }
    const keep = this.#parts.keeper.untrack(id);
    const released = await this.#parts.locks.release(id, 'Todo');
    // Still ours where it could not be written: it would run out under the person who counts on it.
    if (!released.ok && released.failure.kind !== 'lockLost' && released.failure.kind !== 'noSuchTask') keep();
    await this.refresh();
    return released;
  }

  /**
   * A person says that a task of a run is finished: what verifies it runs, and the run goes on. Somebody else's lock on one that
   * is only followed is taken away. Fails as `setStatus` where no run waits for a word about it.
   */
  async completeTask(task: Task, as?: 'Review' | 'Done'): Promise<Result<undefined, Failure>> {
    if (this.runs.awaitsManualCompletion(task.id)) return this.runs.completeTask(task.id, as);
    const set = await this.setStatus(task, as ?? 'Review');
    return set.ok ? ok(undefined) : set;
  }

  /** Sets the status of a task that nobody else holds; clears a lock of ours. A person's task of a run ends with that. */
  async setStatus(task: Task, to: 'Todo' | 'Review' | 'Done'): Promise<Result<Status, Failure>> {
    if (this.runs.awaitsManualCompletion(task.id)) {
      const said =
        to === 'Todo' ? await this.runs.steerTask(task.id, 'stopTask') : await this.runs.completeTask(task.id, to);
      return said.ok ? ok(to) : said;
    }
    const refusal = this.#jsonOnly ?? this.#agentAtWork(task.id);
    if (refusal !== undefined) return fail(refusal);
    // Before it is written, so that nobody takes our own change for one that undoes our claim.
    const keep = this.#parts.keeper.untrack(task.id);
    const set = await this.#parts.locks.setStatus(task.id, task.rawStatus, to);
    if (!set.ok) keep();
    await this.refresh();
    return set;
  }

  /**
   * Makes these changes in one transaction, or none of them; what we held of a task that is gone or has another status by
   * then is let go. Fails as `Edits.apply`.
   */
  async apply(changes: readonly Change[]): Promise<Result<undefined, Failure>> {
    const ending = changes.filter((change) => endsOurWork(change, this.isOurs));
    const atWork = ending.map((change) => this.#agentAtWork(change.id)).find((failure) => failure !== undefined);
    const refusal = this.#jsonOnly ?? atWork;
    if (refusal !== undefined) return fail(refusal);
    // Before it is written, so that nobody takes our own change for one that undoes our claim.
    const keep = ending.map((change) => this.#parts.keeper.untrack(change.id));
    const applied = await this.#parts.edits.apply(changes);
    if (!applied.ok) for (const again of keep) again();
    await this.refresh();
    return applied;
  }

  /** Makes a new task and answers its id. Fails as `Edits.apply`. */
  async createTask(draft: Omit<Extract<Change, { kind: 'create' }>, 'kind' | 'id'>): Promise<Result<TaskId, Failure>> {
    for (;;) {
      const id = this.#newId((taken) => this.task(taken) !== undefined);
      const created = await this.apply([{ kind: 'create', id, ...draft }]);
      if (created.ok) return ok(id);
      // Somebody else took it since; the next one is later, so this ends.
      if (created.failure.kind !== 'changedMeanwhile') return created;
    }
  }

  /** The last batch of tools that was run over this backlog in this window. */
  get lastBatch(): BatchResult | undefined {
    return this.#lastBatch;
  }

  noteBatch(result: BatchResult): void {
    this.#lastBatch = result;
    this.#changed.fire(undefined);
  }

  /** To be called when settings have changed; a Node.js named there may be what was missing. */
  optionsChanged(): void {
    this.#options = undefined;
    this.#parts.waveSource?.choiceChanged();
    if (this.#claimsFailure !== undefined) void this.probeClaims();
    this.#followCap();
    this.#changed.fire(undefined);
  }

  dispose(): void {
    this.#examineLater?.dispose();
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#changed.dispose();
  }

  async #claim(
    claim: (leaseMs: number) => Promise<Result<readonly Claim[], Failure>>,
  ): Promise<Result<readonly Claim[], Failure>> {
    const refusal = this.#jsonOnly;
    if (refusal !== undefined) return fail(refusal);
    const { leaseMs } = this.options;
    const claimed = await claim(leaseMs);
    if (claimed.ok) {
      for (const { id, version } of claimed.value) {
        // A lock that an agent works under stays its run's, although a person asked for it too.
        if (!this.#isAtWork(id)) this.#parts.keeper.track(id, leaseMs, { byHand: true, version });
      }
    }
    await this.refresh();
    return claimed;
  }

  #isAtWork(id: TaskId): boolean {
    const phase = this.runs.of(id)?.tasks.get(id)?.phase;
    return phase === 'claimed' || phase === 'running';
  }

  /** A task that is let go of while its agent works would be given to a second one. */
  #agentAtWork(id: TaskId): Failure | undefined {
    const part = this.runs.of(id)?.tasks.get(id);
    if (part === undefined || part.phase === 'queued') return undefined;
    // A person's own task is theirs to change; whoever else holds it, the store refuses for.
    return part.agent.agentMode === 'human' ? undefined : { kind: 'agentAtWork', id };
  }

  get #jsonOnly(): Failure | undefined {
    if (this.snapshot?.source !== 'json') return undefined;
    return { kind: 'readOnly', cause: { kind: 'jsonOnly' } };
  }

  #planOf(snapshot: Snapshot): { readonly computed: Plan; readonly plan: Plan } {
    const options = this.options.waves;
    const asked = this.#parts.waveSource?.state ?? COMPUTED;
    const known = this.#planned;
    const isComputed = known?.snapshot === snapshot && sameOptions(known.options, options);
    if (isComputed && known.asked === asked) return known;
    const computed = isComputed ? known.computed : planWaves(snapshot.tasks, options, snapshot.links);
    const plan = asked.kind === 'computed' ? computed : applyWaveOverride(computed, asked);
    this.#planned = { snapshot, options, asked, computed, plan };
    return this.#planned;
  }

  #readinessContext(): ReadinessContext {
    const { plan, snapshot } = this;
    if (plan === undefined || snapshot === undefined) throw new Error('Internal error: a task without a snapshot');
    const context = { plan, byId: snapshot.byId, isOurs: this.isOurs, now: this.now };
    if (this.options.reviewOpensGate !== 'always') return context;
    return { ...context, opened: (id) => snapshot.byId.get(id)?.status === 'Review' };
  }

  /** A cap that a person chose for a run stays until another one is configured. */
  #followCap(): void {
    const { maxParallelTasks } = this.options;
    if (maxParallelTasks === this.#configuredCap) return;
    this.#configuredCap = maxParallelTasks;
    this.runs.setCap(maxParallelTasks);
  }
}

function firstOf(claimed: Result<readonly Claim[], Failure>): Result<Claim, Failure> {
  if (!claimed.ok) return claimed;
  const [first] = claimed.value;
  if (first === undefined) throw new Error('Internal error: a claim of nothing');
  return ok(first);
}

type EndsWork = Extract<Change, { kind: 'delete' | 'setStatus' | 'clearLock' }>;

function endsOurWork(change: Change, isOurs: IsOurs): change is EndsWork {
  if (change.kind === 'setStatus') return isRealStatusChange(change) && change.to !== 'In Progress';
  if (change.kind === 'clearLock') return isOurs(change.holder);
  return change.kind === 'delete';
}

function sameOptions(a: WaveOptions, b: WaveOptions): boolean {
  return a.numbering === b.numbering && a.maxTasksPerWave === b.maxTasksPerWave && a.missing === b.missing;
}

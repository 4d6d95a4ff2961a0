import type { BatchResult } from './batch/batch-result.ts';
import { BacklogClaims } from './backlog-claims.ts';
import { BacklogEdits } from './backlog-edits.ts';
import { BacklogRuns } from './backlog-runs.ts';
import type { BacklogRunsParts } from './backlog-runs-parts.ts';
import { type Options, resolveOptions, type Settings } from './config.ts';
import type { Finding } from './doctor/finding.ts';
import { FindingsCache } from './doctor/findings-cache.ts';
import { type Disposable, Emitter, type Event } from './events.ts';
import type { Failure } from './failure.ts';
import type { GitStatus, Handoffs } from './handoff.ts';
import { isLive, type IsOurs, type Lease, leaseAt } from './lease/lease.ts';
import { type HolderLife, lifeOf } from './lease/holder-life.ts';
import { applyWaveOverride, type WaveSourceState } from './plan/wave-override.ts';
import type { BacklogSource, Clock, Edits, Locks, Processes, WaveSource } from './ports.ts';
import { type Readiness, type ReadinessContext, readinessOf } from './waves/readiness.ts';
import type { LeaseKeeper } from './lease/lease-keeper.ts';
import type { Snapshot, StoreState } from './snapshot.ts';
import type { Task, TaskId } from './task.ts';
import { summariseWave, type WaveProgress } from './waves/wave-progress.ts';
import { type Plan, planWaves, type Wave, type WaveOptions } from './waves/waves.ts';

/** What a backlog is made of; the composition root wires it. */
export interface BacklogParts {
  readonly source: BacklogSource;
  readonly locks: Locks;
  readonly edits: Edits;
  readonly keeper: Pick<LeaseKeeper, 'track' | 'tracks' | 'untrack'>;
  readonly runs: Omit<
    BacklogRunsParts,
    'clock' | 'options' | 'snapshot' | 'plan' | 'readiness' | 'whyReadOnly'
  >;
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

/**
 * One backlog as the views see it: what the store holds, the waves that follow from it, and the
 * runs of this window.
 *
 * A view keeps no copy: it listens to `onDidChange`, which says nothing but that something is new,
 * and asks again.
 */
export class Backlog implements Disposable {
  readonly #parts: BacklogParts;
  readonly #changed = new Emitter<undefined>();
  readonly #subscriptions: readonly Disposable[];
  readonly #findings: FindingsCache;
  #planned:
    | {
        readonly snapshot: Snapshot;
        readonly options: WaveOptions;
        readonly asked: WaveSourceState;
        readonly computed: Plan;
        readonly plan: Plan;
      }
    | undefined;
  #options: Options | undefined;
  #configuredCap: number | undefined;
  #lastBatch: BatchResult | undefined;

  readonly onDidChange: Event<undefined> = this.#changed.event;
  readonly runs: BacklogRuns;
  /** Locks that the user takes and gives back. */
  readonly claims: BacklogClaims;
  /** Changes of tasks. */
  readonly edits: BacklogEdits;

  constructor(parts: BacklogParts) {
    this.#parts = parts;
    this.runs = new BacklogRuns({
      ...parts.runs,
      clock: parts.clock,
      options: () => this.options,
      snapshot: () => this.snapshot,
      plan: () => this.plan,
      readiness: (snapshot, id, opened) => this.readinessIn(snapshot, id, opened),
      whyReadOnly: () => this.claims.whyReadOnly(),
    });
    const changed = (): void => this.#changed.fire(undefined);
    this.#findings = new FindingsCache(parts.clock, changed);
    this.claims = new BacklogClaims({ ...parts, backlog: this, onDidChangeFailure: changed });
    this.edits = new BacklogEdits({ ...parts, backlog: this });
    this.#subscriptions = [
      parts.source.onDidChange(() => {
        this.#options = undefined;
        // A limit in the project's configuration counts at once, as one in the settings does.
        this.#followCap();
        this.#changed.fire(undefined);
      }),
      this.runs.onDidChange(changed),
      this.runs,
      this.#findings,
      parts.handoffs.onDidChange(changed),
      ...(parts.waveSource === undefined ? [] : [parts.waveSource.onDidChange(changed)]),
    ];
  }

  /** The folder that holds the backlog, absolute. */
  get root(): string {
    return this.#parts.source.root;
  }

  /** The last part of the root, as the user would call the project. */
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

  /**
   * Asked for with every row that is drawn, so the settings are read once and again when they have
   * changed.
   */
  get options(): Options {
    return (this.#options ??= resolveOptions(this.#parts.settings(), this.#parts.source.config));
  }

  /**
   * The waves of the current snapshot, computed or of the file that was chosen; undefined while
   * there is none.
   */
  get plan(): Plan | undefined {
    const { snapshot } = this;
    return snapshot === undefined ? undefined : this.#planOf(snapshot).plan;
  }

  /** The waves as they are computed, also where a file was chosen. */
  get computedPlan(): Plan | undefined {
    const { snapshot } = this;
    return snapshot === undefined ? undefined : this.#planOf(snapshot).computed;
  }

  /** Why this backlog is read-only, as far as it is known by now. */
  get claimsFailure(): Failure | undefined {
    return this.claims.failure;
  }

  /** Since when an unusually long read is in progress; until it ends, older data is shown. */
  get slowSince(): number | undefined {
    return this.#parts.source.slowSince;
  }

  /** The handoffs of this backlog. */
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
  readonly isOurs: IsOurs = (holder) =>
    holder === this.#parts.locks.holder || this.#parts.runs.runner.isHolder(holder);

  /**
   * The findings on the current snapshot; the same list until something changes. A large store that
   * changes constantly is diagnosed at intervals, and `onDidChange` fires after each.
   */
  get findings(): readonly Finding[] {
    const { snapshot, plan, now, isOurs } = this;
    if (snapshot === undefined || plan === undefined) return [];
    return this.#findings.of({ snapshot, plan, now, isOurs, processes: this.#parts.processes });
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

  /**
   * As `readinessOf`, in a snapshot that may be newer than what is shown; a task that is gone is
   * not ready.
   */
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
    return summariseWave(
      wave,
      this.#readinessContext(),
      (id) => this.runs.failedPartOf(id) !== undefined,
    );
  }

  /** Tasks with a live lease of any holder, by its end. */
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

  /** Whether the process that a holder names lives, as far as this machine can tell. */
  lifeOf(holder: string): HolderLife {
    return lifeOf(holder, this.#parts.processes);
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
    this.claims.probeAgain();
    this.#followCap();
    this.#changed.fire(undefined);
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#changed.dispose();
  }

  #planOf(snapshot: Snapshot): { readonly computed: Plan; readonly plan: Plan } {
    const options = this.options.waves;
    const asked = this.#parts.waveSource?.state ?? COMPUTED;
    const known = this.#planned;
    const isComputed = known?.snapshot === snapshot && sameOptions(known.options, options);
    if (isComputed && known.asked === asked) return known;
    const computed = isComputed
      ? known.computed
      : planWaves(snapshot.tasks, options, snapshot.links);
    const plan = asked.kind === 'computed' ? computed : applyWaveOverride(computed, asked);
    this.#planned = { snapshot, options, asked, computed, plan };
    return this.#planned;
  }

  #readinessContext(): ReadinessContext {
    const { plan, snapshot } = this;
    if (plan === undefined || snapshot === undefined)
      throw new Error('Internal error: a task without a snapshot');
    const context = { plan, byId: snapshot.byId, isOurs: this.isOurs, now: this.now };
    if (this.options.reviewOpensGate !== 'always') return context;
    return { ...context, opened: (id) => snapshot.byId.get(id)?.status === 'Review' };
  }

  /** A cap that the user chose for a run stays until another one is configured. */
  #followCap(): void {
    const { maxParallelTasks } = this.options;
    if (maxParallelTasks === this.#configuredCap) return;
    this.#configuredCap = maxParallelTasks;
    this.runs.setCap(maxParallelTasks);
  }
}

function sameOptions(a: WaveOptions, b: WaveOptions): boolean {
  return (
    a.numbering === b.numbering &&
    a.maxTasksPerWave === b.maxTasksPerWave &&
    a.missing === b.missing
  );
}

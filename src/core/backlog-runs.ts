import { askWhatIf, makespanOf, type WhatIf } from './analysis/what-if.ts';
import type { Options } from './config.ts';
import { Emitter, type Disposable, type Event } from './events.ts';
import type { Failure } from './failure.ts';
import type { Clock, Job, LeaderRequest, RunHistory, WorkPreview } from './ports.ts';
import { fail, ok, type Result } from './result.ts';
import {
  type DryRun,
  type DryRunOptions,
  type DryStep,
  dryRun,
  estimate,
} from './run/engine/dry-run.ts';
import { forecastRun } from './run/engine/forecast.ts';
import { estimateDurations } from './run/engine/estimates.ts';
import { touchedEarlier } from './run/engine/touched-earlier.ts';
import type { AskedIsolation, IsolationDecision } from './run/isolation.ts';
import type { Isolation } from './run/isolation-port.ts';
import type { RunChoice, RunScope } from './run/run-choice.ts';
import type { RunState, TaskRun } from './run/run-events.ts';
import { resumable } from './run/journal/recovery.ts';
import {
  type RequestContext,
  requestOf,
  resumeCapOf,
  resumeRequestOf,
  sendBackRequestOf,
} from './run/run-request.ts';
import { sendsBack, sentBackIn } from './run/send-back.ts';
import {
  type AgentAssignment,
  isWindowWork,
  KIND_OF,
  type RunOptions,
  type RunRequest,
} from './run/run-options.ts';
import { groupOf } from './run/report/run-summary.ts';
import type { Candidate } from './run/engine/scheduler.ts';
import { StuckWatch } from './run/engine/stuck-watch.ts';
import { candidateOf } from './run/engine/task-executor.ts';
import type { WaveRunner } from './run/engine/wave-runner.ts';
import type { Snapshot } from './snapshot.ts';
import type { Task, TaskId } from './task.ts';
import type { Plan } from './waves/waves.ts';

/** What the runs of a backlog are made of. */
export interface BacklogRunsParts {
  readonly runner: Pick<
    WaveRunner,
    'runs' | 'cap' | 'onDidChange' | 'start' | 'steer' | 'stopAll' | 'clear' | 'setCap' | 'isHolder'
  >;
  readonly history: RunHistory;
  readonly completions: ManualCompletionPort;
  readonly clock: Clock;
  readonly options: () => Options;
  readonly snapshot: () => Snapshot | undefined;
  readonly plan: () => Plan | undefined;
  /** Undefined while tasks can be claimed, else why not. */
  readonly whyReadOnly: () => Promise<Failure | undefined>;
  /** Undefined while such an agent can be started, else why not. */
  readonly findAgent: (assignment: AgentAssignment) => Promise<Failure | undefined>;
  /** What an attempt would start; nothing is started or written for it. */
  readonly preview: (job: Job) => Promise<Result<WorkPreview, Failure>>;
  readonly isolation: Pick<Isolation, 'decide'>;
  readonly readiness: DryRunOptions['readiness'];
  readonly caseFoldPaths: boolean;
  /** See `DryRunOptions`. */
  readonly settle: () => Promise<void>;
  /** When the agent of a task wrote something last, epoch ms. */
  readonly lastOutputAt: (id: TaskId) => number | undefined;
}

/** Takes the user's word that a task of a run is finished; see `WindowWorker`. */
export interface ManualCompletionPort {
  /** True for a task that ends when the user of this window says so. */
  awaitsManualCompletion(id: TaskId): boolean;
  complete(id: TaskId, as?: 'Review' | 'Done'): Promise<Result<undefined, Failure>>;
}

/** The result of a dry run; times are in ms from its start. */
export interface DryRunReport {
  readonly title: string;
  readonly options: RunOptions;
  readonly cap: number;
  /** Where it would work, or why it cannot. */
  readonly isolation: Result<IsolationDecision, Failure>;
  readonly steps: readonly DryRunStep[];
  readonly skipped: DryRun['skipped'];
  readonly estimates: readonly { readonly cap: number; readonly makespanMs: number }[];
  /** What the durations rest on, in words of `estimates.ts`. */
  readonly basis: string;
}

/** One task of a dry run, and what would be started for it. */
export interface DryRunStep {
  readonly task: Task;
  /** Index into the waves of the run. */
  readonly wave: number;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  /** What it would wait for on the way, in order. */
  readonly waited: DryStep['waits'];
  readonly agent: AgentAssignment;
  readonly preview: Result<WorkPreview, Failure>;
}

/** The runs of one backlog: what starts them, steers them and remembers them. */
export class BacklogRuns implements Disposable {
  readonly #parts: BacklogRunsParts;
  readonly #changed = new Emitter<undefined>();
  readonly #subscriptions: readonly Disposable[];
  readonly #stuck: StuckWatch;
  #pastParts:
    | { readonly past: readonly RunState[]; readonly latest: ReadonlyMap<TaskId, TaskOfRun> }
    | undefined;

  readonly onDidChange: Event<undefined> = this.#changed.event;

  constructor(parts: BacklogRunsParts) {
    this.#parts = parts;
    const { runner, history, clock, lastOutputAt } = parts;
    this.#stuck = new StuckWatch({ runs: () => this.all, lastOutputAt, clock });
    const tell = (): void => {
      this.#stuck.look();
      this.#changed.fire(undefined);
    };
    this.#subscriptions = [
      runner.onDidChange(tell),
      history.onDidChange(tell),
      this.#stuck.onDidChange(() => this.#changed.fire(undefined)),
      this.#stuck,
    ];
  }

  /**
   * The runs of this window, live and ended, and those that another window leads; the oldest first.
   */
  get all(): readonly RunState[] {
    const { runner, history } = this.#parts;
    const ours = new Set(runner.runs.map(({ runId }) => runId));
    const elsewhere = history.elsewhere.filter(({ runId }) => !ours.has(runId));
    return [...runner.runs, ...elsewhere].sort((a, b) => a.startedAt - b.startedAt);
  }

  /** Those that ended before, or elsewhere; the newest first. */
  get past(): readonly RunState[] {
    const shown = new Set(this.#parts.runner.runs.map(({ runId }) => runId));
    return this.#parts.history.past.filter(({ runId }) => !shown.has(runId));
  }

  /** True while a run has not ended. */
  get isRunning(): boolean {
    return this.all.some((run) => run.phase !== 'ended');
  }

  find(runId: string): RunState | undefined {
    return (
      this.all.find((run) => run.runId === runId) ?? this.past.find((run) => run.runId === runId)
    );
  }

  isLedElsewhere(runId: string): boolean {
    const { runner, history } = this.#parts;
    const is = (run: RunState): boolean => run.runId === runId;
    return !runner.runs.some(is) && history.elsewhere.some(is);
  }

  /** The run that has this task and has not ended it, if any. */
  of(id: TaskId): RunState | undefined {
    return this.all.find((run) => isOpenIn(run, id));
  }

  /**
   * The latest run with something to say of a task, and the task in it: one that has not ended it,
   * else the one with the latest attempt at it. A run that never came to it does not count.
   */
  latestOf(id: TaskId): TaskOfRun | undefined {
    const { runner, history } = this.#parts;
    let latest: TaskOfRun | undefined;
    for (const run of [...runner.runs, ...history.elsewhere]) {
      const part = run.tasks.get(id);
      if (part === undefined || !tellsOf(run, part)) continue;
      if (isOpenIn(run, id)) return { run, part };
      if (latest === undefined || latest.run.startedAt <= run.startedAt) latest = { run, part };
    }
    const past = this.#latestPast().get(id);
    const isOlder =
      past === undefined || past.run.startedAt <= (latest?.run.startedAt ?? -Infinity);
    return isOlder ? latest : past;
  }

  /** How a task failed in its latest attempt, until the next one begins. */
  failedPartOf(id: TaskId): TaskRun | undefined {
    const part = this.latestOf(id)?.part;
    return part !== undefined && endedBadly(part) ? part : undefined;
  }

  get cap(): number {
    return this.#parts.runner.cap;
  }

  /** Agents at a time, until the settings say something else. */
  setCap(cap: number): void {
    this.#parts.runner.setCap(cap);
  }

  stuckSince(id: TaskId): number | undefined {
    return this.#stuck.since(id);
  }

  /**
   * Starts what the scope names and that can start at all; answers the id of the run. Fails with
   * `uncommitted` where `isolationStart` has to be chosen.
   */
  start(scope: RunScope, choice: RunChoice = {}): Promise<Result<string, Failure>> {
    return this.#start(() => requestOf(scope, choice, this.#context), choice);
  }

  /**
   * Starts a run of what failed in another one, was stopped or never ran; its waves and choices are
   * kept.
   */
  async resume(runId: string): Promise<Result<string, Failure>> {
    const run = this.find(runId);
    if (run === undefined) return fail({ kind: 'nothingToRun' });
    const cap = resumeCapOf(run, this.#parts.options());
    const isolation = run.options.isolation === undefined ? 'shared' : 'worktree';
    const rest = new Set(this.restOf(run));
    return this.#start(() => resumeRequestOf(run, rest, this.#context), {
      ...(cap !== undefined && { cap }),
      isolation,
      isolationStart: 'commit',
    });
  }

  /**
   * Starts a run in which the same agent goes on with the work of an ended one on a task, in the
   * same worktree and session, with what a reviewer says to it. The task has to be Todo by then.
   */
  async sendBack(runId: string, id: TaskId, text: string): Promise<Result<string, Failure>> {
    const run = this.find(runId);
    if (run === undefined) return fail({ kind: 'nothingToRun' });
    return this.#start(() => sendBackRequestOf(run, id, text, this.#context), {
      isolation: 'worktree',
    });
  }

  /** The run that the work of a run on a task was sent back to, if it was. */
  sentBackIn(runId: string, id: TaskId): RunState | undefined {
    return sentBackIn([...this.all, ...this.past], runId, id);
  }

  /** The tasks of an ended run that can still be resumed: none once another run has resumed it. */
  restOf(run: RunState): readonly TaskId[] {
    const later = [...this.all, ...this.past].filter(({ resumes }) => resumes === run.runId);
    if (run.phase !== 'ended' || later.some((each) => !sendsBack(each, run.runId))) return [];
    return resumable(run).filter((id) => !later.some(({ tasks }) => tasks.has(id)));
  }

  /**
   * What a run would do, in which order and for how long; nothing is started, claimed or written.
   */
  async dryRun(scope: RunScope, choice: RunChoice = {}): Promise<Result<DryRunReport, Failure>> {
    const { snapshot, readiness, runner, clock, caseFoldPaths, settle } = this.#parts;
    const tasks = snapshot();
    const request = requestOf(scope, choice, this.#context);
    if (!request.ok) return request;
    if (tasks === undefined) return fail({ kind: 'nothingToRun' });
    const { title, agents } = request.value;
    const isolation = await this.#parts.isolation.decide(
      this.#asked(request.value, choice, { isDry: true }),
    );
    const place = isolation.ok ? isolation.value.isolation : undefined;
    const options = { ...request.value.options, isolation: place };
    const runs = [...this.past, ...this.all];
    const { durationOf } = estimateDurations(runs, tasks, agents);
    const simulation: DryRunOptions = {
      request: { ...request.value, options },
      state: { kind: 'ready', snapshot: tasks },
      root: tasks.root,
      readiness,
      caseFoldPaths,
      settle,
      durationOf,
      touched: touchedEarlier(runs, { foldCase: caseFoldPaths }),
      now: clock.now(),
    };
    const cap = choice.cap ?? runner.cap;
    const plan = await dryRun(simulation, cap);
    if (!plan.ok) return plan;
    const caps = [...new Set([cap, 2, 4, 8])].sort((a, b) => a - b);
    const estimates = await estimate(simulation, caps);
    if (!estimates.ok) return estimates;
    const steps: DryRunStep[] = [];
    for (const [index, { id, wave, startsAt, endsAt, waits }] of plan.value.order.entries()) {
      const task = tasks.byId.get(id);
      const agent = agents.get(id);
      if (task === undefined || agent === undefined) continue;
      const preview = await this.#parts.preview({
        runId: 'dry-run',
        attemptNo: index + 1,
        tryNo: 1,
        root: tasks.root,
        task,
        agent,
        options,
        sessionId: undefined,
        dependencies: task.dependencies.flatMap((on) => tasks.byId.get(on) ?? []),
      });
      const times = { startsAtMs: startsAt, endsAtMs: endsAt, waited: waits };
      steps.push({ task, wave, ...times, agent, preview });
    }
    const { skipped } = plan.value;
    // Of the tasks that would start alone.
    const started = new Map(steps.map(({ task, agent }) => [task.id, agent]));
    const { basis } = estimateDurations(runs, tasks, started);
    return ok({
      title,
      options,
      cap,
      isolation,
      steps,
      skipped,
      estimates: estimates.value,
      basis,
    });
  }

  /**
   * How long all waves would take with few and with many agents, by what is known of past runs.
   * Fails with `nothingToRun`.
   */
  whatIf(): Result<WhatIf, Failure> {
    const weighed = this.#weigh({ kind: 'all' }, {});
    if (!weighed.ok) return weighed;
    const { candidates, options, basis } = weighed.value;
    return ok(askWhatIf(candidates, options, { cap: this.cap, basis }));
  }

  /**
   * What a run would be, in numbers: the tasks that this window has not in a run already, by whom
   * they would be done, and for how long. Fails with `nothingToRun`, `noSuchTask`, and with
   * `alreadyRunning` where runs of this window have all of it.
   */
  outlook(scope: RunScope, choice: RunChoice = {}): Result<RunOutlook, Failure> {
    const weighed = this.#weigh(scope, choice);
    if (!weighed.ok) return weighed;
    const { options } = weighed.value;
    const { runs } = this.#parts.runner;
    const free = weighed.value.candidates.filter(
      ({ id }) => !runs.some((run) => isOpenIn(run, id)),
    );
    if (free.length === 0) return fail({ kind: 'alreadyRunning' });
    const cap = choice.cap ?? this.cap;
    return ok({
      ids: free.map(({ id }) => id),
      agents: [...new Set(free.map(({ agent }) => agent))],
      cap,
      ms: makespanOf(free, options, cap),
      isFirstOfAgents: ![...this.all, ...this.past].some(hadProgram),
    });
  }

  /**
   * About how long a run takes from now on, by what is known of past runs, in ms; 0 for one that has
   * ended.
   */
  leftMs(run: RunState): number {
    const tasks = this.#parts.snapshot();
    if (tasks === undefined || run.phase === 'ended') return 0;
    const agents = new Map([...run.tasks.values()].map(({ id, agent }) => [id, agent]));
    const { durationOf } = estimateDurations([...this.past, ...this.all], tasks, agents);
    const now = this.#parts.clock.now();
    const spans = forecastRun(run, tasks, durationOf, { now, cap: this.cap });
    return [...spans.values()].reduce((last, { to }) => Math.max(last, to), now) - now;
  }

  #weigh(
    scope: RunScope,
    choice: RunChoice,
  ): Result<
    {
      readonly candidates: readonly Candidate[];
      readonly options: RunOptions;
      readonly basis: string;
    },
    Failure
  > {
    const tasks = this.#parts.snapshot();
    const request = requestOf(scope, choice, this.#context);
    if (!request.ok) return request;
    if (tasks === undefined) return fail({ kind: 'nothingToRun' });
    const { waves, agents, options } = request.value;
    const runs = [...this.past, ...this.all];
    const { durationOf, basis } = estimateDurations(runs, tasks, agents);
    const { caseFoldPaths } = this;
    const touched = touchedEarlier(runs, { foldCase: caseFoldPaths });
    const world = { estimate: durationOf, touched, caseFoldPaths };
    const candidates = waves.flatMap((ids, wave) =>
      ids.flatMap((id) => {
        const agent = agents.get(id);
        return agent === undefined
          ? []
          : [candidateOf({ id, wave, agent }, tasks.byId.get(id), world, options)];
      }),
    );
    return ok({ candidates, options, basis });
  }

  /** True where the file system does not tell `A` from `a`. */
  get caseFoldPaths(): boolean {
    return this.#parts.caseFoldPaths;
  }

  /**
   * Does what the user asks of a run, or passes it on to the window that leads it. Resolves when
   * what was to be stopped has ended, where this window leads the run. Fails with `writeFailed`.
   */
  async steer(runId: string, request: LeaderRequest): Promise<Result<undefined, Failure>> {
    const { runner, history } = this.#parts;
    if (this.isLedElsewhere(runId)) return history.ask(runId, request);
    await runner.steer(runId, request);
    return ok(undefined);
  }

  /**
   * Steers every run that has a task; `requeue` ends an attempt that looks stuck and queues the
   * task again.
   */
  async steerTask(id: TaskId, ask: 'stopTask' | 'requeue'): Promise<Result<undefined, Failure>> {
    const runs = this.all.filter((run) => isOpenIn(run, id));
    const steered = await Promise.all(runs.map(({ runId }) => this.steer(runId, { ask, id })));
    return steered.find((each) => !each.ok) ?? ok(undefined);
  }

  /** True for a task at work that ends when the user of this window says so. */
  awaitsManualCompletion(id: TaskId): boolean {
    return this.#parts.completions.awaitsManualCompletion(id);
  }

  /**
   * The user says that a task is finished, theirs or one that is followed; see
   * `WindowWorker.complete`.
   */
  completeTask(id: TaskId, as?: 'Review' | 'Done'): Promise<Result<undefined, Failure>> {
    return this.#parts.completions.complete(id, as);
  }

  stopAll(): Promise<void> {
    return this.#parts.runner.stopAll();
  }

  clear(runId: string): void {
    this.#parts.runner.clear(runId);
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#changed.dispose();
  }

  /** Asked for with every row that is drawn, and past runs are many, and change seldom. */
  #latestPast(): ReadonlyMap<TaskId, TaskOfRun> {
    const { past } = this.#parts.history;
    if (this.#pastParts?.past === past) return this.#pastParts.latest;
    const latest = new Map<TaskId, TaskOfRun>();
    for (const run of past)
      for (const [id, part] of run.tasks)
        if (!latest.has(id) && tellsOf(run, part)) latest.set(id, { run, part });
    this.#pastParts = { past, latest };
    return latest;
  }

  get #context(): RequestContext {
    const { snapshot, plan, options } = this.#parts;
    return { snapshot: snapshot(), plan: plan(), options: options() };
  }

  async #start(
    requested: () => Result<RunRequest, Failure>,
    choice: RunChoice,
  ): Promise<Result<string, Failure>> {
    const { runner, options, history, whyReadOnly, isolation } = this.#parts;
    const { cap } = choice;
    const readOnly = await whyReadOnly();
    if (readOnly !== undefined) return fail(readOnly);
    const request = requested();
    if (!request.ok) return request;
    const refusal =
      (await this.#findAgents([...request.value.agents.values()])) ?? (await history.prepare());
    if (refusal !== undefined) return fail(refusal);
    const decided = await isolation.decide(this.#asked(request.value, choice, { isDry: false }));
    if (!decided.ok) return decided;
    // A cap that the user chose during a run stays until that run has ended.
    if (cap !== undefined || runner.runs.every(({ phase }) => phase === 'ended')) {
      runner.setCap(cap ?? options().maxParallelTasks);
    }
    this.#clearOldRuns();
    const { isolation: place } = decided.value;
    const started = runner.start({
      ...request.value,
      options: { ...request.value.options, isolation: place },
    });
    return started.ok ? ok(started.value.runId) : started;
  }

  #asked(
    { agents, resumes }: RunRequest,
    choice: RunChoice,
    { isDry }: Pick<AskedIsolation, 'isDry'>,
  ): AskedIsolation {
    const { runner, options } = this.#parts;
    const programs = [...agents.values()].filter((agent) => !isWindowWork(agent)).length;
    return {
      choice: choice.isolation ?? options().run.isolation,
      parallel: Math.min(choice.cap ?? runner.cap, programs),
      start: choice.isolationStart ?? options().run.isolationStart,
      resumes,
      target: resumes === undefined ? undefined : this.find(resumes)?.options.isolation?.target,
      isDry,
    };
  }

  async #findAgents(assignments: readonly AgentAssignment[]): Promise<Failure | undefined> {
    const different = new Map(assignments.map((each) => [JSON.stringify(each), each]));
    for (const assignment of different.values()) {
      const failure = await this.#parts.findAgent(assignment);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  /** Clears ended runs in which all tasks succeeded, and all but the latest of the others. */
  #clearOldRuns(): void {
    const { runner } = this.#parts;
    const ended = runner.runs.filter((run) => run.phase === 'ended');
    const wentWell = (run: RunState): boolean =>
      [...run.tasks.values()].every(({ outcome }) => outcome?.kind === 'succeeded');
    for (const run of ended) if (wentWell(run) || run !== ended.at(-1)) runner.clear(run.runId);
  }
}

/** What a run would be, before anything of it is started. */
export interface RunOutlook {
  /** In the order of their waves. */
  readonly ids: readonly TaskId[];
  /** The kinds of agents. */
  readonly agents: readonly string[];
  readonly cap: number;
  /** About how long all of it would take. */
  readonly ms: number;
  /** No run that is known of has started an agent's program, except for the simulated one. */
  readonly isFirstOfAgents: boolean;
}

/** True for a kind of agent that is a program and works in earnest. */
export function isProgram(kind: string): boolean {
  return kind !== 'simulated' && kind !== KIND_OF.human && kind !== KIND_OF.subagent;
}

function hadProgram({ tasks }: RunState): boolean {
  return [...tasks.values()].some(
    ({ agent, attemptNo }) => attemptNo !== undefined && isProgram(agent.agent),
  );
}

/** A task, and a run that has something to say of it. */
export interface TaskOfRun {
  readonly run: RunState;
  readonly part: TaskRun;
}

/** True where an attempt failed, or nobody knows how it ended, or its work is in conflict. */
export function endedBadly(part: TaskRun): boolean {
  if (part.phase !== 'ended') return false;
  const group = groupOf(part);
  return group === 'failed' || group === 'unclear' || group === 'conflict';
}

function tellsOf({ phase }: RunState, part: TaskRun): boolean {
  const isOpen = phase !== 'ended' && part.phase !== 'ended';
  // Some attempts fail before they have a number: their agent is not there.
  return isOpen || part.attemptNo !== undefined || part.outcome?.kind === 'notStarted';
}

function isOpenIn(run: RunState, id: TaskId): boolean {
  return run.phase !== 'ended' && (run.tasks.get(id)?.phase ?? 'ended') !== 'ended';
}

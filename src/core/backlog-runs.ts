import type { BacklogRunsParts } from './backlog-runs-parts.ts';
import { Emitter, type Disposable, type Event } from './events.ts';
import type { Failure } from './failure.ts';
import type { LeaderRequest } from './ports.ts';
import { fail, ok, type Result } from './result.ts';
import type { AskedIsolation } from './run/isolation.ts';
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
import { type AgentAssignment, isWindowWork, type RunRequest } from './run/run-options.ts';
import { StuckWatch } from './run/engine/stuck-watch.ts';
import { endedBadly, isOpenIn, type TaskOfRun, tellsOf } from './run/task-of-run.ts';
import { RunForecasts } from './run-forecasts.ts';
import type { TaskId } from './task.ts';

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
  /** What runs would do, and how long they take. */
  readonly forecasts: RunForecasts;

  constructor(parts: BacklogRunsParts) {
    this.#parts = parts;
    const { runner, history, clock, lastOutputAt } = parts;
    this.forecasts = new RunForecasts({
      ...parts,
      runs: () => [...this.past, ...this.all],
      cap: () => this.cap,
      isInRun: (id) => runner.runs.some((run) => isOpenIn(run, id)),
      request: (scope, choice) => requestOf(scope, choice, this.#context),
      decide: (request, choice) =>
        parts.isolation.decide(this.#asked(request, choice, { isDry: true })),
    });
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

import { askWhatIf, makespanOf, type WhatIf } from './analysis/what-if.ts';
import type { BacklogRunsParts } from './backlog-runs-parts.ts';
import type { Failure } from './failure.ts';
import type { WorkPreview } from './ports.ts';
import { fail, ok, type Result } from './result.ts';
import {
  type DryRun,
  type DryRunOptions,
  type DryStep,
  dryRun,
  estimate,
} from './run/engine/dry-run.ts';
import { estimateDurations } from './run/engine/estimates.ts';
import { forecastRun } from './run/engine/forecast.ts';
import type { Candidate } from './run/engine/scheduler.ts';
import { candidateOf } from './run/engine/task-executor.ts';
import { touchedEarlier } from './run/engine/touched-earlier.ts';
import type { IsolationDecision } from './run/isolation.ts';
import type { RunChoice, RunScope } from './run/run-choice.ts';
import type { RunState } from './run/run-events.ts';
import {
  type AgentAssignment,
  KIND_OF,
  type RunOptions,
  type RunRequest,
} from './run/run-options.ts';
import type { Task, TaskId } from './task.ts';

/** What forecasts are made of. */
export interface RunForecastsParts extends Pick<
  BacklogRunsParts,
  'snapshot' | 'readiness' | 'clock' | 'caseFoldPaths' | 'settle' | 'preview'
> {
  /** Every run that is known of. */
  readonly runs: () => readonly RunState[];
  /** Agents at a time. */
  readonly cap: () => number;
  /** True where a run of this window has the task and has not ended it. */
  readonly isInRun: (id: TaskId) => boolean;
  readonly request: (scope: RunScope, choice: RunChoice) => Result<RunRequest, Failure>;
  /** Where such a run would work; nothing is made for it. */
  readonly decide: (
    request: RunRequest,
    choice: RunChoice,
  ) => Promise<Result<IsolationDecision, Failure>>;
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

/** What runs of one backlog would do, and how long they take, by what is known of past ones. */
export class RunForecasts {
  readonly #parts: RunForecastsParts;

  constructor(parts: RunForecastsParts) {
    this.#parts = parts;
  }

  /**
   * What a run would do, in which order and for how long; nothing is started, claimed or written.
   */
  async dryRun(scope: RunScope, choice: RunChoice = {}): Promise<Result<DryRunReport, Failure>> {
    const { snapshot, readiness, clock, caseFoldPaths, settle } = this.#parts;
    const tasks = snapshot();
    const request = this.#parts.request(scope, choice);
    if (!request.ok) return request;
    if (tasks === undefined) return fail({ kind: 'nothingToRun' });
    const { title, agents } = request.value;
    const isolation = await this.#parts.decide(request.value, choice);
    const place = isolation.ok ? isolation.value.isolation : undefined;
    const options = { ...request.value.options, isolation: place };
    const runs = this.#parts.runs();
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
    const cap = choice.cap ?? this.#parts.cap();
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
    return ok(askWhatIf(candidates, options, { cap: this.#parts.cap(), basis }));
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
    const free = weighed.value.candidates.filter(({ id }) => !this.#parts.isInRun(id));
    if (free.length === 0) return fail({ kind: 'alreadyRunning' });
    const cap = choice.cap ?? this.#parts.cap();
    return ok({
      ids: free.map(({ id }) => id),
      agents: [...new Set(free.map(({ agent }) => agent))],
      cap,
      ms: makespanOf(free, options, cap),
      isFirstOfAgents: !this.#parts.runs().some(hadProgram),
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
    const { durationOf } = estimateDurations(this.#parts.runs(), tasks, agents);
    const now = this.#parts.clock.now();
    const spans = forecastRun(run, tasks, durationOf, { now, cap: this.#parts.cap() });
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
    const request = this.#parts.request(scope, choice);
    if (!request.ok) return request;
    if (tasks === undefined) return fail({ kind: 'nothingToRun' });
    const { waves, agents, options } = request.value;
    const runs = this.#parts.runs();
    const { durationOf, basis } = estimateDurations(runs, tasks, agents);
    const { caseFoldPaths } = this.#parts;
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

import type { Options } from '../config.ts';
import type { Failure } from '../failure.ts';
import { oneLine } from '../text.ts';
import { fail, ok, type Result } from '../result.ts';
import type { Snapshot } from '../snapshot.ts';
import type { Task, TaskId } from '../task.ts';
import type { Plan } from '../waves/waves.ts';
import { agentCapsOf, assignmentOf } from './agent-rules.ts';
import type { RunChoice, RunScope } from './run-choice.ts';
import type { RunState } from './run-events.ts';
import type { AgentAssignment, RunOptions, RunRequest } from './run-options.ts';

/** What a request is made of, at one moment. */
export interface RequestContext {
  readonly snapshot: Snapshot | undefined;
  readonly plan: Plan | undefined;
  readonly options: Options;
}

type Waves = readonly (readonly TaskId[])[];

/**
 * The request from the user's choice, else the rules, else the settings. Fails with `nothingToRun`,
 * `noSuchTask`.
 */
export function requestOf(
  scope: RunScope,
  choice: RunChoice,
  context: RequestContext,
): Result<RunRequest, Failure> {
  const { title, waves } = resolve(scope, context);
  const startable = startableOf(waves, context.snapshot);
  const { snapshot, options } = context;
  if (scope.kind === 'task' && snapshot?.byId.has(scope.id) === false)
    return fail({ kind: 'noSuchTask', id: scope.id });
  if (startable.length === 0) return fail({ kind: 'nothingToRun' });
  const agents = agentsFor(startable, (id) => {
    const task = snapshot?.byId.get(id);
    return task && assignmentOf(task, options.agentRules, choice, options.agent);
  });
  return ok({ title, waves: startable, agents, options: runOptionsOf(choice, context) });
}

function agentsFor(
  waves: Waves,
  agentOf: (id: TaskId) => AgentAssignment | undefined,
): ReadonlyMap<TaskId, AgentAssignment> {
  return new Map(
    waves.flat().flatMap((id) => {
      const agent = agentOf(id);
      return agent === undefined ? [] : [[id, agent] as const];
    }),
  );
}

/** The maximum values of the settings. */
const MOST = { agents: 64, retries: 10 };

/**
 * The rest of an ended run: what failed, was stopped or never ran; its waves, agents, options and
 * what was said to its work are kept.
 */
export function resumeRequestOf(
  run: RunState,
  wanted: ReadonlySet<TaskId>,
  context: RequestContext,
): Result<RunRequest, Failure> {
  const waves = startableOf(
    run.waves.map((ids) => ids.filter((id) => wanted.has(id))),
    context.snapshot,
  );
  if (waves.length === 0) return fail({ kind: 'nothingToRun' });
  const followUps = new Map(
    waves.flat().flatMap((id) => {
      const followUp = run.tasks.get(id)?.followUp;
      return followUp === undefined ? [] : [[id, followUp] as const];
    }),
  );
  return ok({ title: run.title, waves, ...goingOn(run, waves, context), followUps });
}

/** One task of an ended run once more, with what a reviewer says to its work. */
export function sendBackRequestOf(
  run: RunState,
  id: TaskId,
  text: string,
  context: RequestContext,
): Result<RunRequest, Failure> {
  const attemptNo = run.tasks.get(id)?.attemptNo;
  const waves = startableOf([[id]], context.snapshot);
  if (waves.length === 0 || attemptNo === undefined) return fail({ kind: 'nothingToRun' });
  const { options, ...kept } = goingOn(run, waves, context);
  return ok({
    title: oneLine(context.snapshot?.byId.get(id)?.title ?? '') || id,
    waves,
    ...kept,
    // It has begun with what its dependencies had done.
    options: { ...options, reviewGate: 'always' },
    followUps: new Map([[id, { text, after: { runId: run.runId, attemptNo } }]]),
  });
}

/**
 * What a run has of an earlier one. Its journal is not trusted: values are limited to those of the
 * settings, and the lease comes from the current settings.
 */
function goingOn(
  run: RunState,
  waves: Waves,
  { options }: RequestContext,
): Pick<RunRequest, 'agents' | 'options' | 'resumes'> {
  const agents = agentsFor(waves, (id) => run.tasks.get(id)?.agent);
  const retries = Math.min(run.options.retries, MOST.retries);
  return {
    agents,
    options: { ...run.options, retries, leaseMs: options.leaseMs },
    resumes: run.runId,
  };
}

/** How many agents at a time a run had; undefined for one that does not say. */
export function resumeCapOf(
  { cap }: RunState,
  { maxParallelTasks }: Pick<Options, 'maxParallelTasks'>,
): number | undefined {
  return cap === undefined ? undefined : Math.min(cap, Math.max(MOST.agents, maxParallelTasks));
}

function runOptionsOf(choice: RunChoice, { options }: RequestContext): RunOptions {
  const { whenWindowCloses: _, isolation: __, isolationStart: ___, ...run } = options.run;
  return {
    ...run,
    runMode: choice.runMode ?? run.runMode,
    onFailure: choice.onFailure ?? run.onFailure,
    pauseBetweenWaves: choice.pauseBetweenWaves ?? run.pauseBetweenWaves,
    reviewGate: options.reviewOpensGate,
    leaseMs: options.leaseMs,
    statusOnSuccess: options.statusOnSuccess,
    agentCaps: agentCapsOf(options.agentRules),
    // Decided when the run starts.
    isolation: undefined,
  };
}

function resolve(
  scope: RunScope,
  { plan, snapshot }: RequestContext,
): { readonly title: string; readonly waves: Waves } {
  const waves = plan?.waves ?? [];
  const idsOf = (tasks: readonly Task[]): readonly TaskId[] => tasks.map(({ id }) => id);
  switch (scope.kind) {
    case 'wave': {
      const wave = waves.find(({ number }) => number === scope.number);
      return {
        title: `Wave ${scope.number}`,
        waves: wave === undefined ? [] : [idsOf(wave.tasks)],
      };
    }
    case 'task': {
      const title = oneLine(snapshot?.byId.get(scope.id)?.title ?? '');
      return { title: title || scope.id, waves: [[scope.id]] };
    }
    case 'tasks':
      return { title: scope.title, waves: [scope.ids] };
    case 'all':
      return { title: 'All waves', waves: waves.map(({ tasks }) => idsOf(tasks)) };
  }
}

/** Review, Blocked and unknown statuses are in waves too, but nothing starts from them. */
function startableOf(waves: Waves, snapshot: Snapshot | undefined): Waves {
  const isStartable = (id: TaskId): boolean => {
    const status = snapshot?.byId.get(id)?.status;
    return status === 'Todo' || status === 'In Progress';
  };
  return waves.map((ids) => ids.filter(isStartable)).filter((ids) => ids.length > 0);
}

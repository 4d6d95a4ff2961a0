import { RUN_DEFAULTS } from '../../src/core/config.ts';
import type { FailCause, RunEvent, RunState, TaskOutcome } from '../../src/core/run/run-events.ts';
import type { AgentAssignment, RunOptions } from '../../src/core/run/run-options.ts';
import { applyRunEvents } from '../../src/core/run/journal/run-state.ts';
import { taskId } from '../../src/core/task.ts';

/** The options of a run by default. */
export const RUN_OPTIONS: RunOptions = {
  runMode: 'strict',
  onFailure: 'continue',
  pauseBetweenWaves: false,
  heldTasks: 'skip',
  reviewGate: 'inRun',
  retries: RUN_DEFAULTS.retries,
  retryAfterMs: RUN_DEFAULTS.retryAfterMs,
  maxEqualFailures: RUN_DEFAULTS.maxEqualFailures,
  leaseMs: 1_800_000,
  statusOnSuccess: 'Review',
  timeLimitMs: RUN_DEFAULTS.timeLimitMs,
  stuckAfterMs: RUN_DEFAULTS.stuckAfterMs,
  agentCaps: [],
  budget: undefined,
  isolation: undefined,
  resolveConflicts: undefined,
  sameFiles: undefined,
};

const AGENT: AgentAssignment = { agent: 'claude', model: undefined, agentMode: 'unattended' };

/** The beginning of a run. */
export function runStarted(run: {
  readonly waves: readonly (readonly string[])[];
  readonly at: number;
  readonly runId?: string;
  readonly title?: string;
  readonly options?: Partial<RunOptions>;
  readonly resumes?: string;
}): Extract<RunEvent, { readonly kind: 'runStarted' }> {
  const waves = run.waves.map((ids) => ids.map(taskId));
  return {
    kind: 'runStarted',
    runId: run.runId ?? 'r',
    title: run.title ?? 'Wave 0',
    waves,
    at: run.at,
    options: { ...RUN_OPTIONS, ...run.options },
    agents: waves.flat().map((id) => [id, AGENT] as const),
    resumes: run.resumes,
  };
}

/** A run after its beginning and these, each of which belongs to it. */
export function runAfter(
  first: ReturnType<typeof runStarted>,
  ...events: readonly RunStep[]
): RunState {
  const { runId } = first;
  return applyRunEvents(undefined, [first, ...events.map((event) => ({ ...event, runId }))]);
}

/** An event without the run that it belongs to. */
export type RunStep = RunEvent extends infer E
  ? E extends RunEvent
    ? Omit<E, 'runId'>
    : never
  : never;

/** An attempt at a task from its start until it is at work. */
export function atWork(id: string, attemptNo: number, at: number, tryNo = 1): readonly RunStep[] {
  return [
    { kind: 'taskStarting', id: taskId(id), attemptNo, tryNo, at },
    { kind: 'taskClaimed', id: taskId(id), holder: `claude-desk-${9000 + attemptNo}`, at },
    { kind: 'taskStarted', id: taskId(id), at },
  ];
}

/** The end of a task. */
export function ended(id: string, outcome: TaskOutcome, at: number): RunStep {
  return { kind: 'taskEnded', id: taskId(id), outcome, at };
}

/** A failure with this cause. */
export function failedWith(
  cause: FailCause,
  exitCode: number | undefined,
  signal?: string,
): TaskOutcome {
  return { kind: 'failed', cause, exitCode, signal, evidence: undefined };
}

export const SUCCEEDED: TaskOutcome = { kind: 'succeeded', status: 'Review', evidence: undefined };

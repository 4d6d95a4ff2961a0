import type { RunEvent, TaskOutcome } from '../../src/core/run/run-events.ts';
import type { RunOptions, AgentMode } from '../../src/core/run/run-options.ts';
import { taskId } from '../../src/core/task.ts';

/** A moment after everything that these stories tell, epoch ms. */
export const after = 10_000_000;

export const OPTIONS: RunOptions = {
  runMode: 'strict',
  onFailure: 'continue',
  pauseBetweenWaves: false,
  heldTasks: 'skip',
  reviewGate: 'inRun',
  retries: 0,
  retryAfterMs: 30_000,
  maxEqualFailures: 3,
  leaseMs: 1_800_000,
  statusOnSuccess: 'Review',
  timeLimitMs: 0,
  stuckAfterMs: 0,
  agentCaps: [],
  budget: undefined,
  isolation: undefined,
  resolveConflicts: undefined,
  sameFiles: undefined,
};

/** How a run of these waves begins. */
export function startOf(
  runId: string,
  waves: readonly (readonly string[])[],
  more: {
    readonly agent?: string;
    readonly at?: number;
    readonly title?: string;
    readonly options?: Partial<RunOptions>;
    readonly agentMode?: AgentMode;
  } = {},
): RunEvent {
  const ids = waves.map((wave) => wave.map(taskId));
  const { agent = 'claude', at = 0, title = 'All waves', agentMode = 'unattended', options } = more;
  return {
    kind: 'runStarted',
    runId,
    title,
    waves: ids,
    options: { ...OPTIONS, ...options },
    resumes: undefined,
    followUps: undefined,
    at,
    agents: ids.flat().map((id) => [id, { agent, model: undefined, agentMode }] as const),
  };
}

export function succeeded(
  status: 'Review' | 'Done' = 'Review',
): Extract<TaskOutcome, { kind: 'succeeded' }> {
  return { kind: 'succeeded', status, evidence: undefined };
}

export function failed(exitCode = 1): Extract<TaskOutcome, { kind: 'failed' }> {
  return {
    kind: 'failed',
    cause: { kind: 'exit' },
    exitCode,
    signal: undefined,
    evidence: undefined,
  };
}

/** One attempt from its beginning to its end; `again`: the task is queued once more then. */
export function ranFor(
  runId: string,
  task: string,
  attempt: {
    readonly attemptNo: number;
    readonly tryNo?: number;
    readonly from: number;
    readonly ms: number;
    readonly outcome: TaskOutcome;
    readonly again?: boolean;
  },
): readonly RunEvent[] {
  const { attemptNo, from, ms, outcome, again = false } = attempt;
  const about = { runId, id: taskId(task) };
  const at = from + ms;
  return [
    { kind: 'taskStarting', ...about, attemptNo, tryNo: attempt.tryNo ?? 1, at: from },
    { kind: 'taskClaimed', ...about, holder: `claude-desk-${900 + attemptNo}`, at: from },
    { kind: 'taskStarted', ...about, at: from },
    again
      ? { kind: 'taskRequeued', ...about, outcome, notBefore: at, at }
      : { kind: 'taskEnded', ...about, outcome, at },
  ];
}

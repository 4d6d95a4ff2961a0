import type { RunEvent, TaskOutcome } from '../../src/core/run/run-events.ts';
import type { RunOptions, Way } from '../../src/core/run/run-options.ts';
import { taskId } from '../../src/core/task.ts';

/** A moment after everything that these stories tell, epoch ms. */
export const after = 10_000_000;

export const OPTIONS: RunOptions = {
  ...{ mode: 'strict', onFailure: 'continue', pauseBetweenWaves: false, held: 'skip', gate: 'inRun', retries: 0 },
  ...{ retryAfterMs: 30_000, breakAfter: 3, leaseMs: 1_800_000, successStatus: 'Review', wallMs: 0, idleMs: 0 },
  agentCaps: [],
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
    readonly how?: Way;
  } = {},
): RunEvent {
  const ids = waves.map((wave) => wave.map(taskId));
  const { agent = 'claude', at = 0, title = 'All waves', how = 'unattended', options } = more;
  return {
    ...{ kind: 'runStarted', runId, title, waves: ids, options: { ...OPTIONS, ...options }, resumes: undefined, at },
    agents: ids.flat().map((id) => [id, { agent, model: undefined, how }] as const),
  };
}

export function succeeded(status: 'Review' | 'Done' = 'Review'): Extract<TaskOutcome, { kind: 'succeeded' }> {
  return { kind: 'succeeded', status, evidence: undefined };
}

export function failed(exitCode = 1): Extract<TaskOutcome, { kind: 'failed' }> {
  return { kind: 'failed', cause: { kind: 'exit' }, exitCode, signal: undefined, evidence: undefined };
}

/** One attempt from its beginning to its end; `again`: the task is queued once more then. */
export function ranFor(
  runId: string,
  task: string,
  attempt: {
    readonly start: number;
    readonly attempt?: number;
    readonly from: number;
    readonly ms: number;
    readonly outcome: TaskOutcome;
    readonly again?: boolean;
  },
): readonly RunEvent[] {
  const { start, from, ms, outcome, again = false } = attempt;
  const about = { runId, id: taskId(task) };
  const at = from + ms;
  return [
    { kind: 'taskStarting', ...about, start, attempt: attempt.attempt ?? 1, at: from },
    { kind: 'taskClaimed', ...about, holder: `claude-desk-${900 + start}`, at: from },
    { kind: 'taskStarted', ...about, at: from },
    again
      ? { kind: 'taskRequeued', ...about, outcome, notBefore: at, at }
      : { kind: 'taskEnded', ...about, outcome, at },
  ];
}

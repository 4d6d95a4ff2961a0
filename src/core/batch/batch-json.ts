import { fileConflictsJson } from '../analysis/exarp-json.ts';
import type { BatchResult, StepRun } from './batch-result.ts';
import { messageOf } from '../text.ts';

/**
 * The result of a batch in the shape of exarp-go's `automation`; unlike there, `status` is
 * accurate. Times in seconds.
 */
export function batchJson(result: BatchResult) {
  const { action, status, startedAt, seconds, steps, conflicts } = result;
  const named = (which: StepRun['status']): readonly string[] =>
    steps.filter((step) => step.status === which).map(({ id }) => id);
  const succeeded = named('succeeded');
  const hasConflicts = conflicts.overlaps.length + conflicts.files.length > 0;
  return {
    action,
    status,
    results: {
      timestamp: new Date(startedAt).toISOString(),
      action,
      tasks_run: steps.map(stepJson),
      tasks_succeeded: succeeded,
      tasks_failed: named('failed'),
      ...(hasConflicts
        ? {
            conflicts: {
              task_overlap: conflicts.overlaps.map(({ id, on }) => ({
                task_id: id,
                dep_task_id: on,
              })),
              file: fileConflictsJson(conflicts),
            },
          }
        : {}),
      summary: {
        total_tasks: steps.length,
        succeeded: succeeded.length,
        failed: steps.length - succeeded.length,
        success_rate: steps.length === 0 ? 0 : (succeeded.length / steps.length) * 100,
        duration_seconds: seconds,
      },
      duration_seconds: seconds,
    },
  };
}

const STATUS = { succeeded: 'success', failed: 'error', cancelled: 'cancelled' } as const;

function stepJson(step: StepRun) {
  return {
    task_id: step.id,
    task_name: step.name,
    status: STATUS[step.status],
    duration: step.seconds,
    error: step.status === 'failed' ? messageOf(step.error) : '',
    summary: step.status === 'succeeded' ? step.result.summary : '',
    ...(step.status === 'succeeded' ? { output: step.result.output } : {}),
  };
}

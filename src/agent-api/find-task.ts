import { fail, ok, type Result } from '../core/result.ts';
import { type Task, taskId } from '../core/task.ts';
import type { AgentBacklog } from './agent-backlog.ts';
import type { AgentFailure } from './operation.ts';

/** The input that names one task. */
export const ID = {
  type: 'string',
  minLength: 1,
  maxLength: 500,
  description: 'The id of the task exactly as the backlog spells it, such as T-1790000000010',
} as const;

export function findTask(served: AgentBacklog, id: string): Result<Task, AgentFailure> {
  const task = served.backlog.task(taskId(id));
  return task === undefined ? fail({ kind: 'unknownTask', id }) : ok(task);
}

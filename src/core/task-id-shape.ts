import { INVALID, type Shape } from './shape.ts';
import { taskId, type TaskId } from './task.ts';

/** The id of a task, as text that is not empty. */
export const taskIdShape: Shape<TaskId> = (value) =>
  typeof value === 'string' && value !== '' ? taskId(value) : INVALID;

import { taskId, type TaskId } from '../task.ts';

/**
 * Ids for new tasks as exarp-go wants them: `T-` and the time in epoch ms. Never the same one twice, and none that is taken:
 * of several in one ms, or where the clock goes back, each is one later than the last.
 */
export function createTaskIds(now: () => number): (isTaken: (id: TaskId) => boolean) => TaskId {
  let last = 0;
  return (isTaken) => {
    const time = now();
    // exarp-go refuses T-NaN, and takes small numbers for ids of an older kind that may be cleaned away.
    if (!Number.isSafeInteger(time) || time < 1_000_000) throw new Error(`Internal error: ${time} is no time`);
    do last = Math.max(time, last + 1);
    while (isTaken(taskId(`T-${last}`)));
    return taskId(`T-${last}`);
  };
}

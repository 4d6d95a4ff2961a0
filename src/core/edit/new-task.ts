import { taskId, type TaskId } from '../task.ts';

/**
 * Ids for new tasks in exarp-go's form: `T-` and the time in epoch ms. Unique, and none that is
 * taken: for several in one ms, or where the clock goes back, each is the last plus one.
 */
export function createTaskIds(now: () => number): (isTaken: (id: TaskId) => boolean) => TaskId {
  let last = 0;
  return (isTaken) => {
    const time = now();
    // exarp-go refuses T-NaN, and takes small numbers for ids of an older scheme, which it may
    // clean up.
    if (!Number.isSafeInteger(time) || time < 1_000_000)
      throw new Error(`Internal error: ${time} is no time`);
    do last = Math.max(time, last + 1);
    while (isTaken(taskId(`T-${last}`)));
    return taskId(`T-${last}`);
  };
}

import { FilesInUse } from '../run/engine/files-in-use.ts';
import { HUMAN_CAP, KIND_OF, type RunOptions } from '../run/run-options.ts';
import { type Candidate, Scheduler } from '../run/engine/scheduler.ts';
import { TimeQueue } from '../run/engine/time-queue.ts';
import type { TaskId } from '../task.ts';

/**
 * The makespan of these tasks, in the unit of their weights, with at most `cap` agents at a time,
 * if all succeed: the engine's own scheduler with a simulated clock. Takes O((n + m) log n).
 *
 * Locks of other holders, retries and rate limits are left out, so it is an estimate.
 */
export function simulateMakespan(
  tasks: readonly Candidate[],
  { runMode, agentCaps }: Pick<RunOptions, 'runMode' | 'agentCaps'>,
  cap: number,
): number {
  const inUse = new FilesInUse();
  const scheduler = new Scheduler(tasks, runMode, inUse);
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const lastWave = tasks.reduce((most, { wave }) => Math.max(most, wave), -1);
  const capOf = new Map<string, number>([[KIND_OF.human, HUMAN_CAP], ...agentCaps]);
  const atWork = new Map<string, number>();
  const ends = new TimeQueue<Candidate>();
  let [now, slots, wave] = [0, 0, 0];
  const openNext = (): void => {
    scheduler.openThrough(wave);
    while (wave < lastWave && scheduler.left(wave) === 0) scheduler.openThrough(++wave);
  };
  const isOpen = (agent: string): boolean => {
    // The user's own tasks take no slot of the cap.
    if (agent !== KIND_OF.human && slots >= cap) return false;
    return (atWork.get(agent) ?? 0) < Math.max(1, capOf.get(agent) ?? Infinity);
  };
  const move = (agent: string, by: 1 | -1): void => {
    atWork.set(agent, (atWork.get(agent) ?? 0) + by);
    if (agent !== KIND_OF.human) slots += by;
  };
  openNext();
  for (;;) {
    for (let { id } = scheduler.take(isOpen); id !== undefined; { id } = scheduler.take(isOpen)) {
      const task = known(byId, id);
      move(task.agent, 1);
      ends.push(now + task.weight, task);
    }
    if (ends.next === undefined) return now;
    now = ends.next;
    // All tasks that end at the same moment end before any task starts.
    for (const { id, agent, files } of ends.pop()) {
      move(agent, -1);
      scheduler.ended(id, true);
      for (const file of inUse.release(id, files)) scheduler.freed(file);
    }
    openNext();
  }
}

function known(byId: ReadonlyMap<TaskId, Candidate>, id: TaskId): Candidate {
  const task = byId.get(id);
  if (task === undefined) throw new Error(`Internal error: ${id} is no task of this simulation`);
  return task;
}

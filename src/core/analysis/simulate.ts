import { FilesInUse } from '../run/engine/files-in-use.ts';
import { HUMAN_CAP, KIND_OF, type RunOptions } from '../run/run-options.ts';
import { type Candidate, Scheduler } from '../run/engine/scheduler.ts';
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
  const ends = new EndQueue();
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
    const next = ends.pop();
    if (next === undefined) return now;
    now = next.at;
    // All tasks that end at the same moment end before any task starts.
    for (let end: End | undefined = next; end !== undefined; end = ends.popAt(now)) {
      move(end.task.agent, -1);
      scheduler.ended(end.task.id, true);
      for (const file of inUse.release(end.task.id, end.task.files)) scheduler.freed(file);
    }
    openNext();
  }
}

function known(byId: ReadonlyMap<TaskId, Candidate>, id: TaskId): Candidate {
  const task = byId.get(id);
  if (task === undefined) throw new Error(`Internal error: ${id} is no task of this simulation`);
  return task;
}

interface End {
  readonly at: number;
  readonly task: Candidate;
}

/**
 * The running tasks by their end. There are at most `cap` of them, so a sorted list is fast enough.
 */
class EndQueue {
  readonly #ends: End[] = [];

  push(at: number, task: Candidate): void {
    let [low, high] = [0, this.#ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      // `pop` takes the last, so later ends come first.
      if ((this.#ends[middle]?.at ?? 0) > at) low = middle + 1;
      else high = middle;
    }
    this.#ends.splice(low, 0, { at, task });
  }

  pop(): End | undefined {
    return this.#ends.pop();
  }

  popAt(at: number): End | undefined {
    return this.#ends.at(-1)?.at === at ? this.#ends.pop() : undefined;
  }
}

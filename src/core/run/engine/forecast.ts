import type { Task, TaskId } from '../../task.ts';
import { pushTo } from '../../push-to.ts';
import type { RunState } from '../run-events.ts';
import { NumberHeap } from './number-heap.ts';
import { TimeQueue } from './time-queue.ts';

/** From when to when something lasts, in epoch ms. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A task of a run that is not over, in the order in which it may start. */
export interface ForecastTask {
  readonly id: string;
  /** Index into the waves of the run. */
  readonly wave: number;
  /** Undefined while it has not started; epoch ms. */
  readonly startedAt: number | undefined;
  readonly durationMs: number;
  /** What it waits for; other tasks than those of the list are done. */
  readonly after: readonly string[];
  /** False for work of the user, who takes no place of an agent. */
  readonly takesPlace: boolean;
}

export interface ForecastOptions {
  readonly now: number;
  readonly cap: number;
  /** True where a wave starts only after the one before it has ended. */
  readonly isStrict: boolean;
}

/** At least this part of its estimate is left of what has taken longer than that. */
const REST = 0.1;

/**
 * When each task of a run will start and end, if each takes as long as it is estimated to. What
 * waits for a task that never comes has none. Takes n log n steps in the number of tasks and
 * dependencies.
 */
export function forecast(
  tasks: readonly ForecastTask[],
  { now, cap, isStrict }: ForecastOptions,
): ReadonlyMap<string, Span> {
  const spans = new Map<string, Span>();
  const open = new Map(tasks.map((task) => [task.id, task]));
  const waits = new Map<string, number>();
  const dependants = new Map<string, ForecastTask[]>();
  const leftOfWave = new Map<number, number>();
  for (const task of tasks) {
    leftOfWave.set(task.wave, (leftOfWave.get(task.wave) ?? 0) + 1);
    const before = task.after.filter((id) => id !== task.id && open.has(id));
    waits.set(task.id, before.length);
    for (const id of before) pushTo(dependants, id, task);
  }
  const numberOf = new Map(tasks.map(({ id }, index) => [id, index]));
  const ready = new NumberHeap();
  const atWork = new TimeQueue<ForecastTask>();
  const held: ForecastTask[] = [];
  let places = Math.max(1, cap);
  let wave = Math.min(...tasks.map((task) => task.wave));

  const begin = (task: ForecastTask, at: number): void => {
    const { startedAt, durationMs, takesPlace } = task;
    const from = startedAt ?? at;
    const to = Math.max(from + durationMs, at + durationMs * REST);
    spans.set(task.id, { from, to });
    if (takesPlace) places--;
    atWork.push(to, task);
  };
  const offer = (task: ForecastTask): void => {
    if (isStrict && task.wave > wave) held.push(task);
    else ready.push(numberOf.get(task.id) ?? 0);
  };
  const finish = (ended: ForecastTask): void => {
    if (ended.takesPlace) places++;
    const left = (leftOfWave.get(ended.wave) ?? 1) - 1;
    leftOfWave.set(ended.wave, left);
    for (const task of dependants.get(ended.id) ?? []) {
      const rest = (waits.get(task.id) ?? 1) - 1;
      waits.set(task.id, rest);
      if (rest === 0 && task.startedAt === undefined) offer(task);
    }
    if (!isStrict || left > 0 || ended.wave !== wave) return;
    while (leftOfWave.size > 0 && (leftOfWave.get(wave) ?? 0) === 0) {
      leftOfWave.delete(wave);
      wave = Math.min(...leftOfWave.keys());
    }
    for (const task of held.splice(0)) offer(task);
  };
  for (const task of tasks) {
    if (task.startedAt !== undefined) begin(task, now);
    else if (waits.get(task.id) === 0) offer(task);
  }
  for (let at = now; ;) {
    for (;;) {
      const next = tasks[ready.peek() ?? -1];
      if (next === undefined || (places <= 0 && next.takesPlace)) break;
      ready.pop();
      begin(next, at);
    }
    if (atWork.next === undefined) return spans;
    at = Math.max(at, atWork.next);
    for (const ended of atWork.pop()) finish(ended);
  }
}

/** When each task of a run that it has not ended will start and end, as `forecast` says. */
export function forecastRun(
  run: RunState,
  tasks: { readonly byId: ReadonlyMap<TaskId, Pick<Task, 'dependencies'>> },
  durationOf: (id: TaskId) => number,
  { now, cap }: Pick<ForecastOptions, 'now' | 'cap'>,
): ReadonlyMap<string, Span> {
  const open = [...run.tasks.values()]
    .filter(({ phase }) => phase !== 'ended')
    .map((part): ForecastTask => {
      const isAtWork = part.phase !== 'queued';
      return {
        id: part.id,
        wave: part.wave,
        startedAt: isAtWork ? (part.startedAt ?? now) : undefined,
        durationMs: durationOf(part.id),
        after: tasks.byId.get(part.id)?.dependencies ?? [],
        takesPlace: part.agent.agentMode !== 'human',
      };
    });
  const isStrict = run.options.runMode === 'strict';
  return forecast(open, { now, cap: run.cap ?? cap, isStrict });
}

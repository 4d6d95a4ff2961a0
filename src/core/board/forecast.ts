import type { Span } from './board-state.ts';

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
    for (const id of before) dependants.set(id, [...(dependants.get(id) ?? []), task]);
  }
  const order = new Map(tasks.map(({ id }, index) => [id, index]));
  const ready = new Heap<ForecastTask>((task) => order.get(task.id) ?? 0);
  const atWork = new Heap<ForecastTask>((task) => spans.get(task.id)?.to ?? 0);
  const held: ForecastTask[] = [];
  let places = Math.max(1, cap);
  let wave = Math.min(...tasks.map((task) => task.wave));

  const begin = (task: ForecastTask, at: number): void => {
    const { startedAt, durationMs, takesPlace } = task;
    const from = startedAt ?? at;
    spans.set(task.id, { from, to: Math.max(from + durationMs, at + durationMs * REST) });
    if (takesPlace) places--;
    atWork.push(task);
  };
  const offer = (task: ForecastTask): void => {
    if (isStrict && task.wave > wave) held.push(task);
    else ready.push(task);
  };
  for (const task of tasks) {
    if (task.startedAt !== undefined) begin(task, now);
    else if (waits.get(task.id) === 0) offer(task);
  }
  for (let at = now; ;) {
    while (ready.size > 0 && (places > 0 || ready.peek()?.takesPlace === false)) {
      const next = ready.pop();
      if (next !== undefined) begin(next, at);
    }
    const ended = atWork.pop();
    if (ended === undefined) return spans;
    at = Math.max(at, spans.get(ended.id)?.to ?? at);
    if (ended.takesPlace) places++;
    const left = (leftOfWave.get(ended.wave) ?? 1) - 1;
    leftOfWave.set(ended.wave, left);
    for (const task of dependants.get(ended.id) ?? []) {
      const rest = (waits.get(task.id) ?? 1) - 1;
      waits.set(task.id, rest);
      if (rest === 0 && task.startedAt === undefined) offer(task);
    }
    if (isStrict && left === 0 && ended.wave === wave) {
      while (leftOfWave.size > 0 && (leftOfWave.get(wave) ?? 0) === 0) {
        leftOfWave.delete(wave);
        wave = Math.min(...leftOfWave.keys());
      }
      for (const task of held.splice(0)) offer(task);
    }
  }
}

/** A binary heap with the least first; what is alike comes out in any order. */
class Heap<T> {
  readonly #keyOf: (item: T) => number;
  readonly #items: { readonly key: number; readonly item: T }[] = [];

  constructor(keyOf: (item: T) => number) {
    this.#keyOf = keyOf;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0]?.item;
  }

  push(item: T): void {
    const items = this.#items;
    const entry = { key: this.#keyOf(item), item };
    let at = items.push(entry) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = items[above];
      if (parent === undefined || parent.key <= entry.key) break;
      items[at] = parent;
      at = above;
    }
    items[at] = entry;
  }

  pop(): T | undefined {
    const items = this.#items;
    const [first] = items;
    const last = items.pop();
    if (first === undefined || last === undefined || items.length === 0) return first?.item;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      const small = (items[right]?.key ?? Infinity) < (items[left]?.key ?? Infinity) ? right : left;
      const child = items[small];
      if (child === undefined || child.key >= last.key) break;
      items[at] = child;
      at = small;
    }
    items[at] = last;
    return first.item;
  }
}

import { FilesInUse } from '../../src/core/run/engine/files-in-use.ts';
import { Scheduler, type Candidate } from '../../src/core/run/engine/scheduler.ts';
import { taskId } from '../../src/core/task.ts';
import { compare, seededRandom, type Row } from './bench.ts';

export const title = 'The order of a run';

const DEPENDENCIES = 3;
const AT_A_TIME = 8;

/**
 * Ours is a whole run: who waits for whom is looked up by id, the longest path behind each task
 * found, and every task is taken and ended, eight at a time. The reference is the least that any
 * such order needs: Kahn's algorithm with a heap, over numbers, with priorities that are known
 * already.
 */
export async function run(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const size of [10_000, 100_000]) {
    for (const what of ['flow', 'flow, a tenth names a file'] as const) {
      const tasks = candidates(size, what !== 'flow');
      const graph = numbers(tasks);
      const times = await compare(
        { ours: () => runThrough(tasks), reference: () => kahnWithHeap(graph) },
        { runs: 9, warmUp: 3 },
      );
      rows.push({ what, size, ...times, reference: 'bare Kahn pass with a heap' });
    }
  }
  return rows;
}

function candidates(size: number, withFiles: boolean): readonly Candidate[] {
  const random = seededRandom(size);
  return Array.from({ length: size }, (_, v): Candidate => {
    const count = v === 0 ? 0 : Math.floor(random() * (DEPENDENCIES + 1));
    const dependencies = Array.from({ length: count }, () =>
      taskId(`T-${Math.floor(random() * v)}`),
    );
    const files = withFiles && v % 10 === 0 ? [`src/${Math.floor(random() * 100)}.ts`] : [];
    const rank = Math.floor(random() * 5);
    return { id: taskId(`T-${v}`), wave: 0, dependencies, weight: 1 + Math.floor(random() * 9), rank, agent: 'claude', files }; // prettier-ignore
  });
}

function runThrough(tasks: readonly Candidate[]): void {
  const inUse = new FilesInUse();
  const scheduler = new Scheduler(tasks, 'flow', inUse);
  const out: Candidate['id'][] = [];
  let ended = 0;
  while (ended < tasks.length) {
    for (let next = fill(); next !== undefined; next = fill()) out.push(next);
    const id = out.shift();
    if (id === undefined) throw new Error('Internal error: a task that never has its turn');
    scheduler.ended(id, true);
    for (const file of inUse.release(id, scheduler.filesOf(id))) scheduler.freed(file);
    ended++;
  }

  function fill(): Candidate['id'] | undefined {
    return out.length < AT_A_TIME ? scheduler.take(() => true).id : undefined;
  }
}

interface Numbers {
  readonly dependants: readonly (readonly number[])[];
  readonly waitsFor: Int32Array;
  readonly priority: Int32Array;
}

function numbers(tasks: readonly Candidate[]): Numbers {
  const index = new Map(tasks.map(({ id }, v) => [id, v]));
  const dependants = tasks.map((): number[] => []);
  const waitsFor = new Int32Array(tasks.length);
  for (const [v, task] of tasks.entries()) {
    for (const id of new Set(task.dependencies)) {
      dependants[index.get(id)!]!.push(v);
      waitsFor[v]!++;
    }
  }
  return {
    dependants,
    waitsFor,
    priority: Int32Array.from(tasks, ({ rank }, v) => rank * tasks.length + v),
  };
}

function kahnWithHeap({ dependants, waitsFor, priority }: Numbers): void {
  const left = waitsFor.slice();
  const heap: number[] = [];
  const isBefore = (v: number, w: number): boolean => priority[v]! < priority[w]!;
  const push = (v: number): void => {
    let at = heap.length;
    heap.push(v);
    for (let up = (at - 1) >> 1; at > 0 && isBefore(v, heap[up]!); up = (at - 1) >> 1) {
      heap[at] = heap[up]!;
      at = up;
    }
    heap[at] = v;
  };
  const pop = (): number => {
    const top = heap[0]!;
    const last = heap.pop()!;
    let at = 0;
    for (let down = 1; down < heap.length; down = 2 * at + 1) {
      if (down + 1 < heap.length && isBefore(heap[down + 1]!, heap[down]!)) down++;
      if (!isBefore(heap[down]!, last)) break;
      heap[at] = heap[down]!;
      at = down;
    }
    if (heap.length > 0) heap[at] = last;
    return top;
  };
  for (let v = 0; v < left.length; v++) if (left[v] === 0) push(v);
  let ended = 0;
  for (; heap.length > 0; ended++)
    for (const w of dependants[pop()]!) if (--left[w]! === 0) push(w);
  if (ended !== left.length) throw new Error('Internal error: a circle in the benchmark');
}

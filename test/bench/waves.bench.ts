import type { Graph } from '../../src/core/waves/graph.ts';
import { buildGraph } from '../../src/core/waves/graph.ts';
import { taskId } from '../../src/core/task.ts';
import type { Task } from '../../src/core/task.ts';
import { linkTasks } from '../../src/core/waves/task-links.ts';
import { DEFAULT_WAVE_OPTIONS, planWaves } from '../../src/core/waves/waves.ts';
import { task } from '../support/backlog.ts';
import { compare, seededRandom } from './bench.ts';
import type { Row } from './bench.ts';

export const title = 'Waves';

const DEPENDENCIES = 3;
const STATUSES = ['Todo', 'Todo', 'Done'] as const;

/**
 * Ours is all of it: ids are looked up, levels found, waves sorted and listed. The reference is
 * only the pass in the middle, over edges that are numbers already and lie in order, so it is a
 * floor that nothing with ids can reach.
 */
export async function run(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const size of [10_000, 100_000]) {
    const edges = randomEdges(size);
    const inOrder = nameTasks(size, edges, { settled: false });
    const mixed = shuffle(nameTasks(size, edges, { settled: true }));
    const backlogs: readonly [what: string, backlog: readonly Task[]][] = [
      ['ids in order', inOrder],
      ['ids shuffled', shuffle(inOrder)],
      ['ids shuffled, a third done', mixed],
    ];
    const graph = buildGraph(size, edges.from, edges.to);
    for (const [what, backlog] of backlogs) {
      checkPlan(backlog, graph);
      const times = await compare(
        {
          ours: () => planWaves(backlog, DEFAULT_WAVE_OPTIONS),
          reference: () => findLevels(graph),
        },
        // A short run needs more of them until all of its code is compiled.
        size === 10_000 ? { runs: 31, warmUp: 25 } : { runs: 15, warmUp: 5 },
      );
      const aim = size === 10_000 ? { aim: 'at most 30 ms' } : {};
      rows.push({ what, size, ...times, reference: 'plain Kahn pass over typed arrays', ...aim });
    }
    rows.push({
      what: 'after a change of one status',
      size,
      ...(await compareChanges(inOrder, graph)),
    });
  }
  return rows;
}

/**
 * The plan of a snapshot that differs from the one before in the status of one task, so that what
 * tasks name is known.
 */
async function compareChanges(
  backlog: readonly Task[],
  graph: Graph,
): Promise<Pick<Row, 'ours' | 'referenceMs' | 'reference'>> {
  const links = linkTasks(
    backlog,
    backlog.map(({ id }) => id),
  );
  const random = seededRandom(backlog.length);
  let tasks = backlog;
  const change = (): void => {
    const at = Math.floor(random() * tasks.length);
    tasks = tasks.with(at, {
      ...tasks[at]!,
      status: tasks[at]!.status === 'Done' ? 'Todo' : 'Done',
    });
    planWaves(tasks, DEFAULT_WAVE_OPTIONS, links);
  };
  const times = await compare(
    { ours: change, reference: () => findLevels(graph) },
    { runs: 31, warmUp: 25 },
  );
  return { ...times, reference: 'plain Kahn pass over typed arrays' };
}

interface Edges {
  readonly from: Int32Array;
  readonly to: Int32Array;
}

/** Three dependencies for each node but the first, on any of the nodes before it. */
function randomEdges(size: number): Edges {
  const random = seededRandom(size);
  const count = (size - 1) * DEPENDENCIES;
  const to = Int32Array.from({ length: count }, (_, e) => 1 + Math.floor(e / DEPENDENCIES));
  return { to, from: to.map((node) => Math.floor(random() * node)) };
}

function nameTasks(
  size: number,
  { from }: Edges,
  { settled }: { readonly settled: boolean },
): readonly Task[] {
  return Array.from({ length: size }, (_, node) =>
    // Each mention of an id is a string of its own, as it is when read from a store.
    task(`T-${node}`, {
      dependencies: Array.from(
        node === 0 ? [] : from.subarray((node - 1) * DEPENDENCIES, node * DEPENDENCIES),
        (dependency) => taskId(`T-${dependency}`),
      ),
      status: settled ? STATUSES[node % STATUSES.length]! : 'Todo',
    }),
  );
}

function shuffle<T>(list: readonly T[]): readonly T[] {
  const random = seededRandom(7);
  const shuffled = [...list];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
  }
  return shuffled;
}

/**
 * Levels and nothing else, written out here so that a slower graph of ours does not make the
 * reference slower.
 */
function findLevels({ size, offsets, targets }: Graph): Int32Array {
  const waitsFor = new Int32Array(size);
  for (let e = 0; e < targets.length; e++) waitsFor[targets[e]!]!++;
  const levelOf = new Int32Array(size);
  const queue = new Int32Array(size);
  let end = 0;
  for (let v = 0; v < size; v++) if (waitsFor[v] === 0) queue[end++] = v;
  for (let head = 0; head < end; head++) {
    const v = queue[head]!;
    for (let e = offsets[v]!; e < offsets[v + 1]!; e++) {
      const w = targets[e]!;
      if (--waitsFor[w]! > 0) continue;
      levelOf[w] = levelOf[v]! + 1;
      queue[end++] = w;
    }
  }
  return levelOf;
}

/**
 * What is measured has to be right: exarp-go's levels are those of the whole graph, whatever is
 * done.
 */
function checkPlan(backlog: readonly Task[], graph: Graph): void {
  const { exarpLevelOf } = planWaves(backlog, DEFAULT_WAVE_OPTIONS);
  const levelOf = findLevels(graph);
  for (const [id, level] of exarpLevelOf) {
    if (level !== levelOf[Number(id.slice(2))])
      throw new Error(`Internal error: ${id} is at level ${level}`);
  }
}

import Graph from 'graphology';
import { forEachTopologicalGeneration } from 'graphology-dag';
import { analyse } from '../../src/core/analysis/analysis.ts';
import { askWhatIf } from '../../src/core/analysis/what-if.ts';
import { analyseParallelism } from '../../src/core/analysis/parallelism.ts';
import type { Candidate } from '../../src/core/run/engine/scheduler.ts';
import { taskId, type Task } from '../../src/core/task.ts';
import { DEFAULT_WAVE_OPTIONS, planWaves } from '../../src/core/waves/waves.ts';
import { analysisDocument } from '../../src/ui/analysis-document.ts';
import { task } from '../support/backlog.ts';
import { fakeBacklog } from '../support/fake-backlog.ts';
import { compare, type Row, seededRandom } from './bench.ts';

export const title = 'Analysis';

const DEPENDENCIES = 3;
const LIBRARY = 'graphology-dag, generations of a graph with those ids';
const PLAIN = 'plain Kahn pass over maps of ids';

/**
 * From tasks that name each other by id. The references answer levels and nothing else; ours also
 * answers groups, the longest chain, shared files and how long all of it takes.
 */
export async function run(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const size of [5_000, 100_000]) {
    const tasks = randomTasks(size);
    const levels = kahnLevels(tasks);
    checkLevels(tasks, levels);
    const options = size === 5_000 ? { runs: 11, warmUp: 5 } : { runs: 5, warmUp: 2 };
    const parallel = (): unknown => {
      const plan = planWaves(tasks, DEFAULT_WAVE_OPTIONS);
      return analyseParallelism(plan, () => true, { foldCase: false });
    };
    const generations = (): unknown => generationsOf(tasks);
    const what = 'levels, groups, longest chain, shared files';
    rows.push({
      what,
      size,
      ...(await compare({ ours: parallel, reference: generations }, options)),
      reference: LIBRARY,
    });
    const plain = (): unknown => kahnLevels(tasks);
    rows.push({
      what,
      size,
      ...(await compare({ ours: parallel, reference: plain }, options)),
      reference: PLAIN,
    });

    const candidates = tasks.map((each): Candidate => candidateOf(each, levels.get(each.id) ?? 0));
    const whatIf = (): unknown =>
      askWhatIf(candidates, { runMode: 'flow', agentCaps: [] }, { cap: 4, basis: '' });
    rows.push({
      ...{
        what: `how long, ${size > 5_000 ? 'reckoned' : 'simulated'}, and what to shorten`,
        size,
      },
      ...(await compare({ ours: whatIf, reference: generations }, options)),
      ...{ reference: LIBRARY, aim: 'at most 500 ms' },
    });
    const backlog = fakeBacklog({ tasks });
    const page = (): unknown => {
      const analysis = analyse(backlog);
      if (analysis === undefined) throw new Error('Internal error: nothing was read');
      return analysisDocument('bench', analysis);
    };
    rows.push({
      ...{ what: 'the whole page, of a plan that is there', size },
      ...(await compare({ ours: page, reference: generations }, options)),
      ...{
        reference: LIBRARY,
        aim: size > 5_000 ? 'at most 1 s, of every 10 s' : 'at most 500 ms',
      },
    });
  }
  return rows;
}

/**
 * Three dependencies for each task but the first, on any of those before it; each mention of an id
 * is a string of its own.
 */
function randomTasks(size: number): readonly Task[] {
  const random = seededRandom(size);
  return Array.from({ length: size }, (_, n) =>
    task(`T-${n}`, {
      title: `Task number ${n}`,
      description: `- Update: src/part-${Math.floor(random() * size)}.ts`,
      estimatedHours: 1 + Math.floor(random() * 8),
      dependencies:
        n === 0
          ? []
          : Array.from({ length: DEPENDENCIES }, () => taskId(`T-${Math.floor(random() * n)}`)),
    }),
  );
}

function candidateOf({ id, dependencies, estimatedHours = 1 }: Task, wave: number): Candidate {
  return {
    id,
    wave,
    dependencies,
    weight: estimatedHours * 3_600_000,
    rank: 2,
    agent: 'claude',
    files: [],
  };
}

function generationsOf(tasks: readonly Task[]): ReadonlyMap<string, number> {
  const graph = new Graph({ type: 'directed', multi: false });
  for (const { id } of tasks) graph.addNode(id);
  for (const { id, dependencies } of tasks) for (const on of dependencies) graph.mergeEdge(on, id);
  const levels = new Map<string, number>();
  let level = 0;
  forEachTopologicalGeneration(graph, (ids) => {
    for (const id of ids) levels.set(id, level);
    level++;
  });
  return levels;
}

function kahnLevels(tasks: readonly Task[]): ReadonlyMap<string, number> {
  const waitsFor = new Map<string, number>();
  const dependants = new Map<string, string[]>();
  for (const { id, dependencies } of tasks) {
    const distinct = new Set(dependencies);
    waitsFor.set(id, distinct.size);
    for (const on of distinct) {
      const list = dependants.get(on);
      if (list === undefined) dependants.set(on, [id]);
      else list.push(id);
    }
  }
  const levels = new Map<string, number>();
  let ready = tasks.flatMap(({ id }) => (waitsFor.get(id) === 0 ? [id as string] : []));
  for (let level = 0; ready.length > 0; level++) {
    const next: string[] = [];
    for (const id of ready) {
      levels.set(id, level);
      for (const dependant of dependants.get(id) ?? []) {
        const left = (waitsFor.get(dependant) ?? 0) - 1;
        waitsFor.set(dependant, left);
        if (left === 0) next.push(dependant);
      }
    }
    ready = next;
  }
  return levels;
}

/** What is measured has to be right: all three know the same levels. */
function checkLevels(tasks: readonly Task[], levels: ReadonlyMap<string, number>): void {
  const { waveOf } = planWaves(tasks, DEFAULT_WAVE_OPTIONS);
  const generations = generationsOf(tasks);
  for (const { id } of tasks) {
    const level = levels.get(id);
    if (waveOf.get(id) !== level || generations.get(id) !== level)
      throw new Error(`Internal error: ${id} is at level ${level ?? 'none'}`);
  }
}

/* eslint-disable @typescript-eslint/no-non-null-assertion --
   Every index below is a node of the graph at hand; a check per access would only cost time. */
import { type Block, type Blocking, findBlocked } from './blocking.ts';
import type { Levels } from './graph.ts';
import { NumberById } from './number-by-id.ts';
import { buildTaskGraph, type TaskGraph } from './task-graph.ts';
import { compareIds, exarpPriorityRank, isInExarpWaves, type Task, type TaskId } from '../task.ts';
import type { TaskLinks } from './task-links.ts';
import { levelsAround } from './wave-levels.ts';

/** How a backlog is divided into waves. */
export interface WaveOptions {
  /**
   * `open` numbers the levels of the open tasks 0..n without gaps; `exarp` groups and numbers as
   * exarp-go does, by the level in the graph of all tasks, finished ones included, so that numbers
   * may have gaps. Its waves hold Todo and In Progress alone.
   */
  readonly numbering: 'open' | 'exarp';
  /**
   * A wave with more tasks is split into consecutive waves, and all are numbered 0..n; 0 is no
   * limit.
   */
  readonly maxTasksPerWave: number;
  /** What a missing dependency means for the task that names it. */
  readonly missing: 'satisfied' | 'blocked';
}

export const DEFAULT_WAVE_OPTIONS: WaveOptions = {
  numbering: 'open',
  maxTasksPerWave: 0,
  missing: 'satisfied',
};

/** Tasks that have no ordering between them. */
export interface Wave {
  readonly number: number;
  /**
   * By priority, then id as `compareIds` orders them. In the numbering `exarp` by exarp-go's own
   * order: it sorts P0 to P3 after `low`, and ids as plain text. Never empty.
   */
  readonly tasks: readonly Task[];
}

/**
 * Why an open task is in no wave: the first of these that applies. Lists are in id order. `via` is
 * the task that names the missing dependency.
 */
export type BlockReason =
  | { readonly kind: 'cycle'; readonly members: readonly TaskId[] }
  | { readonly kind: 'behindCycle'; readonly members: readonly TaskId[] }
  | { readonly kind: 'missing'; readonly ids: readonly TaskId[] }
  | { readonly kind: 'behindMissing'; readonly via: TaskId };

/** An open task that no wave can hold, and why. */
export interface BlockedTask {
  readonly task: Task;
  readonly reason: BlockReason;
}

/** Every task of a backlog: in a wave, outside of them, blocked, or settled. */
export interface Plan {
  readonly options: WaveOptions;
  readonly waves: readonly Wave[];
  /**
   * Open tasks that exarp-go leaves out of its waves, in id order: those in Review, Blocked or of an
   * unknown status. Empty in the numbering `open`.
   */
  readonly outside: readonly Task[];
  /** In id order. */
  readonly blocked: readonly BlockedTask[];
  /** The same by task. */
  readonly blockedOf: ReadonlyMap<TaskId, BlockReason>;
  /** Done and Cancelled tasks, in id order. */
  readonly settled: readonly Task[];
  /** The wave number of each task that is in a wave. */
  readonly waveOf: ReadonlyMap<TaskId, number>;
  /**
   * exarp-go's level of each open task, under either numbering. Tasks in or behind a cycle have
   * none; a parent that depends on its child is a cycle to exarp-go.
   */
  readonly exarpLevelOf: ReadonlyMap<TaskId, number>;
  /** Missing dependencies by the task that names them, of any status. */
  readonly missing: ReadonlyMap<TaskId, readonly TaskId[]>;
  /** Tasks of any status that name themselves as a dependency or parent; the edge is left out. */
  readonly selfDependent: readonly TaskId[];
  /** Each cycle of open dependencies once, its members in id order. */
  readonly cycles: readonly (readonly TaskId[])[];
  /** How the waves that a file asks for were applied; undefined where no file was chosen. */
  readonly asked?: WaveOverrideReport | undefined;
}

/**
 * A dependency that the waves of a file break: `id` comes before `on` or in the same wave, or `on`
 * is in none of them.
 */
export interface BrokenDependency {
  readonly id: TaskId;
  readonly on: TaskId;
}

/**
 * Open tasks in no wave that could be in one: those that the file of the waves does not name, and
 * those that the numbering leaves out.
 */
export function inNoWave({ asked, outside }: Pick<Plan, 'asked' | 'outside'>): readonly Task[] {
  return asked?.kind === 'used' ? [...asked.leftOut, ...outside] : outside;
}

/** How the waves that a file asks for were applied. */
export type WaveOverrideReport =
  | {
      readonly kind: 'used';
      readonly file: string;
      /**
       * Open tasks that could be in a wave and that the file does not name, in the order of the
       * computed waves.
       */
      readonly leftOut: readonly Task[];
      readonly broken: readonly BrokenDependency[];
    }
  /** The waves are computed instead. */
  | {
      readonly kind: 'notUsed';
      readonly file: string;
      readonly why: 'missing' | 'unreadable' | 'noWaves' | 'nothingLeft';
    };

/**
 * Puts each open task into the earliest wave its dependencies allow.
 *
 * Never fails: one bad dependency blocks what waits for it and leaves the rest of the plan alone,
 * so the tree always has something true to show. The same tasks in any order give the same waves;
 * of two tasks with the same id the first counts. `links` are those of this list; without them
 * every dependency is looked up.
 */
export function planWaves(backlog: readonly Task[], options: WaveOptions, links?: TaskLinks): Plan {
  const graph = buildTaskGraph(backlog, links);
  const { tasks, ids, index, order, exarp, settled } = graph;
  // Every other graph here is a part of exarp-go's, so without a cycle there, none has one.
  const mayHaveCycles = exarp.placed < tasks.length;
  const blocking = findBlocked(graph, {
    mayHaveCycles,
    missingBlocks: options.missing === 'blocked',
  });
  const levels = chooseLevels(graph, blocking, options);

  const open = selectNodes(order, (v) => settled[v] === 0);
  const placeable =
    blocking.blockOf.size === 0 ? open : selectNodes(open, (v) => !blocking.blockOf.has(v));
  const isExarp = options.numbering === 'exarp';
  const isInWave = (v: number): boolean => !isExarp || isInExarpWaves(tasks[v]!.status);
  const placed = sortByWave(graph, selectNodes(placeable, isInWave), levels, options);
  const { waves, numberOf } = cutWaves(graph, placed, levels, options);
  const missing = new Map<TaskId, readonly TaskId[]>();
  for (const v of graph.missing.size === 0 ? [] : order) {
    const lacking = graph.missing.get(v);
    if (lacking !== undefined) missing.set(ids[v]!, lacking.toSorted(compareIds));
  }
  const cycles = blocking.cycles.map((members) => members.map((v) => ids[v]!));
  const blocked = listBlocked(graph, open, blocking, cycles, missing);
  return {
    options,
    waves,
    outside: Array.from(
      selectNodes(placeable, (v) => !isInWave(v)),
      (v) => tasks[v]!,
    ),
    blocked,
    blockedOf: new Map(blocked.map(({ task, reason }) => [task.id, reason])),
    settled: selectTasks(graph, (v) => settled[v] === 1),
    waveOf: new NumberById(ids, index, placed, numberOf),
    exarpLevelOf: numberExarpLevels(graph, open),
    missing,
    selfDependent: graph.selfDependent.map((v) => ids[v]!).sort(compareIds),
    cycles,
  };
}

/** As `filter`, which is several times slower on a typed array. */
function selectNodes(nodes: Int32Array, wanted: (node: number) => boolean): Int32Array {
  const selected = new Int32Array(nodes.length);
  let count = 0;
  for (let i = 0; i < nodes.length; i++) if (wanted(nodes[i]!)) selected[count++] = nodes[i]!;
  return selected.subarray(0, count);
}

/** In id order. */
function selectTasks(
  { tasks, order }: TaskGraph,
  wanted: (node: number) => boolean,
): readonly Task[] {
  const selected: Task[] = [];
  for (let i = 0; i < order.length; i++) if (wanted(order[i]!)) selected.push(tasks[order[i]!]!);
  return selected;
}

function numberExarpLevels(
  { ids, index, settled, exarp }: TaskGraph,
  open: Int32Array,
): NumberById {
  const levelOf = exarp.levelOf.slice();
  for (let v = 0; v < settled.length; v++) if (settled[v] === 1) levelOf[v] = -1;
  const nodes = exarp.placed === ids.length ? open : selectNodes(open, (v) => levelOf[v] !== -1);
  return new NumberById(ids, index, nodes, levelOf);
}

function chooseLevels(graph: TaskGraph, { blockOf }: Blocking, options: WaveOptions): Levels {
  const { exarp } = graph;
  const isExarp = options.numbering === 'exarp';
  const hidden = isExarp ? new Uint8Array(graph.tasks.length) : graph.settled.slice();
  for (const [v, { kind }] of blockOf) {
    // exarp-go ignores missing dependencies: such a task has its level, and so do its dependants.
    if (!isExarp || kind === 'cycle' || kind === 'behindCycle') hidden[v] = 1;
  }
  const isAll = !hidden.includes(1) && exarp.placed === graph.tasks.length;
  return isAll ? exarp : levelsAround(graph, hidden);
}

/** Orders nodes, which come in the order of `compareIds`, by level, priority and id. */
function sortByWave(
  graph: TaskGraph,
  nodes: Int32Array,
  { levelOf, height }: Levels,
  options: WaveOptions,
): Int32Array {
  const isExarp = options.numbering === 'exarp';
  const byId = isExarp
    ? nodes.slice().sort((v, w) => (graph.ids[v]! < graph.ids[w]! ? -1 : 1))
    : nodes;
  const rankOf = isExarp
    ? Uint8Array.from(graph.tasks, ({ rawPriority }) => exarpPriorityRank(rawPriority))
    : graph.rankOf;
  // Counting sort: the nodes of a level and a rank begin at the number of nodes before them.
  const start = new Int32Array(height * RANKS + 1);
  for (let i = 0; i < byId.length; i++)
    start[levelOf[byId[i]!]! * RANKS + rankOf[byId[i]!]! + 1]!++;
  for (let b = 1; b < start.length; b++) start[b]! += start[b - 1]!;
  const sorted = new Int32Array(byId.length);
  for (let i = 0; i < byId.length; i++)
    sorted[start[levelOf[byId[i]!]! * RANKS + rankOf[byId[i]!]!]!++] = byId[i]!;
  return sorted;
}

/** How many values `priorityRank` has. */
const RANKS = 5;

/**
 * Cuts sorted nodes into waves where the level changes or the limit is reached; `numberOf` has the
 * wave of each node.
 */
function cutWaves(
  { tasks }: TaskGraph,
  sorted: Int32Array,
  { levelOf }: Levels,
  options: WaveOptions,
): { readonly waves: readonly Wave[]; readonly numberOf: Int32Array } {
  const limit = options.maxTasksPerWave >= 1 ? Math.floor(options.maxTasksPerWave) : 0;
  const numberOf = new Int32Array(tasks.length).fill(-1);
  const waves: Wave[] = [];
  let members: Task[] = [];
  let number = 0;
  for (let i = 0; i < sorted.length; i++) {
    const v = sorted[i]!;
    if (i === 0 || levelOf[v] !== levelOf[sorted[i - 1]!] || members.length === limit) {
      number = limit === 0 ? levelOf[v]! : waves.length;
      members = [];
      waves.push({ number, tasks: members });
    }
    members.push(tasks[v]!);
    numberOf[v] = number;
  }
  return { waves, numberOf };
}

function listBlocked(
  { tasks, ids }: TaskGraph,
  open: Int32Array,
  { blockOf }: Blocking,
  cycles: Plan['cycles'],
  missing: Plan['missing'],
): readonly BlockedTask[] {
  if (blockOf.size === 0) return [];
  const blocked: BlockedTask[] = [];
  for (const v of open) {
    const block = blockOf.get(v);
    if (block !== undefined) blocked.push({ task: tasks[v]!, reason: explain(block) });
  }
  return blocked;

  function explain({ kind, cause }: Block): BlockReason {
    switch (kind) {
      case 'cycle':
      case 'behindCycle':
        return { kind, members: cycles[cause]! };
      case 'missing':
        return { kind, ids: missing.get(ids[cause]!)! };
      case 'behindMissing':
        return { kind, via: ids[cause]! };
    }
  }
}

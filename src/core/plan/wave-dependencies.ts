import { namedBy, waitsForIn, wouldCycle } from '../edit/cycle.ts';
import { pushTo } from '../push-to.ts';
import { compareIds, type Task, type TaskId } from '../task.ts';
import { planWaves, type Plan, type WaveOptions } from '../waves/waves.ts';

/** One dependency to be added: `id` is to wait for `on`. */
export interface AddedDependency {
  readonly id: TaskId;
  readonly on: TaskId;
}

/**
 * Why tasks cannot be in the requested waves without removing a dependency, which is never done.
 */
export type WaveRefusal =
  /** It is no open task that can be in a wave. */
  | { readonly kind: 'notPlaced'; readonly id: TaskId }
  /** It waits for `on`, which would not be before it; `wave` is where `on` is then. */
  | {
      readonly kind: 'waitsFor';
      readonly id: TaskId;
      readonly on: TaskId;
      readonly wave: number;
      readonly asParent: boolean;
    }
  /**
   * No task of the wave before could be waited for without a circle; where there is one at all,
   * `path` leads from it to `id`.
   */
  | {
      readonly kind: 'noneBefore';
      readonly id: TaskId;
      readonly wave: number;
      readonly path: readonly TaskId[];
    }
  /** Because of parents, the added dependencies would move other requested tasks. */
  | { readonly kind: 'shifts'; readonly id: TaskId };

/** The dependencies to add and what else moves, or every refusal. */
export type WaveChange =
  | {
      readonly kind: 'possible';
      readonly added: readonly AddedDependency[];
      /**
       * Tasks that were not requested and change their wave, since they wait for a requested one.
       */
      readonly moved: readonly {
        readonly id: TaskId;
        readonly from: number;
        readonly to: number;
      }[];
    }
  | { readonly kind: 'refused'; readonly refusals: readonly [WaveRefusal, ...WaveRefusal[]] };

/**
 * The smallest set of dependencies that puts each task asked for into its wave, counted from 0 over
 * the open tasks: one for each that has no task of the wave before among what it waits for. Tasks
 * not asked for get none; nothing is ever removed.
 *
 * `prefer` says of the tasks that one could wait for which is better, as in `sort`.
 */
export function dependenciesForWaves(
  tasks: readonly Task[],
  asked: ReadonlyMap<TaskId, number>,
  options: WaveOptions,
  prefer: (id: TaskId) => (a: TaskId, b: TaskId) => number = () => () => 0,
): WaveChange {
  // Limits and exarp-go's numbers only display levels; requests name the levels themselves.
  const leveled: WaveOptions = { ...options, numbering: 'open', maxTasksPerWave: 0 };
  const before = planWaves(tasks, leveled);
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const unplaced = [...asked.keys()].filter((id) => !before.waveOf.has(id));
  if (unplaced.length > 0) return refused(unplaced.map((id) => ({ kind: 'notPlaced', id })));

  const { levels, lacking, refusals } = settleLevels(before, byId, asked);
  if (refusals.length > 0) return refused(refusals);
  const byLevel = new Map<number, TaskId[]>();
  for (const [id, level] of levels) pushTo(byLevel, level, id);

  const added: AddedDependency[] = [];
  const next = new Map(byId);
  for (const id of lacking) {
    const level = levels.get(id) ?? 0;
    const candidates = (byLevel.get(level - 1) ?? []).filter((on) => on !== id);
    const found = firstAllowed(id, candidates.sort(order(prefer(id), asked)), next);
    if (found.on === undefined)
      refusals.push({ kind: 'noneBefore', id, wave: level - 1, path: found.path });
    else {
      added.push({ id, on: found.on });
      const task = next.get(id);
      if (task !== undefined)
        next.set(id, { ...task, dependencies: [...task.dependencies, found.on] });
    }
  }
  if (refusals.length > 0) return refused(refusals);

  const after = planWaves([...next.values()], leveled);
  const shifted = [...asked]
    .filter(([id, wave]) => after.waveOf.get(id) !== wave)
    .map(([id]) => id);
  if (shifted.length > 0) return refused(shifted.map((id) => ({ kind: 'shifts', id })));
  const moved = [...after.waveOf].flatMap(([id, to]) => {
    const from = before.waveOf.get(id);
    return asked.has(id) || from === undefined || from === to ? [] : [{ id, from, to }];
  });
  return { kind: 'possible', added, moved };
}

/**
 * The level of each task with the requested ones in place, and those that lack a dependency to hold
 * them there.
 */
function settleLevels(
  plan: Plan,
  byId: ReadonlyMap<TaskId, Task>,
  asked: ReadonlyMap<TaskId, number>,
): { levels: Map<TaskId, number>; lacking: readonly TaskId[]; refusals: WaveRefusal[] } {
  const levels = new Map<TaskId, number>();
  const lacking: TaskId[] = [];
  const refusals: WaveRefusal[] = [];
  // Waves are in order, so a task comes after what it waits for.
  for (const { id } of plan.waves.flatMap((wave) => wave.tasks)) {
    const waits = predecessors(id, plan, byId);
    let natural = 0;
    for (const on of waits) natural = Math.max(natural, (levels.get(on) ?? -1) + 1);
    const wanted = asked.get(id);
    levels.set(id, wanted ?? natural);
    if (wanted === undefined || wanted === natural) continue;
    if (wanted > natural) lacking.push(id);
    for (const on of wanted > natural ? [] : waits) {
      const wave = levels.get(on) ?? -1;
      const asParent = byId.get(id)?.dependencies.includes(on) !== true;
      if (wave >= wanted) refusals.push({ kind: 'waitsFor', id, on, wave, asParent });
    }
  }
  return { levels, lacking, refusals };
}

/**
 * The open tasks of lower waves that hold a task where it is; a parent that would close a circle is
 * of a higher one.
 */
function predecessors(id: TaskId, plan: Plan, byId: ReadonlyMap<TaskId, Task>): readonly TaskId[] {
  const task = byId.get(id);
  if (task === undefined) return [];
  const level = plan.waveOf.get(id) ?? 0;
  return [...new Set(namedBy(task))].filter((on) => {
    const other = plan.waveOf.get(on);
    return other !== undefined && other < level;
  });
}

/** Requested tasks first: the caller most likely means those. */
function order(
  prefer: (a: TaskId, b: TaskId) => number,
  asked: ReadonlyMap<TaskId, number>,
): (a: TaskId, b: TaskId) => number {
  return (a, b) => prefer(a, b) || Number(asked.has(b)) - Number(asked.has(a)) || compareIds(a, b);
}

function firstAllowed(
  id: TaskId,
  candidates: readonly TaskId[],
  byId: ReadonlyMap<TaskId, Task>,
): { readonly on: TaskId | undefined; readonly path: readonly TaskId[] } {
  const waitsFor = waitsForIn(byId);
  let path: readonly TaskId[] = [];
  for (const on of candidates) {
    const circle = wouldCycle(waitsFor, id, on);
    if (circle === undefined) return { on, path: [] };
    if (path.length === 0) path = circle;
  }
  return { on: undefined, path };
}

function refused(refusals: readonly WaveRefusal[]): WaveChange {
  const [first, ...more] = refusals;
  if (first === undefined) throw new Error('Internal error: refused without a reason');
  return { kind: 'refused', refusals: [first, ...more] };
}

import { pushTo } from '../push-to.ts';
import { compareIds, type Task, type TaskId } from '../task.ts';
import { planWaves, type Plan, type WaveOptions } from '../waves/waves.ts';
import type { WaveOverride } from './wave-override.ts';
import { dependenciesForWaves, type WaveChange } from './wave-dependencies.ts';

const NOTHING: WaveChange = { kind: 'possible', added: [], moved: [] };

/**
 * What has to change so that the waves of a plan document become those of the backlog: nothing where
 * the document has the waves of the backlog already, in any numbering.
 *
 * A document was written in one of three ways: by the levels of the tasks open now, by those that
 * were open when it was written, or by exarp-go's levels, which count finished tasks. The way that
 * explains most of the document is taken for its own, and only tasks that are elsewhere in it were
 * moved by its author.
 */
export function changeForWaves(
  tasks: readonly Task[],
  waves: WaveOverride,
  options: WaveOptions,
): WaveChange {
  const leveled: WaveOptions = { ...options, numbering: 'open', maxTasksPerWave: 0 };
  const now = planWaves(tasks, leveled);
  const asked = placesIn(waves, now);
  if (asked.size === 0) return NOTHING;

  const listed = new Set(waves.flat());
  const atTheTime = tasks
    .filter((task) => listed.has(task.id))
    .map((task): Task => ({ ...task, status: 'Todo' }));
  const ways = [
    ranksIn(now.waveOf, asked),
    ranksIn(planWaves(atTheTime, { ...leveled, missing: 'satisfied' }).waveOf, asked),
    ranksIn(now.exarpLevelOf, asked),
  ];
  const movedIn = ways.map((ranks) => [...asked].filter(([id, place]) => ranks.get(id) !== place));
  const least = Math.min(...movedIn.map((moved) => moved.length));
  if (least === 0) return NOTHING;
  const way = movedIn.findIndex((moved) => moved.length === least);
  if (way === 0) return dependenciesForWaves(tasks, asked, options);
  return dependenciesForMoved(tasks, asked, new Map(movedIn[way]), now, options);
}

/** The place of each task of the document that can be in a wave; empty waves do not count. */
function placesIn(waves: WaveOverride, plan: Plan): ReadonlyMap<TaskId, number> {
  const places = new Map<TaskId, number>();
  let place = 0;
  for (const ids of waves) {
    const known = (ids as readonly TaskId[]).filter((id) => plan.waveOf.has(id) && !places.has(id));
    for (const id of known) places.set(id, place);
    if (known.length > 0) place++;
  }
  return places;
}

/** Levels as places 0..n among the tasks asked for. */
function ranksIn(
  levelOf: ReadonlyMap<TaskId, number>,
  asked: ReadonlyMap<TaskId, number>,
): ReadonlyMap<TaskId, number> {
  const levels = [...asked.keys()].flatMap((id) => levelOf.get(id) ?? []);
  const sorted = [...new Set(levels)].sort((a, b) => a - b);
  const rankOf = new Map(sorted.map((level, rank) => [level, rank]));
  return new Map(
    [...asked.keys()].flatMap((id) => {
      const level = levelOf.get(id);
      return level === undefined ? [] : [[id, rankOf.get(level) ?? 0] as const];
    }),
  );
}

/**
 * The document counts otherwise than the backlog, so that its places are no levels: a moved task has
 * to come right after a task of the wave before it in the document.
 */
function dependenciesForMoved(
  tasks: readonly Task[],
  asked: ReadonlyMap<TaskId, number>,
  moved: ReadonlyMap<TaskId, number>,
  now: Plan,
  options: WaveOptions,
): WaveChange {
  const stayIn = new Map<number, TaskId[]>();
  for (const [id, place] of asked) if (!moved.has(id)) pushTo(stayIn, place, id);
  const levels = new Map<TaskId, number>();
  for (const [id, place] of moved) {
    const before = (stayIn.get(place - 1) ?? []).map((on) => now.waveOf.get(on) ?? 0);
    levels.set(id, before.length === 0 ? place : Math.min(...before) + 1);
  }
  const prefer = (id: TaskId) => {
    const wanted = new Set(stayIn.get((moved.get(id) ?? 0) - 1));
    return (a: TaskId, b: TaskId): number =>
      Number(wanted.has(b)) - Number(wanted.has(a)) || compareIds(a, b);
  };
  return dependenciesForWaves(tasks, levels, options, prefer);
}

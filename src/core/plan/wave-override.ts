import type { Task, TaskId } from '../task.ts';
import type { BrokenDependency, Plan, Wave } from '../waves/waves.ts';

/** Waves that a file asks for, ids in its order. */
export type WaveOverride = readonly (readonly string[])[];

/**
 * Where waves come from: the backlog alone, or a file that asks for them. Paths are relative to the
 * root, with `/`.
 */
export type WaveSourceState =
  | { readonly kind: 'computed' }
  | { readonly kind: 'file'; readonly file: string; readonly waves: WaveOverride }
  | {
      readonly kind: 'unusable';
      readonly file: string;
      readonly why: 'missing' | 'unreadable' | 'noWaves';
    };

/** The files that exarp-go and its scripts keep waves in, beside plans. */
export const KNOWN_WAVE_FILES = [
  'docs/PARALLEL_EXECUTION_PLAN_RESEARCH.md',
  '.cursor/plans/parallel-execution-waves.json',
] as const;

/**
 * Puts the open tasks of a plan into the waves that a file asks for; dependencies stay as they are.
 */
export function applyWaveOverride(
  plan: Plan,
  source: Exclude<WaveSourceState, { kind: 'computed' }>,
): Plan {
  const { file } = source;
  if (source.kind === 'unusable')
    return { ...plan, asked: { kind: 'notUsed', file, why: source.why } };
  const all = plan.waves.flatMap((wave) => wave.tasks);
  const placeable = new Map<string, Task>(all.map((task) => [task.id, task]));
  const waveOf = new Map<TaskId, number>();
  const waves: Wave[] = [];
  for (const ids of source.waves) {
    const tasks: Task[] = [];
    for (const id of ids) {
      const task = placeable.get(id);
      if (task === undefined || waveOf.has(task.id)) continue;
      waveOf.set(task.id, waves.length);
      tasks.push(task);
    }
    if (tasks.length > 0) waves.push({ number: waves.length, tasks });
  }
  if (waves.length === 0) return { ...plan, asked: { kind: 'notUsed', file, why: 'nothingLeft' } };
  const leftOut = all.filter((task) => !waveOf.has(task.id));
  const broken = waves.flatMap(({ number, tasks }) =>
    tasks.flatMap(({ id, dependencies }) =>
      dependencies
        .filter((on) => isBroken(id, on, number))
        .map((on): BrokenDependency => ({ id, on })),
    ),
  );
  return { ...plan, waves, waveOf, asked: { kind: 'used', file, leftOut, broken } };

  function isBroken(id: TaskId, on: TaskId, wave: number): boolean {
    const isOpen = plan.waveOf.has(on) || plan.blockedOf.has(on);
    return id !== on && isOpen && (waveOf.get(on) ?? Infinity) >= wave;
  }
}

import { taskId, type Task } from '../../src/core/task.ts';
import {
  DEFAULT_WAVE_OPTIONS,
  type BlockedTask,
  type Plan,
  type WaveOptions,
} from '../../src/core/waves/waves.ts';

/** A plan by hand: the given waves, numbered from 0, and the other given fields. */
export function planOf(
  waves: readonly (readonly Task[])[],
  more: Partial<Omit<Plan, 'options' | 'waves'>> & { readonly options?: Partial<WaveOptions> } = {},
): Plan {
  const { options, ...rest } = more;
  const numbered = waves.map((tasks, number) => ({ number, tasks }));
  const waveOf = new Map(
    numbered.flatMap(({ number, tasks }) => tasks.map((task) => [task.id, number] as const)),
  );
  return {
    options: { ...DEFAULT_WAVE_OPTIONS, ...options },
    waves: numbered,
    outside: [],
    blocked: [],
    blockedOf: new Map((rest.blocked ?? []).map(({ task, reason }) => [task.id, reason])),
    settled: [],
    waveOf,
    exarpLevelOf: waveOf,
    missing: new Map(),
    selfDependent: [],
    cycles: [],
    ...rest,
  };
}

/** A task in a cycle of these members. */
export function inCycle(task: Task, members: readonly string[]): BlockedTask {
  return { task, reason: { kind: 'cycle', members: members.map(taskId) } };
}

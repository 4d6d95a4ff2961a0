import type { Backlog } from '../core/backlog.ts';
import type { TaskId } from '../core/task.ts';
import type { Plan } from '../core/waves/waves.ts';

/**
 * Names for the waves of a backlog that follow their tasks, not their numbers: when the first wave
 * is done, the second becomes the first, and what was open in the tree stays open.
 */
interface WaveKeys {
  readonly plan: Plan | undefined;
  readonly keys: readonly { readonly key: string; readonly number: number }[];
  readonly keyOf: ReadonlyMap<TaskId, string>;
  readonly named: number;
}

const NONE: WaveKeys = { plan: undefined, keys: [], keyOf: new Map(), named: 0 };

const known = new WeakMap<Backlog, WaveKeys>();

/** The waves as they are now, in order, each with its name. */
export function waveKeysOf(backlog: Backlog): WaveKeys['keys'] {
  const { plan } = backlog;
  const before = known.get(backlog) ?? NONE;
  if (before.plan === plan) return before.keys;
  const now = plan === undefined ? NONE : follow(plan, before);
  known.set(backlog, now);
  return now.keys;
}

/** The number of the wave with this name; -1 where it is gone. */
export function waveNumberOf(backlog: Backlog, key: string): number {
  return waveKeysOf(backlog).find((wave) => wave.key === key)?.number ?? -1;
}

/** Each wave gets the name that most of its tasks had, where no earlier wave has it; else a new one. */
function follow(plan: Plan, before: WaveKeys): WaveKeys {
  let { named } = before;
  const taken = new Set<string>();
  const keyOf = new Map<TaskId, string>();
  const keys = plan.waves.map(({ number, tasks }) => {
    const votes = new Map<string, number>();
    for (const { id } of tasks) {
      const key = before.keyOf.get(id);
      if (key !== undefined && !taken.has(key)) votes.set(key, (votes.get(key) ?? 0) + 1);
    }
    const [most] = [...votes].sort((a, b) => b[1] - a[1]);
    const key = most?.[0] ?? String(named++);
    taken.add(key);
    for (const { id } of tasks) keyOf.set(id, key);
    return { key, number };
  });
  return { plan, keys, keyOf, named };
}

import { HUMAN_CAP, KIND_OF, type RunOptions } from '../run/run-options.ts';
import type { Candidate } from '../run/engine/scheduler.ts';

/**
 * A lower bound of the makespan with each of these caps, in the unit of the weights: all agents
 * busy all the time, or the chain of `chainMs`, the longer of the two; in strict mode, wave by
 * wave. Takes O(n). For many tasks it is close to a simulation: the difference is at most the
 * longest chain.
 */
export function leastMakespans(
  tasks: readonly Candidate[],
  { runMode, agentCaps }: Pick<RunOptions, 'runMode' | 'agentCaps'>,
  caps: readonly number[],
  chainMs: number,
): readonly number[] {
  const capOf = new Map<string, number>([[KIND_OF.human, HUMAN_CAP], ...agentCaps]);
  const waves = new Map<number, Work>();
  for (const task of tasks) {
    const key = runMode === 'strict' ? task.wave : 0;
    let work = waves.get(key);
    if (work === undefined) waves.set(key, (work = { ofAgents: 0, longest: 0, ofKind: new Map() }));
    if (task.agent !== KIND_OF.human) work.ofAgents += task.weight;
    work.longest = Math.max(work.longest, task.weight);
    work.ofKind.set(task.agent, (work.ofKind.get(task.agent) ?? 0) + task.weight);
  }
  return caps.map((cap) => {
    let sum = 0;
    for (const { ofAgents, longest, ofKind } of waves.values()) {
      const kinds = [...ofKind].map(([kind, ms]) => ms / Math.max(1, capOf.get(kind) ?? Infinity));
      sum += Math.max(ofAgents / Math.max(1, cap), longest, ...kinds);
    }
    return Math.max(sum, chainMs);
  });
}

interface Work {
  ofAgents: number;
  longest: number;
  readonly ofKind: Map<string, number>;
}

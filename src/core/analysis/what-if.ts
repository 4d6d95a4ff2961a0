import type { RunOptions } from '../run/run-options.ts';
import type { Candidate } from '../run/engine/scheduler.ts';
import { longestChain } from '../longest-chain.ts';
import { compareIds, type TaskId } from '../task.ts';
import { leastMakespans } from './least-makespan.ts';
import { simulateMakespan } from './simulate.ts';

/** How long all open work takes with several caps, and what would shorten it. Durations in ms. */
export interface WhatIf {
  /** How many tasks were counted: those that an agent or the user may start. */
  readonly tasks: number;
  /** `reckoned`: too many to be simulated, so `caps` are lower bounds, and nothing is advised. */
  readonly method: 'simulated' | 'reckoned';
  /** Ascending. */
  readonly caps: readonly { readonly cap: number; readonly ms: number }[];
  /** The current cap, which the advice is for. */
  readonly cap: number;
  /** The critical path by duration: no number of agents makes it shorter. */
  readonly chain: readonly { readonly id: TaskId; readonly ms: number }[];
  /**
   * The task that shortens the whole most when its duration is halved; undefined where none does.
   */
  readonly toShorten:
    { readonly id: TaskId; readonly ms: number; readonly savesMs: number } | undefined;
  /** Where the durations come from, in the words of `estimates.ts`. */
  readonly basis: string;
}

/** The caps that are always tried, beside the current one. */
const CAPS = [1, 2, 4, 8];

/** The editor waits for the answer: simulating more tasks would take seconds. */
const MOST_SIMULATED = 5_000;

/** The tasks simulated for the advice, over all tries: about a tenth of a second of work. */
const BUDGET = 25_000;
const MOST_TRIES = 40;

/**
 * Simulates these tasks, whose weights are ms, for several caps; and once with half its weight for
 * each task worth shortening: those of the longest chain and, in strict mode, the longest of each
 * wave. Of a large backlog only the longest of those are tried, and a very large one is not
 * simulated at all. Deterministic.
 */
export function askWhatIf(
  tasks: readonly Candidate[],
  options: Pick<RunOptions, 'runMode' | 'agentCaps'>,
  { cap, basis }: { readonly cap: number; readonly basis: string },
): WhatIf {
  // Tasks come wave by wave, so a task comes after its dependencies; those of a cycle do not count.
  const { chain, length: chainMs } = longestChain(
    tasks,
    ({ dependencies }) => dependencies,
    ({ weight }) => weight,
    { before: 'lowestId', end: 'first' },
  );
  const method = tasks.length > MOST_SIMULATED ? 'reckoned' : 'simulated';
  const tried = [...new Set([...CAPS, cap])].sort((a, b) => a - b);
  const times =
    method === 'reckoned'
      ? leastMakespans(tasks, options, tried, chainMs)
      : tried.map((each) => simulateMakespan(tasks, options, each));
  const caps = tried.map((each, n) => ({ cap: each, ms: times[n] ?? 0 }));
  const whole = caps.find((each) => each.cap === cap)?.ms ?? 0;
  const advice =
    method === 'reckoned' ? undefined : findToShorten(tasks, chain, options, { cap, whole });
  return {
    tasks: tasks.length,
    method,
    caps,
    cap,
    basis,
    toShorten: advice,
    chain: chain.map(({ id, weight }) => ({ id, ms: weight })),
  };
}

/** About how long these tasks take with this cap, in ms: a lower bound where they are very many. */
export function makespanOf(
  tasks: readonly Candidate[],
  options: Pick<RunOptions, 'runMode' | 'agentCaps'>,
  cap: number,
): number {
  return tasks.length <= MOST_SIMULATED
    ? simulateMakespan(tasks, options, cap)
    : (leastMakespans(tasks, options, [cap], 0)[0] ?? 0);
}

function findToShorten(
  tasks: readonly Candidate[],
  chain: readonly Candidate[],
  options: Pick<RunOptions, 'runMode' | 'agentCaps'>,
  { cap, whole }: { readonly cap: number; readonly whole: number },
): WhatIf['toShorten'] {
  const tries = Math.max(1, Math.min(MOST_TRIES, Math.floor(BUDGET / Math.max(1, tasks.length))));
  let found: WhatIf['toShorten'];
  for (const { id, weight } of worthTrying(tasks, chain, options.runMode).slice(0, tries)) {
    const shorter = tasks.map((task) => (task.id === id ? { ...task, weight: weight / 2 } : task));
    const savesMs = whole - simulateMakespan(shorter, options, cap);
    if (savesMs > (found?.savesMs ?? 0)) found = { id, ms: weight, savesMs };
  }
  return found;
}

/** The longest first, then by id. */
function worthTrying(
  tasks: readonly Candidate[],
  chain: readonly Candidate[],
  mode: RunOptions['runMode'],
): readonly Candidate[] {
  const wanted = new Map(chain.map((task) => [task.id, task]));
  if (mode === 'strict') {
    const longest = new Map<number, Candidate>();
    for (const task of tasks) {
      const known = longest.get(task.wave);
      if (known === undefined || byWeight(task, known) < 0) longest.set(task.wave, task);
    }
    for (const task of longest.values()) wanted.set(task.id, task);
  }
  return [...wanted.values()].sort(byWeight);
}

function byWeight(a: Candidate, b: Candidate): number {
  return b.weight - a.weight || compareIds(a.id, b.id);
}

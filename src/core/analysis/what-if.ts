import type { RunOptions } from '../run/run-options.ts';
import type { Candidate } from '../run/engine/scheduler.ts';
import { compareIds, type TaskId } from '../task.ts';
import { leastMakespans } from './least-makespan.ts';
import { simulateMakespan } from './simulate.ts';

/** How long all open work takes, and what would make it shorter. Durations in ms. */
export interface WhatIf {
  /** How many tasks it is about: those that an agent or a person may begin. */
  readonly tasks: number;
  /** `reckoned`: too many to be simulated, so `caps` say what it takes at least, and nothing is advised. */
  readonly method: 'simulated' | 'reckoned';
  /** Ascending. */
  readonly caps: readonly { readonly cap: number; readonly ms: number }[];
  /** The cap of today, which the advice is about. */
  readonly cap: number;
  /** The chain of tasks, each waiting for the one before, whose work takes longest: no number of agents makes it shorter. */
  readonly chain: readonly { readonly id: TaskId; readonly ms: number }[];
  /** The task whose work, done in half the time, makes the whole shortest; undefined where none would. */
  readonly toShorten: { readonly id: TaskId; readonly ms: number; readonly savesMs: number } | undefined;
  /** What the durations rest on, in words of `estimates.ts`. */
  readonly basis: string;
}

/** The caps that are always tried, beside that of today. */
const CAPS = [1, 2, 4, 8];

/** This is asked while an editor waits: more tasks than these are not simulated, which would take seconds. */
const MOST_SIMULATED = 5_000;

/** So many tasks are simulated for the advice, over all tries: about a tenth of a second of work. */
const BUDGET = 25_000;
const MOST_TRIES = 40;

/**
 * Simulates all of these tasks, whose weights are ms, for several caps; and once for each task that could be worth shortening,
 * with half its weight: those of the longest chain and, where waves wait for each other, the longest of each wave. Of a large
 * backlog only the longest of those are tried, and a very large one is not simulated at all. The same tasks give the same answer.
 */
export function askWhatIf(
  tasks: readonly Candidate[],
  options: Pick<RunOptions, 'runMode' | 'agentCaps'>,
  { cap, basis }: { readonly cap: number; readonly basis: string },
): WhatIf {
  const chain = longestChain(tasks);
  const chainMs = chain.reduce((sum, { weight }) => sum + weight, 0);
  const method = tasks.length > MOST_SIMULATED ? 'reckoned' : 'simulated';
  const tried = [...new Set([...CAPS, cap])].sort((a, b) => a - b);
  const times =
    method === 'reckoned'
      ? leastMakespans(tasks, options, tried, chainMs)
      : tried.map((each) => simulateMakespan(tasks, options, each));
  const caps = tried.map((each, n) => ({ cap: each, ms: times[n] ?? 0 }));
  const whole = caps.find((each) => each.cap === cap)?.ms ?? 0;
  const advice = method === 'reckoned' ? undefined : findToShorten(tasks, chain, options, { cap, whole });
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

/** The longest first, then by id, so that of equals the first is advised. */
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

/** Tasks come wave by wave, so whatever one waits for was seen before it; what waits for itself by a circle does not count. */
function longestChain(tasks: readonly Candidate[]): readonly Candidate[] {
  const indexOf = new Map(tasks.map(({ id }, index) => [id, index]));
  const msTo = new Float64Array(tasks.length);
  const before = new Int32Array(tasks.length).fill(-1);
  const idAt = (index: number): TaskId => (tasks[index] as Candidate).id;
  let end = -1;
  for (const [index, { dependencies, weight }] of tasks.entries()) {
    let last = -1;
    let lastMs = 0;
    for (const id of dependencies) {
      const at = indexOf.get(id) ?? -1;
      if (at < 0 || at >= index) continue;
      const ms = msTo[at] ?? 0;
      if (ms > lastMs || (ms === lastMs && last >= 0 && compareIds(id, idAt(last)) < 0)) [last, lastMs] = [at, ms];
    }
    before[index] = last;
    msTo[index] = lastMs + weight;
    if ((msTo[index] ?? 0) > (msTo[end] ?? 0)) end = index;
  }
  const chain: Candidate[] = [];
  for (let step = end; step >= 0; step = before[step] ?? -1) chain.push(tasks[step] as Candidate);
  return chain.reverse();
}

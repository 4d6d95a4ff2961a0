import type { RunOptions } from '../run/run-options.ts';
import type { Candidate } from '../run/scheduler.ts';
import { compareIds, type TaskId } from '../task.ts';
import { simulateMakespan } from './simulate.ts';

/** How long all open work takes, and what would make it shorter. Durations in ms. */
export interface WhatIf {
  /** How many tasks it is about: those that an agent or a person may begin. */
  readonly tasks: number;
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

/** So many tasks are simulated for the advice, over all tries: about a second of work. */
const BUDGET = 200_000;
const MOST_TRIES = 40;

/**
 * Simulates all of these tasks, whose weights are ms, for several caps; and once for each task that could be worth shortening,
 * with half its weight: those of the longest chain and, where waves wait for each other, the longest of each wave. Of a large
 * backlog only the longest of those are tried. The same tasks give the same answer.
 */
export function askWhatIf(
  tasks: readonly Candidate[],
  options: Pick<RunOptions, 'mode' | 'agentCaps'>,
  { cap, basis }: { readonly cap: number; readonly basis: string },
): WhatIf {
  const caps = [...new Set([...CAPS, cap])].sort((a, b) => a - b);
  const times = caps.map((each) => ({ cap: each, ms: simulateMakespan(tasks, options, each) }));
  const whole = times.find((each) => each.cap === cap)?.ms ?? 0;
  const chain = longestChain(tasks);
  const tries = Math.max(1, Math.min(MOST_TRIES, Math.floor(BUDGET / Math.max(1, tasks.length))));
  let toShorten: WhatIf['toShorten'];
  for (const { id, weight } of worthTrying(tasks, chain, options.mode).slice(0, tries)) {
    const shorter = tasks.map((task) => (task.id === id ? { ...task, weight: weight / 2 } : task));
    const savesMs = whole - simulateMakespan(shorter, options, cap);
    if (savesMs > (toShorten?.savesMs ?? 0)) toShorten = { id, ms: weight, savesMs };
  }
  return {
    ...{ tasks: tasks.length, caps: times, cap, basis, toShorten },
    chain: chain.map(({ id, weight }) => ({ id, ms: weight })),
  };
}

/** The longest first, then by id, so that of equals the first is advised. */
function worthTrying(
  tasks: readonly Candidate[],
  chain: readonly Candidate[],
  mode: RunOptions['mode'],
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
  const best = new Map<
    TaskId,
    { readonly task: Candidate; readonly ms: number; readonly before: TaskId | undefined }
  >();
  let end: TaskId | undefined;
  for (const task of tasks) {
    let before: TaskId | undefined;
    let beforeMs = 0;
    for (const id of task.dependencies) {
      const ms = best.get(id)?.ms ?? 0;
      if (ms > beforeMs || (ms === beforeMs && before !== undefined && compareIds(id, before) < 0)) {
        if (ms > 0) [before, beforeMs] = [id, ms];
      }
    }
    const ms = beforeMs + task.weight;
    best.set(task.id, { task, ms, before });
    if (ms > (end === undefined ? 0 : (best.get(end)?.ms ?? 0))) end = task.id;
  }
  const chain: Candidate[] = [];
  for (let step = end === undefined ? undefined : best.get(end); step !== undefined;) {
    chain.push(step.task);
    step = step.before === undefined ? undefined : best.get(step.before);
  }
  return chain.reverse();
}

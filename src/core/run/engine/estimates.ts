import { pushTo } from '../../push-to.ts';
import { count } from '../../text.ts';
import type { Task, TaskId } from '../../task.ts';
import { evidenceOf, type RunState } from '../run-events.ts';
import type { AgentAssignment } from '../run-options.ts';

/** What an estimate rests on, the most certain first. */
export type EstimateBasis = 'task' | 'agent' | 'hours' | 'nothing';

/** How long one attempt at a task may take. */
export interface Estimate {
  readonly ms: number;
  readonly basis: EstimateBasis;
}

export interface Estimates {
  readonly estimateOf: (id: TaskId) => Estimate;
  /** The same without its basis, in ms. */
  readonly durationOf: (id: TaskId) => number;
  /** In words: on how many tasks of those that were asked about it rests, and what for. */
  readonly basis: string;
}

/** For a task without earlier attempts or hours, with an agent without attempts. */
export const UNKNOWN_MS = 5 * 60_000;

const HOUR_MS = 3_600_000;

/**
 * Estimates how long an attempt at each of these tasks takes: as the median of its earlier
 * attempts, else of all attempts of the same kind of agent, else as its estimate in hours says,
 * else five minutes. A run that is in `runs` twice counts once.
 *
 * Attempts of the user do not count for agents, nor the other way round. Attempts that were stopped
 * or refused, or whose end is unknown, say nothing about how long the work takes.
 */
export function estimateDurations(
  runs: readonly RunState[],
  tasks: { readonly byId: ReadonlyMap<TaskId, Pick<Task, 'estimatedHours'>> },
  agents: ReadonlyMap<TaskId, AgentAssignment>,
): Estimates {
  const byTask = new Map<string, number[]>();
  const byAgent = new Map<string, number[]>();
  for (const run of new Map(runs.map((each) => [each.runId, each])).values())
    addAttempts(run, byTask, byAgent);

  const taskMedians = mediansOf(byTask);
  const agentMedians = mediansOf(byAgent);
  const estimateOf = (id: TaskId): Estimate => {
    const own = taskMedians.get(taskKey(id, agents.get(id)));
    if (own !== undefined) return { ms: own, basis: 'task' };
    const ofAgent = agentMedians.get(agents.get(id)?.agent ?? '');
    if (ofAgent !== undefined) return { ms: ofAgent, basis: 'agent' };
    const hours = tasks.byId.get(id)?.estimatedHours;
    if (hours !== undefined && hours > 0) return { ms: hours * HOUR_MS, basis: 'hours' };
    return { ms: UNKNOWN_MS, basis: 'nothing' };
  };
  return {
    estimateOf,
    durationOf: (id) => estimateOf(id).ms,
    basis: basisWords([...agents.keys()].map(estimateOf)),
  };
}

function addAttempts(
  run: RunState,
  byTask: Map<string, number[]>,
  byAgent: Map<string, number[]>,
): void {
  for (const { id, agent, earlier, outcome, startedAt, endedAt } of run.tasks.values()) {
    // From the evidence, since a run keeps only the start of the latest attempt.
    const durations = earlier.flatMap((attempt) => {
      const evidence = evidenceOf(attempt.outcome);
      return evidence === undefined ? [] : [evidence.endedAt - evidence.startedAt];
    });
    const isWork = outcome?.kind === 'succeeded' || outcome?.kind === 'failed';
    if (isWork && startedAt !== undefined && endedAt !== undefined)
      durations.push(endedAt - startedAt);
    for (const ms of durations) {
      if (ms < 0) continue; // the clock was set back meanwhile
      pushTo(byTask, taskKey(id, agent), ms);
      pushTo(byAgent, agent.agent, ms);
    }
  }
}

/** A task without an agent counts as worked on by agents. */
function taskKey(id: TaskId, agent: AgentAssignment | undefined): string {
  return agent?.agentMode === 'human' ? `by hand ${id}` : `by agents ${id}`;
}

function mediansOf<K>(lists: ReadonlyMap<K, readonly number[]>): ReadonlyMap<K, number> {
  return new Map([...lists].map(([key, list]) => [key, median(list)]));
}

/** Of a list that is not empty; of two in the middle, half of both. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[(sorted.length >> 1) - 1] ?? 0) + upper) / 2;
}

const BASIS_WORDS: readonly (readonly [EstimateBasis, string])[] = [
  ['task', 'on earlier attempts at the same task'],
  ['agent', 'on what the same agent took for other tasks'],
  ['hours', 'on estimated hours'],
  ['nothing', `on a guess of ${UNKNOWN_MS / 60_000} min`],
];

function basisWords(estimates: readonly Estimate[]): string {
  return BASIS_WORDS.flatMap(([basis, words]) => {
    const n = estimates.filter((each) => each.basis === basis).length;
    return n === 0 ? [] : [`${count(n, 'task')} ${words}`];
  }).join(', ');
}

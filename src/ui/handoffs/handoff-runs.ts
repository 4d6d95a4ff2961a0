import type { Backlog } from '../../core/backlog.ts';
import type { HandoffRun } from '../../core/handoff.ts';
import { count, oneLine } from '../../core/text.ts';
import type { RunState } from '../../core/run/run-events.ts';
import { runCounts } from '../runs/run-row.ts';

/** What ended longer ago is of another day. */
const RECENT_MS = 16 * 3_600_000;

/** The most runs in a handoff. */
const MOST_RUNS = 20;

/** Runs that are at work, or ended within the last sixteen hours; the newest first. */
export function recentRuns({ runs, now }: Backlog): readonly RunState[] {
  const byId = new Map([...runs.past, ...runs.all].map((run) => [run.runId, run]));
  return [...byId.values()]
    .filter(({ endedAt }) => endedAt === undefined || now - endedAt < RECENT_MS)
    .sort((a, b) => b.startedAt - a.startedAt)
    .slice(0, MOST_RUNS);
}

/** A run as a handoff names it. */
export function runInHandoff(run: RunState): HandoffRun {
  const status = run.phase !== 'ended' ? 'running' : run.stop === undefined ? 'ended' : 'stopped';
  return { id: run.runId, title: oneLine(run.title), status, result: runCounts(run).join(', ') };
}

/** The results of these runs, in one sentence to begin a summary with; empty without runs. */
export function dayWords(runs: readonly RunState[]): string {
  if (runs.length === 0) return '';
  const tasks = runs.flatMap((run) => [...run.tasks.values()]);
  const succeeded = tasks.filter(({ outcome }) => outcome?.kind === 'succeeded').length;
  const live = runs.filter(({ phase }) => phase !== 'ended').length;
  const still = live === 0 ? '' : `, ${live} of them still at work`;
  return `${count(runs.length, 'run')}${still}: ${succeeded} of ${count(tasks.length, 'task')} succeeded.`;
}

import type { Backlog } from '../../core/backlog.ts';
import type { RunState } from '../../core/run/run-events.ts';
import { duration, oneLine } from '../../core/text.ts';
import { agentsAtWork, runCounts } from './run-row.ts';

/** What the status bar says about the runs that go on. */
export interface RunsSummary {
  readonly text: string;
  readonly tooltip: string;
}

/**
 * Sums up the runs that go on: agents at work, tasks that have ended, and how long it still takes;
 * undefined where none does. `leftMs` may be an older estimate.
 */
export function summariseRuns(
  backlogs: readonly Backlog[],
  leftMs: (backlog: Backlog, run: RunState) => number,
): RunsSummary | undefined {
  const live = backlogs.flatMap((backlog) =>
    backlog.runs.all.filter(({ phase }) => phase !== 'ended').map((run) => ({ backlog, run })),
  );
  if (live.length === 0) return undefined;
  const parts = live.flatMap(({ run }) => [...run.tasks.values()]);
  const ended = parts.filter(({ phase }) => phase === 'ended').length;
  const atWork = live.reduce((n, { run }) => n + agentsAtWork(run), 0);
  const isPaused = live.every(({ run }) => run.paused !== undefined);
  const left = Math.max(...live.map(({ backlog, run }) => leftMs(backlog, run)));
  const text = [
    `$(${isPaused ? 'debug-pause' : 'play'}) ${atWork}`,
    `${ended}/${parts.length}`,
    ...(isPaused ? [] : [inMinutes(left)]),
  ].join(' · ');
  const lines = live.map(({ backlog, run }) => {
    const name = `${run.paused === undefined ? 'Running' : 'Paused'}: ${oneLine(run.title)}`;
    const rest = run.paused === undefined ? [`about ${inMinutes(leftMs(backlog, run))} left`] : [];
    return [name, ...runCounts(run), ...rest].join(' · ');
  });
  return { text, tooltip: lines.join('\n') };
}

/** An estimate in seconds would pretend to know more than it does. */
function inMinutes(ms: number): string {
  return duration(Math.max(1, Math.round(ms / 60_000)) * 60_000);
}

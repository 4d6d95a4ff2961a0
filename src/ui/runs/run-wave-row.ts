import type { Backlog } from '../../core/backlog.ts';
import { acceptedWords, isUndecided } from '../../core/run/decided-work.ts';
import { evidenceOf, type RunState } from '../../core/run/run-events.ts';
import { GONE, type Icon, row, type RowContent } from '../row.ts';
import { endedIcon, runCounts } from './run-row.ts';

/** A run as if it had this wave alone. */
export function onlyWave(run: RunState, wave: number): RunState {
  const tasks = new Map([...run.tasks].filter(([, task]) => task.wave === wave));
  return { ...run, tasks };
}

/** The row of a wave of a run: how many of its tasks are where, and what can be done with them. */
export function describeRunWave(backlog: Backlog, runId: string, wave: number): RowContent {
  const run = backlog.runs.find(runId);
  if (run?.waves[wave] === undefined) return GONE;
  const part = onlyWave(run, wave);
  const tasks = [...part.tasks.values()];
  const hasWork = tasks.some(({ outcome }) => evidenceOf(outcome)?.changes !== undefined);
  const accepted = acceptedWords(part);
  const words = [...(accepted === undefined ? [] : [accepted]), ...runCounts(part)].join(' · ');
  return row(`Wave ${wave}`, words, waveIcon(run, part, wave), {
    flags: [
      ...(hasWork ? ['waveWithChanges'] : []),
      ...(tasks.some(isUndecided) ? ['undecidedWave'] : []),
    ],
  });
}

function waveIcon({ waveRuns }: RunState, part: RunState, wave: number): Icon {
  if ([...part.tasks.values()].every(({ phase }) => phase === 'ended')) return endedIcon(part);
  return waveRuns[wave]?.startedAt === undefined
    ? { id: 'clockface', color: 'charts.blue' }
    : { id: 'sync~spin', color: 'charts.blue' };
}

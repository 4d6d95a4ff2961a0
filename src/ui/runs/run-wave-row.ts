import type { Backlog } from '../../core/backlog.ts';
import { acceptedWords, isUndecided } from '../../core/run/decided-work.ts';
import { evidenceOf, type RunState } from '../../core/run/run-events.ts';
import { GONE, type Icon, row, type RowContent } from '../row.ts';
import { endedLook, runCounts } from './run-row.ts';

/**
 * True for a run whose waves follow one another with work that can be reviewed. Where tasks start as
 * soon as their dependencies are done, no state of the run stands for the end of a wave.
 */
export function hasWaveRows({ options, waves }: RunState): boolean {
  return options.isolation !== undefined && options.runMode === 'strict' && waves.length > 1;
}

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
  return row(`Wave ${wave + 1} of ${run.waves.length}`, words, waveIcon(run, part, wave), {
    flags: [
      ...(hasWork ? ['waveWithChanges'] : []),
      ...(tasks.some(isUndecided) ? ['undecidedWave'] : []),
    ],
    collapsible: 'expanded',
  });
}

function waveIcon({ waveRuns }: RunState, part: RunState, wave: number): Icon {
  if ([...part.tasks.values()].every(({ phase }) => phase === 'ended')) return endedLook(part).icon;
  return waveRuns[wave]?.startedAt === undefined
    ? { id: 'clockface', color: 'charts.blue' }
    : { id: 'sync~spin', color: 'charts.blue' };
}

import { inlineId } from '../../markdown.ts';
import { firstOf } from '../../text.ts';
import type { TaskId } from '../../task.ts';
import type { RunState, TaskOutcome } from '../run-events.ts';
import { isInConflict } from '../decided-work.ts';
import { isOver } from '../work-decision.ts';

/** Ids beyond these are counted. */
const SHOWN = 10;

/** What is left for the user to do after a run, as a list in markdown; the most urgent first. */
export function nextSteps(run: RunState): string {
  const tasks = [...run.tasks.values()];
  const those = (is: (outcome: TaskOutcome) => boolean): readonly TaskId[] =>
    tasks.flatMap(({ id, outcome, decision }) =>
      outcome !== undefined && !isOver(decision) && is(outcome) ? [id] : [],
    );
  const steps: readonly (readonly [ids: readonly TaskId[], words: string])[] = [
    [
      those(({ kind }) => kind === 'unknown'),
      'Check the log and the files of tasks with an unknown end, then set their status or resume the run',
    ],
    [
      those(({ kind }) => kind === 'notRecorded'),
      'Set the status of tasks whose end could not be written into the backlog',
    ],
    [those(({ kind }) => kind === 'lockLost'), 'Ask the holder who took over the lock'],
    [
      tasks.filter(isInConflict).map(({ id }) => id),
      'Resolve the conflicts of tasks that do not fit to what the run has merged',
    ],
    [
      those(({ kind }) => kind === 'failed' || kind === 'notStarted'),
      'Read the log of the failed tasks, then resume the run',
    ],
    [
      those(({ kind }) => kind === 'rateLimited'),
      'Resume the run when the limit of the agent allows it',
    ],
    [
      those(({ kind }) => kind === 'stopped' || kind === 'skipped'),
      'Resume the run for the stopped and skipped tasks',
    ],
    [
      those((outcome) => outcome.kind === 'succeeded' && outcome.status === 'Review'),
      'Review the finished work and set it to Done',
    ],
  ];
  const lines = steps.flatMap(([ids, words]) =>
    ids.length === 0 ? [] : [`- ${words}: ${firstOf(ids, SHOWN, inlineId)}.`],
  );
  if (run.phase !== 'ended')
    return ['- The run has not ended; this report shows its progress.', ...lines].join('\n');
  return lines.length === 0 ? 'Nothing: every task is done.' : lines.join('\n');
}

import type { TaskId } from '../task.ts';
import { inNoWave, type Plan } from '../waves/waves.ts';
import type { RunState } from '../run/run-events.ts';
import type { Column } from './board-state.ts';

const NAMES = ['Now', 'Next'];

/**
 * The waves in order, then what is in none, then what the shown run has finished. Columns without
 * tasks are left out.
 */
export function columnsOf(plan: Plan, run: RunState | undefined): readonly Column[] {
  const waves = plan.waves.map(({ number, tasks }, index): Column => {
    const title = NAMES[index] ?? 'Later';
    return { key: `wave-${number}`, title, note: `wave ${number}`, wave: number, ids: ids(tasks) };
  });
  const isCircle = plan.blocked.every(({ reason }) => CIRCLES.has(reason.kind));
  const settled = new Set(plan.settled.map(({ id }) => id));
  const ended = run === undefined ? [] : [...run.tasks.keys()].filter((id) => settled.has(id));
  const outside = inNoWave(plan);
  return [
    ...waves,
    column('outside', plan.asked?.kind === 'used' ? 'Not in the plan' : 'Not in the waves', '', [
      ...ids(outside),
    ]),
    column(
      'blocked',
      isCircle ? 'In a circle' : 'Cannot start',
      isCircle ? 'wait for each other' : 'something they need is missing',
      plan.blocked.map(({ task }) => task.id),
    ),
    column('done', 'Done', 'in this run', ended),
  ].filter((each) => each.ids.length > 0);
}

const CIRCLES: ReadonlySet<string> = new Set(['cycle', 'behindCycle']);

function column(key: string, title: string, note: string, list: readonly TaskId[]): Column {
  return { key, title, note, wave: undefined, ids: list };
}

function ids(tasks: readonly { readonly id: TaskId }[]): readonly TaskId[] {
  return tasks.map(({ id }) => id);
}

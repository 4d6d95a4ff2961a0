import type { Backlog } from '../core/backlog.ts';
import type { BatchResult } from '../core/batch/batch-result.ts';
import { count } from '../core/text.ts';
import { batchWords, markOf, stepWords, wantsLook } from './batch-document.ts';
import { GONE, type Icon, row, type RowContent } from './row.ts';
import { clockTime } from '../core/messages.ts';

const ICONS: Readonly<Record<ReturnType<typeof markOf>, Icon>> = {
  look: { id: 'warning', color: 'list.warningForeground' },
  failed: { id: 'error', color: 'list.errorForeground' },
  succeeded: { id: 'pass', color: 'testing.iconPassed' },
  cancelled: { id: 'circle-slash' },
};

/** The last batch of this window, its steps below it. */
export function describeBatch({ lastBatch }: Backlog): RowContent {
  if (lastBatch === undefined) return GONE;
  const { title, startedAt, status, steps } = lastBatch;
  const failed = steps.filter((step) => step.status === 'failed').length;
  const look = steps.filter(wantsLook).length;
  const parts = [
    ...(status === 'cancelled' ? ['cancelled'] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(look > 0 ? [`${look} to look at`] : []),
    ...(failed + look === 0 && status !== 'cancelled'
      ? [`${count(steps.length, 'step')} ended well`]
      : []),
    clockTime(startedAt),
  ];
  return row(title, parts.join(' · '), iconOf(lastBatch), {
    collapsible: 'collapsed',
    flags: ['batch'],
    tooltip: batchWords(lastBatch),
  });
}

/** One step of the last batch. */
export function describeStep({ lastBatch }: Backlog, index: number): RowContent {
  const step = lastBatch?.steps[index];
  if (step === undefined) return GONE;
  return row(step.name, stepWords(step), ICONS[markOf(step)], {
    click: { title: 'Open Batch Report', command: 'todo2Waves.openBatchReport' },
  });
}

function iconOf({ status, steps }: BatchResult): Icon {
  if (status === 'cancelled') return ICONS.cancelled;
  if (status !== 'success') return ICONS.failed;
  return steps.some(wantsLook) ? ICONS.look : ICONS.succeeded;
}

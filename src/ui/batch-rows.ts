import type { Backlog } from '../core/backlog.ts';
import type { BatchResult } from '../core/batch/batch-result.ts';
import { count } from '../core/text.ts';
import { batchWords, stepWords, wantsLook } from './batch-document.ts';
import { GONE, type Icon, row, type RowContent } from './row.ts';
import { clockTime } from '../core/messages.ts';

const LOOK: Icon = { id: 'eye', color: 'list.warningForeground' };
const FAILED: Icon = { id: 'error', color: 'list.errorForeground' };
const WELL: Icon = { id: 'pass', color: 'testing.iconPassed' };
const CANCELLED: Icon = { id: 'circle-slash' };

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
  const icon =
    step.status === 'failed'
      ? FAILED
      : step.status === 'cancelled'
        ? CANCELLED
        : wantsLook(step)
          ? LOOK
          : WELL;
  return row(step.name, stepWords(step), icon, {
    click: { title: 'Open Batch Report', command: 'todo2Waves.openBatchReport' },
  });
}

function iconOf({ status, steps }: BatchResult): Icon {
  if (status === 'cancelled') return CANCELLED;
  if (status !== 'success') return FAILED;
  return steps.some(wantsLook) ? LOOK : WELL;
}

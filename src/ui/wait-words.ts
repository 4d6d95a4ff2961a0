import type { Backlog } from '../core/backlog.ts';
import { isLive, type Lease } from '../core/lease/lease.ts';
import { blockText, reasonText } from '../core/messages.ts';
import type { Status, TaskId } from '../core/task.ts';
import { cut, oneLine } from '../core/text.ts';
import type { NotReady } from '../core/waves/readiness.ts';
import type { BlockReason } from '../core/waves/waves.ts';

// Why a task waits, as its row says it: with titles, since ids mean little to a person. The details
// have the ids.

/** The most characters of a title within a sentence. */
const NAMED = 60;

/** What a task is called in a sentence: its title, else its id. */
export function titleOf(backlog: Backlog, id: TaskId): string {
  return cut(oneLine(backlog.task(id)?.title ?? '') || oneLine(id), NAMED);
}

/** Everything that keeps a task from starting, most telling first, in one line. */
export function waitText(backlog: Backlog, reasons: readonly NotReady[]): string {
  const status = reasons.find((reason) => reason.kind === 'status');
  // The task has had its work: what it once waited for no longer matters.
  if (status?.status === 'Review') return 'to review';
  const waits = reasons.filter((reason) => reason.kind === 'waitsFor');
  const rest = reasons
    .filter((reason) => reason.kind !== 'waitsFor')
    .map((reason) => otherText(backlog, reason));
  const [first] = waits;
  if (first === undefined) return rest.join('; ');
  const more = waits.length > 1 ? ` and ${waits.length - 1} more` : '';
  return [...rest, waitsForText(backlog, first) + more].join('; ');
}

function otherText(backlog: Backlog, reason: Exclude<NotReady, { kind: 'waitsFor' }>): string {
  switch (reason.kind) {
    case 'cycle':
      return circleWords(reason.members.length);
    case 'behindCycle':
      return behindCircleWords(reason.members.length);
    case 'status':
      return reason.status === 'Blocked' ? 'blocked' : reasonText(reason, backlog.now);
    default:
      return reasonText(reason, backlog.now);
  }
}

/** “waits for Parse arguments (at work)”. */
function waitsForText(
  backlog: Backlog,
  { id, status, lease }: Extract<NotReady, { kind: 'waitsFor' }>,
): string {
  const how = stateOf(backlog, id, status, lease);
  return `waits for ${titleOf(backlog, id)}${how === '' ? '' : ` (${how})`}`;
}

function stateOf({ runs }: Backlog, id: TaskId, status: Status, lease: Lease): string {
  if (status === 'Review') return 'to review';
  if (status === 'Blocked') return 'blocked';
  if (isLive(lease)) return 'at work';
  return runs.failedPartOf(id) === undefined ? '' : 'failed';
}

/** Why a task is in no wave. */
export function blockWords(backlog: Backlog, reason: BlockReason): string {
  switch (reason.kind) {
    case 'cycle':
      return circleWords(reason.members.length);
    case 'behindCycle':
      return behindCircleWords(reason.members.length);
    case 'behindMissing':
      return `waits for ${titleOf(backlog, reason.via)}, which depends on a task that does not exist`;
    case 'missing':
      return blockText(reason);
  }
}

function circleWords(members: number): string {
  return members === 1 ? 'waits for itself' : `in a circle of ${members} tasks`;
}

function behindCircleWords(members: number): string {
  return members === 1
    ? 'waits for a task that waits for itself'
    : `waits for a circle of ${members} tasks`;
}

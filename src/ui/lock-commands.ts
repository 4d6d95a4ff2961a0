import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import type { Lease } from '../core/lease/lease.ts';
import { count, oneLine, plain, duration } from '../core/text.ts';
import type { Task, TaskId } from '../core/task.ts';
import { confirm, type Target, tell, tellFailure, valueOrTell } from './ask.ts';
import { explainHolderLife } from './messages.ts';
import { openDocument } from './documents.ts';
import { reasonText } from '../core/messages.ts';
import type { NotReady } from '../core/waves/readiness.ts';
import { tasksOfWave } from './tree-nodes.ts';

/** Claims a task; asks first if it is not ready, or is assigned with no expiry. */
export async function claim({ backlog, task }: Target): Promise<void> {
  const waits = waitsOf(backlog, task);
  if (waits.length > 0) {
    const why = waits.map((reason) => reasonText(reason, backlog.now)).join('\n');
    const asked = `“${task.title || task.id}” is not ready. Claim it anyway?`;
    if (!(await confirm(asked, why, 'Claim'))) return;
  }
  const first = await backlog.claims.claim(task.id);
  if (first.ok) return;
  if (first.failure.kind !== 'unleased') {
    await tell(first.failure);
    return;
  }
  const asked = `${task.id} is assigned to ${first.failure.holder} with no expiry. Take it over?`;
  if (await confirm(asked, 'Its holder is not notified.', 'Take Over'))
    await tellFailure(backlog.claims.claim(task.id, 'takeUnleased'));
}

export async function release({ backlog, task }: Target): Promise<void> {
  await tellFailure(backlog.claims.release(task.id));
}

/** What keeps a task from being ready, other than its lock. */
function waitsOf(backlog: Backlog, task: Task): readonly NotReady[] {
  const readiness = backlog.readinessOf(task);
  if (readiness.kind !== 'notReady') return [];
  return readiness.reasons.filter(({ kind }) => kind !== 'held' && kind !== 'unleased');
}

/** Claims the next ready task and shows which one it is. */
export async function claimNext(backlog: Backlog): Promise<void> {
  const claimed = await valueOrTell(backlog.claims.claimNext());
  if (claimed === undefined) return;
  const { id } = claimed;
  const title = oneLine(backlog.task(id)?.title ?? '');
  const message = plain(title === '' ? `${id} is yours.` : `“${title}” (${id}) is yours.`);
  const open = 'Open Task';
  if ((await vscode.window.showInformationMessage(message, open)) === open)
    await openDocument('task', backlog, id);
}

/** Claims all of these or none, after a question where some of them would have to wait. */
export async function claimAll(backlog: Backlog, ids: readonly TaskId[]): Promise<void> {
  const tasks = ids.flatMap((id) => backlog.task(id) ?? []);
  const waiting = tasks.flatMap((task) => {
    const [reason] = waitsOf(backlog, task);
    return reason === undefined
      ? []
      : [`${oneLine(task.title) || task.id}: ${reasonText(reason, backlog.now)}`];
  });
  const left = tasks.flatMap((task) => {
    const lease = backlog.leaseOf(task);
    if ((lease.kind !== 'expired' && lease.kind !== 'stale') || lease.ours) return [];
    return [
      `${oneLine(task.title) || task.id}: taken over from ${lease.lock.holder}. ${leaseSentence(lease)}`,
    ];
  });
  const about = [
    [waiting, 'not ready'] as const,
    [left, 'left by another holder'] as const,
  ].flatMap(([some, how]) =>
    some.length === 0
      ? []
      : [
          `${count(some.length, 'task')} of ${tasks.length} ${some.length === 1 ? 'is' : 'are'} ${how}`,
        ],
  );
  if (about.length > 0) {
    const asked = `${about.join(', ')}. Claim anyway?`;
    if (!(await confirm(asked, [...waiting, ...left].slice(0, 12).join('\n'), 'Claim'))) return;
  }
  await tellFailure(backlog.claims.claimAll(ids));
}

/**
 * Claims the open tasks of a wave without another holder, all of them or none; reports the others.
 */
export async function claimWave(backlog: Backlog, number: number): Promise<void> {
  const open = tasksOfWave(backlog, number).filter(
    (task) => task.status === 'Todo' || task.status === 'In Progress',
  );
  const isOthers = (task: Task): boolean =>
    ['theirs', 'unleased'].includes(backlog.leaseOf(task).kind);
  const ours = open.filter((task) => !isOthers(task));
  if (ours.length === 0) {
    await tell({ kind: 'nothingReady' });
    return;
  }
  const ids = ours.map(({ id }) => id);
  await claimAll(backlog, ids);
  const others = open.length - ours.length;
  if (others > 0)
    void vscode.window.showInformationMessage(
      `${count(others, 'task')} of the wave held by others.`,
    );
}

/** Takes over an abandoned task: its lease has expired, or its assignment never had an end. */
export async function takeOver({ backlog, task }: Target): Promise<void> {
  const lease = backlog.leaseOf(task);
  const holder = task.lock?.holder ?? '';
  const asked = `Take over “${oneLine(task.title) || task.id}” from ${holder}? ${leaseSentence(lease)}`;
  if (!(await confirm(asked, explainHolderLife(backlog.lifeOf(holder)), 'Take Over'))) return;
  const consent = lease.kind === 'unleased' ? 'takeUnleased' : undefined;
  await tellFailure(backlog.claims.claim(task.id, consent));
}

/**
 * Force-releases another holder's lock, after a question that shows the holder, the lease, and
 * whether its process lives.
 */
export async function forceRelease({ backlog, task }: Target): Promise<void> {
  const { lock } = task;
  if (lock === undefined) {
    await tell({ kind: 'lockLost', id: task.id, holder: undefined });
    return;
  }
  const life = backlog.lifeOf(lock.holder);
  const asked = `Release the lock of ${lock.holder} on “${oneLine(task.title) || task.id}”? ${leaseSentence(backlog.leaseOf(task))}`;
  const detail = `${explainHolderLife(life)} The holder is not notified, and the task goes back to Todo.`;
  if (!(await confirm(asked, detail, 'Force Release'))) return;
  const reason = `released by the user; the holder’s process: ${life}`;
  await tellFailure(backlog.claims.forceRelease(task, reason));
}

function leaseSentence(lease: Lease): string {
  switch (lease.kind) {
    case 'free':
      return '';
    case 'ours':
    case 'theirs':
      return `Its lease runs for another ${duration(lease.remainingMs)}.`;
    case 'expired':
    case 'stale':
      return `Its lease ended ${duration(lease.expiredMs)} ago.`;
    case 'unleased':
      return 'The assignment has no expiry.';
  }
}

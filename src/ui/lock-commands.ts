import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import type { Failure } from '../core/failure.ts';
import type { Lease } from '../core/lease/lease.ts';
import { count, oneLine, plain, duration } from '../core/text.ts';
import type { Claim } from '../core/ports.ts';
import type { Result } from '../core/result.ts';
import type { Task, TaskId } from '../core/task.ts';
import { confirm, tell } from './ask.ts';
import { explainHolderLife } from './messages.ts';
import { openDocument } from './documents.ts';
import { reasonText } from '../core/messages.ts';

type Target = { readonly backlog: Backlog; readonly task: Task };

/** Claims the next ready task and shows which one it is. */
export async function claimNext(backlog: Backlog): Promise<void> {
  const claimed = await backlog.claims.claimNext();
  if (!claimed.ok) {
    await tell(claimed.failure);
    return;
  }
  const { id } = claimed.value;
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
    const readiness = backlog.readinessOf(task);
    const reason =
      readiness.kind === 'notReady'
        ? readiness.reasons.find((r) => r.kind !== 'held' && r.kind !== 'unleased')
        : undefined;
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
  await tellFailure(await backlog.claims.claimAll(ids));
}

/**
 * Claims the open tasks of a wave without another holder, all of them or none; reports the others.
 */
export async function claimWave(backlog: Backlog, number: number): Promise<void> {
  const tasks = backlog.plan?.waves.find((wave) => wave.number === number)?.tasks ?? [];
  const open = tasks.filter((task) => task.status === 'Todo' || task.status === 'In Progress');
  const isOthers = (task: Task): boolean =>
    ['theirs', 'unleased'].includes(backlog.leaseOf(task).kind);
  const ours = open.filter((task) => !isOthers(task));
  if (ours.length === 0) {
    await tell({ kind: 'nothingReady' });
    return;
  }
  await claimAll(
    backlog,
    ours.map((task) => task.id),
  );
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
  await tellFailure(
    await backlog.claims.claim(task.id, lease.kind === 'unleased' ? 'takeUnleased' : undefined),
  );
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
  await tellFailure(
    await backlog.claims.forceRelease(task, `released by the user; the holder’s process: ${life}`),
  );
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

async function tellFailure(
  result: Result<readonly Claim[] | Claim | string, Failure>,
): Promise<void> {
  if (!result.ok) await tell(result.failure);
}

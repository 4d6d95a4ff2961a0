import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import type { Failure } from '../core/failure.ts';
import type { Lease } from '../core/lease.ts';
import { count, oneLine } from '../core/plan/text.ts';
import type { Claim } from '../core/ports.ts';
import type { Result } from '../core/result.ts';
import type { Task, TaskId } from '../core/task.ts';
import { confirm, tell } from './ask.ts';
import { duration, explainHolderLife, explainNotReady } from './explain.ts';
import { plain } from './plain.ts';
import { openTaskDetails } from './task-details.ts';

type Target = { readonly backlog: Backlog; readonly task: Task };

/** Claims the next ready task and says which one it is: nobody has pointed at it. */
export async function claimNext(backlog: Backlog): Promise<void> {
  const claimed = await backlog.claimNext();
  if (!claimed.ok) {
    await tell(claimed.failure);
    return;
  }
  const { id } = claimed.value;
  const title = oneLine(backlog.task(id)?.title ?? '');
  const message = plain(title === '' ? `${id} is yours.` : `“${title}” (${id}) is yours.`);
  const open = 'Open Task';
  if ((await vscode.window.showInformationMessage(message, open)) === open) await openTaskDetails(backlog, id);
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
    return reason === undefined ? [] : [`${oneLine(task.title) || task.id}: ${explainNotReady(reason, backlog.now)}`];
  });
  if (waiting.length > 0) {
    const asked = `${count(waiting.length, 'task')} of ${tasks.length} ${waiting.length === 1 ? 'is' : 'are'} not ready. Claim all the same?`;
    if (!(await confirm(asked, waiting.slice(0, 12).join('\n'), 'Claim'))) return;
  }
  await tellFailure(await backlog.claimAll(ids));
}

/** Claims what is open in a wave, all of it or nothing; what is in review or blocked is not to be claimed. */
export async function claimWave(backlog: Backlog, number: number): Promise<void> {
  const tasks = backlog.plan?.waves.find((wave) => wave.number === number)?.tasks ?? [];
  const open = tasks.filter((task) => task.status === 'Todo' || task.status === 'In Progress');
  if (open.length === 0) await tell({ kind: 'nothingReady' });
  else
    await claimAll(
      backlog,
      open.map((task) => task.id),
    );
}

/** Takes over what somebody left: a lease that has ended, or an assignment that never had an end. */
export async function takeOver({ backlog, task }: Target): Promise<void> {
  const lease = backlog.leaseOf(task);
  const holder = task.lock?.holder ?? '';
  const asked = `Take “${oneLine(task.title) || task.id}” over from ${holder}? ${leaseSentence(lease)}`;
  if (!(await confirm(asked, explainHolderLife(backlog.lifeOf(holder)), 'Take Over'))) return;
  await tellFailure(await backlog.claim(task.id, lease.kind === 'unleased' ? 'takeUnleased' : undefined));
}

/** Takes a lock off somebody, after a question that says whose it is, how long it runs, and whether its process lives. */
export async function forceRelease({ backlog, task }: Target): Promise<void> {
  const { lock } = task;
  if (lock === undefined) {
    await tell({ kind: 'lockLost', id: task.id, holder: undefined });
    return;
  }
  const life = backlog.lifeOf(lock.holder);
  const asked = `Take the lock on “${oneLine(task.title) || task.id}” off ${lock.holder}? ${leaseSentence(backlog.leaseOf(task))}`;
  const detail = `${explainHolderLife(life)} Whoever works on it is not told, and the task goes back to Todo.`;
  if (!(await confirm(asked, detail, 'Force Release'))) return;
  await tellFailure(await backlog.forceRelease(task, `a person released it; the holder’s process: ${life}`));
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
      return 'It was assigned without an end.';
  }
}

async function tellFailure(result: Result<readonly Claim[] | Claim | string, Failure>): Promise<void> {
  if (!result.ok) await tell(result.failure);
}

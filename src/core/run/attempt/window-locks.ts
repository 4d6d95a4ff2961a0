import type { Failure } from '../../failure.ts';
import type { BacklogSource, Locks } from '../../ports.ts';
import { ok, type Result } from '../../result.ts';
import type { Status, Task, TaskId } from '../../task.ts';
import type { Ending } from './task-work.ts';

/** The locks of a window, with what is written when work ends. */
export interface WindowLocks extends Pick<Locks, 'holder' | 'claim' | 'setStatus' | 'forceRelease'> {
  /** As `release`, with a comment in the same transaction, where the store has a table that takes it. */
  releaseWithComment(
    id: TaskId,
    to: 'Todo' | 'Review' | 'Done',
    comment: { readonly type: 'result'; readonly text: string } | undefined,
  ): Promise<Result<{ readonly status: Status }, Failure>>;
}

type Source = Pick<BacklogSource, 'state' | 'refresh'>;

/**
 * Ends work as `WorkWorld.locks.finish` says. Somebody may have moved the task on and cleared its lock with that: then its
 * status stands as theirs, but where the ending overrules it. Fails with `lockLost` where somebody else has the task.
 */
export async function releaseWithResult(
  id: TaskId,
  ending: Ending,
  { locks, source }: { readonly locks: WindowLocks; readonly source: Source },
): Promise<Result<Status, Failure>> {
  const before = await freshTask(id, source);
  // The words are about the status that the task will have; who sets another one in this very moment makes them a little old.
  const text = ending.comment?.(statusAfter(before, ending));
  const comment = text === undefined ? undefined : ({ type: 'result', text } as const);
  const ended = await locks.releaseWithComment(id, ending.to, comment);
  if (!ended.ok && (ended.failure.kind !== 'lockLost' || ended.failure.holder !== undefined)) return ended;
  const now = ended.ok ? ended.value.status : (await freshTask(id, source))?.status;
  if (now !== 'Review' && now !== 'Done') {
    // Nobody has it: what a person did to it meanwhile stands.
    return ended.ok ? ok(ended.value.status) : ended;
  }
  if (!ending.overrules || now === ending.to) return ok(now);
  const task = await freshTask(id, source);
  const moved = await locks.setStatus(id, task?.rawStatus ?? now, ending.to);
  return moved.ok ? moved : ok(now);
}

async function freshTask(id: TaskId, source: Source): Promise<Task | undefined> {
  await source.refresh();
  return source.state.kind === 'ready' ? source.state.snapshot.byId.get(id) : undefined;
}

function statusAfter(task: Task | undefined, { to, overrules }: Ending): Status {
  if (task === undefined || task.status === 'In Progress' || task.status === 'Unknown') return to;
  return overrules && (task.status === 'Review' || task.status === 'Done') ? to : task.status;
}

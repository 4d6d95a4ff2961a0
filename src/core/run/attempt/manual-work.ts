import { onAbort } from '../../abort.ts';
import type { BacklogSource } from '../../ports.ts';
import { taskIn } from '../../snapshot.ts';
import type { TaskId } from '../../task.ts';

/** How the user completes their task: `as` is the new status, where they chose one. */
export interface Completion {
  readonly as: 'Review' | 'Done' | undefined;
}

/** The user's tasks that wait for completion, and what completes each. */
export type WaitingTasks = Map<TaskId, (completion: Completion) => void>;

/**
 * Waits until the user completes a task, its status is no longer open, or the signal aborts.
 * Resolves with the completion, `moved` where the status changed, or `aborted`.
 */
export async function waitForCompletion(
  id: TaskId,
  signal: AbortSignal,
  source: Pick<BacklogSource, 'state' | 'refresh' | 'onDidChange'>,
  waiting: WaitingTasks,
): Promise<Completion | 'moved' | 'aborted'> {
  let end: (how: Completion | 'moved' | 'aborted') => void = () => undefined;
  const ended = new Promise<Completion | 'moved' | 'aborted'>((resolve) => (end = resolve));
  // The state may be older than the claim until it is refreshed.
  let isFresh = false;
  const look = (): void => {
    const status = taskIn(source.state, id)?.status;
    if (isFresh && status !== undefined && !STILL_OPEN.has(status)) end('moved');
  };
  waiting.set(id, end);
  const subscriptions = [source.onDidChange(look), onAbort(signal, () => end('aborted'))];
  try {
    if (signal.aborted) return 'aborted';
    await source.refresh();
    isFresh = true;
    look();
    return await ended;
  } finally {
    for (const subscription of subscriptions) subscription.dispose();
    if (waiting.get(id) === end) waiting.delete(id);
  }
}

/**
 * Todo counts as open: a program without locks set it under our lock, and the keeper corrects that.
 */
const STILL_OPEN: ReadonlySet<string> = new Set(['Todo', 'In Progress', 'Unknown']);

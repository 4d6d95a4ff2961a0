import type { BacklogSource } from '../../ports.ts';
import type { TaskId } from '../../task.ts';
import type { Completion, ManualCompletions } from './manual-completions.ts';

/**
 * Waits for a person to be done with a task: until they say so, until its status says so, or until the signal. Resolves with
 * what they said, `moved` where the task was moved on without a word, or `aborted`.
 */
export async function waitForCompletion(
  id: TaskId,
  signal: AbortSignal,
  {
    source,
    completions,
  }: {
    readonly source: Pick<BacklogSource, 'state' | 'refresh' | 'onDidChange'>;
    readonly completions: ManualCompletions;
  },
): Promise<Completion | 'moved' | 'aborted'> {
  let end: (how: Completion | 'moved' | 'aborted') => void = () => undefined;
  const ended = new Promise<Completion | 'moved' | 'aborted'>((resolve) => (end = resolve));
  // What is shown may be of before the claim, until it was read once more.
  let isFresh = false;
  const look = (): void => {
    const { state } = source;
    const status = state.kind === 'ready' ? state.snapshot.byId.get(id)?.status : undefined;
    if (isFresh && status !== undefined && !STILL_OPEN.has(status)) end('moved');
  };
  const onAbort = (): void => end('aborted');
  const word = completions.wait(id, end);
  const subscription = source.onDidChange(look);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    if (signal.aborted) return 'aborted';
    await source.refresh();
    isFresh = true;
    look();
    return await ended;
  } finally {
    signal.removeEventListener('abort', onAbort);
    subscription.dispose();
    word.dispose();
  }
}

/** A task at Todo under our lock was put back by a program that did not know of the lock, and is set right. */
const STILL_OPEN: ReadonlySet<string> = new Set(['Todo', 'In Progress', 'Unknown']);

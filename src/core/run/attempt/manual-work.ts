import type { BacklogSource } from '../../ports.ts';
import type { TaskId } from '../../task.ts';
import type { Completion, ManualCompletions } from './manual-completions.ts';

/**
 * Waits until the user completes a task, its status is no longer open, or the signal aborts.
 * Resolves with the completion, `moved` where the status changed, or `aborted`.
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
  // The state may be older than the claim until it is refreshed.
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

/**
 * Todo counts as open: a program without locks set it under our lock, and the keeper corrects that.
 */
const STILL_OPEN: ReadonlySet<string> = new Set(['Todo', 'In Progress', 'Unknown']);

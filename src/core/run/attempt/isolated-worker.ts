import type { JobInProgress, TaskWorker, WorkListener } from '../../ports.ts';
import type { Isolation, MergingAttempt } from '../isolation-port.ts';
import { isWindowWork } from '../run-options.ts';

/**
 * Gives each attempt of an isolated run a worktree, and brings in what it left there. What the user
 * or a subagent of the editor works on stays in the folder that the editor has open.
 */
export function isolatedWorker(worker: TaskWorker, isolation: Isolation): TaskWorker {
  const isShared = ({ options, agent }: Pick<JobInProgress, 'options' | 'agent'>): boolean =>
    options.isolation === undefined || isWindowWork(agent);
  const telling = (
    attempt: MergingAttempt,
    signal: AbortSignal,
    listener: WorkListener,
  ): WorkListener => ({
    onClaimed: listener.onClaimed,
    onStarted: () => {
      isolation.started(attempt);
      listener.onStarted();
    },
    onMerging: (again) => isolation.merge(attempt, again, signal),
  });
  return {
    work: async (job, signal, listener) => {
      if (isShared(job)) return worker.work(job, signal, listener);
      if (signal.aborted) return { kind: 'stopped' };
      const begun = await isolation.begin(job);
      if (!begun.ok) return { kind: 'refused', failure: begun.failure };
      const attempt = { ...job, id: job.task.id };
      const inFolder = { ...job, folder: begun.value };
      const end = await worker.work(inFolder, signal, telling(attempt, signal, listener));
      return isolation.end(attempt, end);
    },
    attach: async (job, signal, listener) => {
      if (isShared(job)) return worker.attach(job, signal, listener);
      return isolation.end(job, await worker.attach(job, signal, telling(job, signal, listener)));
    },
  };
}

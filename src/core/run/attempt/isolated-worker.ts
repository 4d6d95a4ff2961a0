import type { JobInProgress, TaskWorker, WorkEnd, WorkListener } from '../../ports.ts';
import type { Isolation, MergingAttempt } from '../isolation-port.ts';
import { isWindowWork } from '../run-options.ts';

/**
 * Gives each attempt of an isolated run a worktree, and brings in what it left there. What the user
 * or a subagent of the editor works on stays in the folder that the editor has open.
 */
export function isolatedWorker(worker: TaskWorker, isolation: Isolation): TaskWorker {
  const isShared = ({ options, agent }: Pick<JobInProgress, 'options' | 'agent'>): boolean =>
    options.isolation === undefined || isWindowWork(agent);
  /** Has its work merged while it is at work, and brings in what it left once it has ended. */
  const isolated = async (
    attempt: MergingAttempt,
    signal: AbortSignal,
    { onClaimed, onStarted }: WorkListener,
    work: (listener: WorkListener) => Promise<WorkEnd>,
  ): Promise<WorkEnd> => {
    const over = new AbortController();
    const until = AbortSignal.any([signal, over.signal]);
    let merging: Promise<unknown> = Promise.resolve();
    const end = await work({
      onClaimed,
      onStarted: () => {
        isolation.started(attempt);
        onStarted();
      },
      onMerging: (again) => {
        const outcome = isolation.merge(attempt, again, until);
        merging = outcome;
        return outcome;
      },
    });
    // Where it was killed, its merge may still be under way.
    over.abort();
    await merging;
    return isolation.end(attempt, end);
  };
  return {
    work: async (job, signal, listener) => {
      if (isShared(job)) return worker.work(job, signal, listener);
      if (signal.aborted) return { kind: 'stopped' };
      const begun = await isolation.begin(job);
      if (!begun.ok) return { kind: 'refused', failure: begun.failure };
      const attempt = { ...job, id: job.task.id };
      const inFolder = { ...job, folder: begun.value };
      return isolated(attempt, signal, listener, (telling) =>
        worker.work(inFolder, signal, telling),
      );
    },
    attach: async (job, signal, listener) => {
      if (isShared(job)) return worker.attach(job, signal, listener);
      return isolated(job, signal, listener, (telling) => worker.attach(job, signal, telling));
    },
  };
}

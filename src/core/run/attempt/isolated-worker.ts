import type { JobInProgress, TaskWorker, WorkEnd, WorkListener } from '../../ports.ts';
import type { MergeOutcome } from '../isolation.ts';
import type { Isolation, MergingAttempt } from '../isolation-port.ts';
import { isWindowWork } from '../run-options.ts';

/**
 * Gives each attempt of an isolated run a worktree, and brings in what it left there. What the user
 * or a subagent of the editor works on stays in the folder that the editor has open.
 */
export function isolatedWorker(worker: TaskWorker, isolation: Isolation): TaskWorker {
  const isShared = ({ options, agent }: Pick<JobInProgress, 'options' | 'agent'>): boolean =>
    options.isolation === undefined || isWindowWork(agent);
  /**
   * Settles once something may be merged into the branch of a run. A merge whose attempt comes to no
   * good end is taken back, and only the last one can be: the next one waits until it has ended.
   */
  const turns = new Map<string, Promise<unknown>>();
  /** Has its work merged while it is at work, and brings in what it left once it has ended. */
  const isolated = async (
    attempt: MergingAttempt,
    signal: AbortSignal,
    { onClaimed, onStarted }: WorkListener,
    work: (listener: WorkListener) => Promise<WorkEnd>,
  ): Promise<WorkEnd> => {
    const over = new AbortController();
    const until = AbortSignal.any([signal, over.signal]);
    let onEnded = (): void => undefined;
    const ended = new Promise<void>((resolve) => (onEnded = resolve));
    const merges: Promise<MergeOutcome>[] = [];
    let own: Promise<unknown> | undefined;
    const turn = async (): Promise<void> => {
      const last = turns.get(attempt.runId);
      if (last !== own) await last;
    };
    try {
      const end = await work({
        onClaimed,
        onStarted: () => {
          isolation.started(attempt);
          onStarted();
        },
        onMerging: (again) => {
          const outcome = turn().then(() => isolation.merge(attempt, again, until));
          merges.push(outcome);
          own = outcome
            .then(({ kind }) => (kind === 'merged' ? ended : undefined))
            .catch(() => undefined);
          turns.set(attempt.runId, own);
          return outcome;
        },
      });
      // Where it was killed, its merge may still be under way.
      over.abort();
      const merged = await merges.at(-1);
      if (merged?.kind !== 'merged') await turn();
      return await isolation.end(attempt, end);
    } finally {
      onEnded();
    }
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

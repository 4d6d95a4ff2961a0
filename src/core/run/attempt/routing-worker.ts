import type { TaskWorker } from '../../ports.ts';
import { type AgentAssignment, isWindowWork } from '../run-options.ts';

/**
 * Routes each attempt by its agent mode: to a process of its own, or to the window. One run may mix
 * them.
 */
export function routingWorker(processes: TaskWorker, window: TaskWorker): TaskWorker {
  const workerOf = (agent: AgentAssignment): TaskWorker =>
    isWindowWork(agent) ? window : processes;
  return {
    work: (job, signal, listener) => workerOf(job.agent).work(job, signal, listener),
    attach: (job, signal, listener) => workerOf(job.agent).attach(job, signal, listener),
  };
}

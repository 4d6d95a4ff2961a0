import type { Job, JobInProgress, TaskWorker, WorkEnd, WorkListener } from '../../ports.ts';
import { type AgentAssignment, isWindowWork } from '../run-options.ts';

/**
 * Routes each attempt by its agent mode: to a process of its own, or to the window. One run may mix
 * them.
 */
export class RoutingWorker implements TaskWorker {
  readonly #processes: TaskWorker;
  readonly #window: TaskWorker;

  constructor(workers: { readonly processes: TaskWorker; readonly window: TaskWorker }) {
    this.#processes = workers.processes;
    this.#window = workers.window;
  }

  work(job: Job, signal: AbortSignal, listener: WorkListener): Promise<WorkEnd> {
    return this.#workerOf(job.agent).work(job, signal, listener);
  }

  attach(job: JobInProgress, signal: AbortSignal, listener: WorkListener): Promise<WorkEnd> {
    return this.#workerOf(job.agent).attach(job, signal, listener);
  }

  #workerOf(agent: AgentAssignment): TaskWorker {
    return isWindowWork(agent) ? this.#window : this.#processes;
  }
}

import { isLive, leaseAt } from '../lease/lease.ts';
import { type ReadinessContext, readinessOf } from './readiness.ts';
import type { Task, TaskId } from '../task.ts';
import type { Wave } from './waves.ts';

/** The progress of a wave. Each task counts once, so the parts sum up to `total`. */
export interface WaveProgress {
  readonly total: number;
  /** Could be started now. */
  readonly ready: number;
  /**
   * Could be started now, but has failed in a run that still runs: it does not count as pending.
   */
  readonly failed: number;
  /** In Progress under a live lease of any holder, or held by this window. */
  readonly running: number;
  readonly review: number;
  /** Everything else: it waits for a task or the user. */
  readonly waiting: number;
}

/** Counts the tasks of a wave by their state at the moment of the context. */
export function summariseWave(
  wave: Wave,
  context: ReadinessContext,
  hasFailed: (id: TaskId) => boolean = () => false,
): WaveProgress {
  const counts = { ready: 0, failed: 0, running: 0, review: 0, waiting: 0 };
  for (const task of wave.tasks) {
    const place = placeOf(task, context);
    counts[place === 'ready' && hasFailed(task.id) ? 'failed' : place]++;
  }
  return { total: wave.tasks.length, ...counts };
}

function placeOf(task: Task, context: ReadinessContext): Exclude<keyof WaveProgress, 'total'> {
  if (task.status === 'Review') return 'review';
  if (task.status === 'In Progress' && isLive(leaseAt(task.lock, context.isOurs, context.now)))
    return 'running';
  const { kind } = readinessOf(task, context);
  if (kind === 'ours') return 'running';
  return kind === 'ready' ? 'ready' : 'waiting';
}

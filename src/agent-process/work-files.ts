import { watch, writeFileSync, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Disposable } from '../core/events.ts';
import type { Clock, Job, JobInProgress } from '../core/ports.ts';
import { parseWorkState } from '../core/run/journal/read-work-state.ts';
import type { WorkState } from '../core/run/journal/work-state.ts';
import { readWholeSync } from '../disk/read-whole.ts';
import { withWait } from './refused-for.ts';
import type { WorkFiles } from './work-order.ts';

/**
 * A folder may not report its changes (network drives, a system out of watches), so it is also
 * polled.
 */
const LOOK_EVERY_MS = 500;
const MAX_BYTES = 1024 * 1024;

/** What names an attempt. */
export type AttemptRef = Pick<Job, 'runId' | 'attemptNo'> & Pick<JobInProgress, 'id'>;

/**
 * The state of this attempt as its supervisor wrote it last; undefined where there is none, or none
 * that can be believed.
 */
export function readState(files: WorkFiles, attempt: AttemptRef): WorkState | undefined {
  const text = readOwnFile(files.state);
  const state = text === undefined ? undefined : parseWorkState(text);
  return state !== undefined && isOf(state, attempt) ? withWait(state) : undefined;
}

export function isOf(state: WorkState, { runId, attemptNo, id }: AttemptRef): boolean {
  return state.runId === runId && state.attemptNo === attemptNo && state.taskId === id;
}

/**
 * Asks for an attempt to be ended, in a way that needs no channel. Throws where it cannot be
 * written.
 */
export function requestStop(files: WorkFiles): void {
  try {
    writeFileSync(files.stop, '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    // Asked for already.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/**
 * Looks whenever something happens in the folder of these files, and every now and then; at once
 * for the first time.
 */
export function followFiles(files: WorkFiles, clock: Clock, look: () => void): Disposable {
  let timer: Disposable | undefined;
  let watcher: FSWatcher | undefined;
  let disposed = false;
  const again = (): void => {
    timer = clock.after(LOOK_EVERY_MS, () => {
      look();
      if (!disposed) again();
    });
  };
  try {
    const name = basename(files.state);
    watcher = watch(dirname(files.state), { persistent: false }, (_, changed) => {
      if (!disposed && (changed === null || changed === name)) look();
    });
    watcher.on('error', () => watcher?.close());
  } catch {
    // The looks at intervals remain.
  }
  again();
  queueMicrotask(() => {
    if (!disposed) look();
  });
  return {
    dispose: () => {
      disposed = true;
      timer?.dispose();
      watcher?.close();
    },
  };
}

/** The text of a small file; undefined where it is not there yet, or not for us. */
function readOwnFile(file: string): string | undefined {
  const read = readWholeSync(file, { mostBytes: MAX_BYTES });
  return read.ok ? read.value?.bytes.toString('utf8') : undefined;
}

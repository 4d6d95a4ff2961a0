import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  watch,
  writeFileSync,
  type FSWatcher,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Disposable } from '../core/events.ts';
import type { Clock, Job, JobInProgress } from '../core/ports.ts';
import { parseWorkState } from '../core/run/journal/read-work-state.ts';
import type { WorkState } from '../core/run/journal/work-state.ts';
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
  return state !== undefined && isOf(state, attempt) ? state : undefined;
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

/** The text of a small regular file; links and pipes are refused. */
function readOwnFile(file: string): string | undefined {
  // Opening a pipe would block. Windows has no such flags: they count as 0.
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  let fd: number | undefined;
  try {
    fd = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > MAX_BYTES) return undefined;
    const bytes = Buffer.alloc(stat.size);
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, stat.size, 0));
  } catch {
    return undefined; // not there yet, or not for us
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

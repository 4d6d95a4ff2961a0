// Ends what an editor leaves behind: agents, supervisors and shells that have a session of their own and outlive their parent.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Everything that an editor starts inherits this variable, whoever its parent is by now. */
export const MARK = 'TODO2_EDITOR_RUN';

/** The processes, but for this one, that carry this mark. */
export function marked(mark) {
  const sign = `${MARK}=${mark}`;
  const others = (pids) => pids.filter((pid) => pid !== process.pid);
  if (process.platform === 'linux') {
    return others(
      readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name) && environmentOf(name).includes(sign))
        .map(Number),
    );
  }
  if (process.platform === 'win32') return []; // a tree is ended by its root there
  const lines = execFileSync('ps', ['-A', '-E', '-ww', '-o', 'pid=,command='], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return others(
    lines
      .split('\n')
      .filter((line) => line.includes(sign))
      .map((line) => Number.parseInt(line, 10)),
  );
}

/** Waits up to `graceMs` for everything that carries the mark to end by itself, then kills what is left. */
export async function reap(mark, graceMs) {
  for (const end = Date.now() + graceMs; Date.now() < end && marked(mark).length > 0;) await pause(100);
  // Twice: something may have been started while the list was made.
  for (let round = 0; round < 2; round++) for (const pid of marked(mark)) kill(pid, 'SIGKILL');
  for (const end = Date.now() + 2000; Date.now() < end && marked(mark).length > 0;) await pause(20);
}

/** Sends a signal to a process that may be gone by now. */
export function kill(pid, signal) {
  try {
    if (process.platform === 'win32') execFileSync('taskkill', ['/pid', String(pid), '/t', '/f'], { stdio: 'ignore' });
    else process.kill(pid, signal);
  } catch {
    // It has ended already, which is what is wanted.
  }
}

function environmentOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return ''; // gone by now, or somebody else's
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

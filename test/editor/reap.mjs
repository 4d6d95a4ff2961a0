// Ends what an editor leaves behind: agents, supervisors and shells that have a session of their
// own and outlive their parent.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Every process that an editor starts inherits this variable, even with another parent by now. */
export const MARK = 'TODO2_EDITOR_RUN';

/** The processes, but for this one, that carry this mark, with their command lines. */
export function marked(mark) {
  const sign = `${MARK}=${mark}`;
  if (process.platform === 'win32') return []; // a tree is ended by its root there
  const all = process.platform === 'linux' ? listProc() : listPs();
  return all.filter(({ pid, environment }) => pid !== process.pid && environment().includes(sign));
}

/**
 * Waits up to `graceMs` for what carries the mark to end by itself, then kills what is left.
 * `isAwaited` says by its command line which process is worth waiting for; where it is left out,
 * all are. Work on tasks outlives its editor by intent: it is asked to end, and gets as long again
 * to give back its locks.
 */
export async function reap(mark, graceMs, isAwaited = () => true) {
  await ended(mark, graceMs, isAwaited);
  for (const { pid, command } of marked(mark)) if (isWork(command)) kill(pid, 'SIGTERM');
  await ended(mark, graceMs, isWork);
  // Twice: something may have been started while the list was made.
  for (let round = 0; round < 2; round++) for (const { pid } of marked(mark)) kill(pid, 'SIGKILL');
  for (const end = Date.now() + 2000; Date.now() < end && marked(mark).length > 0;) await pause(20);
}

async function ended(mark, graceMs, isAwaited) {
  const busy = () => marked(mark).some(({ command }) => isAwaited(command));
  for (const end = Date.now() + graceMs; Date.now() < end && busy();) await pause(50);
}

function isWork(command) {
  return command.includes('supervisor.cjs');
}

/** Sends a signal to a process that may be gone by now. */
export function kill(pid, signal) {
  try {
    if (process.platform === 'win32')
      execFileSync('taskkill', ['/pid', String(pid), '/t', '/f'], { stdio: 'ignore' });
    else process.kill(pid, signal);
  } catch {
    // It has ended already, which is what is wanted.
  }
}

function listProc() {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => ({
    pid: Number(pid),
    environment: () => readOf(pid, 'environ'),
    get command() {
      return readOf(pid, 'cmdline').replaceAll('\0', ' ');
    },
  }));
}

/** On macOS `ps` shows the environment after the command line. */
function listPs() {
  const text = execFileSync('ps', ['-A', '-E', '-ww', '-o', 'pid=,command='], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return text
    .split('\n')
    .map((line) => ({ pid: Number.parseInt(line, 10), environment: () => line, command: line }));
}

function readOf(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return ''; // gone by now, or of another user
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

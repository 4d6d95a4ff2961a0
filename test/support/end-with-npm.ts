import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * Calls back when the npm that runs us has been killed: no terminal is left then to press Ctrl+C.
 * Does nothing where npm did not start us, nor on Windows.
 */
export function endWithNpm(end: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined || process.platform === 'win32') return;
  const parent = process.ppid;
  const first = lookUp(parent);
  // npm starts a script through a shell, which stays in between or becomes the script.
  const npm = first !== undefined && /^-?(ba|da|z|k)?sh$/.test(first.name) ? first.parent : parent;
  const timer = setInterval(() => {
    if (process.ppid === parent && isRunning(npm)) return;
    clearInterval(timer);
    end();
  }, 1000);
  timer.unref();
}

function isRunning(pid: number): boolean {
  if (process.platform === 'linux') {
    const found = lookUp(pid);
    return found !== undefined && found.state !== 'Z';
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

interface Looked {
  readonly name: string;
  readonly state: string;
  readonly parent: number;
}

function lookUp(pid: number): Looked | undefined {
  try {
    if (process.platform === 'linux') {
      // pid (name) state ppid …, and a name may have anything in it.
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return {
        name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
        state,
        parent: Number(parent),
      };
    }
    const line = execFileSync('ps', ['-o', 'stat=,ppid=,comm=', '-p', String(pid)], {
      encoding: 'utf8',
    }).trim();
    const [state = '', parent = '', name = ''] = line.split(/\s+/);
    return { name: name.slice(name.lastIndexOf('/') + 1), state, parent: Number(parent) };
  } catch {
    return undefined; // no such process
  }
}

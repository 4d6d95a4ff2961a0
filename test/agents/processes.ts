import { readdirSync, readFileSync } from 'node:fs';

/** A process at one moment, as /proc shows it. */
interface Seen {
  readonly pid: number;
  readonly parent: number;
  readonly args: readonly string[];
}

/** The processes that have a path among their arguments; none on systems without /proc. */
export function processesWith(path: string): readonly Seen[] {
  return allProcesses().filter(({ args }) => args.includes(path));
}

/** A process and all above it, down from `from`; empty where it does not descend from that. */
export function chainTo(pid: number, from: number): readonly number[] {
  const all = new Map(allProcesses().map((each) => [each.pid, each]));
  const chain: number[] = [];
  for (let at = all.get(pid); at !== undefined; at = all.get(at.parent)) {
    chain.unshift(at.pid);
    if (at.pid === from) return chain;
  }
  return [];
}

/** The processes that a variable of their environment marks with this value. */
export function processesMarked(name: string, value: string): readonly Seen[] {
  return allProcesses().filter(({ pid }) => environmentOf(pid, name) === value);
}

/**
 * The value of a variable in the environment that a process was started with; undefined where it
 * has none, or has ended.
 */
export function environmentOf(pid: number, name: string): string | undefined {
  const file = `/proc/${pid}/environ`;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const entry = text.split('\0').find((each) => each.startsWith(`${name}=`));
  return entry?.slice(name.length + 1);
}

function allProcesses(): readonly Seen[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      // pid (name) state ppid …, and a name may have anything in it.
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state === 'Z') return [];
      const args = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      return [{ pid: Number(name), parent: Number(parent), args }];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}

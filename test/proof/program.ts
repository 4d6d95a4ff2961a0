import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT } from '../editor/install.mjs';
import { findSqliteNode, plainNodeEnv } from '../support/sqlite-node.ts';

/** A program of a proof, in a process of its own on a Node that has SQLite. It speaks in lines. */
export interface Program {
  readonly pid: number;
  tell(line: string): void;
  /** The next line that it says; rejects where it has ended instead. */
  next(): Promise<string>;
  /**
   * Ends its standard input, which asks it to end, and waits until it has; rejects where that was
   * in trouble.
   */
  end(): Promise<void>;
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
}

/** Starts a file of `test/proof` with one argument, as JSON. */
export function startProgram(name: string, argument: unknown): Program {
  const file = join(ROOT, 'test', 'proof', name);
  const child = spawn(findSqliteNode(), ['--import', 'tsx', file, JSON.stringify(argument)], {
    cwd: ROOT,
    env: plainNodeEnv(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const killChild = (): void => void child.kill('SIGKILL');
  process.once('exit', killChild);
  child.once('close', () => process.off('exit', killChild));
  child.stdin.on('error', () => undefined); // what is told to one that has ended is lost, and `next` says so
  const ended = once(child, 'close') as Promise<[number | null, string | null]>;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const line = await lines.next();
    if (line.done !== true) return line.value;
    const [code, signal] = await ended;
    throw new Error(`${name} ended with ${code ?? signal ?? '?'}`);
  };
  return {
    pid: child.pid ?? 0,
    tell: (line) => void child.stdin.write(`${line}\n`),
    next,
    end: async () => {
      child.stdin.end();
      const [code, signal] = await ended;
      if (code !== 0) throw new Error(`${name} ended with ${code ?? signal ?? '?'}`);
    },
    kill: async (signal) => {
      child.kill(signal);
      await ended;
    },
  };
}

/** The argument that `startProgram` gave to this process. */
export function argument(): unknown {
  return JSON.parse(process.argv[2] ?? 'null');
}

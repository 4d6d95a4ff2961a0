import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Disposable } from '../../src/core/events.ts';
import type { Clock } from '../../src/core/ports.ts';
import type { Status, TaskId } from '../../src/core/task.ts';
import { Writer, type WriterOptions } from '../../src/store/write/writer-client.ts';
import { bundle } from './bundle.ts';
import {
  createBacklog,
  nativeWriter,
  type BacklogSpec,
  type NativeWriter,
  type SqlRow,
} from './fixture.ts';
import { findSqliteNode } from './sqlite-node.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return { dispose: () => clearTimeout(timer) };
  },
};

/**
 * A folder with a backlog, another process that has it open, and writers to it; all released at the
 * end of the scope.
 */
export interface WriterRig extends AsyncDisposable {
  readonly dir: string;
  readonly file: string;
  readonly script: string;
  readonly other: NativeWriter;
  /** Every status that a writer reported, as `id status`. */
  readonly written: string[];
  readonly log: string[];
  open(options?: Partial<WriterOptions>): Writer;
  row(id: string): Promise<SqlRow>;
  rows(): Promise<SqlRow[]>;
}

export async function createRig(spec: BacklogSpec): Promise<WriterRig> {
  const dir = await mkdtemp(join(tmpdir(), 'todo2-writer-'));
  const script = await bundleWriter(dir);
  const file = await createBacklog(dir, spec);
  const other = await nativeWriter(dir);
  const writers: Writer[] = [];
  const written: string[] = [];
  const log: string[] = [];
  return {
    dir,
    file,
    script,
    other,
    written,
    log,
    open: (options = {}) => {
      const writer = new Writer({
        file,
        holder: 'vscode-here-1',
        script,
        nodes: () => [{ command: findSqliteNode(), args: [] }],
        clock: systemClock,
        random: Math.random,
        onStatusWritten: (id: TaskId, status: Status) => void written.push(`${id} ${status}`),
        log: (line) => void log.push(line),
        ...options,
      });
      writers.push(writer);
      return writer;
    },
    row: async (id) => (await other.all('SELECT * FROM tasks WHERE id = ?', id))[0]!,
    rows: () => other.all('SELECT * FROM tasks ORDER BY id'),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(writers.map((writer) => writer.close()));
      await other.close();
      await rm(dir, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** The process as it is shipped, but next to the test. */
export async function bundleWriter(dir: string): Promise<string> {
  await bundle(dir, { writer: 'src/writer.ts' });
  return join(dir, 'writer.cjs');
}

/** A window in a process of its own, for tests that kill it. */
export interface Host {
  /**
   * Claims all of them at once; answers which it got, and what failed otherwise than by being held.
   */
  claim(
    ids: readonly string[],
  ): Promise<{ readonly won: readonly string[]; readonly trouble: readonly unknown[] }>;
  kill(): Promise<void>;
  /** Ends it in an orderly way; its locks stay. */
  end(): Promise<void>;
}

/** With `lingerMs` what it claims lingers so long after it. */
export async function startHost(
  { file, script }: WriterRig,
  holder: string,
  lingerMs?: number,
): Promise<Host> {
  const node = findSqliteNode();
  const linger = lingerMs === undefined ? [] : [String(lingerMs)];
  const child = spawn(
    node,
    ['--import', 'tsx', 'test/support/writer-host.ts', file, holder, script, node, ...linger],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const ended = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async (): Promise<string> => {
    const line = await lines.next();
    if (line.done === true) throw new Error(`The host ${holder} ended`);
    return line.value;
  };
  if ((await read()) !== 'ready') throw new Error(`The host ${holder} cannot claim`);
  return {
    claim: async (ids) => {
      child.stdin.write(`${JSON.stringify(ids)}\n`);
      return JSON.parse(await read()) as Awaited<ReturnType<Host['claim']>>;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    end: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

/** The system's clock, but a test may let time pass at once. */
export class JumpClock implements Clock {
  #ahead = 0;
  readonly #timers = new Set<{ readonly at: number; readonly ring: () => void }>();

  now(): number {
    return Date.now() + this.#ahead;
  }

  after(ms: number, callback: () => void): Disposable {
    const stop = (): void => {
      clearTimeout(timer);
      this.#timers.delete(entry);
    };
    const ring = (): void => {
      stop();
      callback();
    };
    const entry = { at: this.now() + ms, ring };
    const timer = setTimeout(ring, ms);
    this.#timers.add(entry);
    return { dispose: stop };
  }

  /** Whether something waits that comes after so long or longer. */
  waitsFor(ms: number): boolean {
    return [...this.#timers].some(({ at }) => at - this.now() > ms);
  }

  jump(ms: number): void {
    this.#ahead += ms;
    for (const timer of [...this.#timers]) if (timer.at <= this.now()) timer.ring();
  }
}

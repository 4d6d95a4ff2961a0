import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Clock } from '../../src/core/ports.ts';
import type { Status, TaskId } from '../../src/core/task.ts';
import { Writer, type WriterOptions } from '../../src/store/writer.ts';
import { createBacklog, nativeWriter, type BacklogSpec, type NativeWriter, type SqlRow } from './fixture.ts';
import { findSqliteNode } from './sqlite-node.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return { dispose: () => clearTimeout(timer) };
  },
};

/** A folder with a backlog, somebody else who has it open, and writers to it; all gone at the end of the scope. */
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
    ...{ dir, file, script, other, written, log },
    open: (options = {}) => {
      const writer = new Writer({
        file,
        holder: 'vscode-here-1',
        script,
        nodes: [{ command: findSqliteNode(), args: [] }],
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
  const outfile = join(dir, 'writer.cjs');
  await build({
    entryPoints: ['src/store/writer-process.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22',
    external: ['node:sqlite'],
  });
  return outfile;
}

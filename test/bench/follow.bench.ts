import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openBacklog } from '../../src/store/read/backlog-source.ts';
import { createBacklog, nativeWriter } from '../support/fixture.ts';
import type { Row } from './bench.ts';

export const title = 'Following a writer';
export const needs = 'sqlite';

const SIZE = 800;
const COMMITS = 120;
const WARM_UP = 20;
const EVERY_MS = 50;

/**
 * Twenty commits a second of another process, and the time from asking for one until a listener has
 * its task; the reference is the time until the other process says that it is committed.
 */
export async function run(): Promise<readonly Row[]> {
  const root = mkdtempSync(join(tmpdir(), 'todo2-bench-'));
  const tasks = Array.from({ length: SIZE }, (_, n) => ({ id: `T-${n}`, content: `Task ${n}` }));
  await createBacklog(root, { tasks });
  const writer = await nativeWriter(root);
  const source = openBacklog(root, {
    wasmFile: createRequire(import.meta.url).resolve('sql.js/dist/sql-wasm.wasm'),
  });
  const shown = (text: string): Promise<number> =>
    new Promise((resolve) => {
      const subscription = source.onDidChange(() => {
        const last = source.state.kind === 'ready' ? source.state.snapshot.tasks.at(-1) : undefined;
        if (last?.title !== text) return;
        subscription.dispose();
        resolve(performance.now());
      });
    });
  try {
    await source.refresh();
    const times = { shown: [] as number[], committed: [] as number[] };
    for (let n = 0; n < WARM_UP + COMMITS; n++) {
      const text = `Version ${n}`;
      const seen = shown(text);
      const begin = performance.now();
      await writer.run(
        'UPDATE tasks SET content = ?, version = version + 1 WHERE id = ?',
        text,
        `T-${SIZE - 1}`,
      );
      const committed = performance.now() - begin;
      const whole = (await seen) - begin;
      if (n >= WARM_UP) {
        times.shown.push(whole);
        times.committed.push(committed);
      }
      await pause(EVERY_MS);
    }
    const row = (what: string, share: number, aim: string): Row => ({
      ...{ what, size: SIZE, ours: quantile(times.shown, share), aim },
      ...{
        reference: 'until the writer has its answer',
        referenceMs: quantile(times.committed, share),
      },
    });
    return [
      row('a commit until its task is shown, median', 0.5, 'at most 50 ms'),
      row('the same, 95 of 100', 0.95, 'at most 50 ms'),
    ];
  } finally {
    source.dispose();
    await writer.close();
    rmSync(root, { recursive: true, force: true });
  }
}

function quantile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  const found = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  if (found === undefined) throw new Error('Internal error: nothing was measured');
  return found;
}

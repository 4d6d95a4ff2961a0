import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import initSqlJs from 'sql.js';
import type { BacklogSource } from '../../src/core/ports.ts';
import type { Snapshot, StoreState } from '../../src/core/snapshot.ts';
import { openBacklog, type BacklogOptions } from '../../src/store/read/backlog-source.ts';
import { PATIENCE_MS } from './until.ts';

/** The WebAssembly of the sql.js that the tests use. */
export const WASM_FILE = createRequire(import.meta.url).resolve('sql.js/dist/sql-wasm.wasm');

export const SQL = await initSqlJs({ locateFile: () => WASM_FILE });

/** A folder that is gone after the test. */
export function folderFor(t: TestContext, name = 'project'): string {
  const base = mkdtempSync(join(tmpdir(), 'todo2-'));
  t.after(() => rmSync(base, { recursive: true, force: true, maxRetries: 3 }));
  const folder = join(base, name);
  mkdirSync(folder);
  return folder;
}

/** A backlog that is closed after the test. */
export function open(
  t: TestContext,
  root: string,
  options: Partial<BacklogOptions> = {},
): BacklogSource {
  const source = openBacklog(root, { wasmFile: WASM_FILE, ...options });
  t.after(() => source.dispose());
  return source;
}

/** The snapshot that a store is ready with; throws, with the state, where it is not. */
export function ready(state: StoreState): Snapshot {
  if (state.kind !== 'ready') throw new Error(`Not ready: ${JSON.stringify(state)}`);
  return state.snapshot;
}

/**
 * Waits for a state that fits, by the source's own events; what `fits` checks besides the state may
 * come later, without an event. Rejects with the state after `withinMs`.
 */
export function until(
  source: BacklogSource,
  fits: (state: StoreState) => boolean,
  withinMs = PATIENCE_MS,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (!fits(source.state)) return;
      clearTimeout(timer);
      clearInterval(again);
      listener.dispose();
      resolve();
    };
    const again = setInterval(look, 20);
    const timer = setTimeout(() => {
      clearInterval(again);
      listener.dispose();
      reject(
        new Error(`Not within ${withinMs} ms. Now: ${JSON.stringify(source.state).slice(0, 500)}`),
      );
    }, withinMs);
    const listener = source.onDidChange(look);
    look();
  });
}

/** True where the task is there with this status. */
export function has(id: string, status: string): (state: StoreState) => boolean {
  return (state) =>
    state.kind === 'ready' &&
    state.snapshot.tasks.some((task) => task.id === id && task.rawStatus === status);
}

import { readWhole } from '../../disk/read-whole.ts';
import type { SqlJsStatic } from 'sql.js';

const loaded = new Map<string, Promise<SqlJsStatic>>();

/**
 * SQLite as WebAssembly, from the `sql-wasm.wasm` of the same release; loaded on the first call,
 * once per file. Rejects where the file cannot be read or run; the next call tries again.
 */
export function loadSqlJs(wasmFile: string): Promise<SqlJsStatic> {
  let promise = loaded.get(wasmFile);
  if (promise === undefined) {
    promise = load(wasmFile);
    loaded.set(wasmFile, promise);
    promise.catch(() => loaded.delete(wasmFile));
  }
  return promise;
}

/** The next call then makes a new instance: one that ran out of memory stays broken. */
export function forgetSqlJs(wasmFile: string): void {
  loaded.delete(wasmFile);
}

async function load(wasmFile: string): Promise<SqlJsStatic> {
  const limits = { mostBytes: 16 * 1024 * 1024 };
  const [{ default: start }, read] = await Promise.all([
    import('sql.js'),
    readWhole(wasmFile, limits),
  ]);
  if (!read.ok || read.value === undefined)
    throw new Error(read.ok ? `${wasmFile} does not exist` : read.failure.detail);
  const { bytes } = read.value;
  // As bytes, since sql.js would look for a file beside the bundle.
  return start({
    wasmBinary: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
  });
}

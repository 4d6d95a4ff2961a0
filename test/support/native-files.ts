import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { NativeWriter, SqlRow } from './fixture.ts';

/**
 * Copies a database and its log as they are at this moment, into a folder of their own; answers the
 * new database.
 */
export function copyStore(file: string, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const copy = join(folder, 'todo2.db');
  copyFileSync(file, copy);
  if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${copy}-wal`);
  else rmSync(`${copy}-wal`, { force: true });
  return copy;
}

/**
 * What SQLite itself reads from a copy of these files, or its error. The files given stay as they
 * are.
 */
export async function readNatively(
  native: NativeWriter,
  file: string,
  scratch: string,
): Promise<SqlRow[] | string> {
  const copy = copyStore(file, scratch);
  try {
    await native.run('ATTACH ? AS looked_at', copy);
    return await native.all('SELECT id, status FROM looked_at.tasks ORDER BY id');
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await native.exec('DETACH looked_at').catch(() => undefined);
    removeStore(copy);
  }
}

/**
 * The database after SQLite itself has recovered its log and put it in, or its error. Changes the
 * files given.
 */
export async function recoverNatively(
  native: NativeWriter,
  file: string,
): Promise<Uint8Array | string> {
  try {
    await native.run('ATTACH ? AS looked_at', file);
    await native.all('SELECT count(*) FROM looked_at.sqlite_master');
    await native.all('PRAGMA looked_at.wal_checkpoint(TRUNCATE)');
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await native.exec('DETACH looked_at').catch(() => undefined);
  }
  return readFileSync(file);
}

export function removeStore(file: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(file + suffix, { force: true });
}

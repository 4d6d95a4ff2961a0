import { lstat, mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Failure } from '../../core/failure.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { passOver } from './folders-within.ts';
import { readWhole } from '../../disk/read-whole.ts';
import { isWithin } from '../../disk/within.ts';
import { replaceFile } from '../../disk/replace-file.ts';

/** The folder of plans below the root, where Cursor and exarp-go look for them. */
const PLANS = ['.cursor', 'plans'] as const;

// More than a plan of a hundred thousand tasks has.
const MAX_BYTES = 64 * 1024 * 1024;

/** An editor hears of a new folder, and watches it, well within this time. */
const WATCHED_MS = 500;

/** `file` is absolute. */
export interface WrittenPlan {
  readonly kind: 'created' | 'updated' | 'unchanged';
  readonly file: string;
}

/** The absolute path of a plan file; `name` is a bare file name. */
export function planPath(root: string, name: string): string {
  return join(root, ...PLANS, name);
}

/**
 * The text of a plan file, undefined where it does not exist. Fails with `writeFailed`, as for
 * writing.
 */
export async function readPlanFile(
  root: string,
  name: string,
): Promise<Result<string | undefined, Failure>> {
  return attempt(root, name, (place) => Promise.resolve(place?.text), false);
}

/**
 * Writes a plan file atomically, keeping its mode; creates `.cursor/plans` where it is missing. A
 * function gets the current text and returns the new one. An equal text is not written.
 *
 * Follows links within the root only. Fails with `writeFailed`: a bad name, a link that leads
 * outside, an entry that is not a file, or an error of the file system.
 */
export async function writePlanFile(
  root: string,
  name: string,
  text: string | ((existing: string | undefined) => string),
): Promise<Result<WrittenPlan, Failure>> {
  return attempt(
    root,
    name,
    async (place, folder) => {
      const wanted = typeof text === 'string' ? text : text(place?.text);
      const file = planPath(root, name);
      if (place?.text === wanted) return { kind: 'unchanged', file };
      await replaceFile(place?.file ?? join(folder, name), wanted, place?.mode);
      return { kind: place === undefined ? 'created' : 'updated', file };
    },
    true,
  );
}

/** An existing file, by its real path. */
interface Place {
  readonly file: string;
  readonly text: string;
  readonly mode: number;
}

/**
 * The text of a file below the root; undefined where it does not exist. `path` is relative, with
 * `/`, and may not lead out of the root, even by a link. Fails with `unreadable`.
 */
export async function readWithin(
  root: string,
  path: string,
): Promise<Result<string | undefined, Failure>> {
  const file = join(root, path);
  try {
    if (!isWithin(root, file)) throw new Refusal(`${path} is not in the folder`);
    return ok((await look(await realpath(root), file))?.text);
  } catch (error) {
    return fail({ kind: 'unreadable', file, cause: 'io', detail: reasonOf(error) });
  }
}

/**
 * Replaces the text of a plan file below the root atomically, keeping its mode, while it still has
 * the text `expected`. Follows links within the root only. Fails with `writeFailed`.
 */
export async function replaceWithin(
  root: string,
  file: string,
  expected: string,
  text: string,
): Promise<Result<undefined, Failure>> {
  try {
    if (!isWithin(root, file)) throw new Refusal(`${file} is not in the folder`);
    if (!file.endsWith('.plan.md')) throw new Refusal('not the name of a plan file');
    const place = await look(await realpath(root), file);
    if (place?.text !== expected) throw new Refusal('it was changed meanwhile');
    await replaceFile(place.file, text, place.mode);
    return ok(undefined);
  } catch (error) {
    return fail({ kind: 'writeFailed', file, detail: reasonOf(error) });
  }
}

/** A path that must not be read or written. */
class Refusal extends Error {}

/** The message of a refusal or of an error of the file system; throws everything else. */
function reasonOf(error: unknown): string {
  if (error instanceof Refusal || (error instanceof Error && 'code' in error)) return error.message;
  throw error;
}

async function attempt<T>(
  root: string,
  name: string,
  act: (place: Place | undefined, folder: string) => Promise<T>,
  create: boolean,
): Promise<Result<T, Failure>> {
  const file = planPath(root, name);
  try {
    if (!/^[^/\\\0]+\.plan\.md$/.test(name)) throw new Refusal('not the name of a plan file');
    const base = await realpath(root);
    const folder = await findFolder(base, create);
    return ok(
      await act(
        folder === undefined ? undefined : await look(base, join(folder, name)),
        folder ?? base,
      ),
    );
  } catch (error) {
    return fail({ kind: 'writeFailed', file, detail: reasonOf(error) });
  }
}

/**
 * The real path of the folder of plans. Step by step: a link on the way must not make us create
 * folders elsewhere.
 */
async function findFolder(base: string, create: boolean): Promise<string | undefined> {
  let folder = base;
  for (const part of PLANS) {
    const next = join(folder, part);
    if (create) await makeFolder(next);
    const real = await unlessMissing(realpath(next));
    if (real === undefined) {
      if (create || (await unlessMissing(lstat(next))) !== undefined)
        throw new Refusal(`${next} is a link to nothing`);
      return undefined;
    }
    if (!isWithin(base, real)) throw new Refusal(`${next} leads out of the folder, to ${real}`);
    folder = real;
  }
  return folder;
}

/**
 * Creates a folder that is not there yet, and lets an editor begin to watch it. VS Code watches a
 * new folder once it has heard of it, and never one that was made in there before: it would show
 * the first version of a plan for ever.
 */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    passOver('EEXIST')(error);
    return;
  }
  await wait(WATCHED_MS);
}

async function look(base: string, path: string): Promise<Place | undefined> {
  const entry = await unlessMissing(lstat(path));
  if (entry === undefined) return undefined;
  const file = await unlessMissing(realpath(path));
  if (file === undefined) throw new Refusal(`${path} is a link to nothing`);
  const read = await readWhole(path, { root: base, mostBytes: MAX_BYTES });
  if (!read.ok) throw new Refusal(read.failure.detail);
  if (read.value === undefined) return undefined;
  const { bytes, stat } = read.value;
  return { file, text: bytes.toString('utf8'), mode: Number(stat.mode) & 0o777 };
}

async function unlessMissing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

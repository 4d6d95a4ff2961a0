import { lstat, mkdir, readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import type { Failure } from '../../core/failure.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { replaceFile } from './replace-file.ts';

/** Where plans are, below the root: Cursor and exarp-go look for them there. */
const PLANS = ['.cursor', 'plans'] as const;

// A plan of a hundred thousand tasks has less; anything larger is no plan, and not to be held in memory.
const MAX_BYTES = 64 * 1024 * 1024;

/** What became of a plan file; `file` is absolute. */
export interface WrittenPlan {
  readonly kind: 'created' | 'updated' | 'unchanged';
  readonly file: string;
}

/** The path of a plan file, absolute; `name` is a bare file name. */
export function planPath(root: string, name: string): string {
  return join(root, ...PLANS, name);
}

/** The text of a plan file as it is, undefined where there is none. Fails with `writeFailed`, as for writing. */
export async function readPlanFile(root: string, name: string): Promise<Result<string | undefined, Failure>> {
  return attempt(root, name, (place) => Promise.resolve(place?.text), false);
}

/**
 * Writes a plan file in one step, keeping its mode; creates `.cursor/plans` where there is none. A function gets the
 * text that is there and answers the new one. The same text again touches nothing.
 *
 * Follows links within the root only. Fails with `writeFailed`: a name that is none, a link that leads outside,
 * something there that is no file, or whatever the file system says.
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

/** A file that is there, by its real path. */
interface Place {
  readonly file: string;
  readonly text: string;
  readonly mode: number;
}

/**
 * The text of a file below the root; undefined where there is none. `path` is relative, with `/`, and may name no place outside,
 * nor lead there by a link. Fails with `unreadable`.
 */
export async function readWithin(root: string, path: string): Promise<Result<string | undefined, Failure>> {
  const file = join(root, path);
  const unreadable = (detail: string): Result<never, Failure> =>
    fail({ kind: 'unreadable', file, cause: 'io', detail });
  try {
    if (!isWithin(root, file)) throw new Refusal(`${path} is not in the folder`);
    return ok((await look(await realpath(root), file))?.text);
  } catch (error) {
    if (error instanceof Refusal) return unreadable(error.message);
    if (error instanceof Error && 'code' in error) return unreadable(error.message);
    throw error;
  }
}

/**
 * Puts `text` in the place of a plan file below the root, in one step and keeping its mode, while it has the text `expected`.
 * Follows links within the root only. Fails with `writeFailed`.
 */
export async function replaceWithin(
  root: string,
  file: string,
  expected: string,
  text: string,
): Promise<Result<undefined, Failure>> {
  const failed = (detail: string): Result<never, Failure> => fail({ kind: 'writeFailed', file, detail });
  try {
    if (!isWithin(root, file)) throw new Refusal(`${file} is not in the folder`);
    if (!file.endsWith('.plan.md')) throw new Refusal('not the name of a plan file');
    const place = await look(await realpath(root), file);
    if (place?.text !== expected) throw new Refusal('it was changed meanwhile');
    await replaceFile(place.file, text, place.mode);
    return ok(undefined);
  } catch (error) {
    if (error instanceof Refusal) return failed(error.message);
    if (error instanceof Error && 'code' in error) return failed(error.message);
    throw error;
  }
}

/** Something about the place that forbids to read or write there. */
class Refusal extends Error {}

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
    return ok(await act(folder === undefined ? undefined : await look(base, join(folder, name)), folder ?? base));
  } catch (error) {
    if (error instanceof Refusal) return fail({ kind: 'writeFailed', file, detail: error.message });
    if (error instanceof Error && 'code' in error) return fail({ kind: 'writeFailed', file, detail: error.message });
    throw error;
  }
}

/** The real path of the folder of plans. One step at a time: a link in the middle must not make us create folders elsewhere. */
async function findFolder(base: string, create: boolean): Promise<string | undefined> {
  let folder = base;
  for (const part of PLANS) {
    const next = join(folder, part);
    if (create) await makeFolder(next);
    const real = await unlessMissing(realpath(next));
    if (real === undefined) {
      if (create || (await unlessMissing(lstat(next))) !== undefined) throw new Refusal(`${next} is a link to nothing`);
      return undefined;
    }
    if (!isWithin(base, real)) throw new Refusal(`${next} leads out of the folder, to ${real}`);
    folder = real;
  }
  return folder;
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

async function look(base: string, path: string): Promise<Place | undefined> {
  const entry = await unlessMissing(lstat(path));
  if (entry === undefined) return undefined;
  const file = await unlessMissing(realpath(path));
  if (file === undefined) throw new Refusal(`${path} is a link to nothing`);
  if (!isWithin(base, file)) throw new Refusal(`${path} leads out of the folder, to ${file}`);
  const what = await stat(file);
  if (!what.isFile()) throw new Refusal(`${path} is not a file`);
  if (what.size > MAX_BYTES) throw new Refusal(`${path} has ${what.size} bytes, too many for a plan`);
  return { file, text: await readFile(file, 'utf8'), mode: what.mode & 0o777 };
}

async function unlessMissing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function isWithin(base: string, path: string): boolean {
  const way = relative(base, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  flag,
  listOf,
  maybe,
  objectOf,
  oneOf,
  orNull,
  parseAs,
  text,
  type FieldsOf,
} from '../core/shape.ts';
import { readWholeText } from '../disk/read-whole.ts';
import { removeFile, replaceFile } from '../disk/replace-file.ts';
import { BRANCHES } from './names.ts';
import { ownFolder } from './repository-lock.ts';

const BROUGHT = {
  /** From the top of the worktree, with `/`. */
  path: text,
  sha256: text,
};

const RECORD = {
  branch: text,
  folder: text,
  /** Whose it is, such as a run and a task: only these adopt it. */
  owner: text,
  /** The commit that the branch began at. */
  base: text,
  /**
   * `making`: nothing has worked in it yet. `removing`: its folder may have moved to `aside`, to be
   * looked at. `deleting`: a ref keeps everything in it, and a part of it may be gone already.
   */
  state: oneOf('making', 'made', 'removing', 'deleting'),
  aside: orNull(text),
  /** An agent has begun to work in it: it is set up, and what it lacks was deleted there. */
  isReady: maybe(flag),
  /** Ignored files that were copied into it. */
  brought: listOf(objectOf<FieldsOf<typeof BROUGHT>>(BROUGHT)),
};
const recordShape = objectOf<FieldsOf<typeof RECORD>>(RECORD);

/**
 * What we know of a branch and worktree that we made. It is written before the branch is made and
 * removed after it, so that none is left unexplained.
 */
export type WorktreeRecord = FieldsOf<typeof RECORD>;

/** The list of ignored files may be long. */
const MOST_BYTES = 16 * 1024 * 1024;

/** All records of a repository; one that cannot be read is left out. */
export async function readRecords(commonDir: string): Promise<readonly WorktreeRecord[]> {
  const folder = await ownFolder(commonDir);
  const names = (await readdir(folder)).filter((name) => /^[a-z0-9-]+\.json$/.test(name)).sort();
  const read = await Promise.all(names.map((name) => readRecord(join(folder, name))));
  return read.filter((record) => record !== undefined);
}

/** The one of an owner; undefined where it has none. */
export async function recordOf(
  commonDir: string,
  owner: string,
): Promise<WorktreeRecord | undefined> {
  return (await readRecords(commonDir)).find((record) => record.owner === owner);
}

export async function writeRecord(commonDir: string, record: WorktreeRecord): Promise<void> {
  await ownFolder(commonDir);
  await replaceFile(fileOf(commonDir, record.branch), `${JSON.stringify(record)}\n`, undefined);
}

export async function removeRecord(commonDir: string, branch: string): Promise<void> {
  await removeFile(fileOf(commonDir, branch));
}

async function readRecord(file: string): Promise<WorktreeRecord | undefined> {
  const read = await readWholeText(file, { mostBytes: MOST_BYTES });
  return read.ok && read.value !== undefined ? parseAs(recordShape, read.value) : undefined;
}

function fileOf(commonDir: string, branch: string): string {
  const name = branch.slice(BRANCHES.length);
  if (!branch.startsWith(BRANCHES) || !/^[a-z0-9-]+$/.test(name))
    throw new Error(`Internal error: ${branch} is no branch of ours`);
  return join(commonDir, 'waves', `${name}.json`);
}

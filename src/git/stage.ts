import { randomUUID } from 'node:crypto';
import { copyFile, lstat, readdir, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { ok } from '../core/result.ts';
import { messageOf, oneLine } from '../core/text.ts';
import { isAbsence } from '../disk/file-fault.ts';
import { removeFile } from '../disk/replace-file.ts';
import type { GitOptions } from './git-command.ts';
import { gitFailure, parts, type GitResult } from './git-failure.ts';
import { guardAgainstPipes, type PipeGuard } from './pipe-guard.ts';
import { ownFolder, removeLeftLocks } from './repository-lock.ts';
import { runIn, type WorkTree } from './work-tree.ts';

/** A work tree as a tree of Git, with an index of its own: that of the work tree is not touched. */
export interface Staged {
  readonly tree: string;
  /** The index that it was written from: `disposeStaged` removes it. */
  readonly index: string;
  /** Repositories within the work tree, whose files Git does not take. */
  readonly nested: readonly string[];
  /** Pipes and the like in the place of files: Git takes these for deleted. */
  readonly special: readonly string[];
}

/** A file of ours that is older is of a process that was killed. */
const OLD_MS = 24 * 3_600_000;

/**
 * Writes the tree of all files as they are, untracked ones included and ignored ones not. What lies
 * below `leaveOut`, with a slash at its end, is as in HEAD. Call `disposeStaged` afterwards.
 */
export async function stageAll(
  work: WorkTree,
  leaveOut: string | undefined,
): Promise<GitResult<Staged>> {
  const index = join(await ownFolder(work.commonDir), `index.${randomUUID()}`);
  const guard = guardAgainstPipes(work.folder);
  const staged = await stageInto(work, index, leaveOut, guard)
    .catch((error: unknown) => gitFailure('file', messageOf(error)))
    .finally(() => guard.dispose());
  if (staged.ok) return staged;
  await disposeStaged({ index });
  const pipe = guard.found();
  return pipe === undefined
    ? staged
    : gitFailure('refused', `${oneLine(pipe)} is no file but a pipe, and Git waits for it.`);
}

export async function disposeStaged({ index }: Pick<Staged, 'index'>): Promise<void> {
  await removeFile(index);
  await removeFile(`${index}.lock`);
}

/** Removes locks and passing files of ours that processes have left which were killed. */
export async function removeOldFiles(commonDir: string): Promise<void> {
  await removeLeftLocks(commonDir);
  const folder = await ownFolder(commonDir);
  for (const name of await readdir(folder)) {
    if (!/^index\.[0-9a-f-]{36}(?:\.lock)?$|\.tmp$/.test(name)) continue;
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > OLD_MS)
      await removeFile(join(folder, name));
  }
}

async function stageInto(
  work: WorkTree,
  index: string,
  leaveOut: string | undefined,
  guard: PipeGuard,
): Promise<GitResult<Staged>> {
  const env = { GIT_INDEX_FILE: index };
  // Names go back to Git as the bytes that they are.
  const { signal } = guard;
  const exact = { env, signal, encoding: 'latin1' } as const;
  if (!(await copyIndex(join(work.gitDir, 'index'), index))) {
    const read = await runIn(work, ['read-tree', 'HEAD'], { env });
    if (!read.ok) return read;
  }
  const changes = [
    'diff-files',
    '-z',
    '--name-status',
    '--no-renames',
    '--ignore-submodules=dirty',
  ];
  const others = ['ls-files', '-z', '--others', '--exclude-standard'];
  const [changed, untracked] = await Promise.all([
    runIn(work, changes, exact),
    runIn(work, others, exact),
  ]);
  if (!changed.ok) return changed;
  if (!untracked.ok) return untracked;

  const isTaken = (path: string): boolean =>
    leaveOut === undefined || !path.startsWith(toBytes(leaveOut));
  const kept = new Set<string>();
  const gone = new Set<string>();
  const special: string[] = [];
  const records = parts(changed.value);
  for (let at = 0; at + 1 < records.length; at += 2) {
    const path = records[at + 1] ?? '';
    if (!isTaken(path)) continue;
    const isSpecial = records[at] !== 'D' && (await isNoFile(join(work.folder, toText(path))));
    if (isSpecial) special.push(toText(path));
    (records[at] === 'D' || isSpecial ? gone : kept).add(path);
  }
  const nested: string[] = [];
  for (const path of parts(untracked.value)) {
    if (path.endsWith('/')) nested.push(toText(path));
    else if (isTaken(path)) kept.add(path);
  }
  // A file with a conflict is in the list twice, and gone where it is not on disk.
  for (const path of gone) kept.delete(path);
  for (const [names, option] of [
    [gone, ['--force-remove']],
    [kept, ['--add', '--replace', '--remove']],
  ] as const) {
    const updated = await update(work, { env, signal }, names, option);
    if (!updated.ok) return updated;
  }
  if (leaveOut !== undefined) {
    const reset = await asInHead(work, env, leaveOut.replace(/\/$/, ''));
    if (!reset.ok) return reset;
  }
  const tree = await runIn(work, ['write-tree'], { env });
  return tree.ok ? ok({ tree: tree.value, index, nested, special }) : tree;
}

async function isNoFile(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found !== undefined && !found.isFile() && !found.isDirectory() && !found.isSymbolicLink();
}

/** False where the work tree has no index yet. */
async function copyIndex(from: string, to: string): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(from);
    await copyFile(from, to);
    // Git looks again at files as new as the index. A copy that is newer would hide such changes.
    const at = Math.floor(mtimeMs / 1000);
    await utimes(to, at, at);
    return true;
  } catch (error) {
    if (isAbsence(error)) return false;
    throw error;
  }
}

async function update(
  work: WorkTree,
  how: Pick<GitOptions, 'env' | 'signal'>,
  names: ReadonlySet<string>,
  options: readonly string[],
): Promise<GitResult<string>> {
  if (names.size === 0) return ok('');
  const input = Buffer.from([...names].map((name) => `${name}\0`).join(''), 'latin1');
  return runIn(work, ['update-index', ...options, '-z', '--stdin'], { ...how, input });
}

/** Puts a folder back in the index to what it is in HEAD, where an agent has staged changes. */
async function asInHead(
  work: WorkTree,
  env: Readonly<Record<string, string>>,
  folder: string,
): Promise<GitResult<string>> {
  const exact = { env, encoding: 'latin1' } as const;
  const staged = ['diff-index', '--cached', '--name-only', '--no-renames', '-z', 'HEAD', '--'];
  const differs = await runIn(work, [...staged, folder], exact);
  if (!differs.ok || differs.value === '') return differs;
  const removed = await update(work, { env }, new Set(parts(differs.value)), ['--force-remove']);
  if (!removed.ok) return removed;
  const stored = await runIn(
    work,
    ['ls-tree', '-r', '-z', '--full-tree', '--', 'HEAD', folder],
    exact,
  );
  if (!stored.ok) return stored;
  const input = Buffer.from(stored.value, 'latin1');
  return runIn(work, ['update-index', '-z', '--index-info'], { env, input });
}

function toBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function toText(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

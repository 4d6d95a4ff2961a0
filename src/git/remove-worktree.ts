import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { lstat, rename, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ok } from '../core/result.ts';
import { messageOf } from '../core/text.ts';
import { tipOf } from './branch-home.ts';
import { isAsBrought } from './bring-files.ts';
import { gitFailure, parts, run, type GitResult } from './git-failure.ts';
import { keepCommit } from './kept-commits.ts';
import { REFS } from './names.ts';
import { backlogOf, operationUnderWay, type Repository } from './repository.ts';
import { withRepositoryLock } from './repository-lock.ts';
import { disposeStaged, stageAll } from './stage.ts';
import { gitDirOf, runIn, type WorkTree } from './work-tree.ts';
import { readRecords, removeRecord, writeRecord, type WorktreeRecord } from './worktree-records.ts';
import { listWorktrees } from './list-worktrees.ts';
import { removeTree, resumeRemoval } from './worktrees.ts';

export interface RemoveWorktree {
  readonly repository: Pick<Repository, 'top' | 'commonDir' | 'prefix'>;
  /** Of a worktree of ours, in which no process works. */
  readonly branch: string;
  /** The branch that has to have its commits, unless they were discarded or squashed. */
  readonly target: string | undefined;
  /** Ignored files, such as builds, keep the worktree; those that were brought along do not. */
  readonly keepIgnored?: boolean;
}

/**
 * Why a worktree stays. `uncommitted`: files that no ref keeps; `notMerged`: commits that neither
 * the target nor a ref of discarded work has; `nested`: a repository of its own, or a submodule with
 * commits that were never pushed; `changedBrought`: an ignored file that was brought along and
 * changed; `ignored`: other ignored files, where these count; `inUse`: it cannot be moved.
 */
export interface KeptWorktree {
  readonly kind: 'kept';
  readonly why:
    | 'notOurs'
    | 'locked'
    | 'underWay'
    | 'uncommitted'
    | 'notMerged'
    | 'nested'
    | 'changedBrought'
    | 'ignored'
    | 'inUse';
  /** Some of them: files, or commits. */
  readonly files: readonly string[];
}

export type Removed =
  | KeptWorktree
  /** `branchStays`: it is checked out elsewhere. */
  | { readonly kind: 'removed'; readonly branchStays: boolean };

const MOST_NAMED = 20;

/**
 * Removes a worktree of ours and its branch, only where nothing in it can be lost: every commit is
 * in the target or under `refs/waves/`, and every file, ignored ones aside, is in a commit that is.
 * Never forces Git: the folder is moved aside and looked at once more before it is deleted.
 */
export function removeWorktree(request: RemoveWorktree): Promise<GitResult<Removed>> {
  return withRepositoryLock(request.repository.commonDir, async () => {
    try {
      return await removeAlone(request);
    } catch (error) {
      return gitFailure('file', messageOf(error));
    }
  });
}

/** Why `removeWorktree` would leave a worktree as it is; undefined where it would remove it. */
export async function whyWorktreeStays(
  request: RemoveWorktree,
): Promise<GitResult<KeptWorktree | undefined>> {
  const { commonDir } = request.repository;
  try {
    const record = await recordOf(request);
    if (record === undefined) return kept('notOurs');
    const gitDir = await gitDirOf(commonDir, record.folder);
    const stays = await whyBranchStays(request, gitDir);
    if (!stays.ok || stays.value !== undefined || !existsSync(record.folder)) return stays;
    if (gitDir === undefined) return kept('notOurs', [record.folder]);
    return await whyKept(request, { folder: record.folder, gitDir, commonDir }, record);
  } catch (error) {
    return gitFailure('file', messageOf(error));
  }
}

async function recordOf({
  repository,
  branch,
}: RemoveWorktree): Promise<WorktreeRecord | undefined> {
  return (await readRecords(repository.commonDir)).find((record) => record.branch === branch);
}

/** By Git's lock on it, and by the commits of its branch. */
async function whyBranchStays(
  request: RemoveWorktree,
  gitDir: string | undefined,
): Promise<GitResult<KeptWorktree | undefined>> {
  if (gitDir !== undefined && existsSync(join(gitDir, 'locked'))) return kept('locked');
  const tip = await tipOf(request.repository.top, request.branch);
  if (!tip.ok) return ok(undefined);
  const isKept = await isKeptBy(request, tip.value);
  if (!isKept.ok) return isKept;
  return isKept.value ? ok(undefined) : kept('notMerged', [tip.value]);
}

async function removeAlone(request: RemoveWorktree): Promise<GitResult<Removed>> {
  const { repository, branch } = request;
  const { top, commonDir } = repository;
  const found = await recordOf(request);
  if (found === undefined) return kept('notOurs');
  const record = await resumeRemoval(commonDir, found);
  const gitDir = await gitDirOf(commonDir, record.folder);
  const tip = await tipOf(top, branch);
  const stays = await whyBranchStays(request, gitDir);
  if (!stays.ok) return stays;
  if (stays.value !== undefined) return ok(stays.value);
  if (existsSync(record.folder)) {
    if (gitDir === undefined) return kept('notOurs', [record.folder]);
    const removed = await removeFolder(request, record, gitDir);
    if (!removed.ok || removed.value !== undefined) return removed as GitResult<Removed>;
  }
  if (gitDir !== undefined) {
    const dropped = await run(top, ['worktree', 'remove', '--', record.folder]);
    if (!dropped.ok) return dropped;
  }
  const branchStays = await removeBranch(repository, branch, tip.ok ? tip.value : undefined);
  if (!branchStays.ok) return branchStays;
  await removeRecord(commonDir, branch);
  const above = dirname(record.folder);
  // Where it was the last one; any other folder is not empty, or not ours.
  if (above.endsWith('.worktrees')) await rmdir(above).catch(() => undefined);
  return ok({ kind: 'removed', branchStays: branchStays.value });
}

function kept(why: KeptWorktree['why'], files: readonly string[] = []): GitResult<KeptWorktree> {
  return ok({ kind: 'kept', why, files: files.slice(0, MOST_NAMED) });
}

/** True where the target or a ref of ours has a commit. */
async function isKeptBy(
  { repository, target }: RemoveWorktree,
  commit: string,
): Promise<GitResult<boolean>> {
  const refs = [
    ...(target === undefined ? [] : [`refs/heads/${target}`]),
    ...['discarded', 'accepted'].map((name) => `${REFS}${name}/`),
  ];
  const args = ['for-each-ref', '--count=1', '--format=%(refname)', '--contains', commit];
  const found = await run(repository.top, [...args, ...refs]);
  return found.ok ? ok(found.value !== '') : found;
}

/** Undefined where the folder is gone afterwards. */
async function removeFolder(
  request: RemoveWorktree,
  record: WorktreeRecord,
  gitDir: string,
): Promise<GitResult<KeptWorktree | undefined>> {
  const { commonDir } = request.repository;
  const work: WorkTree = { folder: record.folder, gitDir, commonDir };
  const before = await secure(request, work, record);
  if (!before.ok || before.value !== undefined) return before;
  const aside = `${record.folder}.removing-${randomBytes(4).toString('hex')}`;
  await writeRecord(commonDir, { ...record, state: 'removing', aside });
  try {
    await rename(record.folder, aside);
  } catch (error) {
    await writeRecord(commonDir, record);
    return kept('inUse', [messageOf(error)]);
  }
  // Nothing can write to it by its name any more.
  const now = await secure(request, { ...work, folder: aside }, record);
  if (!now.ok || now.value !== undefined) {
    await rename(aside, record.folder);
    await writeRecord(commonDir, record);
    return now;
  }
  await writeRecord(commonDir, { ...record, state: 'deleting', aside });
  await removeTree(aside);
  await writeRecord(commonDir, record);
  return ok(undefined);
}

/** As `whyKept`; what only the worktree's history of HEAD has is kept by a ref. */
async function secure(
  request: RemoveWorktree,
  work: WorkTree,
  record: WorktreeRecord,
): Promise<GitResult<KeptWorktree | undefined>> {
  const why = await whyKept(request, work, record);
  return !why.ok || why.value !== undefined ? why : keepForgotten(work, record);
}

/** Undefined where nothing would be lost with the folder. */
async function whyKept(
  request: RemoveWorktree,
  work: WorkTree,
  record: WorktreeRecord,
): Promise<GitResult<KeptWorktree | undefined>> {
  const operation = operationUnderWay(work.gitDir);
  if (operation !== undefined) return kept('underWay', [operation]);
  const own = await lstat(join(work.folder, '.git')).catch(() => undefined);
  if (own?.isDirectory() === true) return kept('nested', ['.git']);
  // Once, so that what is judged as kept is what the files are held against.
  const found = await runIn(work, ['rev-parse', '--quiet', 'HEAD^{commit}', 'HEAD^{tree}']);
  const [commit, tree] = found.ok ? found.value.split('\n') : [];
  const head = commit === undefined || tree === undefined ? undefined : { commit, tree };
  if (head !== undefined) {
    const isKept = await isKeptBy(request, head.commit);
    if (!isKept.ok) return isKept;
    if (!isKept.value) return kept('notMerged', [head.commit]);
  }
  const uncommitted = await whyUncommitted(request, work, record, head);
  if (!uncommitted.ok || uncommitted.value !== undefined) return uncommitted;
  // Once it has moved, a submodule does not find its files; this has been seen before.
  const nested = work.folder === record.folder ? await nestedWithWork(work) : [];
  if (nested.length > 0) return kept('nested', nested);
  return whyIgnored(work, record, request.keepIgnored === true);
}

async function whyUncommitted(
  { repository }: RemoveWorktree,
  work: WorkTree,
  record: WorktreeRecord,
  head: { readonly commit: string; readonly tree: string } | undefined,
): Promise<GitResult<KeptWorktree | undefined>> {
  const staged = await stageAll(work, undefined);
  if (!staged.ok) return staged;
  await disposeStaged(staged.value);
  const { tree, nested } = staged.value;
  if (nested.length > 0) return kept('nested', nested);
  if (head?.tree === tree) return ok(undefined);
  const args = ['for-each-ref', '--format=%(tree)', `${REFS}discarded/`];
  const discarded = await run(work.commonDir, args);
  if (!discarded.ok) return discarded;
  if (discarded.value.split('\n').includes(tree)) return ok(undefined);

  const status = ['status', '--porcelain', '-z', '--no-renames', '--untracked-files=all'];
  const changed = await runIn(work, status);
  if (!changed.ok) return changed;
  const files = parts(changed.value).map((entry) => entry.slice(3));
  const isBacklogs = (path: string): boolean => path.startsWith(backlogOf(repository.prefix));
  if (head === undefined || files.length === 0 || !files.every(isBacklogs))
    return kept(
      'uncommitted',
      files.filter((path) => !isBacklogs(path)),
    );
  // A backlog in a worktree is not the backlog: it is no reason to stay, but it is kept.
  const message = `The backlog in the worktree of ${record.branch}`;
  const commit = { name: record.branch, tree, parents: [head.commit], message };
  const saved = await keepCommit(work.commonDir, commit);
  return saved.ok ? ok(undefined) : saved;
}

/** Submodules and repositories that are in the index, with work that only they have. */
async function nestedWithWork(work: WorkTree): Promise<readonly string[]> {
  const listed = await runIn(work, ['ls-files', '--stage', '-z']);
  if (!listed.ok) return [listed.failure.detail];
  const found: string[] = [];
  for (const entry of parts(listed.value)) {
    if (!entry.startsWith('160000 ')) continue;
    const path = entry.slice(entry.indexOf('\t') + 1);
    const inside = join(work.folder, path);
    if (!existsSync(join(inside, '.git'))) continue;
    const changed = await run(inside, ['status', '--porcelain', '--untracked-files=all']);
    const own = ['rev-list', '--max-count=1', '--branches', 'HEAD', '--not', '--remotes'];
    const commits = await run(inside, [...own, '--']);
    if (!changed.ok || !commits.ok || changed.value !== '' || commits.value !== '')
      found.push(path);
  }
  return found;
}

async function whyIgnored(
  work: WorkTree,
  record: WorktreeRecord,
  keepIgnored: boolean,
): Promise<GitResult<KeptWorktree | undefined>> {
  const changed: string[] = [];
  for (const file of record.brought)
    if (!(await isAsBrought(work.folder, file))) changed.push(file.path);
  if (changed.length > 0) return kept('changedBrought', changed);
  if (!keepIgnored) return ok(undefined);
  const args = ['ls-files', '-z', '--others', '--ignored', '--exclude-standard'];
  const listed = await runIn(work, args);
  if (!listed.ok) return listed;
  const brought = new Set(record.brought.map(({ path }) => path));
  const others = parts(listed.value).filter((path) => !brought.has(path));
  return others.length > 0 ? kept('ignored', others) : ok(undefined);
}

/** Keeps commits that the worktree was at and that no ref has any more: its reflog goes with it. */
async function keepForgotten(
  work: WorkTree,
  { branch }: WorktreeRecord,
): Promise<GitResult<undefined>> {
  const walked = await runIn(work, ['log', '--walk-reflogs', '--format=%H', 'HEAD', '--']);
  const commits = new Set(walked.ok ? walked.value.split('\n').filter(Boolean) : []);
  if (commits.size === 0) return ok(undefined);
  const input = `${[...commits].join('\n')}\n`;
  const list = ['rev-list', '--ignore-missing', '--stdin', '--not', '--all'];
  const unreachable = await run(work.commonDir, list, { input });
  if (!unreachable.ok) return unreachable;
  const lost = unreachable.value.split('\n').filter((commit) => commits.has(commit));
  if (lost.length === 0) return ok(undefined);
  const head = await runIn(work, ['rev-parse', 'HEAD^{commit}', 'HEAD^{tree}']);
  if (!head.ok) return head;
  const [parent = '', tree = ''] = head.value.split('\n');
  const message = `Commits that ${branch} was at before`;
  const saved = await keepCommit(work.commonDir, {
    ...{ name: branch, tree, message },
    parents: [parent, ...lost],
  });
  return saved.ok ? ok(undefined) : saved;
}

/** False where it is gone afterwards; true where another work tree has it checked out. */
async function removeBranch(
  repository: RemoveWorktree['repository'],
  branch: string,
  tip: string | undefined,
): Promise<GitResult<boolean>> {
  if (tip === undefined) return ok(false);
  const listed = await listWorktrees(repository);
  if (!listed.ok) return listed;
  if (listed.value.some((tree) => tree.branch === branch)) return ok(true);
  const reason = ['-m', 'Todo2 Waves: its commits are in the target or kept'];
  const args = ['update-ref', ...reason, '-d', `refs/heads/${branch}`, tip];
  const removed = await run(repository.top, args);
  return removed.ok ? ok(false) : removed;
}

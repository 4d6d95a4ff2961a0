import { ok } from '../core/result.ts';
import { messageOf } from '../core/text.ts';
import { tipOf } from './branch-home.ts';
import { gitFailure, holds, run, type GitResult } from './git-failure.ts';
import { keepCommit, keepWork } from './kept-commits.ts';
import { removeLocksIn } from './left-locks.ts';
import type { Repository } from './repository.ts';
import { disposeStaged, stageAll } from './stage.ts';
import {
  findWorkTree,
  isWorkTree,
  mendLink,
  mergeHeadsOf,
  removeMergeState,
  runIn,
  type WorkTree,
} from './work-tree.ts';
import { readRecords } from './worktree-records.ts';
import { bringBackWorktree } from './worktrees.ts';

/** The worktree in which the work of a run is brought together; nobody works in it. */
export interface RunTree {
  readonly repository: Pick<Repository, 'top' | 'commonDir'>;
  /** Without `refs/heads/`. */
  readonly branch: string;
  /** Where it was last known to be. */
  readonly folder: string;
}

/** The worktree of a run, made anew where it was deleted, beside what is in its place. */
export async function treeOfRun({
  repository,
  branch,
  folder,
}: RunTree): Promise<GitResult<WorkTree>> {
  const { commonDir } = repository;
  const record = (await readRecords(commonDir)).find((one) => one.branch === branch);
  const known = record?.folder ?? folder;
  if (await isWorkTree(commonDir, known)) return findWorkTree(commonDir, known);
  const back = await bringBackWorktree(repository, branch);
  return back.ok ? findWorkTree(commonDir, back.value) : back;
}

/** For the reflog of the branch. */
export const MERGING = 'merge the work of a task';

/** Moves the branch of a run, where it is still at `from`; undefined: where there is none. */
export async function moveBranch(
  top: string,
  branch: string,
  from: string | undefined,
  to: string,
  why: string,
): Promise<GitResult<undefined>> {
  const ref = `refs/heads/${branch}`;
  // A command may have made it a name of another branch, which is not ours to move.
  const args = ['update-ref', '--no-deref', '-m', `Todo2 Waves: ${why}`];
  const moved = await run(top, [...args, ref, to, from ?? '0'.repeat(to.length)]);
  return moved.ok || (await isAt(top, ref, to)) ? ok(undefined) : moved;
}

/** Whether a ref is at a commit: a Git that was killed as it moved the ref does not tell. */
async function isAt(top: string, ref: string, commit: string): Promise<boolean> {
  const ask = (): Promise<GitResult<string>> => run(top, ['rev-parse', '--verify', ref]);
  const first = await ask();
  const found = first.ok ? first : await ask();
  return found.ok && found.value === commit;
}

/** Where a command found the branch and HEAD of a worktree, and where they go now. */
interface Left {
  readonly tip: string;
  readonly head: string;
  readonly goal: string;
}

/**
 * What a command has done to the worktree or the branch of a run, as a plain sentence without a full
 * stop; undefined where it changed files at most.
 */
export interface BroughtBack {
  readonly changed?: string;
}

/**
 * Brings the branch and the worktree of a run to a commit after a command had its way there: it may
 * have moved or deleted both, checked out or committed something, or left files. Commits and files
 * that the branch does not have are kept by a ref before. Fails only where the branch cannot be
 * brought there; where the worktree cannot, the next merge tries it once more.
 */
export async function bringBack(place: RunTree, left: Left): Promise<GitResult<BroughtBack>> {
  const { branch } = place;
  const done: string[] = [];
  const moved = await bringBranchBack(place, left, done).catch((error: unknown) =>
    gitFailure('file', messageOf(error)),
  );
  if (!moved.ok) {
    const detail = `${CHANGED} ${BRANCH_OF} (${branch}), and it could not be put back: ${moved.failure.detail}`;
    return gitFailure(moved.failure.cause, detail);
  }
  const tree = await bringTreeBack(place, left, done).catch((error: unknown) =>
    gitFailure('file', messageOf(error)),
  );
  if (done.length === 0 && tree.ok) return ok({});
  const what = done.length === 0 ? `changed ${TREE_OF}` : done.join(' and ');
  const then = tree.ok
    ? 'that was undone'
    : `that could not be undone in ${place.folder}: ${tree.failure.detail}`;
  return ok({ changed: `${COMMAND} ${what}; ${then}` });
}

const COMMAND = 'The command that verifies it';
const CHANGED = `${COMMAND} changed`;
const BRANCH_OF = 'the branch of the run';
const TREE_OF = 'the worktree of the run';

async function bringBranchBack(
  { repository: { top }, branch }: RunTree,
  { tip, goal }: Left,
  done: string[],
): Promise<GitResult<undefined>> {
  const [found, alias] = await Promise.all([
    tipOf(top, branch),
    run(top, ['symbolic-ref', '--quiet', `refs/heads/${branch}`]),
  ]);
  const at = found.ok ? found.value : undefined;
  if (at !== tip || alias.ok) done.push(`${at === undefined ? 'deleted' : 'moved'} ${BRANCH_OF}`);
  if (at === goal && !alias.ok) return ok(undefined);
  if (at !== undefined && at !== tip) {
    const isContained = await holds(top, ['merge-base', '--is-ancestor', at, goal]);
    if (!isContained.ok) return isContained;
    const message = `What a command had moved ${branch} to`;
    const kept = isContained.value ? ok('') : await keepWork(top, branch, at, message);
    if (!kept.ok) return kept;
  }
  return moveBranch(top, branch, at, goal, at === tip ? MERGING : 'put the branch of a run back');
}

async function bringTreeBack(
  place: RunTree,
  { head, goal }: Left,
  done: string[],
): Promise<GitResult<string>> {
  const { repository, branch, folder } = place;
  const isThere = await isWorkTree(repository.commonDir, folder);
  if (!isThere) done.push(`deleted ${TREE_OF}`);
  const tree = await treeOfRun(place);
  if (!tree.ok) return tree;
  if (isThere) {
    const now = await runIn(tree.value, ['rev-parse', '--quiet', '--verify', 'HEAD^{commit}']);
    const isHere = now.ok && (now.value === head || now.value === goal);
    if (!isHere && done.length === 0) done.push(`checked out another commit in ${TREE_OF}`);
  }
  const filled = await fill(tree.value, branch, goal, goal);
  return filled.ok ? attach(tree.value, branch) : filled;
}

/** Brings a worktree of ours to its branch, wherever a crash or a verify command has left it. */
export async function settle(
  work: WorkTree,
  branch: string,
  tip: string,
): Promise<GitResult<string>> {
  const [head, headRef] = await Promise.all([
    runIn(work, ['rev-parse', '--quiet', '--verify', 'HEAD']),
    runIn(work, ['symbolic-ref', '--quiet', 'HEAD']),
  ]);
  const isThere = head.ok && head.value === tip;
  if (isThere && headRef.ok && headRef.value === `refs/heads/${branch}`) return ok(tip);
  const filled = await fill(work, branch, tip, tip);
  return filled.ok ? attach(work, branch) : filled;
}

/**
 * Gives a worktree the files of a commit, with HEAD detached there. What a verify command or the
 * user left in it is kept by a ref before.
 */
export async function fill(
  work: WorkTree,
  branch: string,
  tip: string,
  commit: string,
): Promise<GitResult<string>> {
  await mendLink(work);
  // A verify command, or a window, may have been killed with the Git that it had begun.
  if (work.gitDir !== work.commonDir) await removeLocksIn(work, branch);
  const kept = await keepRest(work, branch, tip);
  if (!kept.ok) return kept;
  const filled = await runIn(work, ['read-tree', '--reset', '-u', commit]);
  if (!filled.ok) return filled;
  await removeMergeState(work);
  return runIn(work, [
    'update-ref',
    '--no-deref',
    '-m',
    'Todo2 Waves: try a merge',
    'HEAD',
    commit,
  ]);
}

/** Makes the branch of a run that of its worktree, which has the files of it already. */
export async function attach(work: WorkTree, branch: string): Promise<GitResult<string>> {
  const reason = ['-m', 'Todo2 Waves: to the branch of the run'];
  return runIn(work, ['symbolic-ref', ...reason, 'HEAD', `refs/heads/${branch}`]);
}

async function keepRest(work: WorkTree, branch: string, tip: string): Promise<GitResult<string>> {
  const staged = await stageAll(work, undefined);
  if (!staged.ok) return staged;
  try {
    const head = await runIn(work, ['rev-parse', '--quiet', '--verify', 'HEAD^{commit}']);
    // On a branch without commits there is nothing but its files.
    const base = head.ok ? head.value : tip;
    const merged = await mergeHeadsOf(work);
    const [tree, isContained] = await Promise.all([
      runIn(work, ['rev-parse', `${base}^{tree}`]),
      holds(work.commonDir, ['merge-base', '--is-ancestor', base, tip]),
    ]);
    if (!tree.ok) return tree;
    if (!isContained.ok) return isContained;
    if (tree.value === staged.value.tree && isContained.value && merged.length === 0) return ok('');
    const message = `What was left in the worktree of ${branch}`;
    const parents = [base, ...merged];
    return await keepCommit(work.commonDir, {
      name: branch,
      tree: staged.value.tree,
      parents,
      message,
    });
  } finally {
    await disposeStaged(staged.value);
  }
}

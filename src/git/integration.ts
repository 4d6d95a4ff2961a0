import { ok } from '../core/result.ts';
import { messageOf } from '../core/text.ts';
import { gitFailure, holds, run, type GitResult } from './git-failure.ts';
import { keepCommit, nameOf } from './kept-commits.ts';
import { removeLocksIn } from './left-locks.ts';
import { makeCommit } from './make-commit.ts';
import { mergeTrees } from './merge-trees.ts';
import { withRepositoryLock } from './repository-lock.ts';
import type { Repository } from './repository.ts';
import { disposeStaged, stageAll } from './stage.ts';
import { findWorkTree, mendLink, runIn, type WorkTree } from './work-tree.ts';

export interface Integrate {
  readonly repository: Pick<Repository, 'top' | 'commonDir' | 'prefix'>;
  /** The branch of the run, without `refs/heads/`. */
  readonly branch: string;
  /** Its worktree, in which nobody works. Undefined: it has none, and nothing is verified. */
  readonly folder: string | undefined;
  /** The commit of a task. */
  readonly work: string;
  readonly message: string;
  readonly trailers?: Readonly<Record<string, string>>;
  /** Judges the merged state, in the worktree of the branch. */
  readonly verify?: ((folder: string) => Promise<boolean>) | undefined;
  /** True where that has passed for the work by itself: then the same tree is not judged again. */
  readonly isVerified?: boolean | undefined;
  /** Aborted, nothing is merged any more. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * What came of a merge into the branch of a run. `nothing`: the work is in it already. `broken`: it
 * merged, but did not pass; the branch is as before, as it is where it was `stopped`.
 */
export type Integration =
  | { readonly kind: 'merged'; readonly commit: string; readonly before: string }
  | { readonly kind: 'nothing'; readonly commit: string }
  | { readonly kind: 'conflict'; readonly files: readonly string[] }
  | { readonly kind: 'broken' | 'stopped' };

/** A verify command of another task may take its time. */
const WAIT_MS = 2 * 3_600_000;

/**
 * Merges the work of a task into the branch of its run, one task at a time. It is tried without a
 * work tree first; the branch moves once the merged state is verified, so that a crash at any point
 * leaves it at a state that was. Work that is in it already is not merged twice.
 */
export function integrate(request: Integrate): Promise<GitResult<Integration>> {
  const { repository, branch } = request;
  const options = { name: `merge-${nameOf(branch)}`, waitMs: WAIT_MS };
  return withRepositoryLock(
    repository.commonDir,
    async () => {
      try {
        return await integrateAlone(request);
      } catch (error) {
        return gitFailure('file', messageOf(error));
      }
    },
    options,
  );
}

/**
 * Takes the last merge of a branch back where it has all of these trailers: what it merged came to
 * no good end. True where it was taken back; another state stays.
 */
export function undoIntegration({
  repository,
  branch,
  folder,
  trailers,
}: Pick<Integrate, 'repository' | 'branch'> & {
  readonly folder: string;
  readonly trailers: Readonly<Record<string, string>>;
}): Promise<GitResult<boolean>> {
  const { top, commonDir } = repository;
  const ref = `refs/heads/${branch}`;
  const undo = async (): Promise<GitResult<boolean>> => {
    const found = await run(top, ['log', '-1', '--format=%H %P%n%B', ref, '--']);
    if (!found.ok) return found;
    const [ids = '', ...lines] = found.value.split('\n');
    const [tip = '', before, work, ...more] = ids.split(' ');
    const isIt = Object.entries(trailers).every(([key, value]) =>
      lines.includes(`${key}: ${value}`),
    );
    if (before === undefined || work === undefined || more.length > 0 || !isIt) return ok(false);
    const tree = await findWorkTree(commonDir, folder);
    if (!tree.ok) return tree;
    const filled = await fill(tree.value, branch, tip, before);
    if (!filled.ok) return filled;
    const reason = ['-m', 'Todo2 Waves: take a merge back'];
    const moved = await run(top, ['update-ref', ...reason, ref, before, tip]);
    if (!moved.ok && !(await isAt(top, ref, before))) return moved;
    await attach(tree.value, branch);
    return ok(true);
  };
  const body = (): Promise<GitResult<boolean>> =>
    undo().catch((error: unknown) => gitFailure('file', messageOf(error)));
  const options = { name: `merge-${nameOf(branch)}`, waitMs: WAIT_MS };
  return withRepositoryLock(commonDir, body, options);
}

async function integrateAlone(request: Integrate): Promise<GitResult<Integration>> {
  const { repository, branch, folder, work, verify, signal } = request;
  const { top } = repository;
  if (isStopped(signal)) return ok({ kind: 'stopped' });
  const ref = `refs/heads/${branch}`;
  const tip = await run(top, ['rev-parse', '--quiet', '--verify', `${ref}^{commit}`]);
  if (!tip.ok) return gitFailure('refused', `The branch ${branch} is gone.`);
  const before = tip.value;
  const isContained = await holds(top, ['merge-base', '--is-ancestor', work, before]);
  if (!isContained.ok) return isContained;
  const tree = folder === undefined ? undefined : await findWorkTree(repository.commonDir, folder);
  if (tree?.ok === false) return tree;
  if (isContained.value) {
    // A crash may have left its worktree elsewhere.
    const settled = tree === undefined ? ok('') : await settle(tree.value, branch, before);
    return settled.ok ? ok({ kind: 'nothing', commit: before }) : settled;
  }

  const merged = await mergeTrees(repository, before, work);
  if (!merged.ok) return merged;
  if (merged.value.kind === 'conflict') return ok(merged.value);
  const commit = await makeCommit(top, {
    tree: merged.value.tree,
    parents: [before, work],
    message: request.message,
    trailers: request.trailers ?? {},
  });
  if (!commit.ok) return commit;

  if (tree !== undefined) {
    const filled = await fill(tree.value, branch, before, commit.value);
    if (!filled.ok) return filled;
    const isSame = request.isVerified === true && (await hasTree(top, work, merged.value.tree));
    if (verify !== undefined && !isSame && !(await verify(tree.value.folder))) {
      const undone = await settle(tree.value, branch, before);
      return undone.ok ? ok({ kind: isStopped(signal) ? 'stopped' : 'broken' }) : undone;
    }
  }
  const reason = ['-m', 'Todo2 Waves: merge the work of a task'];
  const moved = await run(top, ['update-ref', ...reason, ref, commit.value, before]);
  if (!moved.ok && !(await isAt(top, ref, commit.value))) return moved;
  // It is merged: where its worktree cannot be told so, the next merge does.
  if (tree !== undefined) await attach(tree.value, branch);
  return ok({ kind: 'merged', commit: commit.value, before });
}

/** Whether a ref is at a commit: a Git that was killed as it moved the ref does not tell. */
async function isAt(top: string, ref: string, commit: string): Promise<boolean> {
  const ask = (): Promise<GitResult<string>> => run(top, ['rev-parse', '--verify', ref]);
  const first = await ask();
  const found = first.ok ? first : await ask();
  return found.ok && found.value === commit;
}

async function hasTree(top: string, commit: string, tree: string): Promise<boolean> {
  const found = await run(top, ['rev-parse', '--quiet', '--verify', `${commit}^{tree}`]);
  return found.ok && found.value === tree;
}

/** Asked anew after a wait, so a function. */
function isStopped(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** Brings a worktree of ours to its branch, wherever a crash or a verify command has left it. */
async function settle(work: WorkTree, branch: string, tip: string): Promise<GitResult<string>> {
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
async function fill(
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
  return runIn(work, [
    'update-ref',
    '--no-deref',
    '-m',
    'Todo2 Waves: try a merge',
    'HEAD',
    commit,
  ]);
}

async function attach(work: WorkTree, branch: string): Promise<GitResult<string>> {
  const reason = ['-m', 'Todo2 Waves: to the branch of the run'];
  return runIn(work, ['symbolic-ref', ...reason, 'HEAD', `refs/heads/${branch}`]);
}

async function keepRest(work: WorkTree, branch: string, tip: string): Promise<GitResult<string>> {
  const staged = await stageAll(work, undefined);
  if (!staged.ok) return staged;
  try {
    const head = await runIn(work, ['rev-parse', 'HEAD^{commit}']);
    if (!head.ok) return head;
    const [tree, isContained] = await Promise.all([
      runIn(work, ['rev-parse', `${head.value}^{tree}`]),
      holds(work.folder, ['merge-base', '--is-ancestor', head.value, tip]),
    ]);
    if (!tree.ok) return tree;
    if (!isContained.ok) return isContained;
    if (tree.value === staged.value.tree && isContained.value) return ok('');
    const message = `What was left in the worktree of ${branch}`;
    const parents = [head.value];
    return await keepCommit(work.folder, {
      name: branch,
      tree: staged.value.tree,
      parents,
      message,
    });
  } finally {
    await disposeStaged(staged.value);
  }
}

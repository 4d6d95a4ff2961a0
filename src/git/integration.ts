import { ok } from '../core/result.ts';
import { messageOf } from '../core/text.ts';
import { tipOf } from './branch-home.ts';
import { gitFailure, holds, run, type GitResult } from './git-failure.ts';
import { nameOf } from './kept-commits.ts';
import { makeCommit } from './make-commit.ts';
import { mergeTrees } from './merge-trees.ts';
import { withRepositoryLock } from './repository-lock.ts';
import type { Repository } from './repository.ts';
import {
  attach,
  bringBack,
  type BroughtBack,
  fill,
  MERGING,
  moveBranch,
  type RunTree,
  settle,
  treeOfRun,
} from './run-tree.ts';

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
  | ({ readonly kind: 'merged'; readonly commit: string; readonly before: string } & BroughtBack)
  | { readonly kind: 'nothing'; readonly commit: string }
  | { readonly kind: 'conflict'; readonly files: readonly string[] }
  | ({ readonly kind: 'broken' | 'stopped' } & BroughtBack);

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
 * Judges what a run has merged, in its worktree, while nothing is merged there. What that did to the
 * worktree and the branch is undone.
 */
export function judgeRun<T>(
  place: RunTree,
  judge: (folder: string) => Promise<T>,
): Promise<GitResult<{ readonly value: T } & BroughtBack>> {
  const { repository, branch } = place;
  const body = async (): Promise<GitResult<{ readonly value: T } & BroughtBack>> => {
    const tip = await tipOf(repository.top, branch);
    if (!tip.ok) return gitFailure('refused', `The branch ${branch} is gone.`);
    const tree = await treeOfRun(place);
    if (!tree.ok) return tree;
    const settled = await settle(tree.value, branch, tip.value);
    if (!settled.ok) return settled;
    const { folder } = tree.value;
    const value = await judge(folder);
    const left = { tip: tip.value, head: tip.value, goal: tip.value };
    const back = await bringBack({ ...place, folder }, left);
    return back.ok ? ok({ value, ...back.value }) : back;
  };
  const options = { name: `merge-${nameOf(branch)}`, waitMs: WAIT_MS };
  return withRepositoryLock(repository.commonDir, body, options);
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
    const tree = await treeOfRun({ repository, branch, folder });
    if (!tree.ok) return tree;
    const filled = await fill(tree.value, branch, tip, before);
    if (!filled.ok) return filled;
    const moved = await moveBranch(top, branch, tip, before, 'take a merge back');
    if (!moved.ok) return moved;
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
  const tip = await tipOf(top, branch);
  if (!tip.ok) return gitFailure('refused', `The branch ${branch} is gone.`);
  const before = tip.value;
  const isContained = await holds(top, ['merge-base', '--is-ancestor', work, before]);
  if (!isContained.ok) return isContained;
  const place = folder === undefined ? undefined : { repository, branch, folder };
  const tree = place && (await treeOfRun(place));
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

  if (place !== undefined && tree !== undefined) {
    const filled = await fill(tree.value, branch, before, commit.value);
    if (!filled.ok) return filled;
    const isSame = request.isVerified === true && (await hasTree(top, work, merged.value.tree));
    if (verify !== undefined && !isSame) {
      const passed = await verify(tree.value.folder);
      const goal = passed ? commit.value : before;
      const left = { tip: before, head: commit.value, goal };
      const back = await bringBack({ ...place, folder: tree.value.folder }, left);
      if (!back.ok) return back;
      if (passed) return ok({ kind: 'merged', commit: commit.value, before, ...back.value });
      return ok({ kind: isStopped(signal) ? 'stopped' : 'broken', ...back.value });
    }
  }
  // The files of a large repository take their time.
  if (tree !== undefined && isStopped(signal)) {
    const undone = await settle(tree.value, branch, before);
    return undone.ok ? ok({ kind: 'stopped' }) : undone;
  }
  const moved = await moveBranch(top, branch, before, commit.value, MERGING);
  if (!moved.ok) return moved;
  // It is merged: where its worktree cannot be told so, the next merge does.
  if (tree !== undefined) await attach(tree.value, branch);
  return ok({ kind: 'merged', commit: commit.value, before });
}

async function hasTree(top: string, commit: string, tree: string): Promise<boolean> {
  const found = await run(top, ['rev-parse', '--quiet', '--verify', `${commit}^{tree}`]);
  return found.ok && found.value === tree;
}

/** Asked anew after a wait, so a function. */
function isStopped(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

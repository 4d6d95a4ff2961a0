import { ok } from '../core/result.ts';
import { messageOf } from '../core/text.ts';
import { filesInTheWay, homeOf, tipOf } from './branch-home.ts';
import { gitFailure, holds, run, type GitResult } from './git-failure.ts';
import { makeCommit } from './make-commit.ts';
import { mergeTrees } from './merge-trees.ts';
import { REFS } from './names.ts';
import { withRepositoryLock } from './repository-lock.ts';
import { operationUnderWay, type Repository } from './repository.ts';
import { runIn, type WorkTree } from './work-tree.ts';

export interface Accept {
  readonly repository: Pick<Repository, 'top' | 'commonDir' | 'prefix'>;
  /** The commit of a task, a wave or a run. */
  readonly from: string;
  /** The branch that it goes to, without `refs/heads/`. */
  readonly target: string;
  /** `fastForward` answers `diverged` where the target has commits of its own. */
  readonly how: 'fastForward' | 'merge' | 'squash';
  /** Of the commit that a merge or a squash makes. */
  readonly message: string;
  readonly trailers?: Readonly<Record<string, string>>;
}

/**
 * What came of it. `before` is where the target was, for `undoAccept`. `inTheWay`: work of the user
 * would be written over, so nothing was done; `reason` is a plain sentence.
 */
export type Accepted =
  | { readonly kind: 'accepted'; readonly commit: string; readonly before: string }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'diverged' }
  | { readonly kind: 'conflict'; readonly files: readonly string[] }
  | { readonly kind: 'inTheWay'; readonly reason: string; readonly files: readonly string[] };

/**
 * Brings a commit into a branch of the user's. Where that branch is checked out, its files change
 * with it, and only if no uncommitted, untracked or ignored file of the user's is touched.
 */
export function accept(request: Accept): Promise<GitResult<Accepted>> {
  return alone(request.repository, () => acceptAlone(request));
}

export interface UndoAccept {
  readonly repository: Pick<Repository, 'top' | 'commonDir'>;
  readonly target: string;
  /** As `accept` answered them. */
  readonly before: string;
  readonly commit: string;
}

/** `movedOn`: something came after it, so it stays. */
export type Undone =
  | { readonly kind: 'undone' }
  | { readonly kind: 'movedOn' }
  | { readonly kind: 'inTheWay'; readonly reason: string; readonly files: readonly string[] };

/**
 * Puts a branch back to where it was before an accept, while nothing came after it. What was
 * accepted stays under `refs/waves/undone/`.
 */
export function undoAccept(request: UndoAccept): Promise<GitResult<Undone>> {
  return alone(request.repository, () => undoAlone(request));
}

function alone<T>(
  { commonDir }: Pick<Repository, 'commonDir'>,
  body: () => Promise<GitResult<T>>,
): Promise<GitResult<T>> {
  const safely = (): Promise<GitResult<T>> =>
    body().catch((error: unknown) => gitFailure('file', messageOf(error)));
  return withRepositoryLock(commonDir, safely, { name: 'accept' });
}

async function acceptAlone(request: Accept): Promise<GitResult<Accepted>> {
  const { repository, from, target, how } = request;
  const { top } = repository;
  const tip = await tipOf(top, target);
  if (!tip.ok) return gitFailure('refused', `The branch ${target} is gone.`);
  const before = tip.value;
  const isContained = await holds(top, ['merge-base', '--is-ancestor', from, before]);
  if (!isContained.ok) return isContained;
  if (isContained.value) return ok({ kind: 'nothing' });
  const prepared = await prepare(request, before);
  if (!prepared.ok || typeof prepared.value !== 'string') return prepared as GitResult<Accepted>;
  const commit = prepared.value;
  if (how === 'squash') {
    // The target will not have the commits themselves, which are kept for this reason.
    const kept = await run(top, ['update-ref', `${REFS}accepted/${from}`, from]);
    if (!kept.ok) return kept;
  }
  const home = await homeOf(repository, target);
  if (!home.ok) return home;
  if (home.value !== undefined) return forwardAtHome(home.value, before, commit);
  const reason = ['-m', 'Todo2 Waves: accept work'];
  const moved = await run(top, ['update-ref', ...reason, `refs/heads/${target}`, commit, before]);
  return moved.ok ? ok({ kind: 'accepted', commit, before }) : moved;
}

/** The commit that the target has to be forwarded to. */
async function prepare(request: Accept, before: string): Promise<GitResult<string | Accepted>> {
  const { repository, from, how, message, trailers = {} } = request;
  const { top } = repository;
  if (how === 'fastForward') {
    const isForward = await holds(top, ['merge-base', '--is-ancestor', before, from]);
    if (!isForward.ok) return isForward;
    return ok(isForward.value ? from : { kind: 'diverged' });
  }
  const merged = await mergeTrees(repository, before, from);
  if (!merged.ok) return merged;
  if (merged.value.kind === 'conflict') return ok(merged.value);
  const { tree } = merged.value;
  if (how === 'squash') {
    const same = await run(top, ['rev-parse', `${before}^{tree}`]);
    if (!same.ok) return same;
    if (same.value === tree) return ok({ kind: 'nothing' });
  }
  const parents = how === 'merge' ? [before, from] : [before];
  return makeCommit(top, { tree, parents, message, trailers });
}

/** Git itself changes the files, the index and the branch, or nothing. */
async function forwardAtHome(
  home: WorkTree,
  before: string,
  commit: string,
): Promise<GitResult<Accepted>> {
  const blocked = await blockedAt(home, before, commit);
  if (!blocked.ok) return blocked;
  if (blocked.value !== undefined) return ok(blocked.value);
  const merge = ['merge', '--quiet', '--ff-only', '--no-squash', '--no-autostash', '--no-stat'];
  const options = ['--no-overwrite-ignore', '--no-verify-signatures'];
  const forwarded = await runIn(home, [...merge, ...options, commit]);
  if (forwarded.ok) return ok({ kind: 'accepted', commit, before });
  if (forwarded.failure.cause !== 'refused') return forwarded;
  return ok({ kind: 'inTheWay', reason: forwarded.failure.detail, files: [] });
}

async function blockedAt(
  home: WorkTree,
  from: string,
  to: string,
): Promise<GitResult<Extract<Accepted, { readonly kind: 'inTheWay' }> | undefined>> {
  const operation = operationUnderWay(home.gitDir);
  if (operation !== undefined) {
    const reason = `In ${home.folder}, a ${operation} is not finished.`;
    return ok({ kind: 'inTheWay', reason, files: [] });
  }
  const files = await filesInTheWay(home, from, to);
  if (!files.ok) return files;
  if (files.value.length === 0) return ok(undefined);
  const reason = `Uncommitted or untracked files in ${home.folder} would be written over.`;
  return ok({ kind: 'inTheWay', reason, files: files.value });
}

async function undoAlone(request: UndoAccept): Promise<GitResult<Undone>> {
  const { repository, target, before, commit } = request;
  const { top } = repository;
  const tip = await tipOf(top, target);
  if (!tip.ok) return gitFailure('refused', `The branch ${target} is gone.`);
  if (tip.value !== commit) return ok({ kind: 'movedOn' });
  const format = ['--count=1', '--format=%(refname)'];
  const pushed = await run(top, ['for-each-ref', ...format, '--contains', commit, 'refs/remotes']);
  if (!pushed.ok) return pushed;
  if (pushed.value !== '')
    return ok({ kind: 'inTheWay', reason: 'It has been pushed already.', files: [] });

  const home = await homeOf(repository, target);
  if (!home.ok) return home;
  if (home.value !== undefined) {
    const blocked = await blockedAt(home.value, commit, before);
    if (!blocked.ok) return blocked;
    if (blocked.value !== undefined) return ok(blocked.value);
  }
  const kept = await run(top, ['update-ref', `${REFS}undone/${commit}`, commit]);
  if (!kept.ok) return kept;
  // Like a checkout: what is staged or changed elsewhere stays, and in doubt it is refused.
  const change = async (from: string, to: string): Promise<GitResult<string>> =>
    home.value === undefined ? ok('') : runIn(home.value, ['read-tree', '-m', '-u', from, to]);
  // A file that was only written again counts as changed until Git has looked; 1 says that some are.
  if (home.value !== undefined) await runIn(home.value, ['update-index', '-q', '--refresh']);
  const changed = await change(commit, before);
  if (!changed.ok)
    return changed.failure.cause === 'refused'
      ? ok({ kind: 'inTheWay', reason: changed.failure.detail, files: [] })
      : changed;
  const reason = ['-m', 'Todo2 Waves: undo an accept'];
  const moved = await run(top, ['update-ref', ...reason, `refs/heads/${target}`, before, commit]);
  if (moved.ok) return ok({ kind: 'undone' });
  const back = await change(before, commit);
  return back.ok ? ok({ kind: 'movedOn' }) : back;
}

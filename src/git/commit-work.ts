import { copyFile, link, lstat, rename } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { ok } from '../core/result.ts';
import { messageOf, oneLine } from '../core/text.ts';
import { filesOf, type Changes } from './diff.ts';
import { gitFailure, holds, run, type GitResult } from './git-failure.ts';
import { keepCommit } from './kept-commits.ts';
import { removeLocksIn } from './left-locks.ts';
import { makeCommit } from './make-commit.ts';
import { mergeTrees } from './merge-trees.ts';
import { backlogOf, operationUnderWay, type Repository } from './repository.ts';
import { disposeStaged, stageAll, type Staged } from './stage.ts';
import { unresolvedFiles } from './unresolved.ts';
import {
  findWorkTree,
  isWorkTree,
  mendLink,
  mergeHeadsOf,
  removeMergeState,
  runIn,
  type WorkTree,
} from './work-tree.ts';
import { bringBackWorktree } from './worktrees.ts';

export interface CommitWork {
  readonly repository: Pick<Repository, 'top' | 'commonDir' | 'prefix'>;
  readonly folder: string;
  /** Without `refs/heads/`; the work is on it afterwards. */
  readonly branch: string;
  /** The commit that the work began at. */
  readonly base: string;
  readonly message: string;
  readonly trailers: Readonly<Record<string, string>>;
  /** True where the agent was asked to resolve a merge, and to leave its commit to us. */
  readonly isResolving?: boolean | undefined;
}

/** What an agent has done in its worktree, as commits. */
export interface CommittedWork extends Changes {
  readonly kind: 'committed';
  /** The tip of the branch. */
  readonly commit: string;
  /** Commits since the base, those of the agent included. */
  readonly commits: number;
  /** What was found in an unusual state, in a plain sentence each. */
  readonly remarks: readonly string[];
}

/**
 * What an agent left half done, such as a rebase, or a merge with conflicts in `files`. The worktree
 * stays as it is, and `kept` is a commit of its tree that a ref of ours keeps.
 */
export interface UnfinishedWork {
  readonly kind: 'unfinished';
  readonly operation: string;
  readonly files: readonly string[];
  readonly kept: string;
  readonly remarks: readonly string[];
}

/**
 * Commits what an agent left in its worktree, once the agent has ended: on top of its own commits,
 * which stay, and without the backlog, which no worktree has a say in. Nothing is lost where the
 * agent detached HEAD, switched branches, or deleted the `.git` file. Ignored files stay out.
 */
export async function commitWork(
  request: CommitWork,
): Promise<GitResult<CommittedWork | UnfinishedWork>> {
  const { repository, folder } = request;
  try {
    const isThere = await isWorkTree(repository.commonDir, folder);
    const back = isThere ? ok(folder) : await bringBackWorktree(repository, request.branch);
    if (!back.ok) return back;
    const work = await findWorkTree(repository.commonDir, back.value);
    if (!work.ok) return work;
    const remarks = [...(isThere ? [] : [DELETED]), ...(await mended(work.value))];
    if (work.value.gitDir !== repository.commonDir)
      if (await removeLocksIn(work.value, request.branch)) remarks.push(LEFT_LOCK);
    const staged = await stageAll(work.value, backlogOf(repository.prefix));
    if (!staged.ok) return staged;
    for (const path of staged.value.nested)
      remarks.push(`${oneLine(path)} is a repository of its own and stays in the worktree alone.`);
    for (const path of staged.value.special)
      remarks.push(`${oneLine(path)} is no file any more, so it is deleted in the work.`);
    try {
      return await new Committing(request, work.value, staged.value, remarks).commit();
    } finally {
      await disposeStaged(staged.value);
    }
  } catch (error) {
    return gitFailure('file', messageOf(error));
  }
}

const DELETED = 'The worktree was deleted; what was committed or staged in it is there again.';

const LEFT_LOCK =
  'A Git command of the agent was ended half-way; the lock that it left is removed.';

async function mended(work: WorkTree): Promise<string[]> {
  const before = await lstat(join(work.folder, '.git')).catch(() => undefined);
  if (before?.isDirectory() === true && work.gitDir !== work.commonDir)
    return ['The agent made a repository of its own in the worktree, which stays there.'];
  if (before !== undefined) return [];
  await mendLink(work);
  return ['The agent deleted the .git file of the worktree; it was written again.'];
}

/** Where HEAD and the branch of the task are before anything is committed. */
interface Heads {
  /** Undefined on an orphan branch, and where the branch was deleted. */
  readonly head: string | undefined;
  readonly tip: string | undefined;
  /** The parent of the commit: HEAD, or where there is none the branch. */
  readonly parent: string;
  /** The full name of the branch that HEAD is on. */
  readonly headRef: string | undefined;
}

class Committing {
  readonly #request: CommitWork;
  readonly #work: WorkTree;
  readonly #staged: Staged;
  readonly #remarks: string[];

  constructor(request: CommitWork, work: WorkTree, staged: Staged, remarks: string[]) {
    this.#request = request;
    this.#work = work;
    this.#staged = staged;
    this.#remarks = remarks;
  }

  async commit(): Promise<GitResult<CommittedWork | UnfinishedWork>> {
    const heads = await this.#heads();
    if (!heads.ok) return heads;
    const { parent } = heads.value;
    const operation = operationUnderWay(this.#work.gitDir);
    if (operation !== undefined) {
      const files = await unresolvedFiles(this.#work, this.#staged);
      if (!files.ok) return files;
      if (operation === 'rebase' || operation === 'bisect' || files.value.length > 0)
        return this.#unfinished(operation, files.value, parent);
      if (this.#request.isResolving !== true)
        this.#remarks.push(`The agent left a ${operation} without its commit; it was concluded.`);
    }
    const made = await this.#make(
      parent,
      operation === 'merge' ? await mergeHeadsOf(this.#work) : [],
    );
    if (!made.ok) return made;
    return this.#bringToBranch(heads.value, made.value, operation !== undefined);
  }

  async #heads(): Promise<GitResult<Heads>> {
    const { branch } = this.#request;
    const verify = ['rev-parse', '--quiet', '--verify'];
    const [head, tip, headRef] = await Promise.all([
      runIn(this.#work, [...verify, 'HEAD^{commit}']),
      runIn(this.#work, [...verify, `refs/heads/${branch}^{commit}`]),
      runIn(this.#work, ['symbolic-ref', '--quiet', 'HEAD']),
    ]);
    const valueOf = (result: GitResult<string>): string | undefined =>
      result.ok ? result.value : undefined;
    const parent = valueOf(head) ?? valueOf(tip);
    if (parent === undefined) return gitFailure('refused', `The branch ${branch} is gone.`);
    return ok({ head: valueOf(head), tip: valueOf(tip), parent, headRef: valueOf(headRef) });
  }

  /** A commit of the tree on top of its parents; the parent itself where nothing differs. */
  async #make(parent: string, merged: readonly string[]): Promise<GitResult<string>> {
    const { message, trailers, repository } = this.#request;
    const tree = await runIn(this.#work, ['rev-parse', `${parent}^{tree}`]);
    if (!tree.ok) return tree;
    if (tree.value === this.#staged.tree && merged.length === 0) return ok(parent);
    const parents = [parent, ...merged];
    return makeCommit(repository.top, { tree: this.#staged.tree, parents, message, trailers });
  }

  async #unfinished(
    operation: string,
    files: readonly string[],
    parent: string,
  ): Promise<GitResult<UnfinishedWork>> {
    const { repository, branch } = this.#request;
    const message = `Half-done ${operation} of ${branch}`;
    const { tree } = this.#staged;
    const kept = await keepCommit(repository.top, {
      name: branch,
      tree,
      parents: [parent],
      message,
    });
    if (!kept.ok) return kept;
    const remarks = this.#remarks;
    return ok({ kind: 'unfinished', operation, files, kept: kept.value, remarks });
  }

  /** Makes the commit the tip of the branch, and the branch that of the worktree. */
  async #bringToBranch(
    heads: Heads,
    commit: string,
    isConcluded: boolean,
  ): Promise<GitResult<CommittedWork | UnfinishedWork>> {
    const { branch } = this.#request;
    const { tip, headRef } = heads;
    const ref = `refs/heads/${branch}`;
    let goal = commit;
    if (tip !== undefined && tip !== commit) {
      const isForward = await this.#isAncestor(tip, commit);
      if (!isForward.ok) return isForward;
      if (!isForward.value) {
        const joined = await this.#join(tip, commit);
        if (!joined.ok || typeof joined.value !== 'string')
          return joined as GitResult<UnfinishedWork>;
        goal = joined.value;
      }
    }
    const before = tip ?? '0'.repeat(commit.length);
    if (goal !== tip) {
      const reason = ['-m', 'Todo2 Waves: work of an agent'];
      const moved = await run(this.#request.repository.top, [
        'update-ref',
        ...reason,
        ref,
        goal,
        before,
      ]);
      if (!moved.ok) return moved;
    }
    if (headRef !== ref) {
      this.#remarks.push(
        headRef === undefined
          ? 'The agent left HEAD detached; its commits are on the branch of the task.'
          : `The agent switched to ${oneLine(headRef)}; its commits are on the branch of the task.`,
      );
      const reason = ['-m', 'Todo2 Waves: back to the branch of the task'];
      const attached = await runIn(this.#work, ['symbolic-ref', ...reason, 'HEAD', ref]);
      if (!attached.ok) return attached;
    }
    const index = await this.#updateIndex();
    if (!index.ok) return index;
    if (goal !== commit) {
      const filled = await runIn(this.#work, ['read-tree', '-m', '-u', commit, goal]);
      if (!filled.ok) this.#remarks.push(`The files of the worktree are older than its branch.`);
    }
    if (isConcluded) await removeMergeState(this.#work);
    return this.#answer(goal);
  }

  async #isAncestor(older: string, newer: string): Promise<GitResult<boolean>> {
    const { top } = this.#request.repository;
    return holds(top, ['merge-base', '--is-ancestor', older, newer]);
  }

  /** One commit for a branch and a HEAD that went different ways. */
  async #join(tip: string, commit: string): Promise<GitResult<string | UnfinishedWork>> {
    const { repository, message, trailers } = this.#request;
    const isOlder = await this.#isAncestor(commit, tip);
    if (!isOlder.ok) return isOlder;
    if (isOlder.value) return ok(tip);
    const isRelated = await holds(repository.top, ['merge-base', tip, commit]);
    if (!isRelated.ok) return isRelated;
    const parents = [tip, commit];
    // On an orphan branch, the agent began anew: what it has is the whole.
    if (!isRelated.value)
      return makeCommit(repository.top, { tree: this.#staged.tree, parents, message, trailers });
    const merged = await mergeTrees(repository, tip, commit);
    if (!merged.ok) return merged;
    if (merged.value.kind === 'conflict')
      return this.#unfinished('switch of branches', merged.value.files, commit);
    const { tree } = merged.value;
    return makeCommit(repository.top, { tree, parents, message, trailers });
  }

  /** Gives the worktree the index of the commit, under the lock that Git itself takes for it. */
  async #updateIndex(): Promise<GitResult<undefined>> {
    const { gitDir } = this.#work;
    const lock = join(gitDir, 'index.lock');
    try {
      await link(this.#staged.index, lock).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error;
        // No hard links here.
        return copyFile(this.#staged.index, lock, constants.COPYFILE_EXCL);
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      this.#remarks.push('Another process has locked the index of the worktree.');
      return ok(undefined);
    }
    await rename(lock, join(gitDir, 'index'));
    return ok(undefined);
  }

  async #answer(commit: string): Promise<GitResult<CommittedWork>> {
    const { repository, base } = this.#request;
    const { top, prefix } = repository;
    const [changes, count] = await Promise.all([
      filesOf(top, base, commit, backlogOf(prefix)),
      run(top, ['rev-list', '--count', `${base}..${commit}`, '--']),
    ]);
    if (!changes.ok) return changes;
    if (!count.ok) return count;
    for (const { path, isSubmodule, kind } of changes.value.files)
      if (isSubmodule && kind !== 'deleted')
        this.#remarks.push(`Of ${oneLine(path)}, only the number of its commit is in the work.`);
    const remarks = this.#remarks;
    return ok({
      kind: 'committed',
      commit,
      commits: Number(count.value),
      ...changes.value,
      remarks,
    });
  }
}

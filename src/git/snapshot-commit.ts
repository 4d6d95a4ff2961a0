import { ok } from '../core/result.ts';
import { messageOf } from '../core/text.ts';
import { gitFailure, run, type GitResult } from './git-failure.ts';
import { makeCommit } from './make-commit.ts';
import { nameOfId, REFS } from './names.ts';
import { backlogOf, type Repository } from './repository.ts';
import { disposeStaged, stageAll } from './stage.ts';
import { findWorkTree, runIn } from './work-tree.ts';

/** A commit of a tree as it was, and the repositories within it that Git did not take. */
export interface SnapshotCommit {
  readonly commit: string;
  readonly nested: readonly string[];
}

/**
 * Makes a commit of the user's files as they are, on top of HEAD: uncommitted and untracked ones
 * included, ignored ones and the backlog not. Index, stash and files stay as they are. A ref of ours
 * keeps it, `refs/waves/snapshots/<run>`. Answers HEAD where nothing differs.
 */
export async function commitOfTree(
  repository: Pick<Repository, 'top' | 'commonDir' | 'prefix'>,
  runId: string,
): Promise<GitResult<SnapshotCommit>> {
  const { top, commonDir, prefix } = repository;
  try {
    const work = await findWorkTree(commonDir, top);
    if (!work.ok) return work;
    const staged = await stageAll(work.value, backlogOf(prefix));
    if (!staged.ok) return staged;
    const { tree, nested } = staged.value;
    await disposeStaged(staged.value);
    const [head, before] = await Promise.all([
      runIn(work.value, ['rev-parse', 'HEAD^{commit}']),
      runIn(work.value, ['rev-parse', 'HEAD^{tree}']),
    ]);
    if (!head.ok) return head;
    if (!before.ok) return before;
    const message = 'The files as they were before a run';
    const commit =
      before.value === tree
        ? head
        : await makeCommit(top, { tree, parents: [head.value], message });
    if (!commit.ok) return commit;
    const kept = await run(top, [
      'update-ref',
      `${REFS}snapshots/${nameOfId(runId)}`,
      commit.value,
    ]);
    return kept.ok ? ok({ commit: commit.value, nested }) : kept;
  } catch (error) {
    return gitFailure('file', messageOf(error));
  }
}

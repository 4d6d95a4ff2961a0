import { ok } from '../core/result.ts';
import { messageOf } from '../core/text.ts';
import { tipOf } from './branch-home.ts';
import { gitFailure, holds, run, type GitResult } from './git-failure.ts';
import { nameOf } from './kept-commits.ts';
import { makeCommit } from './make-commit.ts';
import { REFS } from './names.ts';
import type { Repository } from './repository.ts';
import { disposeStaged, stageAll } from './stage.ts';
import { gitDirOf, runIn } from './work-tree.ts';
import { existsSync } from 'node:fs';

export interface Discard {
  readonly repository: Pick<Repository, 'top' | 'commonDir'>;
  readonly branch: string;
  /** The worktree of the branch, which may be gone. */
  readonly folder: string;
}

/** Where discarded work is kept. */
export interface Discarded {
  readonly ref: string;
  readonly commit: string;
  /** Repositories within the worktree, which only it has. */
  readonly nested: readonly string[];
}

const MOST_NAMES = 1000;

/**
 * Keeps the branch of a task and everything uncommitted in its worktree, ignored files aside, under
 * `refs/waves/discarded/<name>`. After this `removeWorktree` may remove both; nothing else is
 * changed. Once more for the same state, it is the same ref.
 */
export async function discard(request: Discard): Promise<GitResult<Discarded>> {
  try {
    const { repository, branch } = request;
    const state = await stateOf(request);
    if (!state.ok) return state;
    const { tree, parents, nested } = state.value;
    const [first] = parents;
    if (first === undefined) return gitFailure('refused', `The branch ${branch} is gone.`);
    const { top } = repository;
    const committed = await run(top, ['rev-parse', `${first}^{tree}`]);
    if (!committed.ok) return committed;
    const isCommitted = parents.length === 1 && committed.value === tree;
    const message = `Discarded work of ${branch}`;
    for (let number = 1; number <= MOST_NAMES; number++) {
      const ref = `${REFS}discarded/${nameOf(branch)}${number === 1 ? '' : `-${number}`}`;
      const taken = await run(top, ['log', '-1', '--format=%H %T %P', ref, '--']);
      if (taken.ok) {
        const [commit = '', ...rest] = taken.value.split(' ');
        const isSame = isCommitted
          ? commit === first
          : rest.join(' ') === [tree, ...parents].join(' ');
        if (isSame) return ok({ ref, commit, nested });
        continue;
      }
      const made = isCommitted ? ok(first) : await makeCommit(top, { tree, parents, message });
      if (!made.ok) return made;
      const kept = await run(top, ['update-ref', ref, made.value, '0'.repeat(made.value.length)]);
      return kept.ok ? ok({ ref, commit: made.value, nested }) : kept;
    }
    return gitFailure('inTheWay', `${MOST_NAMES} refs of that name keep discarded work.`);
  } catch (error) {
    return gitFailure('file', messageOf(error));
  }
}

interface State {
  readonly tree: string;
  /** HEAD of the worktree, and the branch where HEAD does not have it. */
  readonly parents: readonly string[];
  readonly nested: readonly string[];
}

async function stateOf({ repository, branch, folder }: Discard): Promise<GitResult<State>> {
  const { top, commonDir } = repository;
  const tip = await tipOf(top, branch);
  const tips = tip.ok ? [tip.value] : [];
  const gitDir = existsSync(folder) ? await gitDirOf(commonDir, folder) : undefined;
  if (gitDir === undefined) {
    const tree = await run(top, ['rev-parse', `refs/heads/${branch}^{tree}`]);
    return tree.ok ? ok({ tree: tree.value, parents: tips, nested: [] }) : tree;
  }
  const work = { folder, gitDir, commonDir };
  const staged = await stageAll(work, undefined);
  if (!staged.ok) return staged;
  const { tree, nested } = staged.value;
  await disposeStaged(staged.value);
  const head = await runIn(work, ['rev-parse', '--quiet', '--verify', 'HEAD^{commit}']);
  if (!head.ok) return ok({ tree, parents: tips, nested });
  const [first] = tips;
  if (first === undefined) return ok({ tree, parents: [head.value], nested });
  const isContained = await holds(top, ['merge-base', '--is-ancestor', first, head.value]);
  if (!isContained.ok) return isContained;
  return ok({ tree, parents: isContained.value ? [head.value] : [head.value, first], nested });
}

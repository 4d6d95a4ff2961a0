import { ok } from '../core/result.ts';
import { run, type GitResult } from './git-failure.ts';
import { makeCommit, type NewCommit } from './make-commit.ts';
import { BRANCHES, REFS } from './names.ts';

/** The ref that keeps what a branch of ours left half done or in the way. */
export function keptRef(branch: string): string {
  return `${REFS}kept/${nameOf(branch)}`;
}

/** The name of a branch below `waves/`, for a ref or a file of ours. */
export function nameOf(branch: string): string {
  return branch.startsWith(BRANCHES) ? branch.slice(BRANCHES.length) : branch;
}

/**
 * Makes a commit that a ref of ours keeps, together with all that the ref has kept before. Answers
 * the commit; where the tree and parents were kept last, it is that one.
 */
export async function keepCommit(
  cwd: string,
  { name, ...commit }: NewCommit & { readonly name: string },
): Promise<GitResult<string>> {
  const ref = keptRef(name);
  const before = await run(cwd, ['rev-parse', '--quiet', '--verify', `${ref}^{commit}`]);
  if (before.ok) {
    const last = await run(cwd, ['log', '-1', '--format=%T %P', before.value, '--']);
    const wanted = [commit.tree, ...commit.parents].join(' ');
    if (last.ok && (last.value === wanted || last.value.startsWith(`${wanted} `)))
      return ok(before.value);
  }
  const parents = [...commit.parents, ...(before.ok ? [before.value] : [])];
  const made = await makeCommit(cwd, { ...commit, parents });
  if (!made.ok) return made;
  const old = before.ok ? before.value : '0'.repeat(made.value.length);
  const moved = await run(cwd, ['update-ref', ref, made.value, old]);
  return moved.ok ? made : moved;
}

/** Keeps a commit of a branch as `keepCommit` does, before an agent goes on with it. */
export async function keepWork(
  cwd: string,
  branch: string,
  commit: string,
  message: string,
): Promise<GitResult<string>> {
  const tree = await run(cwd, ['rev-parse', `${commit}^{tree}`]);
  if (!tree.ok) return tree;
  return keepCommit(cwd, { name: branch, tree: tree.value, parents: [commit], message });
}

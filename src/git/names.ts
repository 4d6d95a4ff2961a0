import { createHash } from 'node:crypto';
import { basename, dirname, join, resolve } from 'node:path';

/** The names of what a task works in. */
export interface WorkNames {
  /** Without `refs/heads/`. */
  readonly branch: string;
  /** Absolute. */
  readonly folder: string;
}

/** Below this every branch of ours lies. */
export const BRANCHES = 'waves/';
/** Below this every other ref of ours lies. */
export const REFS = 'refs/waves/';

/** Short, since a path of a file in it has 260 characters on some computers. */
const MOST_OF_ID = 32;
const MOST_OF_TITLE = 32;

/**
 * The branch `waves/<id>-<slug>` of a task and its folder below `worktrees`. Id and title may be
 * any text; the names have no signs but `a-z`, `0-9` and `-`. Where two tasks share one all the
 * same, `addWorktree` finds a free one for the second.
 */
export function namesOfTask(id: string, title: string, worktrees: string): WorkNames {
  const name = `${nameOfId(id)}-${slug(title, MOST_OF_TITLE) || 'task'}`;
  return { branch: `${BRANCHES}${name}`, folder: join(worktrees, name) };
}

/** The branch `waves/run-<id>` that the tasks of a run are merged into, and its folder. */
export function namesOfRun(runId: string, worktrees: string): WorkNames {
  const name = `run-${nameOfId(runId)}`;
  return { branch: `${BRANCHES}${name}`, folder: join(worktrees, name) };
}

/**
 * Where worktrees of a repository lie: `<repository>.worktrees` beside it, as in VS Code, or the
 * folder of a setting, relative to the repository. `commonDir` is its `.git`.
 */
export function worktreesFolder(
  { top, commonDir }: { readonly top: string; readonly commonDir: string },
  setting = '',
): string {
  // Worktrees of a worktree lie beside all others.
  const main = basename(commonDir) === '.git' ? dirname(commonDir) : top;
  return setting.trim() === '' ? `${main}.worktrees` : resolve(main, setting.trim());
}

/** A name of a ref or file of ours that stands for any text; different texts have different ones. */
export function nameOfId(id: string): string {
  if (/^T-\d{1,30}$/.test(id)) return id.toLowerCase();
  const name = slug(id, MOST_OF_ID);
  // A lower-case `t-1` is not the task `T-1`.
  if (name === id && name !== '' && !/^t-\d+$/.test(id)) return name;
  const hash = createHash('sha256').update(id).digest('hex').slice(0, 8);
  return name === '' ? `x-${hash}` : `${name}-${hash}`;
}

function slug(text: string, most: number): string {
  // Accents go, their letters stay.
  const plain = text.slice(0, 400).normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  const words = plain.split(/[^a-z0-9]+/).filter((word) => word !== '');
  return words.join('-').slice(0, most).replace(/-$/, '');
}

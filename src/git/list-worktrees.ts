import { existsSync } from 'node:fs';
import { ok } from '../core/result.ts';
import { parts, run, type GitResult } from './git-failure.ts';
import type { Repository } from './repository.ts';
import { realOf } from './work-tree.ts';
import { readRecords, type WorktreeRecord } from './worktree-records.ts';

/** A work tree of the repository, made by us or by others. */
export interface ListedWorktree {
  readonly folder: string;
  /** Without `refs/heads/`; undefined where HEAD is detached. */
  readonly branch: string | undefined;
  readonly commit: string | undefined;
  readonly isMain: boolean;
  readonly isLocked: boolean;
  /** Its folder is gone. */
  readonly isMissing: boolean;
  /** Of those that we made. */
  readonly record: WorktreeRecord | undefined;
}

/** All work trees of the repository; the main one is the first. */
export async function listWorktrees(
  repository: Pick<Repository, 'top' | 'commonDir'>,
): Promise<GitResult<readonly ListedWorktree[]>> {
  const listed = await run(repository.top, ['worktree', 'list', '--porcelain', '-z']);
  if (!listed.ok) return listed;
  // Git names folders without links and with `/`, and a setting of the user's may not.
  const records = new Map<string, WorktreeRecord>();
  for (const record of await readRecords(repository.commonDir))
    records.set(await realOf(record.folder), record);
  const blocks = listed.value.split('\0\0').filter((block) => block !== '');
  const found = blocks.map(async (block, at): Promise<ListedWorktree> => {
    const lines = parts(block);
    const valueOf = (name: string): string | undefined =>
      lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1);
    const folder = valueOf('worktree') ?? '';
    return {
      folder,
      branch: valueOf('branch')?.replace(/^refs\/heads\//, ''),
      commit: valueOf('HEAD'),
      isMain: at === 0,
      isLocked: lines.some((line) => line === 'locked' || line.startsWith('locked ')),
      isMissing: !existsSync(folder),
      record: records.get(await realOf(folder)),
    };
  });
  return ok(await Promise.all(found));
}

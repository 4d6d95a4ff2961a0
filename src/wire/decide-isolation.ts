import { realpath } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import type { Failure } from '../core/failure.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type {
  AskedIsolation,
  IsolationDecision,
  IsolationStartSetting,
} from '../core/run/isolation.ts';
import { oneLine } from '../core/text.ts';
import { isWithin } from '../disk/within.ts';
import { tipOf } from '../git/branch-home.ts';
import { holds } from '../git/git-failure.ts';
import { worktreesFolder } from '../git/names.ts';
import { inspectRepository, type Repository } from '../git/repository.ts';
import { commitOfTree } from '../git/snapshot-commit.ts';
import { recordOf } from '../git/worktree-records.ts';
import { newStamp } from './new-stamp.ts';
import { failureOf, ownerOf } from './run-place.ts';

export interface DecideParts {
  /** The folder of the backlog. */
  readonly root: string;
  /** Where worktrees lie, as the settings say; empty for beside the repository. */
  readonly folder: () => string;
}

/** Where a run would work; see `Isolation.decide`. Rejects with what the file system throws. */
export async function decideIsolation(
  { root, folder }: DecideParts,
  { choice, parallel, start, resumes, target: before, isDry }: AskedIsolation,
): Promise<Result<IsolationDecision, Failure>> {
  const shared = (why: string): Result<IsolationDecision, Failure> =>
    ok({ isolation: undefined, why, remarks: [] });
  if (choice === 'shared') return shared('All agents work in the folder itself, as chosen.');
  if (choice === 'auto' && parallel < 2)
    return shared('One agent works at a time, so it works in the folder itself.');
  const inspected = await inspectRepository(root);
  if (inspected.kind === 'unusable')
    return choice === 'auto'
      ? shared(`All agents work in the folder itself. ${inspected.detail}`)
      : fail({ kind: 'isolation', detail: `There can be no worktrees. ${inspected.detail}` });
  const { repository } = inspected;
  const misplaced = await whyNotIn(repository, worktreesFolder(repository, folder()));
  if (misplaced !== undefined)
    return choice === 'auto'
      ? shared(`All agents work in the folder itself. ${misplaced}`)
      : fail({ kind: 'isolation', detail: `There can be no worktrees. ${misplaced}` });
  const { branch: target, commit, isDirty, remarks } = repository;
  const why = `Each task works in a Git worktree of its own; what succeeds is merged into a branch of the run.`;
  const earlier = resumes === undefined ? undefined : await mergedBy(repository, resumes);
  if (earlier !== undefined)
    return ok({
      isolation: { target: before ?? target, base: earlier, start: 'commit' },
      why,
      remarks,
    });
  if (!isDirty) return ok({ isolation: { target, base: commit, start: 'commit' }, why, remarks });
  if (start === 'ask' && !isDry) return fail({ kind: 'uncommitted' });
  const begin = [`There are uncommitted changes: ${BEGINS[start]}.`, ...remarks];
  if (start !== 'snapshot')
    return ok({ isolation: { target, base: commit, start: 'commit' }, why, remarks: begin });
  if (isDry) return ok({ isolation: { target, base: commit, start }, why, remarks: begin });
  const snapshot = await commitOfTree(repository, newStamp());
  if (!snapshot.ok) return fail(failureOf(snapshot.failure));
  const nested = snapshot.value.nested.map(
    (path) => `The repository in ${oneLine(path)} is not part of it.`,
  );
  const isolation = { target, base: snapshot.value.commit, start };
  return ok({ isolation, why, remarks: [...begin, ...nested] });
}

const BEGINS: Readonly<Record<IsolationStartSetting, string>> = {
  ask: 'whoever starts the run is asked whether the worktrees begin with them',
  commit: 'the worktrees begin without them',
  snapshot: 'the worktrees begin with them',
};

/** Why worktrees cannot lie in a folder that the user chose; undefined where they can. */
async function whyNotIn(
  { top, commonDir }: Repository,
  worktrees: string,
): Promise<string | undefined> {
  const place = `The folder for worktrees, ${oneLine(worktrees)},`;
  const real = await withoutLinks(worktrees);
  const liesIn = (folder: string): boolean => real === folder || isWithin(folder, real);
  if (liesIn(commonDir)) return `${place} lies in the .git folder.`;
  if (!liesIn(top)) return undefined;
  // A rule for folders fits what lies in them.
  const inside = join(relative(top, real), 'worktree');
  const isIgnored = await holds(top, ['check-ignore', '--quiet', `./${inside}`], {
    isPattern: true,
  });
  return isIgnored.ok && isIgnored.value
    ? undefined
    : `${place} lies in the repository, and Git does not ignore it.`;
}

/** A path with the links in it resolved, as far as it is there. */
async function withoutLinks(path: string): Promise<string> {
  const real = await realpath(path).catch(() => undefined);
  if (real !== undefined || path === dirname(path)) return real ?? path;
  return join(await withoutLinks(dirname(path)), basename(path));
}

/** What an earlier run has merged; undefined where it has no branch. */
async function mergedBy(
  { top, commonDir }: Repository,
  runId: string,
): Promise<string | undefined> {
  const record = await recordOf(commonDir, ownerOf(runId));
  const tip = record && (await tipOf(top, record.branch));
  return tip?.ok === true ? tip.value : undefined;
}

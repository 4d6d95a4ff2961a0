import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Failure } from '../core/failure.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { KeptWorktree, Review, Reviews } from '../core/run/review.ts';
import type { TaskChanges } from '../core/run/isolation.ts';
import { evidenceOf, type RunState } from '../core/run/run-events.ts';
import { sentBackIn } from '../core/run/send-back.ts';
import type { TaskId } from '../core/task.ts';
import { cut, firstOf, messageOf, oneLine } from '../core/text.ts';
import { accept, undoAccept } from '../git/accept.ts';
import { isSettled } from '../git/adopt-worktree.ts';
import { tipOf } from '../git/branch-home.ts';
import { filesOf, showFile } from '../git/diff.ts';
import { discard } from '../git/discard.ts';
import { holds, run as runGit } from '../git/git-failure.ts';
import { backlogOf, inspectRepository, type Repository } from '../git/repository.ts';
import {
  type KeptWorktree as Kept,
  removeWorktree,
  type RemoveWorktree,
  whyWorktreeStays,
} from '../git/remove-worktree.ts';
import { readRecords, recordOf } from '../git/worktree-records.ts';
import { lineOf } from './earlier-runs.ts';
import { GONE_ON, isGoneOnWith } from './gone-on.ts';
import type { GitIsolation } from './isolation.ts';
import { NO_WORKTREE, ownerOf } from './run-place.ts';

export interface ReviewParts {
  /** The folder of the backlog. */
  readonly root: string;
  readonly runs: () => readonly RunState[];
  readonly titleOf: (id: TaskId) => string;
  readonly isolation: Pick<GitIsolation, 'resolve' | 'mergeAgain'>;
}

/** Reviews with Git; see `Reviews`. */
export function reviewsOf({ root, runs, titleOf, isolation }: ReviewParts): Reviews {
  const inRepository = async <T>(
    body: (repository: Repository) => Promise<Result<T, Failure>>,
  ): Promise<Result<T, Failure>> => {
    const inspected = await inspectRepository(root, { whileUnderWay: true });
    if (inspected.kind === 'unusable') return failed(inspected);
    // What the file system throws: Git's own failures are answers.
    return body(inspected.repository).catch((error: unknown) =>
      failed({ detail: messageOf(error) }),
    );
  };
  const isAtWork = (owner: string): boolean =>
    runs().some(
      ({ runId, phase, tasks }) =>
        phase !== 'ended' &&
        (owner === ownerOf(runId) ||
          [...tasks.values()].some(
            (task) => task.phase !== 'ended' && owner === ownerOf(runId, task.id),
          )),
    );
  const targetOf = (owner: string): string | undefined =>
    runs().find(({ runId }) => owner === ownerOf(runId) || owner.startsWith(`${ownerOf(runId)} `))
      ?.options.isolation?.target;
  const remove = async (
    repository: Repository,
    { branch, owner }: { readonly branch: string; readonly owner: string },
  ): Promise<Result<string | undefined, Failure>> => {
    if (isAtWork(owner)) return ok(AT_WORK);
    const target = targetOf(owner) ?? repository.branch;
    const removed = await removeWorktree({ repository, branch, target });
    if (!removed.ok) return failed(removed.failure);
    return ok(removed.value.kind === 'kept' ? whyKept(removed.value) : undefined);
  };

  return {
    changes: (run, id) =>
      inRepository(async (repository) => {
        const range = await rangeOf(repository, run, runs(), id);
        if (!range.ok) return range;
        const { base, commit } = range.value;
        const found = await filesOf(repository.top, base, commit, backlogOf(repository.prefix));
        return found.ok
          ? ok({ ...range.value, files: found.value.files.filter((file) => !file.isSubmodule) })
          : failed(found.failure);
      }),
    textAt: async (commit, path) => {
      const shown = await inRepository(async ({ top }) => {
        const file = await showFile(top, commit, path);
        return file.ok ? ok(file.value) : failed(file.failure);
      });
      if (!shown.ok || shown.value.kind !== 'file') return undefined;
      const { bytes } = shown.value;
      return bytes.includes(0) ? undefined : bytes.toString('utf8');
    },
    resolve: (run, id) =>
      isAtWork(ownerOf(run.runId, id))
        ? Promise.resolve(fail({ kind: 'isolation', detail: AT_WORK }))
        : isolation.resolve(run, id),
    mergeAgain: (run, id) =>
      isAtWork(ownerOf(run.runId, id))
        ? Promise.resolve(fail({ kind: 'isolation', detail: AT_WORK }))
        : isolation.mergeAgain(run, id),
    accept: (run, id, way) =>
      inRepository(async (repository) => {
        const target = run.options.isolation?.target;
        if (target === undefined) return failed({ detail: NO_TARGET });
        if (id !== undefined && (await isGoneOnWith(repository, run, id)))
          return failed({ detail: GONE_ON });
        const range = await rangeOf(repository, run, runs(), id);
        if (!range.ok) return range;
        const title = cut(oneLine(id === undefined ? run.title : titleOf(id)), 100);
        const accepted = await accept({
          ...{ repository, target, from: range.value.commit, how: way },
          message: id === undefined ? `Accept ${title}` : `${title} (${id})`,
          trailers: { ...(id !== undefined && { 'Todo2-Task': id }), 'Todo2-Run': run.runId },
        });
        return accepted.ok ? accepted : failed(accepted.failure);
      }),
    undo: (work) =>
      inRepository(async (repository) => {
        const undone = await undoAccept({ repository, ...work });
        return undone.ok ? undone : failed(undone.failure);
      }),
    acceptedOf: (run) =>
      inRepository(async ({ top }) => {
        const { target, base } = run.options.isolation ?? {};
        if (target === undefined || base === undefined) return ok([]);
        const branch = `refs/heads/${target}`;
        if (!(await tipOf(top, target)).ok) return ok([]);
        const since = await commitsOf(top, branch, [base]);
        if (!since.ok) return since;
        const isBaseIn = await holds(top, ['merge-base', '--is-ancestor', base, branch]);
        if (!isBaseIn.ok) return failed(isBaseIn.failure);
        return ok(
          tasksOf(
            [run],
            runs(),
            (commit) => since.value.has(commit) || (isBaseIn.value && commit === base),
          ),
        );
      }),
    mayGoOn: (run, id) =>
      inRepository(async (repository) => {
        const owner = ownerOf(run.runId, id);
        if (run.phase !== 'ended' || isAtWork(owner)) return failed({ detail: NOT_ENDED });
        if (await isGoneOnWith(repository, run, id)) return failed({ detail: GONE_ON });
        const record = await recordOf(repository.commonDir, owner);
        if (record === undefined) return failed({ detail: NO_WORKTREE });
        const settled = await isSettled(repository, record, run.options.isolation?.target);
        if (!settled.ok) return failed(settled.failure);
        return settled.value ? failed({ detail: SETTLED }) : ok(undefined);
      }),
    discard: (run, id) =>
      inRepository(async (repository) => {
        const owner = ownerOf(run.runId, id);
        const record = await recordOf(repository.commonDir, owner);
        if (await isGoneOnWith(repository, run, id)) return failed({ detail: GONE_ON });
        if (record === undefined) return failed({ detail: NO_WORKTREE });
        if (isAtWork(owner)) return failed({ detail: AT_WORK });
        const discarded = await discard({ repository, ...record });
        if (!discarded.ok) return failed(discarded.failure);
        const { ref } = discarded.value;
        const removed = await remove(repository, record);
        // The work is kept all the same.
        const stays = removed.ok ? removed.value : oneLine(failureDetail(removed.failure));
        return ok({ ref, stays });
      }),
    worktrees: () =>
      inRepository(async (repository) => {
        const kept: KeptWorktree[] = [];
        // One after the other: each of them is looked at as a whole.
        for (const { branch, folder, owner } of await readRecords(repository.commonDir)) {
          const target = targetOf(owner) ?? repository.branch;
          const why = isAtWork(owner) ? AT_WORK : await whyStill({ repository, branch, target });
          kept.push({ branch, folder, why, ...(await sizeOf(folder)) });
        }
        return ok(kept);
      }),
    remove: (branch) =>
      inRepository(async (repository) => {
        const records = await readRecords(repository.commonDir);
        const record = records.find((each) => each.branch === branch);
        return record === undefined ? ok(undefined) : remove(repository, record);
      }),
  };
}

const AT_WORK = 'Its run is still at work.';
const NOT_ENDED = 'Its run is still at work. Send the work back once the run has ended.';
const SETTLED =
  'This work was accepted or discarded. To change more, set the task to Todo and run it again.';
const NO_TARGET = 'The run was started with a detached HEAD, so there is no branch to accept into.';
const NO_BRANCH = 'This run has no branch any more.';

function failed({ detail }: { readonly detail: string }): Result<never, Failure> {
  return fail({ kind: 'isolation', detail });
}

function failureDetail(failure: Failure): string {
  return 'detail' in failure ? failure.detail : failure.kind;
}

/** The commits that stand for the work on a task, or for what a run has merged. */
async function rangeOf(
  repository: Repository,
  run: RunState,
  all: readonly RunState[],
  id: TaskId | undefined,
): Promise<Result<Omit<Review, 'files'>, Failure>> {
  const { top } = repository;
  const changes =
    id === undefined ? await mergedBy(repository, run) : await workOn(repository, run, id);
  if (changes === undefined) return failed({ detail: id === undefined ? NO_BRANCH : NO_WORKTREE });
  const { branch, base } = changes;
  const isDone = id === undefined || (await isGoneOnWith(repository, run, id));
  const commit = isDone ? changes.commit : await latestOf(top, changes);
  const { target } = run.options.isolation ?? {};
  const line = lineOf(run, all);
  const first = line.at(-1)?.options.isolation?.base ?? base;
  const comes = await commitsOf(top, commit, [
    first,
    ...(target === undefined ? [] : [`refs/heads/${target}`]),
  ]);
  if (!comes.ok) return comes;
  const tasks = tasksOf(line, all, (each) => comes.value.has(each));
  return ok({ top, branch, base, commit, tasks });
}

type Range = Pick<TaskChanges, 'branch' | 'base' | 'commit'>;

/** What an agent did, and what the user has committed on top of it in its worktree. */
async function workOn(
  { top, commonDir }: Repository,
  run: RunState,
  id: TaskId,
): Promise<Range | undefined> {
  const changes = evidenceOf(run.tasks.get(id)?.outcome)?.changes;
  const record = changes && (await recordOf(commonDir, ownerOf(run.runId, id)));
  const tip = record && (await tipOf(top, record.branch));
  if (tip?.ok !== true || changes === undefined || tip.value === changes.commit) return changes;
  const { branch, base, commit } = changes;
  const isOnTop = await isAncestor(top, commit, tip.value);
  if (!isOnTop) return changes;
  // Where the target was merged into it, its commits are none of the work.
  const target = run.options.isolation?.target;
  const fork = await runGit(top, ['merge-base', `refs/heads/${target ?? branch}`, tip.value]);
  const isMerged = fork.ok && fork.value !== tip.value && (await isAncestor(top, base, fork.value));
  return { branch, base: isMerged ? fork.value : base, commit: tip.value };
}

async function isAncestor(top: string, older: string, newer: string): Promise<boolean> {
  const found = await holds(top, ['merge-base', '--is-ancestor', older, newer]);
  return found.ok && found.value;
}

async function mergedBy(
  { top, commonDir }: Repository,
  { runId, options }: RunState,
): Promise<Range | undefined> {
  const record = await recordOf(commonDir, ownerOf(runId));
  const tip = record && (await tipOf(top, record.branch));
  if (record === undefined || tip?.ok !== true || options.isolation === undefined) return undefined;
  return { branch: record.branch, base: options.isolation.base, commit: tip.value };
}

/** The commits that one has and others have not; a branch that is gone has none. */
async function commitsOf(
  top: string,
  tip: string,
  without: readonly string[],
): Promise<Result<ReadonlySet<string>, Failure>> {
  const args = ['rev-list', '--ignore-missing', tip, ...without.map((each) => `^${each}`), '--'];
  const listed = await runGit(top, args);
  return listed.ok ? ok(new Set(listed.value.split('\n'))) : failed(listed.failure);
}

/** The tasks of these runs that succeeded with such a commit, and were not sent back since. */
function tasksOf(
  runs: readonly RunState[],
  all: readonly RunState[],
  has: (commit: string) => boolean,
): readonly TaskId[] {
  const ids = runs.flatMap(({ runId, tasks }) =>
    [...tasks.values()].flatMap(({ id, outcome }) => {
      const changes = outcome?.kind === 'failed' ? undefined : evidenceOf(outcome)?.changes;
      if (changes === undefined || !has(changes.commit)) return [];
      return sentBackIn(all, runId, id) === undefined ? [id] : [];
    }),
  );
  return [...new Set(ids)];
}

/** Why nothing removes a worktree yet; undefined where nothing would be lost. */
async function whyStill(request: RemoveWorktree): Promise<string | undefined> {
  const kept = await whyWorktreeStays(request);
  if (!kept.ok) return oneLine(kept.failure.detail);
  return kept.value && whyKept(kept.value);
}

const WHY: Readonly<Record<Kept['why'], string>> = {
  notOurs: 'It is not one of ours any more.',
  locked: 'It is locked in Git.',
  underWay: 'Something is half done in it',
  uncommitted: 'Not committed',
  notMerged: 'Its commits are neither accepted nor discarded.',
  nested: 'It has a repository of its own in it',
  changedBrought: 'A file that was brought along was changed',
  ignored: 'It has ignored files',
  inUse: 'A program uses it.',
};
/** Of the files that keep a worktree. */
const MOST_NAMED = 3;

function whyKept({ why, files }: Kept): string {
  const words = WHY[why];
  return words.endsWith('.') || files.length === 0
    ? words
    : `${words}: ${firstOf(files.map(oneLine), MOST_NAMED, (file) => file)}.`;
}

/** So many entries of a folder are looked at. */
const MOST_ENTRIES = 50_000;

/** Size in bytes and the last change in epoch ms of a folder; links are not followed. */
async function sizeOf(
  folder: string,
): Promise<{ readonly size: number; readonly changedAt: number }> {
  let [size, changedAt, left] = [0, 0, MOST_ENTRIES];
  const folders = [folder];
  for (let next = folders.pop(); next !== undefined && left > 0; next = folders.pop()) {
    // One that has gone meanwhile has no size.
    for (const entry of await readdir(next, { withFileTypes: true }).catch(() => [])) {
      if (left-- <= 0) break;
      const path = join(next, entry.name);
      if (entry.isDirectory()) folders.push(path);
      const stat = await lstat(path).catch(() => undefined);
      size += stat?.isFile() === true ? stat.size : 0;
      changedAt = Math.max(changedAt, stat?.mtimeMs ?? 0);
    }
  }
  return { size, changedAt };
}

/** The tip of the branch of a task, where a person went on from what its agent had left. */
async function latestOf(
  top: string,
  { branch, commit }: Pick<TaskChanges, 'branch' | 'commit'>,
): Promise<string> {
  if (!(await isIn(top, commit, branch))) return commit;
  const tip = await tipOf(top, branch);
  return tip.ok ? tip.value : commit;
}

async function isIn(top: string, commit: string, branch: string): Promise<boolean> {
  const found = await holds(top, ['merge-base', '--is-ancestor', commit, `refs/heads/${branch}`]);
  return found.ok && found.value;
}

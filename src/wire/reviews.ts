import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Failure } from '../core/failure.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { KeptWorktree, Reviews, WorkPart } from '../core/run/review.ts';
import { evidenceOf, type RunState, type TaskRun } from '../core/run/run-events.ts';
import { sentBackIn } from '../core/run/send-back.ts';
import type { WorkDecision } from '../core/run/work-decision.ts';
import type { TaskId } from '../core/task.ts';
import { cut, firstOf, messageOf, oneLine } from '../core/text.ts';
import { accept, undoAccept } from '../git/accept.ts';
import { isSettled } from '../git/adopt-worktree.ts';
import { tipOf } from '../git/branch-home.ts';
import { filesOf, showFile } from '../git/diff.ts';
import { discard } from '../git/discard.ts';
import { holds } from '../git/git-failure.ts';
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
import { commitsOf, failed, rangeOf, tasksOf } from './reviewed-work.ts';
import { mergedChanges } from './merged-changes.ts';
import { NO_WORKTREE, ownerOf } from './run-place.ts';

export interface ReviewParts {
  /** The folder of the backlog. */
  readonly root: string;
  readonly runs: () => readonly RunState[];
  readonly titleOf: (id: TaskId) => string;
  readonly isolation: Pick<GitIsolation, 'resolve' | 'mergeAgain'>;
  /** Writes down what was decided about the work on these tasks. */
  readonly note: (runId: string, ids: readonly TaskId[], decision: WorkDecision) => Promise<void>;
}

/** Reviews with Git; see `Reviews`. */
export function reviewsOf({ root, runs, titleOf, isolation, note }: ReviewParts): Reviews {
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

  const acceptedOf: Reviews['acceptedOf'] = (run) =>
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
    });
  /** Notes it of these tasks in each of the runs. */
  const noteIn = async (
    line: readonly RunState[],
    has: (task: TaskRun, run: RunState) => boolean,
    decision: WorkDecision,
  ): Promise<void> => {
    for (const run of line) {
      const ids = [...run.tasks.values()].filter((task) => has(task, run)).map(({ id }) => id);
      if (ids.length > 0) await note(run.runId, ids, decision);
    }
  };
  /** Those whose work came in by an accept, and those of the run that were in already. */
  const noteAccepted = async (
    run: RunState,
    came: readonly TaskId[],
    id: TaskId | undefined,
    decision: Extract<WorkDecision, { readonly kind: 'accepted' }>,
  ): Promise<void> => {
    const known = id === undefined ? await acceptedOf(run) : ok([id]);
    const ids = new Set([...came, ...(known.ok ? known.value : [])]);
    const isNew = ({ id: each, outcome, decision }: TaskRun, { runId }: RunState): boolean =>
      ids.has(each) &&
      decision?.kind !== 'accepted' &&
      outcome?.kind !== 'failed' &&
      evidenceOf(outcome)?.changes !== undefined &&
      sentBackIn(runs(), runId, each) === undefined;
    await noteIn(lineOf(run, runs()), isNew, decision);
  };

  return {
    changes: (run, part) =>
      inRepository(async (repository) => {
        const range = await rangeOf(repository, run, runs(), part);
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
    mergeAgain: (run, id, signal) =>
      isAtWork(ownerOf(run.runId, id))
        ? Promise.resolve(fail({ kind: 'isolation', detail: AT_WORK }))
        : inRepository(async (repository) => {
            const merged = await isolation.mergeAgain(run, id, signal);
            if (!merged.ok || merged.value.kind !== 'merged') return merged;
            const changes = await mergedChanges(repository, run.runId, id);
            if (!changes.ok) return changes;
            const { verify } = merged.value;
            await note(run.runId, [id], { kind: 'merged', changes: changes.value, verify });
            return merged;
          }),
    accept: (run, part, way) =>
      inRepository(async (repository) => {
        const target = run.options.isolation?.target;
        if (target === undefined) return failed({ detail: NO_TARGET });
        if (typeof part === 'string' && (await isGoneOnWith(repository, run, part)))
          return failed({ detail: GONE_ON });
        const range = await rangeOf(repository, run, runs(), part);
        if (!range.ok) return range;
        const id = typeof part === 'string' ? part : undefined;
        const accepted = await accept({
          ...{ repository, target, from: range.value.commit, how: way },
          message: acceptMessage(run, part, titleOf),
          trailers: { ...(id !== undefined && { 'Todo2-Task': id }), 'Todo2-Run': run.runId },
        });
        if (!accepted.ok) return failed(accepted.failure);
        const { kind } = accepted.value;
        if (kind !== 'accepted' && kind !== 'nothing') return accepted;
        const commit = kind === 'accepted' ? accepted.value.commit : undefined;
        await noteAccepted(run, range.value.tasks, id, { kind: 'accepted', target, commit });
        return accepted;
      }),
    undo: (run, work) =>
      inRepository(async (repository) => {
        const undone = await undoAccept({ repository, ...work });
        if (!undone.ok) return failed(undone.failure);
        const { target, commit } = work;
        if (undone.value.kind !== 'undone') return undone;
        const now = runs().find(({ runId }) => runId === run.runId) ?? run;
        await noteIn(
          lineOf(now, runs()),
          ({ decision }) => decision?.kind === 'accepted' && decision.commit === commit,
          { kind: 'undone', target, commit },
        );
        return undone;
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
    acceptedOf,
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
        await note(run.runId, [id], { kind: 'discarded', ref });
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

/** Of the commit that accepts it. */
function acceptMessage(
  { title }: RunState,
  part: WorkPart | undefined,
  titleOf: ReviewParts['titleOf'],
): string {
  if (typeof part === 'string') return `${cut(oneLine(titleOf(part)), 100)} (${part})`;
  const whole = cut(oneLine(title), 100);
  if (part === undefined) return `Accept ${whole}`;
  return `Accept ${whole} up to wave ${part.wave}`;
}

const AT_WORK = 'Its run is still at work.';
const NOT_ENDED = 'Its run is still at work. Send the work back once the run has ended.';
const SETTLED =
  'This work was accepted or discarded. To change more, set the task to Todo and run it again.';
const NO_TARGET = 'The run was started with a detached HEAD, so there is no branch to accept into.';

function failureDetail(failure: Failure): string {
  return 'detail' in failure ? failure.detail : failure.kind;
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

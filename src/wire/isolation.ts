import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fail, ok } from '../core/result.ts';
import type { Isolation } from '../core/run/isolation-port.ts';
import type { RunIsolation, WorkFolder } from '../core/run/isolation.ts';
import type { Reviews } from '../core/run/review.ts';
import type { Task } from '../core/task.ts';
import { messageOf, oneLine } from '../core/text.ts';
import { adoptWorktree } from '../git/adopt-worktree.ts';
import { bringFiles } from '../git/bring-files.ts';
import { tipOf } from '../git/branch-home.ts';
import { gitFailure, type GitResult } from '../git/git-failure.ts';
import { judgeRun } from '../git/integration.ts';
import { namesOfRun, namesOfTask, worktreesFolder } from '../git/names.ts';
import { inspectRepository, type Repository } from '../git/repository.ts';
import { addWorktree, markReady } from '../git/worktrees.ts';
import { bringIn } from './bring-in.ts';
import { decideIsolation, type DecideParts } from './decide-isolation.ts';
import { mergeWork, type Noted } from './merge-work.ts';
import { beginResolving, mergeResolved } from './resolve-work.ts';
import type { Marked } from './marked-work.ts';
import { notSetUp, type SetUpParts, setUpRun } from './set-up-run.ts';
import type { BringInParts } from './task-commits.ts';
import { notKept, unmergedRemark } from './work-end.ts';
import { failureOf, NO_WORKTREE, ownerOf, plainFailure, type RunPlace } from './run-place.ts';

export interface IsolationParts extends DecideParts, BringInParts, SetUpParts {
  /** The runs that a run goes on with, the latest first: what these have left is gone on with. */
  readonly earlier: (runId: string) => readonly string[];
  /** What a dry run says of how worktrees are made ready. */
  readonly setupRemark?: () => Promise<string | undefined>;
}

/** What came of judging a run; `changed` and `why` without a full stop. */
export type JudgedRun<T> =
  | { readonly kind: 'judged'; readonly value: T; readonly changed?: string }
  | { readonly kind: 'notRun'; readonly why: string };

/** Isolation with Git, and what else a window asks of it. */
export interface GitIsolation extends Isolation, Pick<Reviews, 'resolve' | 'mergeAgain'> {
  /**
   * Runs `judge` in the folder where the merged work of a run lies, as the backlog's, made ready
   * once before; nothing is merged meanwhile. Answers why it did not run, and what it changed there
   * beside files, which is undone.
   */
  judge<T>(
    runId: string,
    isolation: RunIsolation,
    marked: Marked,
    signal: AbortSignal,
    judge: (folder: string) => Promise<T>,
  ): Promise<JudgedRun<T>>;
}

/**
 * Gives each task of a run a worktree of its own, and merges what succeeded into the branch of the
 * run, one task after the other. The branch that the user has checked out is never touched here.
 */
export function isolateWith(parts: IsolationParts): GitIsolation {
  const runs = new Map<string, Promise<GitResult<RunPlace>>>();

  /** What is known of merges until their attempts are over, by the owner of the worktree. */
  const noted = new Map<string, Noted>();

  /** Makes the branch and the worktree of a run, or finds them again. */
  const placeOf = (runId: string, base: string): Promise<GitResult<RunPlace>> => {
    const known = runs.get(runId);
    if (known !== undefined) return known;
    const making = makeRunPlace(parts, runId, base);
    runs.set(runId, making);
    // The next attempt tries again.
    const forget = (): void => void runs.delete(runId);
    making.then((made) => (made.ok ? undefined : forget()), forget);
    return making;
  };

  return {
    decide: async (asked) => {
      try {
        const decided = await decideIsolation(parts, asked);
        const remark =
          asked.isDry && decided.ok && decided.value.isolation !== undefined
            ? await parts.setupRemark?.()
            : undefined;
        if (!decided.ok || remark === undefined) return decided;
        return ok({ ...decided.value, remarks: [...decided.value.remarks, remark] });
      } catch (error) {
        return fail({ kind: 'isolation', detail: messageOf(error) });
      }
    },
    begin: async ({ runId, task, options: { isolation } }) => {
      if (isolation === undefined) return ok({ path: parts.root, isNew: false });
      const place = await placeOf(runId, isolation.base);
      const begun = place.ok
        ? await begin(parts, place.value, runId, task, isolation.target).catch((error: unknown) =>
            gitFailure('file', messageOf(error)),
          )
        : place;
      return begun.ok ? begun : fail(failureOf(begun.failure));
    },
    started: ({ runId, id, options: { isolation } }) => {
      if (isolation === undefined) return;
      const mark = async (): Promise<GitResult<undefined>> => {
        const place = await placeOf(runId, isolation.base);
        return place.ok ? markReady(place.value.repository, ownerOf(runId, id)) : place;
      };
      // It is made ready once more then.
      const tell = (detail: string): void => parts.log(`${id}: ${detail}`);
      mark().then(
        (marked) => (marked.ok ? undefined : tell(marked.failure.detail)),
        (error: unknown) => tell(messageOf(error)),
      );
    },
    merge: async (attempt, again, signal) => {
      const { runId, id, options } = attempt;
      const owner = ownerOf(runId, id);
      const note = (remark: string): void =>
        void noted.set(owner, { remarks: [unmergedRemark(remark)], files: [] });
      try {
        const place = await placeOf(runId, options.isolation?.base ?? '');
        if (place.ok) {
          const merging = await mergeWork(parts, place.value, attempt, again, signal);
          noted.set(owner, merging.noted);
          return merging.outcome;
        }
        note(place.failure.detail);
      } catch (error) {
        note(messageOf(error));
      }
      return { kind: 'conflict' };
    },
    end: async ({ runId, id, attemptNo, options: { isolation } }, end) => {
      if (isolation === undefined || end.kind === 'refused') return end;
      const owner = ownerOf(runId, id);
      const known = noted.get(owner);
      noted.delete(owner);
      const place = await placeOf(runId, isolation.base);
      if (!place.ok) return notKept(end, place.failure.detail);
      return bringIn(parts, place.value, { runId, id, attemptNo }, end, known).catch(
        (error: unknown) => notKept(end, messageOf(error)),
      );
    },
    resolve: async ({ runId, options: { isolation } }, id) => {
      if (isolation === undefined) return fail(plainFailure({ detail: NO_WORKTREE }));
      const place = await placeOf(runId, isolation.base);
      return place.ok
        ? beginResolving(parts, place.value, runId, id)
        : fail(plainFailure(place.failure));
    },
    mergeAgain: async ({ runId, tasks, options: { isolation } }, id, signal) => {
      if (isolation === undefined) return fail(plainFailure({ detail: NO_WORKTREE }));
      const place = await placeOf(runId, isolation.base);
      return place.ok
        ? mergeResolved(
            parts,
            place.value,
            { runId, id, attemptNo: tasks.get(id)?.attemptNo },
            signal,
          )
        : fail(plainFailure(place.failure));
    },
    judge: async (runId, isolation, marked, signal, judge) => {
      const place = await placeOf(runId, isolation.base);
      if (!place.ok) return { kind: 'notRun', why: notSetUp(place.failure.detail) };
      const judged = await judgeRun(place.value, async (folder) => {
        const at = { ...place.value, folder };
        const why = await setUpRun(parts, at, runId, marked, signal);
        if (why !== undefined) return { why };
        return { value: await judge(folderIn(folder, place.value.repository)) };
      });
      if (!judged.ok) return { kind: 'notRun', why: oneLine(judged.failure.detail) };
      const { value, ...back } = judged.value;
      return 'why' in value
        ? { kind: 'notRun', why: value.why }
        : { kind: 'judged', value: value.value, ...back };
    },
  };
}

async function makeRunPlace(
  { root, folder }: IsolationParts,
  runId: string,
  base: string,
): Promise<GitResult<RunPlace>> {
  // The run has begun, and what the user does in their folder meanwhile does not concern it.
  const inspected = await inspectRepository(root, { whileUnderWay: true });
  if (inspected.kind === 'unusable')
    return fail({ kind: 'gitFailed', cause: 'refused', detail: inspected.detail });
  const { repository } = inspected;
  const worktrees = worktreesFolder(repository, folder());
  const names = namesOfRun(runId, worktrees);
  const added = await addWorktree({ repository, ...names, base, owner: ownerOf(runId) });
  if (!added.ok) return added;
  const { branch, folder: made } = added.value;
  return ok({ repository, worktrees, branch, folder: made });
}

async function begin(
  parts: IsolationParts,
  { repository, branch, worktrees }: RunPlace,
  runId: string,
  task: Task,
  target: string | undefined,
): Promise<GitResult<WorkFolder>> {
  const tip = await tipOf(repository.top, branch);
  if (!tip.ok) return gitFailure('refused', `The branch ${branch} is gone.`);
  const names = namesOfTask(task.id, task.title, worktrees);
  const owner = ownerOf(runId, task.id);
  const from = parts.earlier(runId).map((earlier) => ownerOf(earlier, task.id));
  const adopted = await adoptWorktree({ repository, owner, from, target });
  if (!adopted.ok) return adopted;
  const added = await addWorktree({ repository, ...names, base: tip.value, owner });
  if (!added.ok) return added;
  const { folder, isReady, remarks } = added.value;
  const brought = isReady
    ? undefined
    : await bringFiles({ repository, folder, patterns: parts.files() });
  if (brought?.ok === false) return brought;
  for (const remark of [...remarks, ...(brought?.value.remarks ?? [])])
    parts.log(`${folder}: ${remark}`);
  const path = folderIn(folder, repository);
  // Where nothing of it is in a commit.
  await mkdir(path, { recursive: true });
  return ok({ path, isNew: !isReady });
}

/** The folder of a worktree that stands for that of the backlog. */
function folderIn(worktree: string, { prefix }: Repository): string {
  // The prefix ends with a slash, and a folder is named without.
  return resolve(worktree, prefix);
}

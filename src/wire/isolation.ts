import { mkdir } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import type { Failure } from '../core/failure.ts';
import type { WorkEnd } from '../core/ports.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { Isolation } from '../core/run/isolation-port.ts';
import type {
  AskedIsolation,
  IsolationDecision,
  RunIsolation,
  TaskChanges,
  WorkFolder,
} from '../core/run/isolation.ts';
import type { Merged, Resolving, Reviews } from '../core/run/review.ts';
import type { Task, TaskId } from '../core/task.ts';
import { isWithin } from '../disk/within.ts';
import { cut, messageOf, oneLine } from '../core/text.ts';
import { newStamp } from './new-stamp.ts';
import { beginMerge } from '../git/begin-merge.ts';
import { bringFiles } from '../git/bring-files.ts';
import { commitWork, type CommittedWork, type UnfinishedWork } from '../git/commit-work.ts';
import { tipOf } from '../git/branch-home.ts';
import { gitFailure, holds, type GitResult } from '../git/git-failure.ts';
import { integrate } from '../git/integration.ts';
import { namesOfRun, namesOfTask, worktreesFolder } from '../git/names.ts';
import { inspectRepository, type Repository } from '../git/repository.ts';
import { commitOfTree } from '../git/snapshot-commit.ts';
import { recordOf, type WorktreeRecord } from '../git/worktree-records.ts';
import { type AddedWorktree, addWorktree, markReady } from '../git/worktrees.ts';

export interface IsolationParts {
  /** The folder of the backlog. */
  readonly root: string;
  /** Where worktrees lie, as the settings say; empty for beside the repository. */
  readonly folder: () => string;
  /** Which ignored files a worktree gets, in the syntax of `.gitignore`. */
  readonly files: () => readonly string[];
  readonly titleOf: (id: TaskId) => string;
  readonly log: (line: string) => void;
}

/** Isolation with Git, and what else a window asks of it. */
export interface GitIsolation extends Isolation, Pick<Reviews, 'resolve' | 'mergeAgain'> {
  /** Where the merged work of a run lies, as the backlog's folder; undefined for a shared run. */
  mergedFolder(runId: string, isolation: RunIsolation | undefined): Promise<string | undefined>;
}

export const NO_WORKTREE = 'This task has no worktree any more.';

/** Who works in a worktree, for its record. */
export function ownerOf(runId: string, id?: TaskId): string {
  return id === undefined ? `run ${runId}` : `run ${runId} task ${id}`;
}

/**
 * Gives each task of a run a worktree of its own, and merges what succeeded into the branch of the
 * run, one task after the other. The branch that the user has checked out is never touched here.
 */
export function isolateWith(parts: IsolationParts): GitIsolation {
  const runs = new Map<string, Promise<GitResult<RunPlace>>>();

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
    decide: (asked) =>
      decide(parts, asked).catch((error: unknown) =>
        fail({ kind: 'isolation', detail: messageOf(error) }),
      ),
    begin: async ({ runId, task, options: { isolation } }) => {
      if (isolation === undefined) return ok({ path: parts.root, isNew: false });
      const place = await placeOf(runId, isolation.base);
      const begun = place.ok
        ? await begin(parts, place.value, runId, task).catch((error: unknown) =>
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
    end: async ({ runId, id, options: { isolation } }, end) => {
      if (isolation === undefined || end.kind === 'refused') return end;
      const place = await placeOf(runId, isolation.base);
      if (!place.ok) return notKept(end, place.failure.detail);
      return bringIn(parts, place.value, runId, id, end).catch((error: unknown) =>
        notKept(end, messageOf(error)),
      );
    },
    resolve: async ({ runId, options: { isolation } }, id) => {
      if (isolation === undefined) return fail(plainFailure({ detail: NO_WORKTREE }));
      const place = await placeOf(runId, isolation.base);
      return place.ok
        ? beginResolving(parts, place.value, runId, id)
        : fail(plainFailure(place.failure));
    },
    mergeAgain: async ({ runId, options: { isolation } }, id) => {
      if (isolation === undefined) return fail(plainFailure({ detail: NO_WORKTREE }));
      const place = await placeOf(runId, isolation.base);
      return place.ok
        ? mergeResolved(parts, place.value, runId, id)
        : fail(plainFailure(place.failure));
    },
    mergedFolder: async (runId, isolation) => {
      if (isolation === undefined) return undefined;
      const place = await placeOf(runId, isolation.base);
      if (place.ok) return folderIn(place.value.folder, place.value.repository);
      parts.log(`The merged work of ${runId} was not found: ${place.failure.detail}`);
      return undefined;
    },
  };
}

interface RunPlace extends Pick<AddedWorktree, 'branch' | 'folder'> {
  readonly repository: Repository;
  readonly worktrees: string;
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
): Promise<GitResult<WorkFolder>> {
  const tip = await tipOf(repository.top, branch);
  if (!tip.ok) return gitFailure('refused', `The branch ${branch} is gone.`);
  const names = namesOfTask(task.id, task.title, worktrees);
  const owner = ownerOf(runId, task.id);
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

async function decide(
  { root, folder }: IsolationParts,
  { choice, parallel, start, resumes, isDry }: AskedIsolation,
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
    return ok({ isolation: { target, base: earlier, start: 'commit' }, why, remarks });
  const uncommitted = isDirty ? 'There are uncommitted changes: ' : '';
  if (start === 'commit' || !isDirty) {
    const left = isDirty ? [`${uncommitted}the worktrees begin without them.`] : [];
    return ok({
      isolation: { target, base: commit, start: 'commit' },
      why,
      remarks: [...left, ...remarks],
    });
  }
  const begin = [`${uncommitted}the worktrees begin with them.`, ...remarks];
  if (isDry) return ok({ isolation: { target, base: commit, start }, why, remarks: begin });
  const snapshot = await commitOfTree(repository, newStamp());
  if (!snapshot.ok) return fail(failureOf(snapshot.failure));
  const nested = snapshot.value.nested.map(
    (path) => `The repository in ${oneLine(path)} is not part of it.`,
  );
  const isolation = { target, base: snapshot.value.commit, start };
  return ok({ isolation, why, remarks: [...begin, ...nested] });
}

/** Why worktrees cannot lie in a folder that the user chose; undefined where they can. */
async function whyNotIn(
  { top, commonDir }: Repository,
  worktrees: string,
): Promise<string | undefined> {
  const place = `The folder for worktrees, ${oneLine(worktrees)},`;
  if (worktrees === commonDir || isWithin(commonDir, worktrees))
    return `${place} lies in the .git folder.`;
  if (worktrees !== top && !isWithin(top, worktrees)) return undefined;
  // A rule for folders fits what lies in them.
  const inside = join(relative(top, worktrees), 'worktree');
  const isIgnored = await holds(top, ['check-ignore', '--quiet', `./${inside}`], {
    isPattern: true,
  });
  return isIgnored.ok && isIgnored.value
    ? undefined
    : `${place} lies in the repository, and Git does not ignore it.`;
}

/** The folder of a worktree that stands for that of the backlog. */
function folderIn(worktree: string, { prefix }: Repository): string {
  // The prefix ends with a slash, and a folder is named without.
  return resolve(worktree, prefix);
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

/** Commits what an attempt left in its worktree, and merges it where the attempt succeeded. */
async function bringIn(
  parts: IsolationParts,
  place: RunPlace,
  runId: string,
  id: TaskId,
  end: WorkEnd,
): Promise<WorkEnd> {
  const record = await recordOf(place.repository.commonDir, ownerOf(runId, id));
  if (record === undefined) return notKept(end, 'Its worktree was removed meanwhile.');
  const work = await commitTask(parts, place, record, runId, id);
  if (!work.ok) return notKept(end, work.failure.detail);
  for (const remark of work.value.remarks) parts.log(`${id}: ${remark}`);
  const remarked = withRemarks(end, work.value.remarks);
  if (work.value.kind === 'unfinished') return unfinished(remarked, work.value);
  const withWork = withChanges(remarked, record, work.value);
  if (withWork.kind !== 'succeeded') return withWork;
  const merged = await mergeTask(parts, place, work.value.commit, runId, id);
  if (!merged.ok) return notKept(withWork, merged.failure.detail);
  if (merged.value.kind !== 'conflict') return withWork;
  const { status, evidence } = withWork;
  return { kind: 'conflict', files: merged.value.files, status, evidence };
}

function messageFor({ titleOf }: IsolationParts, id: TaskId): string {
  const title = cut(oneLine(titleOf(id)), 100);
  return title === '' || title === id ? id : `${title} (${id})`;
}

function trailersFor(runId: string, id: TaskId): Readonly<Record<string, string>> {
  return { 'Todo2-Task': id, 'Todo2-Run': runId };
}

function commitTask(
  parts: IsolationParts,
  { repository }: RunPlace,
  { folder, branch, base }: WorktreeRecord,
  runId: string,
  id: TaskId,
): ReturnType<typeof commitWork> {
  const message = messageFor(parts, id);
  const trailers = trailersFor(runId, id);
  return commitWork({ repository, folder, branch, base, message, trailers });
}

function mergeTask(
  parts: IsolationParts,
  { repository, branch, folder }: RunPlace,
  work: string,
  runId: string,
  id: TaskId,
): ReturnType<typeof integrate> {
  const message = `Merge ${messageFor(parts, id)}`;
  const trailers = trailersFor(runId, id);
  return integrate({ repository, branch, folder, work, message, trailers });
}

/** Merges what the run has into the worktree of a task, for a person to resolve the conflicts. */
async function beginResolving(
  parts: IsolationParts,
  place: RunPlace,
  runId: string,
  id: TaskId,
): Promise<Result<Resolving, Failure>> {
  const record = await recordOf(place.repository.commonDir, ownerOf(runId, id));
  if (record === undefined) return fail(plainFailure({ detail: NO_WORKTREE }));
  const { repository, branch } = place;
  const { folder } = record;
  const work = await commitTask(parts, place, record, runId, id);
  if (!work.ok) return fail(plainFailure(work.failure));
  const message = `Merge ${branch}`;
  const files = await beginMerge({ repository, folder, other: `refs/heads/${branch}`, message });
  return files.ok ? ok({ folder, files: files.value }) : fail(plainFailure(files.failure));
}

async function mergeResolved(
  parts: IsolationParts,
  place: RunPlace,
  runId: string,
  id: TaskId,
): Promise<Result<Merged, Failure>> {
  const record = await recordOf(place.repository.commonDir, ownerOf(runId, id));
  if (record === undefined) return fail(plainFailure({ detail: NO_WORKTREE }));
  const work = await commitTask(parts, place, record, runId, id);
  if (!work.ok) return fail(plainFailure(work.failure));
  if (work.value.kind === 'unfinished') return ok({ kind: 'conflict', files: work.value.files });
  const merged = await mergeTask(parts, place, work.value.commit, runId, id);
  if (!merged.ok) return fail(plainFailure(merged.failure));
  return ok(merged.value.kind === 'conflict' ? merged.value : { kind: 'merged' });
}

function plainFailure({ detail }: { readonly detail: string }): Failure {
  return { kind: 'isolation', detail };
}

function withChanges(
  end: WorkEnd,
  { branch, base }: Pick<TaskChanges, 'branch' | 'base'>,
  { commit, files, added, removed }: CommittedWork,
): WorkEnd {
  if ((end.kind !== 'succeeded' && end.kind !== 'failed') || end.evidence === undefined) return end;
  const changes: TaskChanges = { branch, base, commit, files: files.length, added, removed };
  return { ...end, evidence: { ...end.evidence, changes } };
}

function unfinished(end: WorkEnd, { operation, files }: UnfinishedWork): WorkEnd {
  if (end.kind !== 'succeeded') return end;
  const { status, evidence } = end;
  const remark = `It left a ${operation} half done in its worktree`;
  return { kind: 'conflict', files, status, evidence: withRemark(evidence, remark) };
}

/** The work still lies in its worktree; it was not merged, and that must be seen. */
function notKept(end: WorkEnd, detail: string): WorkEnd {
  if (end.kind !== 'succeeded') return end;
  const { status, evidence } = end;
  const remark = `It is not merged: ${oneLine(detail)}`;
  return { kind: 'conflict', files: [], status, evidence: withRemark(evidence, remark) };
}

/** More are in the log alone. */
const MOST_REMARKS = 10;

function withRemarks(end: WorkEnd, all: readonly string[]): WorkEnd {
  if ((end.kind !== 'succeeded' && end.kind !== 'failed') || end.evidence === undefined) return end;
  const remarks = [...(end.evidence.remarks ?? []), ...all.slice(0, MOST_REMARKS)];
  return remarks.length === 0 ? end : { ...end, evidence: { ...end.evidence, remarks } };
}

type Evidence = Extract<WorkEnd, { kind: 'succeeded' }>['evidence'];

function withRemark(evidence: Evidence, remark: string): Evidence {
  return evidence && { ...evidence, remarks: [...(evidence.remarks ?? []), remark] };
}

function failureOf({ detail }: { readonly detail: string }): Failure {
  return { kind: 'isolation', detail: `The worktree could not be made. ${detail}` };
}

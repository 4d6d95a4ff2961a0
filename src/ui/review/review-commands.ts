import * as vscode from 'vscode';
import type { Backlog } from '../../core/backlog.ts';
import type { AcceptedWork, AcceptOutcome, Review } from '../../core/run/review.ts';
import type { TaskId } from '../../core/task.ts';
import { count, firstOf, oneLine, plain } from '../../core/text.ts';
import { confirm, type Target, tellFailure, valueOrTell } from '../ask.ts';
import type { Backlogs } from '../backlogs.ts';
import { readAcceptWay } from '../settings.ts';
import type { TreeNode } from '../tree-nodes.ts';
import type { LineComments } from './line-comments.ts';
import { reviewUri, type ReviewedTask, workUri } from './review-files.ts';
import {
  isNoWave,
  isOpenToAccept,
  isToDiscard,
  nameOf,
  openFolder,
  partOf,
  workOf,
  type WorkTarget,
} from './work-target.ts';

/** Opens the diff of a task or of a run, all of its files in one editor. */
export async function reviewChanges(
  backlogs: Backlogs,
  comments: Pick<LineComments, 'follow'>,
  node: TreeNode | undefined,
): Promise<void> {
  const target = await workOf(backlogs, node, 'Review Changes');
  if (target === undefined) return;
  const { backlog, run, id } = target;
  const { reviews } = backlogs.of(backlog);
  const review = await valueOrTell(reviews.changes(run, partOf(target)));
  if (review === undefined) return;
  const name = nameOf(target);
  if (review.files.length === 0)
    return void vscode.window.showInformationMessage(plain(`${name} has changed no files.`));
  const { root } = backlog;
  const { commit } = review;
  const work = id === undefined ? undefined : { runId: run.runId, id };
  if (work !== undefined)
    await comments.follow(root, work, commit, (path) => reviews.textAt(commit, path));
  await vscode.commands.executeCommand(
    'vscode.changes',
    plain(`Changes of ${name}`),
    resourcesOf(root, review, work),
  );
}

type Resource = readonly [
  label: vscode.Uri,
  left: vscode.Uri | undefined,
  right: vscode.Uri | undefined,
];

/**
 * Each file with its two sides; one that is new or gone has one. `root`: the backlog's. `work`:
 * whose lines can be commented on; undefined for those of several tasks.
 */
export function resourcesOf(
  root: string,
  { top, files, base, commit }: Pick<Review, 'top' | 'files' | 'base' | 'commit'>,
  work: ReviewedTask | undefined,
): readonly Resource[] {
  const right = (path: string): vscode.Uri =>
    work === undefined ? reviewUri(root, commit, path) : workUri({ root, commit, path, ...work });
  return files.map(({ path, from, kind }) => [
    vscode.Uri.file(`${top}/${path}`),
    kind === 'added' ? undefined : reviewUri(root, base, from ?? path),
    kind === 'deleted' ? undefined : right(path),
  ]);
}

/** Brings the work of a task or a run into the branch that the run was started for. */
export async function acceptChanges(backlogs: Backlogs, node: TreeNode | undefined): Promise<void> {
  const target = await workOf(backlogs, node, 'Accept Changes', isOpenToAccept);
  if (target === undefined) return;
  const { backlog, run, id, wave } = target;
  const { reviews } = backlogs.of(backlog);
  const review = await valueOrTell(reviews.changes(run, partOf(target)));
  if (review === undefined) return;
  const branch = run.options.isolation?.target;
  const paths = review.files.map(({ path }) => path);
  const size = paths.length === 0 ? 'No files.' : `${count(paths.length, 'file')}: ${named(paths)}`;
  const way = readAcceptWay(backlog.root);
  const asked = `Accept the changes of ${nameOf(target)}${branch === undefined ? '' : ` into ${branch}`}?`;
  const whole = wave === undefined ? run.waves.flat() : run.waves[wave];
  const own = id === undefined ? whole : [id];
  // Work begins with what its run had merged by then, and a run with what an earlier one had.
  const others = review.tasks.filter((each) => own?.includes(each) !== true);
  const comes = others.length === 0 ? [] : [comesWith(backlog, others)];
  if (!(await confirm(asked, [size, ...comes, WAYS[way]].join('\n\n'), 'Accept'))) return;
  const outcome = await valueOrTell(reviews.accept(run, partOf(target), way));
  if (outcome === undefined) return;
  if (outcome.kind !== 'accepted' && outcome.kind !== 'nothing')
    return void vscode.window.showWarningMessage(plain(whyNotAccepted(outcome, branch ?? '')));
  const commit = outcome.kind === 'accepted' ? outcome.commit : undefined;
  await setDone(backlogs, target, review.tasks, commit);
  await offerUndo(backlogs, target, outcome);
}

/**
 * Accepts the work on several tasks, one after the other, after one question; what has no work of
 * its own to accept is marked as done where it is in Review.
 */
export async function acceptSelected(
  backlogs: Backlogs,
  targets: readonly Target[],
): Promise<void> {
  const works = targets.flatMap(({ backlog, task }) => {
    const latest = backlog.runs.latestOf(task.id);
    const work = latest && { backlog, run: latest.run, id: task.id };
    const isIsolated = latest?.run.options.isolation !== undefined;
    return work !== undefined && isIsolated && isOpenToAccept(work) ? [work] : [];
  });
  const isWork = ({ backlog, task }: Target): boolean =>
    works.some((work) => work.backlog === backlog && work.id === task.id);
  const others = targets.filter((each) => each.task.status === 'Review' && !isWork(each));
  const names = [...works.map(nameOf), ...others.map(({ task }) => oneLine(task.title) || task.id)];
  if (names.length === 0)
    return void vscode.window.showInformationMessage('Nothing of this waits to be accepted.');
  const asked = `Accept the work on ${count(names.length, 'task')}?`;
  if (!(await confirm(asked, names.join('\n'), 'Accept'))) return;
  for (const work of works) {
    const { backlog, run } = work;
    const { reviews } = backlogs.of(backlog);
    const review = await valueOrTell(reviews.changes(run, partOf(work)));
    const outcome =
      review && (await valueOrTell(reviews.accept(run, partOf(work), readAcceptWay(backlog.root))));
    if (review === undefined || outcome === undefined) return;
    if (outcome.kind !== 'accepted' && outcome.kind !== 'nothing') {
      const why = whyNotAccepted(outcome, run.options.isolation?.target ?? '');
      return void vscode.window.showWarningMessage(plain(`${nameOf(work)}: ${why}`));
    }
    const commit = outcome.kind === 'accepted' ? outcome.commit : undefined;
    await setDone(backlogs, work, review.tasks, commit);
  }
  for (const { backlog, task } of others)
    if (!(await tellFailure(backlog.edits.setStatus(task, 'Done')))) return;
}

function comesWith(backlog: Backlog, others: readonly TaskId[]): string {
  const names = firstOf(others, 5, (id) => `“${oneLine(backlog.task(id)?.title ?? '') || id}”`);
  return `It was built on other tasks, whose work comes with it: ${names}.`;
}

const WAYS = {
  merge: 'A merge commit is made.',
  fastForward: 'The branch is fast-forwarded.',
  squash: 'One commit with all of it is made.',
} as const;

function whyNotAccepted(
  outcome: Exclude<AcceptOutcome, { readonly kind: 'accepted' | 'nothing' }>,
  branch: string,
): string {
  switch (outcome.kind) {
    case 'diverged':
      return `Nothing was accepted: ${branch} has commits of its own, so it cannot be fast-forwarded. Choose another way in the setting todo2Waves.acceptWay.`;
    case 'conflict':
      return `Nothing was accepted: it conflicts with ${branch} in ${named(outcome.files)}.`;
    case 'inTheWay':
      return `Nothing was accepted. ${inTheWayWords(outcome)}`;
  }
}

function inTheWayWords({
  reason,
  files,
}: Extract<AcceptOutcome, { readonly kind: 'inTheWay' }>): string {
  return `${oneLine(reason)}${files.length === 0 ? '' : ` In the way: ${named(files)}.`}`;
}

function named(files: readonly string[]): string {
  return firstOf(files.map(oneLine), 5, (file) => file);
}

/** Sets the tasks to Done whose work is in the branch now. */
async function setDone(
  backlogs: Backlogs,
  { backlog, run, id }: WorkTarget,
  tasks: readonly TaskId[],
  commit: string | undefined,
): Promise<void> {
  const services = backlogs.of(backlog);
  // A squash has another commit than the tasks have, and a task without changes has none.
  const known = id !== undefined ? [id] : await valueOrTell(services.reviews.acceptedOf(run));
  for (const each of new Set([...tasks, ...(known ?? [])])) {
    const task = backlog.task(each);
    if (task?.status !== 'Review') continue;
    if (!(await tellFailure(backlog.edits.setStatus(task, 'Done')))) return;
    const branch = run.options.isolation?.target ?? '';
    if (commit !== undefined)
      await tellFailure(services.addNote(each, `Accepted into ${branch} as ${commit}.`));
  }
}

async function offerUndo(
  backlogs: Backlogs,
  target: WorkTarget,
  outcome: AcceptOutcome,
): Promise<void> {
  const branch = target.run.options.isolation?.target;
  if (outcome.kind !== 'accepted' || branch === undefined) {
    void vscode.window.showInformationMessage(plain(`${branch ?? 'The branch'} has it already.`));
    return;
  }
  const message = plain(`The changes of ${nameOf(target)} are in ${branch}.`);
  const chosen = await vscode.window.showInformationMessage(message, 'Undo');
  if (chosen === 'Undo') {
    const { before, commit } = outcome;
    await undoAccept(backlogs, target, { target: branch, before, commit });
  }
}

async function undoAccept(
  backlogs: Backlogs,
  { backlog, run }: WorkTarget,
  work: AcceptedWork,
): Promise<void> {
  const undone = await valueOrTell(backlogs.of(backlog).reviews.undo(run, work));
  if (undone === undefined) return;
  const words = {
    undone: `${work.target} is as it was before. The tasks keep their status.`,
    movedOn: `Nothing was undone: ${work.target} has later commits.`,
    inTheWay: `Nothing was undone. ${undone.kind === 'inTheWay' ? inTheWayWords(undone) : ''}`,
  }[undone.kind];
  void vscode.window.showInformationMessage(plain(words));
}

/** Removes the worktree and the branch of a task; its work is kept under a ref. */
export async function discardChanges(
  backlogs: Backlogs,
  node: TreeNode | undefined,
): Promise<void> {
  const target = await workOf(backlogs, node, 'Discard Changes', isToDiscard);
  if (target?.id === undefined) return;
  const { backlog, run, id } = target;
  const asked = `Discard the changes of ${nameOf(target)}?`;
  const detail =
    'Its worktree and its branch are removed. Everything in it, ignored files aside, is kept in the repository under refs/waves/discarded. What the run has merged already stays in the branch of the run. A task in Review goes back to Todo.';
  if (!(await confirm(asked, detail, 'Discard'))) return;
  const kept = await valueOrTell(backlogs.of(backlog).reviews.discard(run, id));
  if (kept === undefined) return;
  const task = backlog.task(id);
  if (task?.status === 'Review') await tellFailure(backlog.edits.setStatus(task, 'Todo'));
  const stays = kept.stays === undefined ? '' : ` Its worktree is still there: ${kept.stays}`;
  void vscode.window.showInformationMessage(plain(`The work is kept as ${kept.ref}.${stays}`));
}

/** Opens the worktree of a task in a window of its own. */
export async function openWorktree(backlogs: Backlogs, node: TreeNode | undefined): Promise<void> {
  const target = await workOf(backlogs, node, 'Open Worktree', isNoWave);
  if (target === undefined) return;
  const { backlog, run, id } = target;
  const { reviews } = backlogs.of(backlog);
  const review = await valueOrTell(reviews.changes(run, id));
  const worktrees = review && (await valueOrTell(reviews.worktrees()));
  if (review === undefined || worktrees === undefined) return;
  const found = worktrees.find(({ branch }) => branch === review.branch);
  if (found === undefined || found.changedAt === 0)
    return void vscode.window.showWarningMessage(
      plain(`${nameOf(target)} has no worktree any more.`),
    );
  await openFolder(found.folder);
}

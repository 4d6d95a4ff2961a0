import * as vscode from 'vscode';
import type { Backlog } from '../../core/backlog.ts';
import { evidenceOf, type RunState } from '../../core/run/run-events.ts';
import type { AcceptedWork, AcceptOutcome, KeptWorktree, Review } from '../../core/run/review.ts';
import type { TaskId } from '../../core/task.ts';
import { count, firstOf, oneLine, plain } from '../../core/text.ts';
import { confirm, pickOne, tellFailure, valueOrTell } from '../ask.ts';
import type { Backlogs } from '../backlogs.ts';
import type { RunTarget } from '../command-targets.ts';
import { explainFailure } from '../messages.ts';
import { readAcceptWay } from '../settings.ts';
import type { TreeNode } from '../tree-nodes.ts';
import { whenWords } from '../handoffs/handoff-row.ts';
import { reviewUri } from './review-files.ts';

/** The work that a command is about: of one task, or of all that a run has merged. */
interface WorkTarget extends RunTarget {
  readonly id: TaskId | undefined;
}

/** Opens the diff of a task or of a run, all of its files in one editor. */
export async function reviewChanges(backlogs: Backlogs, node: TreeNode | undefined): Promise<void> {
  const target = await workOf(backlogs, node, 'Review Changes');
  if (target === undefined) return;
  const { backlog, run, id } = target;
  const review = await valueOrTell(backlogs.of(backlog).reviews.changes(run, id));
  if (review === undefined) return;
  const name = nameOf(target);
  if (review.files.length === 0)
    return void vscode.window.showInformationMessage(plain(`${name} has changed no files.`));
  await vscode.commands.executeCommand(
    'vscode.changes',
    plain(`Changes of ${name}`),
    resourcesOf(backlog.root, review),
  );
}

type Resource = readonly [
  label: vscode.Uri,
  left: vscode.Uri | undefined,
  right: vscode.Uri | undefined,
];

/** Each file with its two sides; one that is new or gone has one. `root`: the backlog's. */
export function resourcesOf(
  root: string,
  { top, files, base, commit }: Pick<Review, 'top' | 'files' | 'base' | 'commit'>,
): readonly Resource[] {
  return files.map(({ path, from, kind }) => [
    vscode.Uri.file(`${top}/${path}`),
    kind === 'added' ? undefined : reviewUri(root, base, from ?? path),
    kind === 'deleted' ? undefined : reviewUri(root, commit, path),
  ]);
}

/** Brings the work of a task or a run into the branch that the run was started for. */
export async function acceptChanges(backlogs: Backlogs, node: TreeNode | undefined): Promise<void> {
  const target = await workOf(backlogs, node, 'Accept Changes');
  if (target === undefined) return;
  const { backlog, run, id } = target;
  const { reviews } = backlogs.of(backlog);
  const review = await valueOrTell(reviews.changes(run, id));
  if (review === undefined) return;
  const branch = run.options.isolation?.target;
  const paths = review.files.map(({ path }) => path);
  const size = paths.length === 0 ? 'No files.' : `${count(paths.length, 'file')}: ${named(paths)}`;
  const way = readAcceptWay(backlog.root);
  const asked = `Accept the changes of ${nameOf(target)}${branch === undefined ? '' : ` into ${branch}`}?`;
  const others = review.tasks.filter((each) => each !== id);
  // Work on a task begins with what its run had merged by then.
  const comes = id === undefined || others.length === 0 ? [] : [comesWith(backlog, others)];
  if (!(await confirm(asked, [size, ...comes, WAYS[way]].join('\n\n'), 'Accept'))) return;
  const outcome = await valueOrTell(reviews.accept(run, id, way));
  if (outcome === undefined) return;
  if (outcome.kind !== 'accepted' && outcome.kind !== 'nothing')
    return void vscode.window.showWarningMessage(plain(whyNotAccepted(outcome, branch ?? '')));
  const commit = outcome.kind === 'accepted' ? outcome.commit : undefined;
  await setDone(backlogs, target, review.tasks, commit);
  await offerUndo(backlogs, target, outcome);
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
  { backlog }: WorkTarget,
  work: AcceptedWork,
): Promise<void> {
  const undone = await valueOrTell(backlogs.of(backlog).reviews.undo(work));
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
  const target = await workOf(backlogs, node, 'Discard Changes', isOfTask);
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

/** Begins a merge in the worktree of a task, and tells the user what to do there. */
export async function resolveConflict(
  backlogs: Backlogs,
  node: TreeNode | undefined,
): Promise<void> {
  const target = await workOf(backlogs, node, 'Resolve Conflict', isInConflict);
  if (target?.id === undefined) return;
  const { backlog, run, id } = target;
  const { reviews } = backlogs.of(backlog);
  const resolving = await valueOrTell(reviews.resolve(run, id));
  if (resolving === undefined) return;
  const { files, folder } = resolving;
  const name = nameOf(target);
  const message =
    files.length === 0
      ? `Nothing is in conflict any more in the worktree of ${name}.`
      : `Resolve ${firstOf(files.map(oneLine), 3, (file) => file)} in the worktree of ${name}, then choose Merge Again.`;
  const open = 'Open in New Window';
  const chosen = await vscode.window.showInformationMessage(plain(message), open, 'Merge Again');
  if (chosen === open) await openFolder(folder);
  else if (chosen === 'Merge Again') await mergeTarget(backlogs, target);
}

/** Merges the work of a task into its run, once a person has resolved the conflict. */
export async function mergeAgain(backlogs: Backlogs, node: TreeNode | undefined): Promise<void> {
  const target = await workOf(backlogs, node, 'Merge Again', isInConflict);
  if (target !== undefined) await mergeTarget(backlogs, target);
}

async function mergeTarget(backlogs: Backlogs, target: WorkTarget): Promise<void> {
  const { backlog, run, id } = target;
  if (id === undefined) return;
  const merged = await valueOrTell(backlogs.of(backlog).reviews.mergeAgain(run, id));
  if (merged === undefined) return;
  if (merged.kind === 'merged') {
    const message = `${nameOf(target)} is merged into the run. Accept Changes on the run brings it into your branch.`;
    void vscode.window.showInformationMessage(plain(message));
    return;
  }
  const files = firstOf(merged.files.map(oneLine), 5, (file) => file);
  void vscode.window.showWarningMessage(plain(`Still in conflict: ${files}.`));
}

/** Opens the worktree of a task in a window of its own. */
export async function openWorktree(backlogs: Backlogs, node: TreeNode | undefined): Promise<void> {
  const target = await workOf(backlogs, node, 'Open Worktree');
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

async function openFolder(folder: string): Promise<void> {
  const uri = vscode.Uri.file(folder);
  await vscode.commands.executeCommand('vscode.openFolder', uri, { forceNewWindow: true });
}

/** Lists the worktrees of a repository; removes those that the user chooses and nothing keeps. */
export async function cleanUpWorktrees(backlogs: Backlogs, backlog: Backlog): Promise<void> {
  const { reviews } = backlogs.of(backlog);
  const worktrees = await valueOrTell(reviews.worktrees());
  if (worktrees === undefined) return;
  if (worktrees.length === 0)
    return void vscode.window.showInformationMessage('There are no worktrees of Todo2 Waves.');
  const items = worktrees.map((worktree) => itemOf(worktree, backlog.now));
  const picked = await vscode.window.showQuickPick(items, {
    title: 'Clean Up Worktrees',
    placeHolder: 'Those that nothing keeps can be removed',
    canPickMany: true,
    matchOnDescription: true,
  });
  const stayed: string[] = [];
  let removed = 0;
  if (picked === undefined || picked.length === 0) return;
  for (const { worktree } of picked) {
    const asked = await reviews.remove(worktree.branch);
    const why = asked.ok ? asked.value : explainFailure(asked.failure, backlog.now).message;
    if (why === undefined) removed++;
    else stayed.push(`${worktree.branch}: ${why}`);
  }
  const words = [`${count(removed, 'worktree')} removed.`, ...stayed].join(' ');
  void vscode.window.showInformationMessage(plain(words));
}

interface WorktreeItem extends vscode.QuickPickItem {
  readonly worktree: KeptWorktree;
}

function itemOf(worktree: KeptWorktree, now: number): WorktreeItem {
  const { branch, folder, size, changedAt, why } = worktree;
  const age = changedAt === 0 ? [] : [whenWords(changedAt, now)];
  return {
    label: plain(branch),
    description: [sizeWords(size), ...age].join(' · '),
    detail: plain(`${why === undefined ? 'Nothing is lost with it.' : `Stays: ${why}`} ${folder}`),
    picked: why === undefined,
    worktree,
  };
}

function sizeWords(bytes: number): string {
  if (bytes < 1024 * 1024) return `${Math.ceil(bytes / 1024)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

/** What a row stands for, else what the user picks. */
async function workOf(
  backlogs: Backlogs,
  node: TreeNode | undefined,
  title: string,
  fits: (target: WorkTarget) => boolean = hasChanges,
): Promise<WorkTarget | undefined> {
  if (node?.kind === 'run' || node?.kind === 'runTask') {
    const run = node.backlog.runs.find(node.runId);
    const id = node.kind === 'runTask' ? node.taskId : undefined;
    return run && { backlog: node.backlog, run, id };
  }
  if (node !== undefined && 'taskId' in node) {
    const run = latestRunWith(node.backlog, node.taskId);
    if (run !== undefined) return { backlog: node.backlog, run, id: node.taskId };
  }
  const items = backlogs.all.flatMap((backlog) => itemsOf(backlog)).filter(fits);
  const none = `${title}: no run with worktrees has changed anything yet.`;
  return pickOne(items, none, { title, matchOnDescription: true });
}

function itemsOf(backlog: Backlog): readonly (vscode.QuickPickItem & WorkTarget)[] {
  const runs = [...backlog.runs.all.toReversed(), ...backlog.runs.past];
  return runs.flatMap((run) => {
    if (run.options.isolation === undefined) return [];
    const started = whenWords(run.startedAt, backlog.now);
    const whole = { label: `$(history) ${plain(run.title)}`, description: started };
    const tasks = [...run.tasks.values()].flatMap(({ id, outcome }) => {
      if (outcome === undefined) return [];
      const target = { backlog, run, id };
      return [{ ...target, label: plain(nameOf(target)), description: plain(id) }];
    });
    return [{ ...whole, backlog, run, id: undefined }, ...tasks];
  });
}

function hasChanges({ run, id }: WorkTarget): boolean {
  return id === undefined || evidenceOf(run.tasks.get(id)?.outcome)?.changes !== undefined;
}

function isOfTask(target: WorkTarget): boolean {
  return target.id !== undefined && hasChanges(target);
}

function isInConflict({ run, id }: WorkTarget): boolean {
  return id !== undefined && run.tasks.get(id)?.outcome?.kind === 'conflict';
}

/** The latest run in which a task changed something. */
export function latestRunWith(backlog: Backlog, id: TaskId): RunState | undefined {
  return [...backlog.runs.all.toReversed(), ...backlog.runs.past].find(
    ({ tasks }) => evidenceOf(tasks.get(id)?.outcome)?.changes !== undefined,
  );
}

function nameOf({ backlog, run, id }: WorkTarget): string {
  const title = oneLine(id === undefined ? run.title : (backlog.task(id)?.title ?? ''));
  return `“${title || (id ?? run.runId)}”`;
}

import * as vscode from 'vscode';
import type { Backlog } from '../../core/backlog.ts';
import { evidenceOf, type RunState } from '../../core/run/run-events.ts';
import type { TaskId } from '../../core/task.ts';
import { oneLine, plain } from '../../core/text.ts';
import { pickOne } from '../ask.ts';
import type { Backlogs } from '../backlogs.ts';
import type { RunTarget } from '../command-targets.ts';
import { whenWords } from '../handoffs/handoff-row.ts';
import type { TreeNode } from '../tree-nodes.ts';

/** The work that a command is about: of one task, or of all that a run has merged. */
export interface WorkTarget extends RunTarget {
  readonly id: TaskId | undefined;
}

/** What a row stands for, else what the user picks. */
export async function workOf(
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
      if (outcome === undefined || backlog.runs.sentBackIn(run.runId, id) !== undefined) return [];
      const target = { backlog, run, id };
      return [{ ...target, label: plain(nameOf(target)), description: plain(id) }];
    });
    return [{ ...whole, backlog, run, id: undefined }, ...tasks];
  });
}

function hasChanges({ run, id }: WorkTarget): boolean {
  return id === undefined || evidenceOf(run.tasks.get(id)?.outcome)?.changes !== undefined;
}

/** True for a task, not a whole run, that has changed something. */
export function isOfTask(target: WorkTarget): boolean {
  return target.id !== undefined && hasChanges(target);
}

/** True for a task whose work does not fit to what its run has merged. */
export function isInConflict({ run, id }: WorkTarget): boolean {
  return id !== undefined && run.tasks.get(id)?.outcome?.kind === 'conflict';
}

/** The latest run in which a task changed something. */
function latestRunWith(backlog: Backlog, id: TaskId): RunState | undefined {
  return [...backlog.runs.all.toReversed(), ...backlog.runs.past].find(
    ({ runId, tasks }) =>
      evidenceOf(tasks.get(id)?.outcome)?.changes !== undefined &&
      backlog.runs.sentBackIn(runId, id) === undefined,
  );
}

/** The title of a task or a run, in quotes. */
export function nameOf({ backlog, run, id }: WorkTarget): string {
  const title = oneLine(id === undefined ? run.title : (backlog.task(id)?.title ?? ''));
  return `“${title || (id ?? run.runId)}”`;
}

/** Opens the worktree of some work in a window of its own. */
export async function openFolder(folder: string): Promise<void> {
  const uri = vscode.Uri.file(folder);
  await vscode.commands.executeCommand('vscode.openFolder', uri, { forceNewWindow: true });
}

import * as vscode from 'vscode';
import type { Backlog } from '../../core/backlog.ts';
import {
  isAllAccepted,
  isInConflict as isTaskInConflict,
  isUndecided,
} from '../../core/run/decided-work.ts';
import { evidenceOf, type RunState, type TaskRun } from '../../core/run/run-events.ts';
import type { TaskId } from '../../core/task.ts';
import { oneLine, plain } from '../../core/text.ts';
import { pickOne } from '../ask.ts';
import type { Backlogs } from '../backlogs.ts';
import type { WorkPart } from '../../core/run/review.ts';
import type { RunTarget } from '../command-targets.ts';
import { whenWords } from '../handoffs/handoff-row.ts';
import { hasWaveRows } from '../runs/run-row.ts';
import { onlyWave } from '../runs/run-wave-row.ts';
import type { TreeNode } from '../tree-nodes.ts';

/** The work that a command is about: of a task, of a wave, or of all that a run has merged. */
export interface WorkTarget extends RunTarget {
  readonly id: TaskId | undefined;
  /** An index into the waves of the run. */
  readonly wave?: number;
}

/** That work, as a review is asked for it. */
export function partOf({ id, wave }: WorkTarget): WorkPart | undefined {
  return wave === undefined ? id : { wave };
}

/** What a row stands for, else what the user picks. */
export async function workOf(
  backlogs: Backlogs,
  node: TreeNode | undefined,
  title: string,
  fits: (target: WorkTarget) => boolean = hasChanges,
): Promise<WorkTarget | undefined> {
  if (node?.kind === 'run' || node?.kind === 'runWave') {
    const run = node.backlog.runs.find(node.runId);
    const wave = node.kind === 'runWave' ? { wave: node.wave } : {};
    return run && { backlog: node.backlog, run, id: undefined, ...wave };
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
    const waves = !hasWaveRows(run)
      ? []
      : run.waves.map((_, wave) => ({
          ...{
            label: `$(layers) Wave ${wave}`,
            description: plain(run.title),
          },
          ...{ backlog, run, id: undefined, wave },
        }));
    return [{ ...whole, backlog, run, id: undefined }, ...waves, ...tasks];
  });
}

function hasChanges({ run, id, wave }: WorkTarget): boolean {
  const hasWork = (task: TaskRun | undefined): boolean =>
    evidenceOf(task?.outcome)?.changes !== undefined;
  if (wave !== undefined) return [...onlyWave(run, wave).tasks.values()].some(hasWork);
  return id === undefined || hasWork(run.tasks.get(id));
}

/** True for what has a worktree: a task with changes, or a run. */
export function isNoWave(target: WorkTarget): boolean {
  return target.wave === undefined && hasChanges(target);
}

/** True for work that is not accepted yet and was not discarded. */
export function isOpenToAccept(target: WorkTarget): boolean {
  const { run, wave } = target;
  if (wave !== undefined) return [...onlyWave(run, wave).tasks.values()].some(isUndecided);
  return target.id === undefined ? !isAllAccepted(target.run) : isToDiscard(target);
}

/** True for the work on a task that was neither accepted nor discarded. */
export function isToDiscard({ run, id }: WorkTarget): boolean {
  const task = id === undefined ? undefined : run.tasks.get(id);
  return task !== undefined && isUndecided(task);
}

/** True for a task whose work does not fit to what its run has merged. */
export function isInConflict({ run, id }: WorkTarget): boolean {
  const task = id === undefined ? undefined : run.tasks.get(id);
  return task !== undefined && isTaskInConflict(task);
}

/** The latest run in which a task changed something. */
function latestRunWith(backlog: Backlog, id: TaskId): RunState | undefined {
  return [...backlog.runs.all.toReversed(), ...backlog.runs.past].find(
    ({ runId, tasks }) =>
      evidenceOf(tasks.get(id)?.outcome)?.changes !== undefined &&
      backlog.runs.sentBackIn(runId, id) === undefined,
  );
}

/** The title of a task or a run, in quotes; of a wave with its number. */
export function nameOf({ backlog, run, id, wave }: WorkTarget): string {
  if (wave !== undefined) return `wave ${wave} of “${oneLine(run.title) || run.runId}”`;
  const title = oneLine(id === undefined ? run.title : (backlog.task(id)?.title ?? ''));
  return `“${title || (id ?? run.runId)}”`;
}

/** Opens the worktree of some work in a window of its own. */
export async function openFolder(folder: string): Promise<void> {
  const uri = vscode.Uri.file(folder);
  await vscode.commands.executeCommand('vscode.openFolder', uri, { forceNewWindow: true });
}

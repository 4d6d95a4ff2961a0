import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import { oneLine, plain } from '../core/text.ts';
import type { RunState } from '../core/run/run-events.ts';
import type { Backlogs } from './backlogs.ts';
import { onRun, tellFailure } from './run-commands.ts';
import type { TreeNode } from './tree-nodes.ts';

/** Stops a run: the one of a row, the only active one, or the one that the user picks. */
export function stopRun(backlogs: Backlogs, node: TreeNode | undefined): Promise<void> {
  const fits = (_: Backlog, run: RunState): boolean => run.phase !== 'ended';
  return onRun(backlogs, node, 'Stop Run', fits, (backlog, { runId }) =>
    tellFailure(backlog.runs.steer(runId, { ask: 'stopRun' })),
  );
}

/**
 * Ends the work on the task of a row. A row that is just being redrawn comes without its task: then
 * the user picks.
 */
export async function stopTask(backlogs: Backlogs, node: TreeNode | undefined): Promise<void> {
  if (node !== undefined && 'taskId' in node) {
    await tellFailure(node.backlog.runs.steerTask(node.taskId, 'stopTask'));
    return;
  }
  const items = backlogs.all.flatMap((backlog) =>
    backlog.runs.all.flatMap((run) =>
      [...(run.phase === 'ended' ? [] : run.tasks.values())].flatMap(({ id, phase }) =>
        phase === 'ended'
          ? []
          : [
              {
                label: plain(oneLine(backlog.task(id)?.title ?? '') || id),
                description: plain(id),
                backlog,
                id,
              },
            ],
      ),
    ),
  );
  if (items.length === 0) {
    await vscode.window.showInformationMessage('Stop Task: no run has a task that has not ended.');
    return;
  }
  const picked = await vscode.window.showQuickPick(items, {
    title: 'Stop Task',
    matchOnDescription: true,
  });
  if (picked !== undefined) await tellFailure(picked.backlog.runs.steerTask(picked.id, 'stopTask'));
}

/** Ends every run, also those that another window leads. */
export async function stopAllRuns(backlogs: Backlogs): Promise<void> {
  await Promise.all(
    backlogs.all.flatMap((backlog) => {
      const elsewhere = backlog.runs.all.filter(
        (run) => run.phase !== 'ended' && backlog.runs.isLedElsewhere(run.runId),
      );
      return [
        backlog.runs.stopAll(),
        ...elsewhere.map(({ runId }) => tellFailure(backlog.runs.steer(runId, { ask: 'stopRun' }))),
      ];
    }),
  );
}

import { oneLine, plain } from '../../core/text.ts';
import type { Backlogs } from '../backlogs.ts';
import { pickOne, tellFailure } from '../ask.ts';
import type { TreeNode } from '../tree-nodes.ts';

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
    backlog.runs.all.flatMap((run) => {
      const open = [...run.tasks.values()].filter(
        ({ phase }) => run.phase !== 'ended' && phase !== 'ended',
      );
      return open.map(({ id }) => ({
        label: plain(oneLine(backlog.task(id)?.title ?? '') || id),
        description: plain(id),
        backlog,
        id,
      }));
    }),
  );
  const none = 'Stop Task: no run has a task that has not ended.';
  const picked = await pickOne(items, none, { title: 'Stop Task', matchOnDescription: true });
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

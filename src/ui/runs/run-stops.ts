import type { Backlog } from '../../core/backlog.ts';
import type { TaskRun } from '../../core/run/run-events.ts';
import type { TaskId } from '../../core/task.ts';
import { count, duration, oneLine, plain } from '../../core/text.ts';
import type { Backlogs } from '../backlogs.ts';
import { confirm, pickOne, tellFailure } from '../ask.ts';
import { titleOf } from '../wait-words.ts';
import type { TreeNode } from '../tree-nodes.ts';

/**
 * Ends the work on the task of a row. A row that is just being redrawn comes without its task: then
 * the user picks.
 */
export async function stopTask(backlogs: Backlogs, node: TreeNode | undefined): Promise<void> {
  if (node !== undefined && 'taskId' in node) {
    await endTask(node.backlog, node.taskId);
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
  if (picked !== undefined) await endTask(picked.backlog, picked.id);
}

async function endTask(backlog: Backlog, id: TaskId): Promise<void> {
  const part = backlog.runs.of(id)?.tasks.get(id);
  if (part === undefined || (await mayStop([{ backlog, part }])))
    await tellFailure(backlog.runs.steerTask(id, 'stopTask'));
}

/** A task of a run that is about to be stopped. */
export interface StopTarget {
  readonly backlog: Backlog;
  readonly part: TaskRun;
}

/** Below this, what is lost is no matter for a question. */
const WORTH_ASKING_MS = 60_000;

/** True where no agent has worked for more than a minute, or the user says that it is to end. */
export async function mayStop(targets: readonly StopTarget[]): Promise<boolean> {
  const atWork = targets.flatMap(({ backlog, part }) => {
    const { phase, agent, startedAt } = part;
    const isAgent = phase === 'running' && agent.agentMode !== 'human';
    return isAgent && startedAt !== undefined
      ? [{ name: titleOf(backlog, part.id), ms: backlog.now - startedAt }]
      : [];
  });
  const [first, ...more] = atWork;
  const longest = atWork.reduce((most, { ms }) => Math.max(most, ms), 0);
  if (first === undefined || longest <= WORTH_ASKING_MS) return true;
  const asked =
    more.length === 0
      ? `Stop the agent of “${first.name}”?`
      : `Stop ${count(atWork.length, 'agent')}?`;
  const whole = atWork.reduce((sum, { ms }) => sum + ms, 0);
  const worked =
    more.length === 0
      ? `It has worked for ${duration(whole)}.`
      : `They have worked for ${duration(whole)} in all.`;
  const after = 'Tasks go back to Todo. What was changed in files stays as it is.';
  return confirm(asked, `${worked} ${after}`, 'Stop');
}

/** Ends every run, also those that another window leads. */
export async function stopAllRuns(backlogs: Backlogs): Promise<void> {
  const targets = backlogs.all.flatMap((backlog) =>
    backlog.runs.all
      .filter(({ phase }) => phase !== 'ended')
      .flatMap(({ tasks }) => [...tasks.values()].map((part) => ({ backlog, part }))),
  );
  if (!(await mayStop(targets))) return;
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

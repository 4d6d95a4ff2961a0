import * as vscode from 'vscode';
import type { Backlog } from '../../core/backlog.ts';
import { count, plain } from '../../core/text.ts';
import type { RunState } from '../../core/run/run-events.ts';
import { onlyOrPicked, tellFailure } from '../ask.ts';
import type { Backlogs } from '../backlogs.ts';
import { MOST_AGENTS, readCap } from './run-choice.ts';
import type { RunTarget } from '../command-targets.ts';
import { scopeOf } from './run-scope.ts';
import { chooseHow } from './run-with.ts';
import { tasksOfWave, type TreeNode } from '../tree-nodes.ts';
import { openDocument } from '../documents.ts';
import { mayStop, type StopTarget } from './run-stops.ts';
import { showDryRun } from './show-dry-run.ts';
import { startRun } from './start-run.ts';

/** Runs what a row stands for, or what the user picks, after they confirm the options. */
export async function runWith(backlogs: Backlogs, node: TreeNode | undefined): Promise<void> {
  const target = await scopeOf(backlogs, node, 'Run With: which tasks?');
  if (target === undefined) return;
  const chosen = await chooseHow(backlogs, target.backlog, target.name);
  if (chosen === undefined) return;
  if (chosen.action === 'dryRun') await showDryRun(target.backlog, target.scope, chosen.choice);
  else await startRun(backlogs, target.backlog, target.scope, chosen.choice);
}

/** Shows what a run would do, as the settings have it. */
export async function dryRun(backlogs: Backlogs, node: TreeNode | undefined): Promise<void> {
  const target = await scopeOf(backlogs, node, 'Dry Run: which tasks?');
  if (target !== undefined) await showDryRun(target.backlog, target.scope, {});
}

/** Asks the leader of a run for something. */
export function steer(ask: 'pause' | 'goOn'): (target: RunTarget) => Promise<unknown> {
  return ({ backlog, run }) => tellFailure(backlog.runs.steer(run.runId, { ask }));
}

/** Ends all of a run. */
export async function stopRun({ backlog, run }: RunTarget): Promise<void> {
  const parts = [...run.tasks.values()].map((part) => ({ backlog, part }));
  if (await mayStop(parts)) await tellFailure(backlog.runs.steer(run.runId, { ask: 'stopRun' }));
}

/** Resumes an ended run: only the tasks that failed, were stopped or never ran. */
export function resumeRun({ backlog, run }: RunTarget): Promise<unknown> {
  return tellFailure(backlog.runs.resume(run.runId));
}

export function openRunReport({ backlog, run }: RunTarget): Promise<void> {
  return openDocument('run', backlog, run.runId);
}

/** Stops the tasks of a wave, at work or waiting. */
export async function stopWave(backlogs: Backlogs, node: TreeNode | undefined): Promise<void> {
  if (node?.kind === 'wave') {
    const { backlog, number } = node;
    const parts = tasksOfWave(backlog, number).flatMap(({ id }) => {
      const run = backlog.runs.of(id);
      const wave = run?.tasks.get(id)?.wave;
      return run === undefined || wave === undefined ? [] : [{ runId: run.runId, wave }];
    });
    await stopWaves(backlog, parts);
    return;
  }
  const items = backlogs.all.flatMap((backlog) =>
    backlog.runs.all.flatMap((run) =>
      openWaves(run).map(({ wave, open }) => ({
        label:
          run.waves.length === 1
            ? plain(run.title)
            : `${plain(run.title)}: wave ${wave} of the run`,
        description: `${count(open, 'task')} not ended`,
        backlog,
        part: { runId: run.runId, wave },
      })),
    ),
  );
  const picked = await onlyOrPicked(items, { title: 'Stop Wave' });
  if (picked !== undefined) await stopWaves(picked.backlog, [picked.part]);
}

/** Stops each wave of a run once: a wave of the tree may have tasks of several. */
async function stopWaves(
  backlog: Backlog,
  parts: readonly { runId: string; wave: number }[],
): Promise<void> {
  const different = new Map(parts.map((part) => [JSON.stringify([part.runId, part.wave]), part]));
  const tasks = [...different.values()].flatMap(({ runId, wave }): readonly StopTarget[] =>
    [...(backlog.runs.find(runId)?.tasks.values() ?? [])]
      .filter((part) => part.wave === wave)
      .map((part) => ({ backlog, part })),
  );
  if (!(await mayStop(tasks))) return;
  await Promise.all(
    [...different.values()].map(({ runId, wave }) =>
      tellFailure(backlog.runs.steer(runId, { ask: 'stopWave', wave })),
    ),
  );
}

function openWaves(run: RunState): readonly { readonly wave: number; readonly open: number }[] {
  if (run.phase === 'ended') return [];
  const open = run.waves.map(
    (ids) => ids.filter((id) => run.tasks.get(id)?.phase !== 'ended').length,
  );
  return open.flatMap((n, wave) => (n > 0 ? [{ wave, open: n }] : []));
}

/** Stops the attempt of a task, if there is one, and queues the task again. */
export async function requeueTask(node?: TreeNode): Promise<void> {
  if (node !== undefined && 'taskId' in node)
    await tellFailure(node.backlog.runs.steerTask(node.taskId, 'requeue'));
}

/** Asks for the number of agents at a time; the buttons change it at once, by one. */
export async function changeCap(backlog: Backlog): Promise<void> {
  const input = vscode.window.createInputBox();
  const [fewer, more] = [button('remove', 'One Fewer'), button('add', 'One More')];
  const set = (cap: number): void => {
    if (cap !== backlog.runs.cap) backlog.runs.setCap(cap);
    input.value = String(cap);
    input.validationMessage = undefined;
  };
  input.title = 'Agents at a Time';
  input.prompt = 'Counts at once. Fewer end no agent: the next ones wait for those at work.';
  input.buttons = [fewer, more];
  input.value = String(backlog.runs.cap);
  await new Promise<void>((resolve) => {
    const subscriptions = [
      input,
      input.onDidTriggerButton((pressed) =>
        set(Math.min(MOST_AGENTS, Math.max(1, backlog.runs.cap + (pressed === more ? 1 : -1)))),
      ),
      input.onDidChangeValue((text) => {
        input.validationMessage =
          readCap(text) === undefined ? `A number from 1 to ${MOST_AGENTS}.` : undefined;
      }),
      input.onDidAccept(() => {
        const cap = readCap(input.value);
        if (cap === undefined) return;
        set(cap);
        input.hide();
      }),
      input.onDidHide(() => {
        for (const subscription of subscriptions) subscription.dispose();
        resolve();
      }),
    ];
    input.show();
  });
}

function button(icon: string, tooltip: string): vscode.QuickInputButton {
  return { iconPath: new vscode.ThemeIcon(icon), tooltip };
}

/** Shows what the agent of a task wrote in its latest attempt. */
export async function openTaskLog(backlogs: Backlogs, node: TreeNode | undefined): Promise<void> {
  if (node === undefined || !('taskId' in node)) return;
  const latest = node.backlog.runs.latestOf(node.taskId);
  const attemptNo = latest?.part.attemptNo;
  if (latest !== undefined && attemptNo !== undefined)
    await backlogs.of(node.backlog).openLog(latest.run.runId, attemptNo);
}

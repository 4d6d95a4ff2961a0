import * as vscode from 'vscode';
import type { Backlog } from '../../core/backlog.ts';
import type { FromBoard } from '../../core/board/board-messages.ts';
import type { CardAction, RunAction } from '../../core/board/board-state.ts';
import { latestWork, type LatestWork } from '../../core/board/latest-work.ts';
import { isUndecided } from '../../core/run/decided-work.ts';
import { evidenceOf } from '../../core/run/run-events.ts';
import { taskId, type TaskId } from '../../core/task.ts';
import type { TreeNode } from '../tree-nodes.ts';

type Call = readonly [command: string, ...args: readonly unknown[]];

/** Whether a command is about the task, or about its work in a run. */
const ON_WORK: Readonly<Partial<Record<CardAction, string>>> = {
  review: 'reviewChanges',
  resolve: 'resolveConflict',
  mergeAgain: 'mergeAgain',
  discard: 'discardChanges',
  log: 'openTaskLog',
};
const ON_TASK: Readonly<Partial<Record<CardAction, string>>> = {
  run: 'runTask',
  requeue: 'requeueTask',
  stop: 'stopTask',
  finish: 'finishTask',
  terminal: 'showTerminal',
  claim: 'claimTask',
  edit: 'editTask',
  open: 'openTask',
};
const ON_RUN: Readonly<Partial<Record<RunAction, string>>> = {
  pause: 'pauseRun',
  goOn: 'goOnRun',
  stopRun: 'stopRun',
  resumeRun: 'resumeRun',
  report: 'openRunReport',
  reviewRun: 'reviewChanges',
  acceptRun: 'acceptChanges',
};

/**
 * The commands that a message of a board asks for, each called as from the tree: with a row, so
 * that it checks and asks the same. Those that a board does itself are none.
 */
export function callsOf(backlog: Backlog, message: FromBoard): readonly Call[] {
  switch (message.kind) {
    case 'card': {
      const work = latestWork([...backlog.runs.past, ...backlog.runs.all]);
      return message.ids.flatMap((id) => {
        const known = backlog.task(taskId(id));
        return known === undefined
          ? []
          : cardCall(backlog, known.id, message.action, work.get(known.id));
      });
    }
    case 'run':
      return runCall(backlog, message.action, message.runId);
    case 'wave':
      return [call('runWave', { kind: 'wave', backlog, number: message.wave })];
    case 'ready':
    case 'cap':
    case 'showRun':
    case 'drawer':
    case 'saveSvg':
      return [];
  }
}

function cardCall(
  backlog: Backlog,
  id: TaskId,
  action: CardAction,
  work: LatestWork | undefined,
): readonly Call[] {
  const task: TreeNode = { kind: 'task', backlog, taskId: id };
  const part: TreeNode | undefined = work && {
    kind: 'runTask',
    backlog,
    runId: work.run.runId,
    taskId: id,
  };
  const hasWork =
    work !== undefined &&
    evidenceOf(work.part.outcome)?.changes !== undefined &&
    isUndecided(work.part);
  switch (action) {
    case 'accept':
      return [hasWork && part !== undefined ? call('acceptChanges', part) : call('markDone', task)];
    case 'sendBack':
      return [hasWork && part !== undefined ? call('sendBackWork', part) : call('sendBack', task)];
    case 'release':
      return [call(backlog.runs.awaitsManualCompletion(id) ? 'giveBackTask' : 'releaseTask', task)];
    default: {
      const onWork = ON_WORK[action];
      const onTask = ON_TASK[action];
      if (onWork !== undefined) return part === undefined ? [] : [call(onWork, part)];
      return onTask === undefined ? [] : [call(onTask, task)];
    }
  }
}

function runCall(backlog: Backlog, action: RunAction, runId: string | undefined): readonly Call[] {
  const whole: TreeNode = { kind: 'backlog', backlog };
  if (action === 'runAll') return [call('runAllWaves', whole)];
  if (action === 'newTask') return [call('newTask', whole)];
  const run = runId === undefined ? undefined : backlog.runs.find(runId);
  const command = ON_RUN[action];
  if (run === undefined || command === undefined) return [];
  const node: TreeNode = { kind: 'run', backlog, runId: run.runId, ended: run.phase === 'ended' };
  return [call(command, node)];
}

function call(command: string, node: TreeNode): Call {
  return [`todo2Waves.${command}`, node];
}

/** Calls the commands one after the other: each may ask something. */
export async function perform(calls: readonly Call[]): Promise<void> {
  for (const [command, ...args] of calls) await vscode.commands.executeCommand(command, ...args);
}

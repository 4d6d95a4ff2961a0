import * as vscode from 'vscode';
import type { Backlog } from '../../core/backlog.ts';
import type { FromBoard } from '../../core/board/board-messages.ts';
import type { CardAction, RunAction } from '../../core/board/board-state.ts';
import { isUndecided } from '../../core/run/decided-work.ts';
import { taskId, type TaskId } from '../../core/task.ts';
import type { TreeNode } from '../tree-nodes.ts';

type Call = readonly [command: string, ...args: readonly unknown[]];

/** The commands of the same name; the rest depends on what there is to be done. */
const ON_TASK: Readonly<Partial<Record<CardAction, string>>> = {
  run: 'runTask',
  requeue: 'requeueTask',
  stop: 'stopTask',
  finish: 'finishTask',
  review: 'reviewChanges',
  resolve: 'resolveConflict',
  mergeAgain: 'mergeAgain',
  discard: 'discardChanges',
  log: 'openTaskLog',
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
      return message.ids.flatMap((id) => {
        const known = backlog.task(taskId(id));
        return known === undefined ? [] : cardCall(backlog, known.id, message.action);
      });
    }
    case 'run':
      return runCall(backlog, message.action, message.runId);
    case 'wave':
      // The name of the row in the tree is no matter: a wave is run by its number.
      return [call('runWave', { kind: 'wave', backlog, key: '', number: message.wave })];
    case 'ready':
    case 'cap':
    case 'showRun':
    case 'drawer':
    case 'saveSvg':
      return [];
  }
}

function cardCall(backlog: Backlog, id: TaskId, action: CardAction): readonly Call[] {
  const { runs } = backlog;
  const node: TreeNode = { kind: 'task', backlog, taskId: id };
  const latest = runs.latestOf(id);
  const hasWork = latest !== undefined && isUndecided(latest.part);
  switch (action) {
    case 'accept':
      return [call(hasWork ? 'acceptChanges' : 'markDone', node)];
    case 'sendBack':
      return [call(hasWork ? 'sendBackWork' : 'sendBack', node)];
    case 'release':
      return [call(runs.awaitsManualCompletion(id) ? 'giveBackTask' : 'releaseTask', node)];
    default: {
      const command = ON_TASK[action];
      return command === undefined ? [] : [call(command, node)];
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

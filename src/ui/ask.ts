import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import type { Failure } from '../core/failure.ts';
import type { Task } from '../core/task.ts';
import type { Backlogs } from './backlogs.ts';
import { explainFailure } from './messages.ts';
import { plain } from '../core/text.ts';
import { readinessText } from '../core/messages.ts';

/**
 * Shows a failure as one message with, where there is one, a button for the obvious thing to do.
 */
export async function tell(failure: Failure): Promise<void> {
  const { message, action } = explainFailure(failure, Date.now());
  const buttons = action === undefined ? [] : [action.title];
  const chosen = await vscode.window.showWarningMessage(plain(message), ...buttons);
  if (chosen !== undefined && action !== undefined)
    await vscode.commands.executeCommand(action.command);
}

/** Asks before an action that affects others; true where the button was pressed. */
export async function confirm(message: string, detail: string, button: string): Promise<boolean> {
  const chosen = await vscode.window.showWarningMessage(
    plain(message),
    { modal: true, detail },
    button,
  );
  return chosen === button;
}

/** The backlog that a command from the palette means: the only one, or the one the user picks. */
export async function pickBacklog(backlogs: Backlogs): Promise<Backlog | undefined> {
  const [only, ...more] = backlogs.all;
  if (more.length === 0) return only;
  const picked = await vscode.window.showQuickPick(
    backlogs.all.map((backlog) => ({
      label: plain(backlog.name),
      description: plain(backlog.root),
      backlog,
    })),
    { title: 'Which backlog?' },
  );
  return picked?.backlog;
}

/**
 * Lets the user pick a task of a backlog; undefined when they do not, or when there is none to
 * pick.
 */
export async function pickTask(
  backlogs: Backlogs,
  title: string,
  fits: (backlog: Backlog, task: Task) => boolean,
): Promise<{ backlog: Backlog; task: Task } | undefined> {
  const items = backlogs.all.flatMap((backlog) => {
    const tasks = (backlog.snapshot?.tasks ?? []).filter((task) => fits(backlog, task));
    const place = (task: Task): number =>
      backlog.plan?.waveOf.get(task.id) ?? Number.MAX_SAFE_INTEGER;
    return [...tasks]
      .sort((a, b) => place(a) - place(b))
      .map((task) => ({
        label: plain(task.title || task.id),
        description: plain(task.id),
        detail: plain(taskDetail(backlog, task)),
        backlog,
        task,
      }));
  });
  if (items.length === 0) {
    await vscode.window.showInformationMessage(`${title}: there is no such task.`);
    return undefined;
  }
  return vscode.window.showQuickPick(items, {
    title,
    matchOnDescription: true,
    placeHolder: 'Title or id',
  });
}

function taskDetail(backlog: Backlog, task: Task): string {
  const wave = backlog.plan?.waveOf.get(task.id);
  const place = wave === undefined ? [] : [`wave ${wave}`];
  const isSettled = task.status === 'Done' || task.status === 'Cancelled';
  return [
    ...place,
    isSettled ? task.status : readinessText(backlog.readinessOf(task), backlog.now),
  ].join(' · ');
}

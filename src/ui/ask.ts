import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import type { Failure } from '../core/failure.ts';
import type { Result } from '../core/result.ts';
import type { Task } from '../core/task.ts';
import type { Backlogs } from './backlogs.ts';
import { explainFailure } from './messages.ts';
import { plain } from '../core/text.ts';

/** A task that a command is about. */
export interface Target {
  readonly backlog: Backlog;
  readonly task: Task;
}

/** The same targets by their backlogs, in the order in which they come. */
export function byBacklog(targets: readonly Target[]): ReadonlyMap<Backlog, readonly Target[]> {
  const all = new Map<Backlog, Target[]>();
  for (const target of targets)
    all.set(target.backlog, [...(all.get(target.backlog) ?? []), target]);
  return all;
}

/** Shows a failure as one message, with a button where there is one obvious thing to do. */
export async function tell(failure: Failure): Promise<void> {
  const { message, action } = explainFailure(failure, Date.now());
  const buttons = action === undefined ? [] : [action.title];
  const chosen = await vscode.window.showWarningMessage(plain(message), ...buttons);
  if (chosen !== undefined && action !== undefined)
    await vscode.commands.executeCommand(action.command);
}

/** Waits for what was asked for and shows its failure; true where there is none. */
export async function tellFailure(asked: Promise<Result<unknown, Failure>>): Promise<boolean> {
  const result = await asked;
  if (!result.ok) await tell(result.failure);
  return result.ok;
}

/** The value of what was asked for; undefined where it failed, which the user is told. */
export async function valueOrTell<T>(asked: Promise<Result<T, Failure>>): Promise<T | undefined> {
  const result = await asked;
  if (result.ok) return result.value;
  await tell(result.failure);
  return undefined;
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

/** The only one of these items, else the one that the user picks. */
export async function onlyOrPicked<T extends vscode.QuickPickItem>(
  items: readonly T[],
  options: vscode.QuickPickOptions,
): Promise<T | undefined> {
  const [only, ...more] = items;
  return more.length === 0 ? only : vscode.window.showQuickPick(items, options);
}

/** The item that the user picks; where there is none to pick, the message `none` says so. */
export async function pickOne<T extends vscode.QuickPickItem>(
  items: readonly T[],
  none: string,
  options: vscode.QuickPickOptions,
): Promise<T | undefined> {
  if (items.length > 0) return vscode.window.showQuickPick(items, options);
  await vscode.window.showInformationMessage(none);
  return undefined;
}

/** The backlog that a command from the palette means: the only one, or the one the user picks. */
export async function pickBacklog(backlogs: Backlogs): Promise<Backlog | undefined> {
  const items = backlogs.all.map((backlog) => ({
    label: plain(backlog.name),
    description: plain(backlog.root),
    backlog,
  }));
  return (await onlyOrPicked(items, { title: 'Which backlog?' }))?.backlog;
}

/** A task as a line of a list, which is also a target. */
export function taskItem(
  backlog: Backlog,
  task: Task,
  detail: string,
): vscode.QuickPickItem & Target {
  return {
    label: plain(task.title || task.id),
    description: plain(task.id),
    detail: plain(detail),
    backlog,
    task,
  };
}

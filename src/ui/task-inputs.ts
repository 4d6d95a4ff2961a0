import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import type { Priority, Task, TaskId } from '../core/task.ts';
import { tell } from './ask.ts';
import { dependencyItems } from './dependency-items.ts';
import { parseTags } from './edit-words.ts';
import { plain } from '../core/text.ts';

/** The result where the user cancels with Escape. */
type Left = undefined;

export type WritablePriority = Exclude<Priority, 'other'>;

const PRIORITIES: readonly WritablePriority[] = ['critical', 'high', 'medium', 'low'];

/** Asks for a title: one line, not empty. */
export async function askTitle(title: string, value: string): Promise<string | Left> {
  const typed = await vscode.window.showInputBox({
    title,
    value,
    prompt: 'What is to be done, in one line',
    ignoreFocusOut: true,
    validateInput: (text) => (text.trim() === '' ? 'A task needs a title.' : undefined),
  });
  return typed?.trim();
}

/** Asks for tags, which are typed with commas between them. */
export async function askTags(
  title: string,
  current: readonly string[],
): Promise<readonly string[] | Left> {
  const typed = await vscode.window.showInputBox({
    title,
    value: current.join(', '),
    prompt: 'Tags, with commas between them; empty for none',
    ignoreFocusOut: true,
  });
  return typed === undefined ? undefined : parseTags(typed);
}

/** Asks for a priority. */
export async function askPriority(
  title: string,
  current: string,
): Promise<WritablePriority | Left> {
  const items = PRIORITIES.map((priority) => ({
    label: priority,
    description: priority === current ? 'now' : '',
    priority,
  }));
  const picked = await vscode.window.showQuickPick(items, { title, placeHolder: 'Priority' });
  return picked?.priority;
}

/**
 * Lets the user choose what `id`, or a task that is not there yet, depends on; what it depends on
 * now is ticked. A task that waits for `id` itself cannot be ticked, and says why.
 */
export function askDependencies(
  backlog: Backlog,
  title: string,
  id: TaskId | undefined,
  current: readonly TaskId[],
): Promise<readonly TaskId[] | Left> {
  const items = dependencyItems(backlog, id, current);
  const pick = vscode.window.createQuickPick<(typeof items)[number]>();
  Object.assign(pick, {
    title,
    placeholder: 'Tick the tasks that have to be done before',
    canSelectMany: true,
  });
  Object.assign(pick, { matchOnDescription: true, ignoreFocusOut: true, items });
  pick.selectedItems = items.filter((item) => current.includes(item.id));
  return new Promise((resolve) => {
    pick.onDidChangeSelection((selected) => {
      const refused = selected.find((item) => item.refusal !== undefined);
      if (refused === undefined) return;
      pick.selectedItems = selected.filter((item) => item.refusal === undefined);
      pick.title = plain(`${refused.id} cannot be chosen: that would be a circle`);
    });
    pick.onDidAccept(() => {
      resolve(
        pick.selectedItems.filter((item) => item.refusal === undefined).map((item) => item.id),
      );
      pick.hide();
    });
    pick.onDidHide(() => {
      resolve(undefined);
      pick.dispose();
    });
    pick.show();
  });
}

/** Lets the user choose the parent of a task; `none` takes it away. */
export async function askParent(
  backlog: Backlog,
  title: string,
  task: Task,
): Promise<TaskId | 'none' | Left> {
  const none = {
    label: '$(close) No parent',
    description: '',
    detail: '',
    id: 'none' as const,
    refusal: undefined,
  };
  const items = dependencyItems(backlog, task.id, []).filter((item) => item.id !== task.parentId);
  for (;;) {
    const picked = await vscode.window.showQuickPick(
      task.parentId === undefined ? items : [none, ...items],
      {
        title,
        placeHolder: 'A child never starts before its parent',
        matchOnDescription: true,
      },
    );
    if (picked?.refusal === undefined) return picked?.id;
    void tell({ kind: 'wouldCycle', id: task.id, on: picked.id, path: [picked.id, task.id] });
  }
}

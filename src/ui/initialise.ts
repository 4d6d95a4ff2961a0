import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import { count, plain } from '../core/text.ts';
import { pickBacklog, tell } from './ask.ts';
import type { Backlogs } from './backlogs.ts';
import { askToInitialise } from './edit-words.ts';
import { explainFailure } from './messages.ts';

/**
 * Makes a store in a folder that has none, once the user has seen what that does; imports a JSON
 * file where that is wanted.
 */
export async function initialise(backlogs: Backlogs): Promise<void> {
  const backlog = await pickBacklog(backlogs);
  if (backlog === undefined) {
    await vscode.window.showInformationMessage('Open a folder first: the store is made in it.');
    return;
  }
  const { store } = backlog;
  const hasDatabase = store.kind === 'unreadable' && store.failure.cause === 'noTasksTable';
  if (store.kind === 'ready' && store.snapshot.source === 'sqlite') {
    await vscode.window.showInformationMessage(`${plain(backlog.name)} has a Todo2 store already.`);
    return;
  }
  if (
    store.kind === 'unreadable' &&
    !hasDatabase &&
    store.failure.cause !== 'empty' &&
    !store.failure.file.endsWith('.json')
  ) {
    await tell(store.failure);
    return;
  }
  await askAndMake(backlogs, backlog, hasDatabase);
}

async function askAndMake(
  backlogs: Backlogs,
  backlog: Backlog,
  hasDatabase: boolean,
): Promise<void> {
  const read = await backlogs.of(backlog).importable();
  const tasks = read.ok ? read.value : [];
  const { message, detail } = askToInitialise({
    root: backlog.root,
    hasDatabase,
    importable: tasks.length,
    jsonTrouble: read.ok ? undefined : explainFailure(read.failure, backlog.now).message,
  });
  const withTasks = `Create and Import ${count(tasks.length, 'Task')}`;
  const without = tasks.length === 0 ? 'Create' : 'Create Without Them';
  const buttons = tasks.length === 0 ? [without] : [withTasks, without];
  const chosen = await vscode.window.showInformationMessage(
    plain(message),
    { modal: true, detail },
    ...buttons,
  );
  if (chosen === undefined) return;
  const made = await backlogs.of(backlog).initialise(chosen === withTasks ? tasks : []);
  if (!made.ok) await tell(made.failure);
  else if (!made.value) {
    await vscode.window.showInformationMessage(
      'Another program made a table of tasks meanwhile. Nothing was written.',
    );
  }
}

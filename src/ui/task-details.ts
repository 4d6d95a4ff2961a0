import type * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import type { TaskId } from '../core/task.ts';
import { showRendered } from './shown-documents.ts';
import { taskDocument } from './task-document.ts';
import { parseTaskUri, taskUri } from './task-uri.ts';

/** What stands in the details of the task that a URI names. */
export function taskText(uri: vscode.Uri, backlogs: readonly Backlog[]): string {
  const found = parseTaskUri(uri, backlogs);
  const task = found?.backlog.task(found.id);
  if (found === undefined || task === undefined) return '*This task is not in the backlog any more.*\n';
  return taskDocument(found.backlog, task);
}

/** Opens a task as a rendered page. */
export function openTaskDetails(backlog: Backlog, id: TaskId): Promise<void> {
  return showRendered(taskUri(backlog, id), 'keep');
}

import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import { type TaskId, taskId } from '../core/task.ts';

/** Scheme of the read-only documents that show a task. */
export const TASK_SCHEME = 'todo2-waves-task';

/**
 * Names a task's document: `todo2-waves-task:/<id>.md?<root>`. The id is encoded whole, so that no id is ever
 * taken for a path.
 */
export function taskUri(backlog: Backlog, id: TaskId): vscode.Uri {
  return vscode.Uri.from({ scheme: TASK_SCHEME, path: `/${encodeId(id)}.md`, query: backlog.root });
}

/** Finds the task that a document names; undefined where its backlog is not open. */
export function parseTaskUri(
  uri: vscode.Uri,
  backlogs: readonly Backlog[],
): { backlog: Backlog; id: TaskId } | undefined {
  const backlog = backlogs.find((b) => b.root === uri.query);
  if (uri.scheme !== TASK_SCHEME || backlog === undefined) return undefined;
  const id = decodeId(uri.path.slice(1, -'.md'.length));
  const { snapshot } = backlog;
  const task = snapshot?.byId.get(taskId(id)) ?? snapshot?.tasks.find((each) => each.id.toWellFormed() === id);
  return task === undefined ? undefined : { backlog, id: task.id };
}

/** Half a surrogate pair, which JSON may hold, has no place in a URI; two ids that differ in nothing else share a name. */
function encodeId(id: TaskId): string {
  return encodeURIComponent(id.toWellFormed());
}

/** Somebody may have typed the URI: what is no encoding names no task. */
function decodeId(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

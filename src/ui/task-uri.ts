import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import { type TaskId, taskId } from '../core/task.ts';

/** Scheme of the documents that hold a task's description and write it when they are saved. */
export const DESCRIPTION_SCHEME = 'todo2-waves-description';

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
  return findTask(backlog, uri.path.slice(1, -'.md'.length));
}

/** Names the document of a task's description: `todo2-waves-description:/<id>.description.md?<root>`. */
export function descriptionUri(backlog: Backlog, id: TaskId): vscode.Uri {
  return vscode.Uri.from({
    scheme: DESCRIPTION_SCHEME,
    path: `/${encodeId(id)}${DESCRIPTION_END}`,
    query: backlog.root,
  });
}

/** Finds the task whose description a document holds; undefined where its backlog is not open. */
export function parseDescriptionUri(
  uri: vscode.Uri,
  backlogs: readonly Backlog[],
): { backlog: Backlog; id: TaskId } | undefined {
  const backlog = backlogs.find((b) => b.root === uri.query);
  if (uri.scheme !== DESCRIPTION_SCHEME || backlog === undefined || !uri.path.endsWith(DESCRIPTION_END))
    return undefined;
  return findTask(backlog, uri.path.slice(1, -DESCRIPTION_END.length));
}

const DESCRIPTION_END = '.description.md';

function findTask(backlog: Backlog, name: string): { backlog: Backlog; id: TaskId } | undefined {
  const id = decodeId(name);
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

import * as vscode from 'vscode';
import { listOf, parseAs, someText } from '../../core/shape.ts';
import { taskId, type TaskId } from '../../core/task.ts';
import type { Backlogs } from '../backlogs.ts';
import { formatQuery, parseQuery } from '../documents.ts';

/**
 * Scheme of a file as a commit has it: `todo2-waves-file:/<path>?["<root>","<commit>"]`. Without a
 * commit it is empty: that side of a diff has no such file. Where it is what a task made of the
 * file, run and task follow the commit.
 */
export const REVIEW_SCHEME = 'todo2-waves-file';

/** Whose work is reviewed. */
export interface ReviewedTask {
  readonly runId: string;
  readonly id: TaskId;
}

/** What a task made of a file. */
export interface ReviewedWork extends ReviewedTask {
  readonly root: string;
  readonly commit: string;
  readonly path: string;
}

export function reviewUri(root: string, commit: string | undefined, path: string): vscode.Uri {
  return uriOf(path, formatQuery(root, commit ?? ''));
}

/** As `reviewUri`, for the side of a diff that has the work. */
export function workUri({ root, commit, path, runId, id }: ReviewedWork): vscode.Uri {
  return uriOf(path, JSON.stringify([root, commit, runId, id]));
}

function uriOf(path: string, query: string): vscode.Uri {
  return vscode.Uri.from({ scheme: REVIEW_SCHEME, path: `/${path.toWellFormed()}`, query });
}

/** The work that a document shows; undefined for any other document. */
export function reviewedWork({ scheme, path, query }: vscode.Uri): ReviewedWork | undefined {
  const read = scheme === REVIEW_SCHEME ? parseAs(listOf(someText), query) : undefined;
  const [root, commit, runId, id] = read ?? [];
  if (root === undefined || commit === undefined || runId === undefined || id === undefined)
    return undefined;
  return { root, commit, path: path.slice(1), runId, id: taskId(id) };
}

/** Provides the files of reviews; what cannot be shown as text says so. */
export function registerReviewFiles(backlogs: Backlogs): vscode.Disposable {
  return vscode.workspace.registerTextDocumentContentProvider(REVIEW_SCHEME, {
    provideTextDocumentContent: async ({ path, query }) => {
      const { root, key: commit } = parseQuery(query);
      const backlog = backlogs.all.find((each) => each.root === root);
      // Anything could be typed as a URI, and the commit becomes an argument of Git.
      if (backlog === undefined || !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(commit)) return '';
      const text = await backlogs.of(backlog).reviews.textAt(commit, path.slice(1));
      return text ?? 'This file cannot be shown as text.\n';
    },
  });
}

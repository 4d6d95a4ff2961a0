import * as vscode from 'vscode';
import type { Backlogs } from '../backlogs.ts';
import { formatQuery, parseQuery } from '../documents.ts';

/**
 * Scheme of a file as a commit has it: `todo2-waves-file:/<path>?["<root>","<commit>"]`. Without a
 * commit it is empty: that side of a diff has no such file.
 */
export const REVIEW_SCHEME = 'todo2-waves-file';

export function reviewUri(root: string, commit: string | undefined, path: string): vscode.Uri {
  return vscode.Uri.from({
    scheme: REVIEW_SCHEME,
    path: `/${path.toWellFormed()}`,
    query: formatQuery(root, commit ?? ''),
  });
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

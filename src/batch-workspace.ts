import type { Workspace } from './core/batch/tool.ts';
import { readCommits } from './run/tool-commits.ts';
import { scanDocs } from './store/docs-scan.ts';
import { readGoals, readPlans } from './store/workspace-texts.ts';

/** What the tools of a batch may read below a root. Only for folders that are trusted, as git is asked. */
export function openWorkspace(root: string): Workspace {
  return {
    scanDocs: (signal) => scanDocs(root, signal),
    readGoals: () => readGoals(root),
    readPlans: () => readPlans(root),
    commits: () => readCommits(root),
  };
}

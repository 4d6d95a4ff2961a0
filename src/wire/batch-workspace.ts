import type { Workspace } from '../core/batch/tool.ts';
import { openExarp } from '../agent-process/exarp-mcp.ts';
import { readCommits } from '../agent-process/git-commits.ts';
import { watchFiles } from '../store/files/changed-files.ts';
import { scanDocs } from '../store/files/docs-scan.ts';
import { readWorkflows } from '../store/files/workflow-files.ts';
import { readGoals, readPlans } from '../store/files/workspace-texts.ts';

/**
 * exarp-go as the user named it, a program on the PATH or an absolute path, and what it is told
 * that we are.
 */
export interface ExarpProgram {
  readonly program: string;
  readonly version: string;
}

/**
 * What the tools of a batch may read below a root. Only for folders that are trusted, as git and
 * exarp-go are asked.
 */
export function openWorkspace(root: string, exarp: ExarpProgram): Workspace {
  return {
    scanDocs: (signal) => scanDocs(root, signal),
    readGoals: () => readGoals(root),
    readPlans: () => readPlans(root),
    commits: () => readCommits(root),
    readWorkflows: () => readWorkflows(root),
    watchFiles: () => watchFiles(root),
    exarp: openExarp({ root, ...exarp }),
  };
}

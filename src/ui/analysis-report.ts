import * as vscode from 'vscode';
import { type Analysis, analyse, analysisJson } from '../core/analysis/analysis.ts';
import type { Backlog } from '../core/backlog.ts';
import type { Snapshot } from '../core/snapshot.ts';

/** Puts the analysis into the clipboard, in the shapes of exarp-go's `task_analysis`. */
export async function copyAnalysis(backlog: Backlog): Promise<void> {
  const analysis = analysisOf(backlog);
  if (analysis === undefined) return;
  await vscode.env.clipboard.writeText(`${JSON.stringify(analysisJson(analysis), undefined, 2)}\n`);
  void vscode.window.setStatusBarMessage('Copied: the analysis as JSON', 4_000);
}

interface Known {
  readonly key: string;
  readonly analysis: Analysis | undefined;
}

/** A run sends events every second, and most of them do not change the analysis. */
const known = new WeakMap<Snapshot, Known>();

/** The analysis of a backlog as it is; undefined where it has not been read. */
export function analysisOf(backlog: Backlog): Analysis | undefined {
  const { snapshot, options, runs } = backlog;
  if (snapshot === undefined) return undefined;
  const tasks = runs.all.flatMap((run) => [...run.tasks.values()]);
  const ended = tasks.filter(({ outcome }) => outcome !== undefined).length;
  const key = JSON.stringify([
    options.waves,
    options.agentRules,
    options.run.runMode,
    runs.cap,
    ended,
    runs.past.length,
  ]);
  const before = known.get(snapshot);
  if (before?.key === key) return before.analysis;
  const analysis = analyse(backlog);
  known.set(snapshot, { key, analysis });
  return analysis;
}

import * as vscode from 'vscode';
import { type Analysis, analyse, analysisJson } from '../core/analysis/analysis.ts';
import type { Backlog } from '../core/backlog.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { analysisDocument } from './analysis-document.ts';
import { showRendered } from './shown-documents.ts';

/** Scheme of the read-only documents that hold the analysis of a backlog. */
export const ANALYSIS_SCHEME = 'todo2-waves-analysis';

/** Names the analysis of the backlog of a root. */
export function analysisUri(root: string): vscode.Uri {
  return vscode.Uri.from({ scheme: ANALYSIS_SCHEME, path: '/Analysis.md', query: root });
}

/** What stands in the analysis of the backlog that a URI names. */
export function analysisText(uri: vscode.Uri, backlogs: readonly Backlog[]): string {
  const backlog = backlogs.find(({ root }) => root === uri.query);
  if (backlog === undefined) return '*This backlog is not open any more.*\n';
  const analysis = analysisOf(backlog);
  return analysis === undefined ? '*The backlog has not been read.*\n' : analysisDocument(backlog.name, analysis);
}

/** Opens the analysis as a rendered page, which follows the backlog. */
export function openAnalysis(backlog: Backlog): Promise<void> {
  return showRendered(analysisUri(backlog.root), 'take');
}

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

/** A run tells something every second, and most of it changes nothing of the analysis. */
const known = new WeakMap<Snapshot, Known>();

function analysisOf(backlog: Backlog): Analysis | undefined {
  const { snapshot, options, cap, runs, pastRuns } = backlog;
  if (snapshot === undefined) return undefined;
  const ended = runs.flatMap((run) => [...run.tasks.values()]).filter(({ outcome }) => outcome !== undefined).length;
  const key = JSON.stringify([options.waves, options.agentRules, options.run.runMode, cap, ended, pastRuns.length]);
  const before = known.get(snapshot);
  if (before?.key === key) return before.analysis;
  const analysis = analyse(backlog);
  known.set(snapshot, { key, analysis });
  return analysis;
}

import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import type { Backlogs } from './backlogs.ts';
import { findRun } from './run-row.ts';
import { type DocumentText, showRendered } from './shown-documents.ts';

/** Scheme of the read-only documents that hold the reports on runs. */
export const RUN_REPORT_SCHEME = 'todo2-waves-run';

/** Names the report on a run: `todo2-waves-run:/Run.md?["<root>","<run>"]`. */
export function runReportUri(backlog: Backlog, runId: string): vscode.Uri {
  const query = JSON.stringify([backlog.root, runId]);
  return vscode.Uri.from({ scheme: RUN_REPORT_SCHEME, path: '/Run report.md', query });
}

/** What stands in the report that a URI names. */
export function runReportText(backlogs: Backlogs): DocumentText {
  return (uri) => {
    const [root, runId] = parseQuery(uri.query);
    const backlog = backlogs.all.find((each) => each.root === root);
    if (backlog === undefined) return '*This backlog is not open any more.*\n';
    if (findRun(backlog, runId) === undefined) return '*This run is not kept any more.*\n';
    return backlogs.reportOf(backlog, runId);
  };
}

/** Opens the report on a run as a rendered page. */
export function openRunReport(backlog: Backlog, runId: string): Promise<void> {
  return showRendered(runReportUri(backlog, runId), 'take');
}

/** Somebody may have typed the URI: what is no pair of texts names nothing. */
function parseQuery(query: string): readonly [root: string, runId: string] {
  try {
    const value: unknown = JSON.parse(query);
    if (!Array.isArray(value)) return ['', ''];
    const [root, runId] = value as readonly unknown[];
    return [typeof root === 'string' ? root : '', typeof runId === 'string' ? runId : ''];
  } catch {
    return ['', ''];
  }
}

import * as vscode from 'vscode';
import type { Backlog } from '../../core/backlog.ts';
import { writeHandoffPrompt } from '../../core/handoff-prompt.ts';
import { taskId } from '../../core/task.ts';
import { handoffDocument } from './handoff-document.ts';
import { findHandoff } from './handoff-row.ts';
import { showRendered } from '../shown-documents.ts';

/** Scheme of the read-only documents that show a handoff. */
export const HANDOFF_SCHEME = 'todo2-waves-handoff';

/** What stands in the handoff that a URI names. */
export function handoffText(uri: vscode.Uri, backlogs: readonly Backlog[]): string {
  const backlog = backlogs.find((each) => each.root === uri.query);
  const handoff = backlog && findHandoff(backlog, keyOf(uri));
  if (backlog === undefined || handoff === undefined) return '*This handoff is not in the file any more.*\n';
  return handoffDocument(backlog, handoff);
}

/** Scheme of the read-only documents that hold the prompt to resume from a handoff. */
export const RESUME_SCHEME = 'todo2-waves-resume';

/** The prompt to resume from the handoff that a URI names. */
export function resumeText(uri: vscode.Uri, backlogs: readonly Backlog[]): string {
  const backlog = backlogs.find((each) => each.root === uri.query);
  const handoff = backlog && findHandoff(backlog, keyOf(uri));
  if (backlog === undefined || handoff === undefined) return 'This handoff is not in the file any more.\n';
  return writeHandoffPrompt(handoff, backlog.root, (id) => backlog.task(taskId(id)));
}

/** Opens the prompt as text, since that is what is handed on. */
export async function openResumePrompt({ root }: Backlog, key: string): Promise<void> {
  const path = `/${encodeURIComponent(key.toWellFormed())}.md`;
  await vscode.window.showTextDocument(vscode.Uri.from({ scheme: RESUME_SCHEME, path, query: root }));
}

/** Opens a handoff as a rendered page. */
export function openHandoffDetails(backlog: Backlog, key: string): Promise<void> {
  const path = `/${encodeURIComponent(key.toWellFormed())}.md`;
  return showRendered(vscode.Uri.from({ scheme: HANDOFF_SCHEME, path, query: backlog.root }), 'keep');
}

/** Somebody may have typed the URI: what is no encoding names no handoff. */
function keyOf(uri: vscode.Uri): string {
  const name = uri.path.slice(1, -'.md'.length);
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

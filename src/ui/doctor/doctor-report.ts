import * as vscode from 'vscode';
import type { Backlog } from '../../core/backlog.ts';
import { doctorDocument } from './doctor-document.ts';
import { showRendered } from '../shown-documents.ts';

/** Scheme of the read-only documents that hold the doctor's report on a backlog. */
export const DOCTOR_SCHEME = 'todo2-waves-doctor';

/** Names the report on the backlog of a root. */
export function doctorUri(root: string): vscode.Uri {
  return vscode.Uri.from({ scheme: DOCTOR_SCHEME, path: '/Doctor.md', query: root });
}

/** What stands in the report on the backlog that a URI names. */
export function doctorText(uri: vscode.Uri, backlogs: readonly Backlog[]): string {
  const backlog = backlogs.find(({ root }) => root === uri.query);
  return backlog === undefined ? '*This backlog is not open any more.*\n' : doctorDocument(backlog);
}

/** Opens the report as a rendered page. */
export function openDoctorReport(backlog: Backlog): Promise<void> {
  return showRendered(doctorUri(backlog.root), 'take');
}

import * as vscode from 'vscode';
import type { Severity } from '../../core/doctor/finding.ts';
import { type Disposable, together } from '../../core/events.ts';
import {
  type PlacedProblem,
  ProblemsPublisher,
  type PublisherContext,
} from './problems-publisher.ts';
import { readWantsProblems } from '../settings.ts';
import { documentUri } from '../documents.ts';

/** Shows the doctor's findings in the Problems panel, at the file of the store or a JSON entry. */
export function showProblems(
  context: Pick<PublisherContext, 'backlogs' | 'findEntries' | 'reportBug'>,
): Disposable {
  const collection = vscode.languages.createDiagnosticCollection('todo2Waves');
  const publisher = new ProblemsPublisher({
    ...context,
    isWanted: (root) => readWantsProblems(vscode.Uri.file(root)),
    set: (file, problems, root) =>
      collection.set(
        vscode.Uri.file(file),
        problems.map((problem) => diagnosticOf(problem, root)),
      ),
    delete: (file) => collection.delete(vscode.Uri.file(file)),
  });
  return together(
    publisher,
    collection,
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('todo2Waves.problems')) publisher.update();
    }),
  );
}

function diagnosticOf(
  { severity, message, id, place }: PlacedProblem,
  root: string,
): vscode.Diagnostic {
  const { line, character } = place ?? { line: 0, character: 0 };
  // The id and its quotes.
  const end = place === undefined ? 0 : character + id.length + 2;
  const diagnostic = new vscode.Diagnostic(
    new vscode.Range(line, character, line, end),
    message,
    SEVERITIES[severity],
  );
  diagnostic.source = 'Todo2 Waves';
  diagnostic.code = { value: 'Doctor', target: documentUri('doctor', root) };
  return diagnostic;
}

const SEVERITIES: Readonly<Record<Severity, vscode.DiagnosticSeverity>> = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  info: vscode.DiagnosticSeverity.Information,
};

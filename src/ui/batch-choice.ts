import * as vscode from 'vscode';
import { type Batch, BATCHES } from '../core/batch/batch.ts';
import {
  type BatchProblem,
  type BatchSource,
  type CustomBatch,
  readBatches,
} from '../core/batch/custom-batch.ts';
import type { ExarpCall } from '../core/batch/exarp-rules.ts';
import type { Workspace } from '../core/batch/tool.ts';
import { count, cut, oneLine, plain } from '../core/text.ts';
import { confirm } from './ask.ts';
import { readBatchSettings, SECTION } from './settings.ts';

const SETTING = `${SECTION}.batches`;

type Item = vscode.QuickPickItem &
  ({ readonly batch: Batch } | { readonly problem: BatchProblem } | object);

/**
 * Lets the user pick one of our batches or of their own. One that cannot be run stands in the list
 * with what is wrong with it, and picking it opens the place. Undefined where nothing is to be run.
 */
export async function pickBatch(root: string, workspace: Workspace): Promise<Batch | undefined> {
  const { texts, unread } = await workspace.readWorkflows();
  const files = texts.map(({ file, text }): BatchSource => ({
    place: file,
    text,
    name: baseName(file),
    hasLines: true,
  }));
  const { batches, problems } = readBatches([...files, ...settingSources(root)]);
  const tooMuch = unread.map((place) => ({
    place,
    line: undefined,
    text: 'it is too long, or one file too many',
  }));
  const items = batchItems(batches, [...problems, ...tooMuch]);
  const picked = await vscode.window.showQuickPick(items, {
    title: 'Run Batch: which one?',
    matchOnDetail: true,
  });
  if (picked === undefined) return undefined;
  if ('problem' in picked) await openProblem(root, picked.problem);
  return 'batch' in picked && (await mayRun(picked.batch)) ? picked.batch : undefined;
}

/** What the list shows: ours, those of the user's own, and those that cannot be run. */
export function batchItems(
  batches: readonly CustomBatch[],
  problems: readonly BatchProblem[],
): readonly Item[] {
  const ours = BATCHES.map((batch) => ({
    label: batch.title,
    detail: plain(stepNames(batch)),
    batch,
  }));
  const own = batches.map((batch) => ({
    label: plain(batch.title),
    description: plain(batch.place),
    detail: cut(plain(stepNames(batch)), 300),
    batch,
  }));
  const wrong = problems.map((problem) => ({
    label: `$(warning) ${plain(placeOf(problem))}`,
    detail: cut(plain(problem.text), 300),
    problem,
  }));
  const kind = vscode.QuickPickItemKind.Separator;
  return [
    ...ours,
    ...(own.length > 0 ? [{ label: 'Your own', kind }, ...own] : []),
    ...(wrong.length > 0 ? [{ label: 'Cannot be run', kind }, ...wrong] : []),
  ];
}

function placeOf({ place, line }: BatchProblem): string {
  return line === undefined ? place : `${place}:${line}`;
}

function settingSources(root: string): readonly BatchSource[] {
  return readBatchSettings(vscode.Uri.file(root)).map((value, index) => ({
    place: `${SETTING}[${index}]`,
    // `undefined` is nothing that JSON knows.
    text: JSON.stringify(value ?? null),
    name: `Batch ${index + 1}`,
    hasLines: false,
  }));
}

function baseName(file: string): string {
  return file.replace(/^.*\//s, '').replace(/\.ya?ml$/i, '');
}

async function openProblem(root: string, { place, line = 1 }: BatchProblem): Promise<void> {
  if (place.startsWith(SETTING)) {
    await vscode.commands.executeCommand('workbench.action.openSettings', SETTING);
    return;
  }
  const at = new vscode.Position(line - 1, 0);
  const file = vscode.Uri.joinPath(vscode.Uri.file(root), ...place.split('/'));
  await vscode.window.showTextDocument(file, { selection: new vscode.Range(at, at) });
}

/**
 * Asks before tools of exarp-go that may delete, overwrite or send something, each time: a batch
 * may have come with a folder.
 */
async function mayRun({ title, stages }: Batch): Promise<boolean> {
  const calls = stages.flat().flatMap(({ exarp }) => (exarp?.allowed === true ? [exarp] : []));
  if (calls.length === 0) return true;
  const message = `“${cut(oneLine(title), 60)}” lets exarp-go do ${count(calls.length, 'thing')} that may delete, overwrite or send something.`;
  return confirm(message, calls.map(callWords).join('\n'), 'Run');
}

function callWords({ tool, args }: ExarpCall): string {
  return cut(oneLine(`${tool} ${JSON.stringify(args)}`), 300);
}

function stepNames({ stages }: Batch): string {
  return stages.map((stage) => stage.map(({ title }) => title).join(' + ')).join(' → ');
}

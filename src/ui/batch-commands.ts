import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import { batchJson } from '../core/batch/batch-json.ts';
import { type Batch, runBatch } from '../core/batch/batch.ts';
import type { Workspace } from '../core/batch/tool.ts';
import { pickBatch } from './batch-choice.ts';
import { batchWords } from './batch-document.ts';
import { plain } from '../core/text.ts';
import { openDocument } from './documents.ts';

/** Puts the last batch into the clipboard, in the shape of exarp-go's `automation`. */
export async function copyBatch({ lastBatch }: Backlog): Promise<void> {
  if (lastBatch === undefined) {
    await vscode.window.showInformationMessage('No batch was run in this window.');
    return;
  }
  await vscode.env.clipboard.writeText(`${JSON.stringify(batchJson(lastBatch), undefined, 2)}\n`);
  void vscode.window.setStatusBarMessage('Copied: the batch as JSON', 4_000);
}

/** Runs the batch that the user picks, under a notification that counts and can cancel. */
export async function chooseBatch(backlog: Backlog, workspace: Workspace): Promise<void> {
  const batch = await pickBatch(backlog.root, workspace);
  if (batch !== undefined) await start(batch, backlog, workspace);
}

async function start(batch: Batch, backlog: Backlog, workspace: Workspace): Promise<void> {
  const stop = new AbortController();
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: plain(batch.title),
    cancellable: true,
  };
  const result = await vscode.window.withProgress(options, (progress, token) => {
    token.onCancellationRequested(() => stop.abort());
    let told = 0;
    return runBatch(batch, {
      backlog,
      workspace,
      signal: stop.signal,
      maxParallel: backlog.options.maxParallelTools,
      onProgress: (ended, total, atWork) => {
        const increment = ((ended - told) / Math.max(1, total)) * 100;
        told = ended;
        progress.report({
          message: plain([`${ended} of ${total}`, ...atWork.slice(0, 3)].join(' · ')),
          increment,
        });
      },
    });
  });
  if (result === undefined) {
    await vscode.window.showWarningMessage(
      'The backlog has not been read, so there is nothing to look at.',
    );
    return;
  }
  backlog.noteBatch(result);
  const message = plain(`${result.title}: ${batchWords(result)}`);
  const isWell = result.status === 'success' || result.status === 'cancelled';
  const tell = isWell ? vscode.window.showInformationMessage : vscode.window.showWarningMessage;
  // The command ends without waiting for an answer.
  void tell(message, REPORT).then((chosen) =>
    chosen === REPORT ? openDocument('batch', backlog) : undefined,
  );
}

const REPORT = 'Open Report';

import { writeFileSync } from 'node:fs';
import * as vscode from 'vscode';

/** How long the editor took for one extension, in ms, as its own performance view has it. */
export interface ActivationTimes {
  readonly loadMs: number;
  readonly activateMs: number;
}

/**
 * Runs in the extension host: writes the activation times of both extensions to the file that
 * `BENCH_OUT` names.
 */
export async function run(): Promise<void> {
  for (const id of IDS) await vscode.extensions.getExtension(id)?.activate();
  await vscode.commands.executeCommand('perfview.show');
  for (let attempt = 0; attempt < 100; attempt++) {
    const text =
      vscode.workspace.textDocuments
        .find((document) => document.uri.scheme === 'perf')
        ?.getText() ?? '';
    const times = IDS.map((id) => timesOf(text, id));
    if (times.every((time) => time !== undefined)) {
      writeFileSync(process.env['BENCH_OUT'] ?? '', JSON.stringify(times));
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('The editor does not show how long extensions took');
}

const IDS = ['todo2waves.todo2-waves', 'todo2waves.empty-probe'];

// | id | eager | load code | call activate | finish activate | event | by |
function timesOf(table: string, id: string): ActivationTimes | undefined {
  const row = table.split('\n').find((line) => line.startsWith(`| ${id} `));
  if (row === undefined) return undefined;
  const cells = row.split('|').map((cell) => Number(cell.trim()));
  const [load, call, finish] = [cells[3], cells[4], cells[5]];
  if (load === undefined || call === undefined || finish === undefined) return undefined;
  return { loadMs: load, activateMs: call + finish };
}

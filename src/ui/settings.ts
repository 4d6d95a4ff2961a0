import * as vscode from 'vscode';
import type { Settings } from '../core/config.ts';

/** The section that every setting of ours stands in. */
export const SECTION = 'todo2Waves';

/** What the settings say for a folder; values that a person mistyped count as not set. */
export function readSettings(folder: vscode.Uri | undefined): Settings {
  const settings = vscode.workspace.getConfiguration(SECTION, folder ?? null);
  const oneOf = <T extends string>(key: string, known: readonly [T, ...T[]]): T => {
    const value = settings.get<unknown>(key);
    return known.find((candidate) => candidate === value) ?? known[0];
  };
  const count = (key: string, unset: (n: number) => boolean): number | undefined => {
    const value = settings.get<unknown>(key);
    return typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || unset(value) ? undefined : value;
  };
  const leaseMinutes = count('leaseMinutes', (n) => n === 0);
  const staleLockMinutes = count('staleLockMinutes', (n) => n === 0);
  const priority = oneOf('newTaskPriority', ['project', 'critical', 'high', 'medium', 'low']);
  return {
    waveNumbering: oneOf('waveNumbering', ['open', 'exarp']),
    missingDependencies: oneOf('missingDependencies', ['satisfied', 'blocked']),
    parentEdges: oneOf('parentEdges', ['exarp', 'ignore']),
    maxTasksPerWave: count('maxTasksPerWave', () => false),
    maxParallelTasks: count('maxParallelTasks', (n) => n === 0),
    leaseMs: leaseMinutes === undefined ? undefined : leaseMinutes * 60_000,
    staleLockMs: staleLockMinutes === undefined ? undefined : staleLockMinutes * 60_000,
    newTaskPriority: priority === 'project' ? undefined : priority,
    minDescriptionLength: count('minDescriptionLength', () => false),
    statusOnSuccess: oneOf('statusOnSuccess', ['Review', 'Done']),
    reviewOpensGate: oneOf('reviewOpensGate', ['inRun', 'always', 'never']),
  };
}

/** The agent a person chose, and the parts of the custom one, as they stand in the settings. */
export function readAgentSettings(folder: vscode.Uri | undefined): { agent: string; custom: unknown } {
  const settings = vscode.workspace.getConfiguration(SECTION, folder ?? null);
  return { agent: settings.get<string>('agent') ?? 'auto', custom: settings.get<unknown>('customAgent') };
}

/** The Node.js that a person named for writing locks; undefined where the choice is ours. */
export function readNodePath(): string | undefined {
  const path = vscode.workspace.getConfiguration(SECTION).get<string>('nodePath');
  return path === undefined || path.trim() === '' ? undefined : path.trim();
}

/** Whether a person wants what the doctor finds in the Problems panel. */
export function readWantsProblems(folder: vscode.Uri): boolean {
  return vscode.workspace.getConfiguration(SECTION, folder).get<string>('problems') !== 'off';
}

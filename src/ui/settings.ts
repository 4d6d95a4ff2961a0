import * as vscode from 'vscode';
import { RUN_DEFAULTS, type RunRules, type RunSettings, type Settings } from '../core/config.ts';
import {
  parseAgentRules,
  parseCommands,
  parseVerifyCommand,
  parseVerifyRules,
} from '../core/run/agent-rules.ts';
import { ISOLATION_CHOICES, ISOLATION_START_SETTINGS } from '../core/run/isolation.ts';
import { ACCEPT_WAYS, type AcceptWay } from '../core/run/review.ts';
import { parseRunBudget } from '../core/run/run-budget.ts';
import { AGENT_MODES, SAME_FILES } from '../core/run/run-options.ts';
import { AGENT_KINDS } from '../core/run/run-messages.ts';

/** The section that every setting of ours stands in. */
export const SECTION = 'todo2Waves';

/** The longest time limit: a week. A much longer one would not fit a timer. */
const MOST_MINUTES = 7 * 24 * 60;

function settingsOf(folder: vscode.Uri | undefined): vscode.WorkspaceConfiguration {
  return vscode.workspace.getConfiguration(SECTION, folder ?? null);
}

/** Checked values of one folder: invalid ones count as not set. */
function checked(folder: vscode.Uri | undefined) {
  const settings = settingsOf(folder);
  return {
    settings,
    /** One of the known words, else the first of them. */
    oneOf: <T extends string>(key: string, known: readonly [T, ...T[]]): T => {
      const value = settings.get<unknown>(key);
      return known.find((candidate) => candidate === value) ?? known[0];
    },
    /** A whole number that is not negative, else undefined. */
    count: (key: string, unset: (n: number) => boolean): number | undefined => {
      const value = settings.get<unknown>(key);
      return typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || unset(value)
        ? undefined
        : value;
    },
  };
}

/** The settings of a folder; invalid values count as not set. */
export function readSettings(folder: vscode.Uri | undefined): Settings {
  const { oneOf, count } = checked(folder);
  const leaseMinutes = count('leaseMinutes', (n) => n === 0);
  return {
    waveNumbering: oneOf('waveNumbering', ['open', 'exarp']),
    missingDependencies: oneOf('missingDependencies', ['satisfied', 'blocked']),
    maxTasksPerWave: count('maxTasksPerWave', () => false),
    maxParallelTasks: count('maxParallelTasks', (n) => n === 0),
    leaseMs: leaseMinutes === undefined ? undefined : leaseMinutes * 60_000,
    statusOnSuccess: oneOf('statusOnSuccess', ['Review', 'Done']),
    reviewOpensGate: oneOf('reviewOpensGate', ['inRun', 'always', 'never']),
    ...readRules(folder).rules,
    run: readRunSettings(folder),
    agent: {
      agent: readAgentSettings(folder).agent,
      model: undefined,
      agentMode: oneOf('agentMode', AGENT_MODES),
    },
  };
}

function readRunSettings(folder: vscode.Uri | undefined): RunSettings {
  const { settings, oneOf, count } = checked(folder);
  const atMost = (most: number) => (n: number) => n > most;
  const minutes = (value: number | undefined, otherwise: number): number =>
    value === undefined ? otherwise : value * 60_000;
  const retryAfterSeconds = count('retryAfterSeconds', atMost(600));
  return {
    runMode: oneOf('runMode', ['strict', 'flow']),
    onFailure: oneOf('onFailure', ['continue', 'stopAfterWave', 'stopAtOnce']),
    pauseBetweenWaves: settings.get<unknown>('pauseBetweenWaves') === true,
    heldTasks: oneOf('heldTasks', ['skip', 'wait']),
    retries: count('retries', atMost(10)) ?? RUN_DEFAULTS.retries,
    retryAfterMs:
      retryAfterSeconds === undefined ? RUN_DEFAULTS.retryAfterMs : retryAfterSeconds * 1000,
    maxEqualFailures: RUN_DEFAULTS.maxEqualFailures,
    timeLimitMs: minutes(
      count('taskTimeLimitMinutes', atMost(MOST_MINUTES)),
      RUN_DEFAULTS.timeLimitMs,
    ),
    stuckAfterMs: minutes(
      count('stuckAfterMinutes', atMost(MOST_MINUTES)),
      RUN_DEFAULTS.stuckAfterMs,
    ),
    budget: parseRunBudget(settings.get<unknown>('runBudget')),
    isolation: oneOf('isolation', ISOLATION_CHOICES),
    isolationStart: oneOf('worktreesBegin', ISOLATION_START_SETTINGS),
    sameFiles: oneOf('sameFiles', SAME_FILES),
    resolveConflicts: settings.get<unknown>('resolveConflicts') !== false,
    whenWindowCloses: oneOf('whenWindowCloses', ['keep', 'stop']),
  };
}

function readRules(folder: vscode.Uri | undefined): {
  readonly rules: RunRules;
  readonly problems: readonly string[];
} {
  const settings = settingsOf(folder);
  const agents = parseAgentRules(settings.get<unknown>('agentRules'), AGENT_KINDS);
  const verify = parseVerifyRules(settings.get<unknown>('verify'));
  const wave = parseVerifyCommand(settings.get<unknown>('verifyWave'));
  const setup = parseCommands(settings.get<unknown>('worktreeSetup'));
  const named = (key: string, problems: readonly string[]): readonly string[] =>
    problems.map((problem) => `${SECTION}.${key}: ${problem}`);
  return {
    rules: {
      agentRules: agents.rules,
      verify: verify.rules,
      verifyWave: wave.verify,
      worktreeSetup: setup.commands,
      cursorWorktreeSetup: settings.get<unknown>('cursorWorktreeSetup') === true,
    },
    problems: [
      ...named('agentRules', agents.problems),
      ...named('verify', verify.problems),
      ...named('verifyWave', wave.problems),
      ...named('worktreeSetup', setup.problems),
    ],
  };
}

/** The problems of rules in the settings of a folder, for the log; those rules are ignored. */
export function readRuleProblems(folder: vscode.Uri | undefined): readonly string[] {
  return readRules(folder).problems;
}

/** Sets one setting of a folder: for this folder where the window has several. */
export async function writeSetting(root: string, key: string, value: unknown): Promise<void> {
  const folder = vscode.Uri.file(root);
  const { workspaceFolders = [], getWorkspaceFolder } = vscode.workspace;
  const place =
    workspaceFolders.length > 1 && getWorkspaceFolder(folder)
      ? vscode.ConfigurationTarget.WorkspaceFolder
      : vscode.ConfigurationTarget.Workspace;
  await vscode.workspace.getConfiguration(SECTION, folder).update(key, value, place);
}

/** Whether the user wants notices when a run needs them. */
export function readWantsNotices(folder: vscode.Uri): boolean {
  return settingsOf(folder).get<string>('needsYouNotices') !== 'off';
}

/** The agent the user chose, and the parts of the custom one, as they stand in the settings. */
export function readAgentSettings(folder: vscode.Uri | undefined): {
  agent: string;
  custom: unknown;
} {
  const settings = settingsOf(folder);
  const agent = settings.get<unknown>('agent');
  return {
    agent: typeof agent === 'string' ? agent : 'auto',
    custom: settings.get<unknown>('customAgent'),
  };
}

/** How waves are brought to subagents of the editor. */
export interface SubagentSettings {
  /** Whether the chat that starts them is only filled in, or sent as well. */
  readonly send: 'prefill' | 'send';
  /** How many of them the editor runs at a time, where it starts them itself. */
  readonly atOnce: number;
}

const MOST_SUBAGENTS = 16;

/** The subagent settings of a folder; invalid values count as not set. */
export function readSubagentSettings(folder: vscode.Uri | undefined): SubagentSettings {
  const { oneOf, count } = checked(folder);
  return {
    send: oneOf('subagentsSend', ['prefill', 'send']),
    atOnce: count('subagentsAtOnce', (n) => n === 0 || n > MOST_SUBAGENTS) ?? 4,
  };
}

/** The Node.js that the user configured for writing locks; undefined for the default. */
export function readNodePath(): string | undefined {
  const path = vscode.workspace.getConfiguration(SECTION).get<string>('nodePath');
  return path === undefined || path.trim() === '' ? undefined : path.trim();
}

/** The file of waves, relative to the root, with `/`; undefined where they are computed. */
export function readWaveSource(folder: vscode.Uri): string | undefined {
  const value = vscode.workspace.getConfiguration(SECTION, folder).get<unknown>('waveSource');
  if (typeof value !== 'string') return undefined;
  const file = value
    .trim()
    .replaceAll('\\', '/')
    .replace(/^(\.\/)+/, '');
  return file === '' || file === 'computed' ? undefined : file;
}

/** How accepted work gets into the branch of the user. */
export function readAcceptWay(root: string): AcceptWay {
  return checked(vscode.Uri.file(root)).oneOf('acceptWay', ACCEPT_WAYS);
}

/** Which ignored files a worktree gets, in the syntax of `.gitignore`. */
export function readWorktreeFiles(folder: vscode.Uri): readonly string[] {
  const value = settingsOf(folder).get<unknown>('worktreeFiles');
  const known = Array.isArray(value) ? (value as readonly unknown[]) : [];
  return known.filter((pattern) => typeof pattern === 'string');
}

/** Where worktrees lie, relative to the repository; empty for beside it. */
export function readWorktreesFolder(folder: vscode.Uri): string {
  const value = settingsOf(folder).get<unknown>('worktreesFolder');
  return typeof value === 'string' ? value.trim() : '';
}

/** Whether the user wants what the doctor finds in the Problems panel. */
export function readWantsProblems(folder: vscode.Uri): boolean {
  return vscode.workspace.getConfiguration(SECTION, folder).get<string>('problems') !== 'off';
}

/** The program that the user named as exarp-go, else its own name. */
export function readExarpPath(): string {
  const path = vscode.workspace.getConfiguration(SECTION).get<string>('exarpPath')?.trim() ?? '';
  return path === '' ? 'exarp-go' : path;
}

/** Batches of the user's own as they stand in the settings, unchecked. */
export function readBatchSettings(folder: vscode.Uri): readonly unknown[] {
  const value = vscode.workspace.getConfiguration(SECTION, folder).get<unknown>('batches');
  return Array.isArray(value) ? (value as readonly unknown[]).slice(0, MOST_BATCHES) : [];
}

const MOST_BATCHES = 50;

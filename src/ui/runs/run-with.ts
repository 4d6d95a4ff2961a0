import * as vscode from 'vscode';
import type { Backlog } from '../../core/backlog.ts';
import type { RunChoice } from '../../core/run/run-choice.ts';
import {
  ISOLATION_CHOICES,
  ISOLATION_STARTS,
  type IsolationStartSetting,
} from '../../core/run/isolation.ts';
import { isModelName } from '../../core/run/journal/model-name.ts';
import { AGENT_MODES } from '../../core/run/run-options.ts';
import type { Backlogs } from '../backlogs.ts';
import {
  choiceWords,
  ENDING_WORDS,
  ENDINGS,
  ISOLATION_WORDS,
  MODE_WORDS,
  MODES,
  MOST_AGENTS,
  readCap,
  START_WORDS,
  WAY_WORDS,
} from './run-choice.ts';
import { plain } from '../../core/text.ts';

/** What the user wants done with what they chose. */
export interface Chosen {
  readonly choice: RunChoice;
  readonly action: 'run' | 'dryRun';
}

type Field =
  | 'mode'
  | 'agent'
  | 'model'
  | 'cap'
  | 'onFailure'
  | 'agentMode'
  | 'pause'
  | 'isolation'
  | 'isolationStart';

interface Item extends vscode.QuickPickItem {
  readonly does: 'run' | 'dryRun' | 'forget' | Field;
}

/**
 * Lets the user change how one run goes, in one list that comes back after each change; undefined
 * where they leave it. It begins with what they chose last.
 */
export async function chooseHow(
  backlogs: Backlogs,
  backlog: Backlog,
  what: string,
): Promise<Chosen | undefined> {
  let choice = backlogs.of(backlog).lastChoice();
  for (;;) {
    const title = `Run ${plain(what)} With`;
    const picked = await vscode.window.showQuickPick(itemsOf(backlog, choice), {
      title,
      matchOnDescription: true,
    });
    if (picked === undefined) return undefined;
    switch (picked.does) {
      case 'run':
      case 'dryRun':
        await backlogs.of(backlog).rememberChoice(choice);
        return { choice, action: picked.does };
      case 'forget':
        choice = {};
        break;
      default:
        choice = await change(backlogs, backlog, choice, picked.does);
    }
  }
}

function itemsOf(backlog: Backlog, choice: RunChoice): Item[] {
  const words = choiceWords(backlog, choice);
  const item = (does: Item['does'], icon: string, label: string, description: string): Item => ({
    does,
    label: `$(${icon}) ${label}`,
    description: plain(description),
  });
  return [
    item('run', 'play', 'Run', ''),
    item('dryRun', 'beaker', 'Dry Run', 'shows what would be done, and starts nothing'),
    item('mode', 'list-ordered', 'Order', words.mode),
    item('agent', 'robot', 'Agent', words.agent),
    item('model', 'symbol-misc', 'Model', words.model),
    item('cap', 'layers', 'At a time', words.cap),
    item('onFailure', 'error', 'After a failure', words.onFailure),
    item('agentMode', 'terminal', 'Agents work', words.agentMode),
    item('pause', 'debug-pause', 'Pause', words.pause),
    item('isolation', 'worktree', 'Folder', words.isolation),
    ...((choice.isolation ?? backlog.options.run.isolation) === 'shared'
      ? []
      : [item('isolationStart', 'git-commit', 'Worktrees begin with', words.isolationStart)]),
    ...(Object.keys(choice).length === 0
      ? []
      : [item('forget', 'discard', 'As the settings have it', 'forgets what is chosen here')]),
  ];
}

async function change(
  backlogs: Backlogs,
  backlog: Backlog,
  choice: RunChoice,
  field: Field,
): Promise<RunChoice> {
  const { run, agent } = backlog.options;
  switch (field) {
    case 'mode': {
      const mode = await pickWord('Order', MODES, MODE_WORDS, choice.runMode ?? run.runMode);
      return mode === undefined ? choice : { ...choice, runMode: mode };
    }
    case 'onFailure': {
      const onFailure = await pickWord(
        'After a failure',
        ENDINGS,
        ENDING_WORDS,
        choice.onFailure ?? run.onFailure,
      );
      return onFailure === undefined ? choice : { ...choice, onFailure };
    }
    case 'agentMode': {
      const agentMode = await pickWord(
        'Agents work',
        AGENT_MODES,
        WAY_WORDS,
        choice.agentMode ?? agent.agentMode,
      );
      return agentMode === undefined ? choice : { ...choice, agentMode };
    }
    case 'isolation': {
      const current = choice.isolation ?? run.isolation;
      const isolation = await pickWord('Folder', ISOLATION_CHOICES, ISOLATION_WORDS, current);
      return isolation === undefined ? choice : { ...choice, isolation };
    }
    case 'isolationStart': {
      const current = choice.isolationStart ?? run.isolationStart;
      const start = await pickWord<IsolationStartSetting>(
        'Worktrees begin with',
        ISOLATION_STARTS,
        START_WORDS,
        current,
      );
      return start === undefined || start === 'ask' ? choice : { ...choice, isolationStart: start };
    }
    case 'pause':
      return { ...choice, pauseBetweenWaves: !(choice.pauseBetweenWaves ?? run.pauseBetweenWaves) };
    case 'agent':
      return pickAgent(backlogs, backlog, choice);
    case 'model':
      return askModel(choice);
    case 'cap': {
      const cap = await askCap(choice.cap ?? backlog.runs.cap);
      return cap === undefined ? choice : { ...choice, cap };
    }
  }
}

async function pickWord<T extends string>(
  title: string,
  values: readonly T[],
  words: Readonly<Record<T, string>>,
  current: T,
): Promise<T | undefined> {
  const items = values.map((value) => ({ label: check(words[value], value === current), value }));
  return (await vscode.window.showQuickPick(items, { title }))?.value;
}

async function pickAgent(
  backlogs: Backlogs,
  backlog: Backlog,
  choice: RunChoice,
): Promise<RunChoice> {
  const settings = {
    label: check('As the settings say', choice.agent === undefined),
    description: '',
    id: undefined,
  };
  const agents = (await backlogs.of(backlog).agents()).map(({ id, title, command }) => ({
    label: check(title, id === choice.agent),
    description: command === undefined ? 'not installed' : plain(command),
    id,
  }));
  const picked = await vscode.window.showQuickPick([settings, ...agents], { title: 'Agent' });
  if (picked === undefined) return choice;
  const { agent: _, ...rest } = choice;
  return picked.id === undefined ? rest : { ...rest, agent: picked.id };
}

async function askModel(choice: RunChoice): Promise<RunChoice> {
  const typed = await vscode.window.showInputBox({
    title: 'Model',
    prompt: 'As the agent calls it; empty for what the settings say.',
    value: choice.model ?? '',
    validateInput: (text) =>
      text.trim() === '' || isModelName(text.trim())
        ? undefined
        : 'Letters, digits and . : / @ + - _ only.',
  });
  if (typed === undefined) return choice;
  const model = typed.trim();
  const { model: _, ...rest } = choice;
  return isModelName(model) ? { ...rest, model } : rest;
}

/** Asks for a number of agents at a time; undefined where the user leaves it. */
export async function askCap(current: number): Promise<number | undefined> {
  const typed = await vscode.window.showInputBox({
    title: 'Agents at a time',
    value: String(current),
    validateInput: (text) =>
      readCap(text) === undefined ? `A number from 1 to ${MOST_AGENTS}.` : undefined,
  });
  return readCap(typed);
}

function check(label: string, isCurrent: boolean): string {
  return isCurrent ? `$(check) ${plain(label)}` : plain(label);
}

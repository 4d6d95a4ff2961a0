import type { Backlog } from '../../core/backlog.ts';
import { isModelName } from '../../core/run/journal/model-name.ts';
import {
  ISOLATION_CHOICES,
  ISOLATION_STARTS,
  type IsolationChoice,
  type IsolationStartSetting,
} from '../../core/run/isolation.ts';
import type { RunChoice } from '../../core/run/run-choice.ts';
import {
  type OnFailure,
  type RunMode,
  type AgentMode,
  AGENT_MODES,
} from '../../core/run/run-options.ts';
import { agentTitle } from '../../core/run/run-messages.ts';

/** The highest cap of a window. */
export const MOST_AGENTS = 64;

export const MODES: readonly RunMode[] = ['strict', 'flow'];
export const ENDINGS: readonly OnFailure[] = ['continue', 'stopAfterWave', 'stopAtOnce'];

/** Reads a choice from an unchecked value; invalid fields count as not chosen. */
export function readRunChoice(value: unknown): RunChoice {
  if (typeof value !== 'object' || value === null) return {};
  const raw = value as Readonly<Record<string, unknown>>;
  const mode = MODES.find((known) => known === raw['runMode']);
  const onFailure = ENDINGS.find((known) => known === raw['onFailure']);
  const agentMode = AGENT_MODES.find((known) => known === raw['agentMode']);
  const isolation = ISOLATION_CHOICES.find((known) => known === raw['isolation']);
  const start = ISOLATION_STARTS.find((known) => known === raw['isolationStart']);
  const { agent, model, pauseBetweenWaves, cap } = raw;
  return {
    ...(mode === undefined ? {} : { runMode: mode }),
    ...(typeof agent === 'string' && /^[a-z]{1,32}$/.test(agent) ? { agent } : {}),
    ...(typeof model === 'string' && isModelName(model) ? { model } : {}),
    ...(agentMode === undefined ? {} : { agentMode }),
    ...(onFailure === undefined ? {} : { onFailure }),
    ...(typeof pauseBetweenWaves === 'boolean' ? { pauseBetweenWaves } : {}),
    ...(isolation === undefined ? {} : { isolation }),
    ...(start === undefined ? {} : { isolationStart: start }),
    ...(readCap(cap) === undefined ? {} : { cap: readCap(cap) as number }),
  };
}

/** A number of agents at a time, or undefined where it is none between 1 and `MOST_AGENTS`. */
export function readCap(value: unknown): number | undefined {
  const n = typeof value === 'string' && /^\s*\d{1,3}\s*$/.test(value) ? Number(value) : value;
  return typeof n === 'number' && Number.isInteger(n) && n >= 1 && n <= MOST_AGENTS ? n : undefined;
}

export const MODE_WORDS: Readonly<Record<RunMode, string>> = {
  strict: 'wave after wave',
  flow: 'each task as soon as what it depends on is done',
};

export const ENDING_WORDS: Readonly<Record<OnFailure, string>> = {
  continue: 'continue with what does not depend on it',
  stopAfterWave: 'start no further wave',
  stopAtOnce: 'start nothing further',
};

export const WAY_WORDS: Readonly<Record<AgentMode, string>> = {
  unattended: 'by themselves, with their output in terminals',
  interactive: 'with you, in a terminal of its own each',
  subagent: "as the editor's own subagents",
  human: 'not at all: each task is claimed for you, and waits for your word',
};

export const ISOLATION_WORDS: Readonly<Record<IsolationChoice, string>> = {
  shared: 'all in the folder of the backlog',
  auto: 'each in a Git worktree of its own, where that is possible and several work at a time',
  worktree: 'each in a Git worktree of its own',
};

export const START_WORDS: Readonly<Record<IsolationStartSetting, string>> = {
  ask: 'the last commit, or your files as they are: you are asked where something is not committed',
  commit: 'the last commit',
  snapshot: 'the files as they are, with what is not committed',
};

/** The effective options of a run: the choice, else the settings. */
export function choiceWords(backlog: Backlog, choice: RunChoice) {
  const { run, agent } = backlog.options;
  const agentMode = choice.agentMode ?? agent.agentMode;
  return {
    mode: MODE_WORDS[choice.runMode ?? run.runMode],
    agent:
      agentMode === 'human' || agentMode === 'subagent'
        ? 'none: no program is started'
        : choice.agent === undefined
          ? `as the settings say${agent.agent === 'auto' ? '' : ` (${agentTitle(agent.agent)})`}`
          : agentTitle(choice.agent),
    model: choice.model ?? 'as the settings say',
    isolation: ISOLATION_WORDS[choice.isolation ?? run.isolation],
    isolationStart: START_WORDS[choice.isolationStart ?? run.isolationStart],
    cap: String(choice.cap ?? backlog.runs.cap),
    onFailure: ENDING_WORDS[choice.onFailure ?? run.onFailure],
    agentMode: WAY_WORDS[agentMode],
    pause: (choice.pauseBetweenWaves ?? run.pauseBetweenWaves) ? 'after each wave' : 'no',
  };
}

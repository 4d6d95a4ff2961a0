import { parsePriority, type Priority, type Task } from '../task.ts';
import { isModelName } from './journal/model-name.ts';
import { type AgentAssignment, KIND_OF, AGENT_MODES } from './run-options.ts';
import type { RunChoice } from './run-choice.ts';
import { readEntries, type EntryReader, type Parsed } from './rule-entries.ts';

/** The tasks of a rule: all its conditions must hold; without any it is for every task. */
export interface TaskMatch {
  /** One of these, in any case; undefined: any or none. */
  readonly tags: readonly string[] | undefined;
  readonly priority: Priority | undefined;
  readonly id: string | undefined;
}

/** Who works on the tasks that match. */
export interface AgentRule {
  readonly match: TaskMatch;
  readonly agent: string | undefined;
  readonly model: string | undefined;
  readonly agentMode: AgentAssignment['agentMode'] | undefined;
  /** The most agents of this kind at a time. */
  readonly max: number | undefined;
}

/** A command that verifies work; `command` is a name on the PATH or an absolute path. */
export interface VerifyCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** The command fails after that. */
  readonly limitMs: number;
}

export interface VerifyRule {
  readonly match: TaskMatch;
  readonly verify: VerifyCommand;
}

const MAX_AGENTS = 64;
const DEFAULT_VERIFY_MINUTES = 10;
const MAX_VERIFY_MINUTES = 24 * 60;

/**
 * Who works on a task, field by field: the user's choice for the run, else the first matching rule
 * with that field, else `defaults`. A model belongs to its agent: the model of a rule or of the
 * defaults does not count for another agent. Subagents and the user are not programs, so agent and
 * model do not count for them.
 */
export function assignmentOf(
  task: Task,
  rules: readonly AgentRule[],
  choice: Pick<RunChoice, 'agent' | 'model' | 'agentMode'>,
  defaults: AgentAssignment,
): AgentAssignment {
  const matching = rules.filter(({ match }) => matches(task, match));
  const first = <K extends 'agent' | 'agentMode'>(key: K): AgentRule[K] =>
    matching.find((rule) => rule[key] !== undefined)?.[key];
  const agent = choice.agent ?? first('agent') ?? defaults.agent;
  const isFor = (rule: AgentRule): boolean => (rule.agent ?? agent) === agent;
  const ofRule = matching.find((rule) => rule.model !== undefined && isFor(rule))?.model;
  const agentMode = choice.agentMode ?? first('agentMode') ?? defaults.agentMode;

  if (agentMode === 'subagent' || agentMode === 'human')
    return { agent: KIND_OF[agentMode], model: undefined, agentMode };
  return {
    agent,
    model: choice.model ?? ofRule ?? (agent === defaults.agent ? defaults.model : undefined),
    agentMode,
  };
}

/** The limit of each kind of agent, by its first rule with a limit. */
export function agentCapsOf(
  rules: readonly AgentRule[],
): readonly (readonly [agent: string, cap: number])[] {
  const caps = new Map<string, number>();
  for (const { agent, max } of rules) {
    if (agent !== undefined && max !== undefined && !caps.has(agent)) caps.set(agent, max);
  }
  return [...caps];
}

/** What verifies a task: the first rule that matches. */
export function verifyOf(task: Task, rules: readonly VerifyRule[]): VerifyCommand | undefined {
  return rules.find(({ match }) => matches(task, match))?.verify;
}

/**
 * Reads rules from settings: `{ tag?, tags?, priority?, id?, agent?, model?, how?, max? }`. An
 * invalid entry is left out and reported in `problems`.
 */
export function parseAgentRules(value: unknown, agents: readonly string[]): Parsed<AgentRule> {
  return readEntries(value, (entry) => {
    const match = matchIn(entry);
    const agent = entry.oneOf('agent', agents);
    const model = entry.word('model', isModelName, 'the name of a model');
    const agentMode = entry.oneOf('how', AGENT_MODES);
    const max = entry.whole('max', 1, MAX_AGENTS);
    if (max !== undefined && agent === undefined)
      entry.complain('"max" needs an "agent" that it is for');
    if (
      agent === undefined &&
      model === undefined &&
      agentMode === undefined &&
      max === undefined
    ) {
      entry.complain('it says neither "agent" nor "model" nor "how"');
    }
    return { match, agent, model, agentMode, max };
  });
}

/**
 * Reads verify rules from settings: `{ tag?, tags?, priority?, id?, command, args?, timeoutMinutes?
 * }`.
 */
export function parseVerifyRules(value: unknown): Parsed<VerifyRule> {
  return readEntries(value, (entry) => ({ match: matchIn(entry), verify: verifyIn(entry) }));
}

/** Reads one verify command, or, from nothing or `{}`, none. */
export function parseVerifyCommand(value: unknown): {
  readonly verify: VerifyCommand | undefined;
  readonly problems: readonly string[];
} {
  const isNone =
    value === undefined ||
    value === null ||
    (typeof value === 'object' && Object.keys(value).length === 0);
  const { rules, problems } = readEntries(isNone ? [] : [value], verifyIn);
  return {
    verify: rules[0],
    problems: problems.map((problem) => problem.replace(/^Entry 1: /, '')),
  };
}

/** Reads a list of commands; those that cannot be read are left out. */
export function parseCommands(value: unknown): {
  readonly commands: readonly VerifyCommand[];
  readonly problems: readonly string[];
} {
  const { rules, problems } = readEntries(value ?? [], verifyIn);
  return { commands: rules, problems };
}

function verifyIn(entry: EntryReader): VerifyCommand {
  const command = entry.text('command')?.trim();
  if (command === undefined || command === '') entry.complain('it has no "command"');
  const minutes = entry.number('timeoutMinutes', 0, MAX_VERIFY_MINUTES) ?? DEFAULT_VERIFY_MINUTES;
  return { command: command ?? '', args: entry.texts('args') ?? [], limitMs: minutes * 60_000 };
}

function matchIn(entry: EntryReader): TaskMatch {
  const tag = entry.text('tag');
  const tags = [...(tag === undefined ? [] : [tag]), ...(entry.texts('tags') ?? [])].map(plainTag);
  if (tags.includes('')) entry.complain('a tag is empty');
  const word = entry.text('priority');
  const priority = word === undefined ? undefined : parsePriority(word);
  if (priority === 'other' || word?.trim() === '')
    entry.complain(`there is no priority ${JSON.stringify(word)}`);
  return { tags: tags.length === 0 ? undefined : tags, priority, id: entry.text('id') };
}

function matches(task: Task, { tags, priority, id }: TaskMatch): boolean {
  if (tags !== undefined && !task.tags.some((tag) => tags.includes(plainTag(tag)))) return false;
  return (
    (priority === undefined || task.priority === priority) && (id === undefined || task.id === id)
  );
}

/** Tags are written with and without `#`, in any case. */
function plainTag(tag: string): string {
  return tag.trim().replace(/^#/, '').toLowerCase();
}

import { clockTime, failureText, reasonText } from '../messages.ts';
import { cut, duration } from '../text.ts';
import type { VerifyResult } from './evidence.ts';
import type { FailCause, RunStop, SkipReason, TaskOutcome, WaitReason } from './run-events.ts';
import { KIND_OF } from './run-options.ts';

/** The most characters of an agent's message in a row, which is one line. */
const SAID = 120;

/** How the work on a task ended, in a few words. `now` is epoch ms. */
export function explainOutcome(outcome: TaskOutcome, now: number): string {
  switch (outcome.kind) {
    case 'succeeded':
      return `succeeded${outcome.evidence?.verify?.passed === true ? ' and verified' : ''}, now ${outcome.status}${detailsOf(outcome)}`;
    case 'conflict':
      return `${outcomeWords(outcome, now)}, now ${outcome.status}${detailsOf(outcome)}`;
    case 'failed':
      return `${outcomeWords(outcome, now)}, back to Todo${detailsOf(outcome)}`;
    case 'rateLimited':
    case 'stopped':
      return `${outcomeWords(outcome, now)}, back to Todo`;
    case 'lockLost':
      return `${outcomeWords(outcome, now)}; the agent was ended`;
    default:
      return outcomeWords(outcome, now);
  }
}

function detailsOf({
  evidence,
}: Extract<TaskOutcome, { kind: 'succeeded' | 'conflict' | 'failed' }>): string {
  // Those in a few words go on, sentences stand by themselves.
  const joint = (remark: string): string => (/^\p{Lu}/u.test(remark) ? '.' : ';');
  return (evidence?.remarks ?? [])
    .map((remark) => `${joint(remark)} ${cut(remark, SAID)}`)
    .join('');
}

/** The same without the task's new status: for earlier attempts, or for several tasks. */
export function outcomeWords(outcome: TaskOutcome, now: number): string {
  switch (outcome.kind) {
    case 'succeeded':
      return 'succeeded';
    case 'conflict':
      return conflictWords(outcome);
    case 'failed':
      return failureWords(outcome.cause, outcome.exitCode, outcome.signal);
    case 'rateLimited':
      return `refused by a rate limit${outcome.detail === '' ? '' : `: ${cut(outcome.detail, SAID)}`}`;
    case 'notStarted':
      return `not started: ${failureText(outcome.failure, now)}`;
    case 'stopped':
      return 'stopped';
    case 'lockLost':
      return `lock lost${outcome.holder === undefined ? '' : ` to ${outcome.holder}`}`;
    case 'notRecorded':
      return `ended${outcome.exitCode === undefined ? '' : ` with exit code ${outcome.exitCode}`}, but not recorded: ${failureText(outcome.failure, now)}`;
    case 'unknown':
      return `its end is unknown${outcome.detail === '' ? '' : `: ${cut(outcome.detail, SAID)}`}`;
    case 'skipped':
      return `skipped: ${explainSkip(outcome.reason, now)}`;
  }
}

/** “conflicts with earlier work in src/a.ts and 2 more”. */
function conflictWords({
  files: [first, ...more],
  reason,
}: Extract<TaskOutcome, { kind: 'conflict' }>): string {
  if (reason !== undefined) return `not merged: ${cut(reason, SAID)}`;
  const others = more.length === 0 ? '' : ` and ${more.length} more`;
  return `conflicts with earlier work${first === undefined ? '' : ` in ${cut(first, SAID)}${others}`}`;
}

function failureWords(
  cause: FailCause,
  exitCode: number | undefined,
  signal: string | undefined,
): string {
  switch (cause.kind) {
    case 'exit':
      return exitCode === undefined
        ? `failed: ended by ${signal ?? 'something unknown'}`
        : `failed with exit code ${exitCode}`;
    case 'said':
      return `failed: ${cut(cause.detail, SAID)}`;
    case 'timeLimit':
      return `failed: ended at its time limit of ${duration(cause.limitMs)}`;
    case 'verify':
      return `failed: ${verifyWords(cause.result)}`;
  }
}

/** The result of a verify command: “npm test passed”, “npm test did not pass (exit code 1)”. */
export function verifyWords({ command, passed, exitCode }: VerifyResult): string {
  const name = cut(command, SAID);
  if (passed) return `${name} passed`;
  // Without an exit code it was never started, or was ended because it took too long.
  return `${name} did not pass (${exitCode === undefined ? 'it did not finish' : `exit code ${exitCode}`})`;
}

/** Why a task of a run was never started. */
export function explainSkip(reason: SkipReason, now: number): string {
  switch (reason.kind) {
    case 'notReady':
      return reason.reasons.map((r) => reasonText(r, now)).join('; ');
    case 'dependencyFailed':
      return `${reason.id} did not succeed`;
    case 'claimFailed':
      return failureText(reason.failure, now);
    case 'gone':
      return 'it is not in the backlog any more';
    case 'stopped':
      return 'the run was stopped';
    case 'runStopped':
      return `the run stopped${stopSuffix(reason.stop, now)}`;
  }
}

/** Why a run starts nothing further, to stand by itself: “stopped at the failure of T-3”. */
export function explainStop(stop: RunStop, now: number): string {
  return `stopped${stopSuffix(stop, now)}`;
}

function stopSuffix(stop: RunStop, now: number): string {
  switch (stop.kind) {
    case 'person':
      return '';
    case 'failure':
      return ` at the failure of ${stop.id}`;
    case 'breaker':
      return ` after the same end ${stop.count} times in a row: ${outcomeWords(stop.outcome, now)}`;
    case 'waveVerify':
      return `: ${verifyWords(stop.result)}`;
    case 'interrupted':
      return ' with its window';
  }
}

/**
 * Why a task that could start does not start yet. `other` is what the task is called that has the
 * same files: its id, where it is not said.
 */
export function explainWait(reason: WaitReason, other?: string): string {
  switch (reason.kind) {
    case 'sharesFiles': {
      const [first = 'files', ...more] = reason.files;
      return `waits: shares ${first}${more.length === 0 ? '' : ` and ${more.length} more`} with ${other ?? reason.with}`;
    }
    case 'held':
      return `waits: held by ${reason.holder}`;
    case 'coolingDown':
      return `${agentTitle(reason.agent)} cools down until ${clockTime(reason.until)}`;
    case 'agentCap':
      if (reason.agent === KIND_OF.human) return `waits: you have ${reason.cap} at work`;
      return `waits: ${agentTitle(reason.agent)} has ${reason.cap} at work, its limit`;
    case 'retry':
      return `tries again at ${clockTime(reason.at)}`;
  }
}

const AGENT_TITLES: Readonly<Record<string, string>> = {
  auto: 'The agent',
  cursor: 'Cursor',
  claude: 'Claude Code',
  codex: 'Codex',
  gemini: 'Gemini',
  qwen: 'Qwen Code',
  copilot: 'GitHub Copilot',
  opencode: 'opencode',
  amp: 'Amp',
  aider: 'aider',
  goose: 'goose',
  custom: 'The custom agent',
  simulated: 'The simulated agent',
};

/** Every kind of agent that can be chosen. */
export const AGENT_KINDS: readonly string[] = Object.keys(AGENT_TITLES);

/** Those that are not programs, and so are chosen by the agent mode. */
const OTHER_TITLES: Readonly<Record<string, string>> = { human: 'You', subagent: 'A subagent' };

/** What a kind of agent is called; a kind that is not known, by itself. */
export function agentTitle(kind: string): string {
  if (Object.hasOwn(OTHER_TITLES, kind)) return OTHER_TITLES[kind] ?? kind;
  return Object.hasOwn(AGENT_TITLES, kind) ? (AGENT_TITLES[kind] ?? kind) : kind;
}

/** `2nd`, `3rd`, `11th`. */
export function ordinal(n: number): string {
  const ending =
    n % 100 >= 11 && n % 100 <= 13 ? 'th' : ({ 1: 'st', 2: 'nd', 3: 'rd' }[n % 10] ?? 'th');
  return `${n}${ending}`;
}

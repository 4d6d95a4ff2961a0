import type { Backlog } from '../../core/backlog.ts';
import { cut, oneLine } from '../../core/text.ts';
import type { RunState, TaskOutcome, TaskRun } from '../../core/run/run-events.ts';
import type { TaskId } from '../../core/task.ts';
import { agentsAtWork, interruptedRuns, runCounts } from './run-row.ts';
import { isBudgetLimit, limitWords } from '../../core/run/run-budget.ts';
import { usageWords } from '../../core/run/usage.ts';
import { asksToSignIn } from '../../core/run/sign-in.ts';
import { outcomeWords, verifyWords } from '../../core/run/run-messages.ts';
import { clockTime } from '../../core/messages.ts';

/** Something in a run that needs the user's attention. */
export interface Need {
  readonly kind:
    | 'stuck'
    | 'unknown'
    | 'lockLost'
    | 'signIn'
    | 'breaker'
    | 'waveVerify'
    | 'budget'
    | 'interrupted'
    | 'ended';
  /** The same for the same matter, and for nothing else. */
  readonly key: string;
  readonly runId: string;
  /** The task that it is about, and its attempt; a run as a whole has none. */
  readonly task: { readonly id: TaskId; readonly attemptNo: number | undefined } | undefined;
  readonly message: string;
  /** The same of several, where this is the first of them: “and 2 more look stuck”. */
  readonly several: (more: number) => string;
}

/**
 * What needs the user in the runs that this window leads, of events from `since` (epoch ms) on. The
 * user's own actions need no notice.
 */
export function needsOf(backlog: Backlog, since: number): readonly Need[] {
  const interrupted = interruptedRuns(backlog).filter(
    ({ endedAt }) => endedAt !== undefined && endedAt >= since,
  );
  return [...interrupted, ...backlog.runs.all].flatMap((run) => {
    const wasBefore = run.endedAt !== undefined && run.endedAt < since;
    if (wasBefore || backlog.runs.isLedElsewhere(run.runId)) return [];
    const ofTasks = [...run.tasks.values()].flatMap((task) => taskNeeds(backlog, run, task, since));
    return [...ofTasks, ...stopNeeds(backlog, run), ...budgetNeeds(run), ...endNeeds(run)];
  });
}

function taskNeeds(backlog: Backlog, run: RunState, task: TaskRun, since: number): readonly Need[] {
  const { id, attemptNo } = task;
  const silentSince =
    task.phase !== 'ended' && run.phase !== 'ended' ? backlog.runs.stuckSince(id) : undefined;
  const ends = [
    ...task.earlier,
    ...(task.outcome === undefined
      ? []
      : [{ attemptNo, outcome: task.outcome, at: task.endedAt ?? 0 }]),
  ].filter(({ at, outcome }) => at >= since && NEEDY.has(outcome.kind));
  // Asked with every change of a run, and nearly always there is nothing: no words are made for
  // that.
  if (silentSince === undefined && ends.length === 0) return [];
  const name = `“${nameOf(backlog, id)}”`;
  const needs = ends.flatMap((end) => {
    const words = endWords(name, end.outcome, backlog.now);
    // Outcomes without an attempt are of the task itself, which has one of them at most.
    const what = `${end.attemptNo ?? id}`;
    return words === undefined ? [] : [need(words, run, what, { id, attemptNo: end.attemptNo })];
  });
  if (silentSince === undefined) return needs;
  const why =
    task.phase === 'starting' ? 'its agent has not claimed it' : 'its agent has been silent';
  const stuck: Words = {
    kind: 'stuck',
    message: `${name} looks stuck: ${why} since ${clockTime(silentSince)}.`,
    several: (more) => `${name} and ${more} more look stuck.`,
  };
  return [need(stuck, run, `${attemptNo ?? 0} ${silentSince}`, { id, attemptNo }), ...needs];
}

/** Outcomes that `endWords` may have something to say of. */
const NEEDY: ReadonlySet<TaskOutcome['kind']> = new Set(['unknown', 'lockLost', 'failed']);

function nameOf(backlog: Backlog, id: TaskId): string {
  return cut(oneLine(backlog.task(id)?.title ?? '') || id, 80);
}

type Words = Pick<Need, 'kind' | 'message' | 'several'>;

function endWords(name: string, outcome: TaskOutcome, now: number): Words | undefined {
  switch (outcome.kind) {
    case 'unknown':
      return {
        kind: 'unknown',
        message: `It is unknown how ${name} ended. Check what was done before it is run again.`,
        several: (more) => `It is unknown how ${name} and ${more} more ended.`,
      };
    case 'lockLost':
      return {
        kind: 'lockLost',
        message: `${name}: ${outcomeWords(outcome, now)} while its agent worked; the agent was ended.`,
        several: (more) => `${name} and ${more} more lost their locks while their agents worked.`,
      };
    case 'failed':
      if (outcome.cause.kind !== 'said' || !asksToSignIn(outcome.cause.detail)) return undefined;
      return {
        kind: 'signIn',
        message: `The agent of ${name} may not work: ${cut(oneLine(outcome.cause.detail), 160)}`,
        several: (more) =>
          `The agents of ${name} and ${more} more may not work: ${outcomeWords(outcome, now)}`,
      };
    default:
      return undefined;
  }
}

function stopNeeds(backlog: Backlog, run: RunState): readonly Need[] {
  const { stop } = run;
  if (stop?.kind !== 'breaker' && stop?.kind !== 'waveVerify') return [];
  const begin = `Run “${oneLine(run.title)}” starts nothing further: `;
  if (stop.kind === 'waveVerify') {
    return [runNeed('waveVerify', run, `${begin}${verifyWords(stop.result)}.`)];
  }
  const last = lastBadEnd(run);
  const title = last === undefined ? '' : `, last “${nameOf(backlog, last.id)}”`;
  const message = `${begin}the same end ${stop.count} times in a row (${outcomeWords(stop.outcome, backlog.now)})${title}.`;
  return [runNeed('breaker', run, message, last)];
}

function budgetNeeds(run: RunState): readonly Need[] {
  const { paused, phase, options, usage, budgetStart } = run;
  if (phase !== 'running' || !isBudgetLimit(paused)) return [];
  const used = usageWords(usage);
  const sum = used === undefined ? '' : ` (used in all: ${used})`;
  const others = agentsAtWork(run) > 0 ? 'Agents at work continue. ' : '';
  const message = `Run “${oneLine(run.title)}” is paused: it has reached ${limitWords(paused, options.budget)}${sum}. ${others}Go On gives it as much again.`;
  const words: Words = { kind: 'budget', message, several: (more) => andMoreRuns(message, more) };
  // Once for each time that it has the budget anew.
  return [need(words, run, String(budgetStart.at), undefined)];
}

function lastBadEnd(run: RunState): Need['task'] {
  const ended = [...run.tasks.values()].filter(({ outcome, attemptNo }) => {
    return attemptNo !== undefined && outcome !== undefined && outcome.kind !== 'succeeded';
  });
  return ended.sort((a, b) => (b.endedAt ?? 0) - (a.endedAt ?? 0))[0];
}

function endNeeds(run: RunState): readonly Need[] {
  if (run.phase !== 'ended' || run.stop?.kind === 'person') return [];
  const kind = run.stop?.kind === 'interrupted' ? 'interrupted' : 'ended';
  const message = `Run “${oneLine(run.title)}” ${kind === 'ended' ? 'has ended' : 'was interrupted'}: ${runCounts(run).join(', ')}.`;
  return [runNeed(kind, run, message)];
}

/** `what` tells matters of the same kind in a run apart. */
function need(words: Words, { runId }: RunState, what: string, task: Need['task']): Need {
  return { ...words, key: `${words.kind} ${runId} ${what}`, runId, task };
}

function runNeed(kind: Need['kind'], run: RunState, message: string, task?: Need['task']): Need {
  const several = (more: number): string => andMoreRuns(message, more);
  return need({ kind, message, several }, run, '', task);
}

function andMoreRuns(message: string, more: number): string {
  return `${message} And ${more} more ${more === 1 ? 'run' : 'runs'}.`;
}

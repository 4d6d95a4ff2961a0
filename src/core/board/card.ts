import { clockTime, blockText, leaseText, reasonText } from '../messages.ts';
import { isOpenPart, type TaskOfRun } from '../run/task-of-run.ts';
import type { Lease } from '../lease/lease.ts';
import { isInConflict, isUndecided } from '../run/decided-work.ts';
import { changesWords } from '../run/isolation.ts';
import { evidenceOf, usageOfTask } from '../run/run-events.ts';
import { decisionWords } from '../run/work-decision.ts';
import { explainWait, outcomeWords } from '../run/run-messages.ts';
import { groupOf } from '../run/report/run-summary.ts';
import { usageWords } from '../run/usage.ts';
import { isSettled, type Task, type TaskId } from '../task.ts';
import { cut, oneLine } from '../text.ts';
import type { Readiness } from '../waves/readiness.ts';
import type { BoardInput } from './board-input.ts';
import type { Span } from '../run/engine/forecast.ts';
import type { Card, CardAction, CardState, CardWork } from './board-state.ts';
import { barsOf } from './bars.ts';

/** The most characters of a title, of a line, of a tag and of an id. */
const TITLE = 300;
const LINE = 200;
const TAG = 40;
const MOST_TAGS = 8;
const MOST_AFTER = 50;

export interface CardContext {
  readonly input: BoardInput;
  readonly isCritical: (id: TaskId) => boolean;
  readonly forecastOf: (id: TaskId) => Span | undefined;
}

/**
 * Everything that the card of a task is made of: as long as each of these is the same value, so is
 * the card. Times in it are those of the runs, and a lock is looked at anew each time.
 */
export function madeOf(task: Task, context: CardContext): readonly unknown[] {
  const { input, isCritical, forecastOf } = context;
  const { id } = task;
  const work = input.workOf(id);
  const forecast = forecastOf(id);
  return [
    task,
    ...[input.snapshot, input.plan, input.durationOf, input.isReadOnly],
    ...[work?.part, work?.run.phase, forecast?.from, forecast?.to, isCritical(id)],
    ...[input.activityOf(id), input.hasTerminal(id), input.awaitsManualCompletion(id)],
    work !== undefined && isOpenPart(work) ? input.stuckSince(id) : undefined,
    task.lock === undefined ? undefined : input.now,
    work?.part.waits?.kind === 'retry' ? input.now : undefined,
  ];
}

/** What the board shows of a task. */
export function cardOf(task: Task, context: CardContext): Card {
  const { input, isCritical, forecastOf } = context;
  const { id } = task;
  const facts = factsOf(task, input);
  const { state, work } = facts;
  const changes = evidenceOf(work?.part.outcome)?.changes;
  const isShown = state !== 'queued' && state !== 'ready' && state !== 'waiting';
  return {
    id,
    title: titleOf(task),
    state,
    words: wordsOf(task, facts, input),
    priority: task.priority,
    tags: task.tags.slice(0, MOST_TAGS).map((tag) => cut(tag, TAG)),
    wave: input.plan.waveOf.get(id),
    after: openDependencies(task, input),
    isCritical: isCritical(id),
    lastLine: lastLineOf(id, facts, input),
    changes: changes === undefined || !isShown ? undefined : changesWords(changes),
    work: work === undefined ? undefined : workOf(work, input),
    forecast: forecastOf(id),
    can: input.isReadOnly
      ? READ_ONLY.filter((action) => can(task, facts, input).has(action))
      : order(can(task, facts, input)),
  };
}

/** One line, and no longer than a card or a sentence can use. */
export function titleOf(task: Pick<Task, 'id' | 'title'> | undefined, id?: string): string {
  return cut(oneLine(task?.title ?? ''), TITLE) || cut(oneLine(task?.id ?? id ?? ''), TITLE);
}

/** The state of a task alone. */
export function stateOf(task: Task, input: BoardInput): CardState {
  return factsOf(task, input).state;
}

interface Facts {
  readonly state: CardState;
  readonly lease: Lease;
  /** Undefined for a task that is settled. */
  readonly readiness: Readiness | undefined;
  /** Its latest. */
  readonly work: TaskOfRun | undefined;
  readonly silentSince: number | undefined;
}

function factsOf(task: Task, input: BoardInput): Facts {
  const { id } = task;
  const work = input.workOf(id);
  const lease = input.leaseOf(task);
  const readiness = isSettled(task.status) ? undefined : input.readinessOf(task);
  const isOpen = isOpenFor(task, work);
  const silentSince = isOpen ? input.stuckSince(id) : undefined;
  const state =
    silentSince !== undefined
      ? 'stuck'
      : isOpen && work !== undefined
        ? openState(work)
        : endedState(task, lease, readiness, work, input);
  return { state, lease, readiness, work, silentSince };
}

/** A run that has not come to a task by the time that it is done will leave it as it is. */
function isOpenFor(task: Task, work: TaskOfRun | undefined): boolean {
  if (work === undefined || !isOpenPart(work)) return false;
  return !(work.part.phase === 'queued' && isSettled(task.status));
}

function openState({ part }: TaskOfRun): CardState {
  switch (part.phase) {
    case 'queued':
    case 'ended':
      return 'queued';
    case 'starting':
    case 'claimed':
      return 'starting';
    case 'running':
      return part.agent.agentMode === 'human' ? 'yours' : 'working';
  }
}

function endedState(
  task: Task,
  lease: Lease,
  readiness: Readiness | undefined,
  work: TaskOfRun | undefined,
  { plan }: BoardInput,
): CardState {
  if (readiness === undefined) return task.status === 'Cancelled' ? 'cancelled' : 'done';
  if (work !== undefined && isInConflict(work.part)) return 'conflict';
  if (task.status === 'Review') return 'review';
  if (lease.kind === 'theirs') return 'held';
  if (lease.kind === 'ours') return 'yours';
  const group = work === undefined ? undefined : groupOf(work.part);
  const isTodo = task.status === 'Todo' || task.status === 'In Progress';
  if (isTodo && group === 'failed') return 'failed';
  if (isTodo && group === 'unclear') return 'unclear';
  if (!isTodo || plan.blockedOf.has(task.id)) return 'blocked';
  return readiness.kind === 'notReady' ? 'waiting' : 'ready';
}

function wordsOf(task: Task, facts: Facts, input: BoardInput): string {
  const { state, work, lease, silentSince } = facts;
  const { now } = input;
  switch (state) {
    case 'stuck':
      return `looks stuck: silent since ${clockTime(silentSince ?? now)}`;
    case 'failed':
    case 'conflict':
    case 'unclear':
      return work?.part.outcome === undefined
        ? state
        : cut(outcomeWords(work.part.outcome, now), LINE);
    case 'review':
      return work?.part.decision === undefined ? 'to review' : decisionWords(work.part.decision);
    case 'working':
      return 'working';
    case 'starting':
      return work?.part.agent.agentMode === 'subagent' ? 'waits to be claimed' : 'starting';
    case 'yours':
      return 'yours';
    case 'held':
      return leaseText(lease, undefined).map(oneLine).join(', ');
    case 'queued':
      return work?.part.waits === undefined ? 'queued' : cut(explainWait(work.part.waits), LINE);
    case 'ready':
      return lease.kind === 'expired' || lease.kind === 'stale'
        ? `ready, the lock of ${cut(lease.lock.holder, TAG)} has expired`
        : 'ready';
    case 'waiting':
      return waitWords(task, facts, input);
    case 'blocked': {
      const reason = input.plan.blockedOf.get(task.id);
      return cut(reason === undefined ? oneLine(task.rawStatus) : blockText(reason), LINE);
    }
    case 'done':
      return work?.part.decision === undefined ? 'done' : decisionWords(work.part.decision);
    case 'cancelled':
      return 'cancelled';
  }
}

function waitWords(task: Task, { readiness }: Facts, input: BoardInput): string {
  const reasons = readiness?.kind === 'notReady' ? readiness.reasons : [];
  const other = reasons.find(({ kind }) => kind !== 'waitsFor');
  if (other !== undefined) return cut(reasonText(other, undefined), LINE);
  const [first, ...more] = openDependencies(task, input);
  if (first === undefined) return 'waits';
  const title = titleOf(input.snapshot.byId.get(first), first);
  return cut(`after ${title}${more.length === 0 ? '' : ` and ${more.length} more`}`, LINE);
}

function openDependencies({ id, dependencies }: Task, { snapshot }: BoardInput): readonly TaskId[] {
  const open = [...new Set(dependencies)].filter((on) => {
    const task = on === id ? undefined : snapshot.byId.get(on);
    return task !== undefined && !isSettled(task.status);
  });
  return open.slice(0, MOST_AFTER);
}

function lastLineOf(
  id: TaskId,
  { state, work }: Facts,
  { activityOf }: BoardInput,
): string | undefined {
  if (state === 'working' || state === 'stuck') {
    const line = cut(oneLine(activityOf(id) ?? ''), LINE);
    return line === '' ? undefined : line;
  }
  if (state !== 'review' && state !== 'failed' && state !== 'conflict') return undefined;
  // The end of what it said: what came of it, or what it asks.
  const summary = (evidenceOf(work?.part.outcome)?.summary ?? '').trim();
  return cut(oneLine(summary.slice(summary.lastIndexOf('\n') + 1)), LINE) || undefined;
}

function workOf(work: TaskOfRun, { durationOf }: BoardInput): CardWork {
  const { run, part } = work;
  const { agent, wave, startedAt, endedAt, tryNo } = part;
  return {
    runId: run.runId,
    agent: agent.agentMode === 'human' ? 'you' : cut(oneLine(agent.agent), TAG),
    runWave: wave,
    startedAt: part.phase === 'queued' ? undefined : startedAt,
    endedAt: part.phase === 'ended' ? endedAt : undefined,
    estimateMs: durationOf(part.id),
    attempt: tryNo,
    usage: usageWords(usageOfTask(part)),
    bars: barsOf(work),
  };
}

const READ_ONLY: readonly CardAction[] = ['log', 'open'];

/** The most wanted first: what a state asks for, then what is possible. */
const ORDER: readonly CardAction[] = [
  'finish',
  'requeue',
  'resolve',
  'mergeAgain',
  'review',
  'accept',
  'sendBack',
  'run',
  'stop',
  'log',
  'terminal',
  'release',
  'claim',
  'discard',
  'edit',
  'open',
];

function order(actions: ReadonlySet<CardAction>): readonly CardAction[] {
  return ORDER.filter((action) => actions.has(action));
}

function can(task: Task, { state, lease, readiness, work }: Facts, input: BoardInput) {
  const { id, status } = task;
  const actions = new Set<CardAction>(['open']);
  const part = work?.part;
  const isOpen = isOpenFor(task, work);
  if (part?.attemptNo !== undefined && part.agent.agentMode === 'unattended') actions.add('log');
  if (input.hasTerminal(id)) actions.add('terminal');
  if (isOpen) {
    if (input.awaitsManualCompletion(id)) actions.add('finish');
    if (part?.agent.agentMode === 'human') actions.add('release');
    else actions.add('stop');
    if (state === 'stuck') actions.add('requeue');
    return actions;
  }
  if (part !== undefined && evidenceOf(part.outcome)?.changes !== undefined) actions.add('review');
  if (part !== undefined && isUndecided(part)) {
    for (const action of ['accept', 'discard'] as const) actions.add(action);
    if (work?.run.phase === 'ended') actions.add('sendBack');
  }
  if (part !== undefined && isInConflict(part)) {
    for (const action of ['resolve', 'mergeAgain'] as const) actions.add(action);
    actions.delete('accept');
  }
  if (status === 'Review')
    for (const action of ['accept', 'sendBack'] as const) actions.add(action);
  if (state === 'conflict') actions.delete('accept');
  if (readiness !== undefined && readiness.kind !== 'notReady') actions.add('run');
  if (lease.kind === 'ours' || ('ours' in lease && lease.ours)) actions.add('release');
  else if (lease.kind === 'free' && (status === 'Todo' || status === 'In Progress'))
    actions.add('claim');
  if (lease.kind !== 'theirs') actions.add('edit');
  return actions;
}

import type { Backlog } from '../core/backlog.ts';
import { inline, inlineId } from '../core/markdown.ts';
import { count, cut, oneLine, duration, firstLines } from '../core/text.ts';
import { isBudgetLimit, limitWords } from '../core/run/run-budget.ts';
import type { RunState, TaskRun } from '../core/run/run-events.ts';
import type { Task } from '../core/task.ts';
import { inNoWave, type Wave } from '../core/waves/waves.ts';
import { blockText, failureText, readinessText } from '../core/messages.ts';
import { explainOutcome, explainWait } from '../core/run/run-messages.ts';

// What `@waves` says, in markdown. Everything that others wrote goes through `inline`: it is shown,
// and does nothing.

const MOST_TASKS = 12;
const MOST_LOCKS = 20;
const MAX_TITLE = 100;

/** The waves, who holds what, and the runs that go on. */
export function statusText(backlog: Backlog): string {
  const { plan, now } = backlog;
  if (plan === undefined) return `There is no backlog to be read in ${inline(backlog.name)}.`;
  const others = plan.blocked.length + inNoWave(plan).length;
  const open = plan.waves.reduce((sum, wave) => sum + wave.tasks.length, others);
  const parts = [
    `**${inline(backlog.name)}**: ${count(open, 'open task')} in ${count(plan.waves.length, 'wave')}.`,
  ];
  if (plan.waves.length > 0) {
    parts.push(
      [
        '| Wave | Tasks | Ready | At work | In review |',
        '| --- | --- | --- | --- | --- |',
        ...plan.waves.map((wave) => waveRow(backlog, wave)),
      ].join('\n'),
    );
  }
  if (plan.blocked.length > 0)
    parts.push(
      `${count(plan.blocked.length, 'task')} can be in no wave: \`/explain\` one of them.`,
    );
  const locks = backlog.liveLocks();
  if (locks.length > 0) {
    const lineOf = ({ task, lease }: (typeof locks)[number]): string =>
      `- ${taskName(task)}: ${inline(lease.lock.holder)}, ${duration(lease.remainingMs)} left`;
    parts.push(['**Held now**', '', ...firstLines(locks, MOST_LOCKS, lineOf, '- ')].join('\n'));
  }
  const runs = backlog.runs.all.filter(({ phase }) => phase !== 'ended');
  if (runs.length > 0)
    parts.push(
      ['**Runs**', '', ...runs.map((run) => `- ${inline(run.title)}: ${runCounts(run)}`)].join(
        '\n',
      ),
    );
  const failure = backlog.claimsFailure;
  if (failure !== undefined) parts.push(inline(failureText(failure, now)));
  return parts.join('\n\n');
}

function waveRow(backlog: Backlog, wave: Wave): string {
  const { total, ready, running, review } = backlog.progressOf(wave);
  return `| ${wave.number} | ${total} | ${ready} | ${running} | ${review} |`;
}

/** May this task start now, and if not, why not. */
export function explainText(backlog: Backlog, task: Task): string {
  const { plan, now } = backlog;
  const wave = plan?.waveOf.get(task.id);
  const block = plan?.blockedOf.get(task.id);
  const place = wave !== undefined ? `in wave ${wave}` : block === undefined ? '' : 'in no wave';
  const status = inline(task.status === 'Unknown' ? task.rawStatus : task.status);
  const readiness = backlog.readinessOf(task);
  const lines =
    readiness.kind === 'notReady'
      ? readiness.reasons.map((reason) =>
          readinessText({ kind: 'notReady', reasons: [reason] }, now),
        )
      : [readinessText(readiness, now)];
  if (block !== undefined && readiness.kind === 'ready') lines.push(blockText(block));
  const run = backlog.runs.of(task.id);
  return [
    `${taskName(task)} is ${[status, place].filter(Boolean).join(', ')}.`,
    lines.map((line) => `- ${inline(line)}`).join('\n'),
    ...(run === undefined ? [] : [`It is part of the run ${inline(run.title)}.`]),
  ].join('\n\n');
}

/** What a run is about to do, said before it begins. */
export function beginText(run: RunState, backlog: Backlog): string {
  const tasks = [...run.tasks.values()];
  return [
    `Running **${inline(run.title)}**: ${count(tasks.length, 'task')}, at most ${run.cap ?? backlog.runs.cap} at a time.`,
    firstLines(tasks, MOST_TASKS, ({ id }) => `- ${nameOf(backlog, id)}`, '- ').join('\n'),
  ].join('\n\n');
}

/** That a run is paused, and which limit it has reached where that is why. */
export function pauseText({ paused, options }: RunState): string {
  const why = isBudgetLimit(paused) ? `It has reached ${limitWords(paused, options.budget)}. ` : '';
  return `The run is paused. ${why}Nothing further starts until it goes on.`;
}

/** What is new about a task of a run, on one line; undefined where there is nothing to say. */
export function progressText(task: TaskRun, backlog: Backlog): string | undefined {
  const name = nameOf(backlog, task.id);
  const { now } = backlog;
  switch (task.phase) {
    case 'queued':
      return task.waits === undefined ? undefined : `${name} ${inline(explainWait(task.waits))}`;
    case 'starting':
    case 'claimed':
      return undefined;
    case 'running':
      return `▶ ${name} has been started${task.tryNo > 1 ? ` (attempt ${task.tryNo})` : ''}`;
    case 'ended':
      return task.outcome === undefined
        ? undefined
        : `${task.outcome.kind === 'succeeded' ? '✔' : '✖'} ${name} ${inline(explainOutcome(task.outcome, now))}${saidOf(task)}`;
  }
}

/** How a run ended. */
export function endText(run: RunState): string {
  const took = run.endedAt === undefined ? '' : `, in ${duration(run.endedAt - run.startedAt)}`;
  return `**${inline(run.title)}** has ended: ${runCounts(run)}${took}.`;
}

/** “3/5 succeeded, 1 failed”. */
function runCounts(run: RunState): string {
  const tasks = [...run.tasks.values()];
  const ended = tasks.filter(({ phase }) => phase === 'ended');
  const of = (...kinds: string[]): number =>
    ended.filter(({ outcome }) => kinds.includes(outcome?.kind ?? '')).length;
  const numbers: readonly (readonly [n: number, word: string])[] = [
    [of('failed', 'notStarted', 'notRecorded', 'lockLost', 'unknown', 'rateLimited'), 'not done'],
    [of('conflict'), 'in conflict'],
    [of('stopped'), 'stopped'],
    [of('skipped'), 'skipped'],
    [tasks.length - ended.length, 'open'],
  ];
  return [
    `${of('succeeded')}/${tasks.length} succeeded`,
    ...numbers.flatMap(([n, word]) => (n === 0 ? [] : [`${n} ${word}`])),
  ].join(', ');
}

const MAX_SAID = 400;

function saidOf({ outcome }: TaskRun): string {
  const said =
    outcome !== undefined && 'evidence' in outcome ? oneLine(outcome.evidence?.summary ?? '') : '';
  return said === '' ? '' : `\n  > ${inline(cut(said, MAX_SAID))}`;
}

function nameOf(backlog: Backlog, id: Task['id']): string {
  const task = backlog.task(id);
  return task === undefined ? `**${inlineId(id)}**` : taskName(task);
}

function taskName(task: Task): string {
  const title = cut(oneLine(task.title), MAX_TITLE);
  return `**${inlineId(task.id)}**${title === '' ? '' : ` ${inline(title)}`}`;
}

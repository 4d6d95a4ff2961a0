import { blockText, clockTime, leaseText, reasonText } from '../messages.ts';
import { evidenceOf, usageOfTask, type RunState, type TaskRun } from '../run/run-events.ts';
import { outcomeWords } from '../run/run-messages.ts';
import { usageWords } from '../run/usage.ts';
import { isSettled, type Task, type TaskId } from '../task.ts';
import { cleanLines, cut, oneLine } from '../text.ts';
import type { BoardInput } from './board-input.ts';
import type { AttemptFact, Details, TaskLink } from './board-state.ts';
import { stateOf, titleOf } from './card.ts';

const DESCRIPTION = 20_000;
const SUMMARY = 4_000;
const LINE = 500;
const MOST_LINKS = 100;
const MOST_ATTEMPTS = 50;
const MOST_FACTS = 40;

/** What the drawer shows of a task; undefined where the backlog has no such task. */
export function detailsOf(id: string, input: BoardInput): Details | undefined {
  const { snapshot, runs, past } = input;
  const task = snapshot.byId.get(id as TaskId);
  if (task === undefined) return undefined;
  const all = [...past, ...runs];
  const latest = input.workOf(task.id)?.part;
  const link = (of: TaskId): TaskLink => {
    const other = snapshot.byId.get(of);
    const state = other === undefined ? 'blocked' : stateOf(other, input);
    return { id: of, title: titleOf(other, of), state };
  };
  const evidence = evidenceOf(latest?.outcome);
  const before = snapshot.tasks.filter(({ dependencies }) => dependencies.includes(task.id));
  const { summary, verify } = evidence ?? {};
  return {
    id: task.id,
    facts: factsOf(task, input, latest),
    reasons: reasonsOf(task, input),
    description: cut(cleanLines(task.description).trim(), DESCRIPTION),
    after: task.dependencies.slice(0, MOST_LINKS).map(link),
    before: before.slice(0, MOST_LINKS).map((other) => link(other.id)),
    summary: summary === undefined ? undefined : cut(cleanLines(summary), SUMMARY),
    remarks: (evidence?.remarks ?? []).map((remark) => cut(oneLine(remark), LINE)),
    verify: verify && {
      command: cut(oneLine(verify.command), LINE),
      passed: verify.passed,
      tail: cut(cleanLines(verify.tail), SUMMARY),
    },
    files: (evidence?.files ?? []).map((file) => cut(oneLine(file), LINE)),
    attempts: attemptsOf(task.id, all, input.now),
  };
}

function factsOf(
  task: Task,
  input: BoardInput,
  part: TaskRun | undefined,
): readonly (readonly [string, string])[] {
  const { now } = input;
  const date = (at: number | undefined): string =>
    at === undefined || Number.isNaN(new Date(at).getTime())
      ? ''
      : new Date(at).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
  const until = task.lock?.until;
  const lease = [
    ...leaseText(input.leaseOf(task), now),
    ...(until === undefined || until <= now ? [] : [`until ${clockTime(until)}`]),
  ];
  const facts: readonly (readonly [string, string])[] = [
    ['Id', task.id],
    ['Status', task.status === 'Unknown' ? task.rawStatus : task.status],
    ['Priority', task.rawPriority || task.priority],
    ['Tags', task.tags.join(', ')],
    ['Lock', lease.join(', ')],
    ['Used', (part && usageWords(usageOfTask(part))) ?? ''],
    ['Estimate', task.estimatedHours === undefined ? '' : `${task.estimatedHours} h`],
    ['Parent', task.parentId ?? ''],
    ['Created', date(task.createdAt)],
    ['Modified', date(task.modifiedAt)],
    ['Completed', date(task.completedAt)],
  ];
  return facts
    .map(([name, value]) => [name, cut(oneLine(value), LINE)] as const)
    .filter(([, value]) => value !== '')
    .slice(0, MOST_FACTS);
}

function reasonsOf(task: Task, input: BoardInput): readonly string[] {
  if (isSettled(task.status)) return [];
  const block = input.plan.blockedOf.get(task.id);
  const readiness = input.readinessOf(task);
  const reasons = readiness.kind === 'notReady' ? readiness.reasons : [];
  return [
    ...(block === undefined ? [] : [blockText(block)]),
    ...reasons
      .filter(({ kind }) => block === undefined || (kind !== 'cycle' && kind !== 'behindCycle'))
      .map((reason) => reasonText(reason, input.now)),
  ].map((reason) => cut(oneLine(reason), LINE));
}

function attemptsOf(id: TaskId, runs: readonly RunState[], now: number): readonly AttemptFact[] {
  return runs
    .toSorted((a, b) => b.startedAt - a.startedAt)
    .flatMap((run): readonly AttemptFact[] => {
      const part = run.tasks.get(id);
      if (part === undefined) return [];
      const facts = { run: titleOf({ id, title: run.title }), agent: cut(part.agent.agent, LINE) };
      const earlier = part.earlier.map((attempt, index): AttemptFact => {
        const { outcome, startedAt, at } = attempt;
        const words = cut(outcomeWords(outcome, now), LINE);
        return { ...facts, attempt: index + 1, from: startedAt, to: at, words };
      });
      if (part.phase === 'queued' || part.attemptNo === undefined) return earlier.toReversed();
      const { outcome, tryNo, startedAt, endedAt } = part;
      const words = outcome === undefined ? 'at work' : cut(outcomeWords(outcome, now), LINE);
      const last = { ...facts, attempt: tryNo, from: startedAt, to: endedAt, words };
      return [last, ...earlier.toReversed()];
    })
    .slice(0, MOST_ATTEMPTS);
}

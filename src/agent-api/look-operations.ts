import type { Backlog } from '../core/backlog.ts';
import { describeNumbering } from '../core/plan/wave-facts.ts';
import { count, oneLine } from '../core/text.ts';
import { fail, ok } from '../core/result.ts';
import { isSettled, type Task } from '../core/task.ts';
import { inNoWave, type Plan } from '../core/waves/waves.ts';
import { withData } from './data-notice.ts';
import { findTask, ID } from './find-task.ts';
import { operation, type Outcome, READS } from './operation.ts';
import { list, object, type ValueOf } from './schema.ts';
import { rowLine, rowOf, TASK, TASK_ROW, taskOf, taskText, titleOf } from './task-view.ts';
import { remedyWords } from './agent-messages.ts';
import { problemText } from '../core/doctor/problem-text.ts';
import { blockText, reasonText, AGENT } from '../core/messages.ts';

const WAVES = object({
  root: { type: 'string', description: 'The folder of the backlog' },
  project: { type: 'string' },
  numbering: { type: 'string', description: 'How waves get their numbers' },
  open: { type: 'integer' },
  ready: { type: 'integer' },
  settled: { type: 'integer', description: 'Done and Cancelled' },
  waves: list(object({ number: { type: 'integer' }, tasks: list(TASK_ROW) })),
  blocked: list(
    object({ id: { type: 'string' }, title: { type: 'string' }, reason: { type: 'string' } }),
    { description: 'Open tasks that no wave can hold' },
  ),
  left_out: { type: 'integer', description: 'Tasks that come after those shown' },
});

const DEFAULT_LIMIT = 200;

interface Wanted {
  readonly tag?: string;
  readonly wave?: number;
  readonly skip?: number;
  readonly limit?: number;
}

/** Also what the resource of the waves holds; `now` as for `rowOf`. */
export function wavesOf(
  backlog: Backlog,
  plan: Plan,
  { tag, wave: only, skip = 0, limit = DEFAULT_LIMIT }: Wanted,
  now: number | undefined = backlog.now,
): ValueOf<typeof WAVES> {
  const isWanted = ({ tags }: Task): boolean => tag === undefined || hasTag(tags, tag);
  const outside = inNoWave(plan);
  let [ready, open] = [0, plan.blocked.length + outside.length];
  // One page runs over all waves, and then over what is in none.
  const page = { toSkip: skip, room: limit, leftOut: 0 };
  const onPage = <T>(rows: readonly T[]): readonly T[] => {
    const skipped = Math.min(page.toSkip, rows.length);
    const shown = rows.slice(skipped, skipped + page.room);
    page.toSkip -= skipped;
    page.room -= shown.length;
    page.leftOut += rows.length - skipped - shown.length;
    return shown;
  };
  const waves = plan.waves.flatMap(({ number, tasks }) => {
    open += tasks.length;
    ready += tasks.filter((task) => backlog.readinessOf(task).kind === 'ready').length;
    if (only !== undefined && only !== number) return [];
    const shown = onPage(tasks.filter(isWanted));
    return shown.length === 0
      ? []
      : [{ number, tasks: shown.map((task) => rowOf(backlog, task, now)) }];
  });
  const stuck = [
    ...outside.map((task) => ({ task, why: outsideText(plan, task) })),
    ...plan.blocked.map(({ task, reason }) => ({ task, why: blockText(reason) })),
  ];
  const blocked = only === undefined ? onPage(stuck.filter(({ task }) => isWanted(task))) : [];
  return {
    root: backlog.root,
    project: backlog.snapshot?.project ?? backlog.name,
    numbering: describeNumbering(plan),
    open,
    ready,
    settled: plan.settled.length,
    waves,
    blocked: blocked.map(({ task, why }) => ({ id: task.id, title: titleOf(task), reason: why })),
    left_out: page.leftOut,
  };
}

function outsideText({ asked, options }: Plan, { status, rawStatus }: Task): string {
  if (asked?.kind === 'used') return `no wave of ${oneLine(asked.file)} names it`;
  const word = status === 'Unknown' ? oneLine(rawStatus) : status;
  return options.numbering === 'exarp' ? `${word}: exarp-go has no wave for it` : word;
}

/** As users write them: `#api`, `api` and `API` are one tag. */
export function hasTag(tags: readonly string[], wanted: string): boolean {
  const plain = (tag: string): string => tag.trim().replace(/^#/, '').toLowerCase();
  return tags.some((tag) => plain(tag) === plain(wanted));
}

export const TAG = {
  type: 'string',
  minLength: 1,
  maxLength: 200,
  description: 'Only tasks with this tag; a leading # and the case do not matter',
} as const;

export const listWaves = operation({
  name: 'waves_list',
  title: 'List waves',
  description:
    'Lists the open tasks of the backlog as waves: the tasks of one wave do not depend on each other and can be worked on side by side; wave N+1 waits for wave N. For each task: status, priority, tags, whether it is ready, and if not, why (what it waits for, who holds it and until when). Also lists tasks that no wave can hold, such as cycles. To take a task, use waves_next.',
  input: object(
    {
      tag: TAG,
      wave: { type: 'integer', minimum: 0, description: 'Only this wave' },
      limit: {
        type: 'integer',
        minimum: 1,
        maximum: 2000,
        description: `The most tasks, ${DEFAULT_LIMIT} if absent`,
      },
      skip: {
        type: 'integer',
        minimum: 0,
        description: 'So many tasks are passed over, for the next page of a long list',
      },
    },
    [],
  ),
  output: WAVES,
  effect: READS,
  run: ({ backlog }, input) => {
    const { plan } = backlog;
    if (plan === undefined) throw new Error('Internal error: a snapshot without a plan');
    const known = plan.waves.map(({ number }) => number);
    if (input.wave !== undefined && !known.includes(input.wave)) {
      return fail({ kind: 'unknownWave', number: input.wave, known });
    }
    const structured = wavesOf(backlog, plan, input);
    const { open, ready, settled, waves, blocked, left_out: leftOut } = structured;
    const sentence = `${count(open, 'open task')} in ${count(plan.waves.length, 'wave')}, ${ready} ready now, ${settled} finished. ${structured.numbering}${leftOut > 0 ? ` ${leftOut} more follow: call again with "skip": ${(input.skip ?? 0) + (input.limit ?? DEFAULT_LIMIT)}.` : ''}`;
    const sizes = new Map(plan.waves.map(({ number, tasks }) => [number, tasks.length]));
    const lines = waves.flatMap(({ number, tasks }) => [
      `Wave ${number} (${tasks.length === sizes.get(number) ? '' : `${tasks.length} of `}${count(sizes.get(number) ?? 0, 'task')})`,
      ...tasks.map(rowLine),
    ]);
    const stuck = blocked.map(({ id, title, reason }) => `- ${oneLine(id)} ${title}: ${reason}`);
    const data = [...lines, ...(stuck.length === 0 ? [] : ['In no wave', ...stuck])];
    return ok({
      text: data.length === 0 ? sentence : withData(sentence, data.join('\n')),
      structured,
    });
  },
});

const SHOWN = object({ task: TASK });

export const showTask = operation({
  name: 'waves_show',
  title: 'Show a task',
  description:
    'Shows one task in full: title, description, status, tags, the files it names, who holds it, its dependencies with what was reported when they ended, and the open tasks that wait for it.',
  input: object(
    {
      id: ID,
      from: {
        type: 'integer',
        minimum: 0,
        description: 'The first character of a long description to show; 0 if absent',
      },
    },
    ['id'],
  ),
  output: SHOWN,
  effect: READS,
  run: async (served, { id, from = 0 }): Promise<Outcome<typeof SHOWN>> => {
    const found = findTask(served, id);
    if (!found.ok) return found;
    const task = await taskOf(served, found.value, from);
    return ok({
      text: withData('The task as the backlog has it.', taskText(task)),
      structured: { task },
    });
  },
});

/** A task that waits for hundreds of others is explained well by the first of them. */
const MOST_REASONS = 50;

export const explainNotReady = operation({
  name: 'waves_explain',
  title: 'Explain why a task is not ready',
  description:
    'Says whether a task may be started now and, if not, every reason: open dependencies and who holds them, missing dependencies, cycles, a lock of another holder and when it ends, a status that only the user changes. Each reason comes with what would make it go away.',
  input: object({ id: ID }),
  output: object({
    id: { type: 'string' },
    state: { type: 'string', enum: ['ready', 'ours', 'not_ready'] },
    reasons: list(
      object({
        kind: {
          type: 'string',
          enum: ['waitsFor', 'missing', 'cycle', 'behindCycle', 'held', 'unleased', 'status'],
        },
        reason: { type: 'string' },
        remedy: { type: 'string' },
      }),
    ),
    left_out: { type: 'integer', description: 'Reasons that are too many to be listed' },
  }),
  effect: READS,
  run: (served, { id }) => {
    const found = findTask(served, id);
    if (!found.ok) return found;
    const { now } = served.backlog;
    const readiness = served.backlog.readinessOf(found.value);
    const all = readiness.kind === 'notReady' ? readiness.reasons : [];
    const reasons = all.slice(0, MOST_REASONS).map((reason) => ({
      kind: reason.kind,
      reason: reasonText(reason, now, AGENT),
      remedy: remedyWords(reason),
    }));
    const state = readiness.kind === 'notReady' ? 'not_ready' : readiness.kind;
    const structured = {
      id: found.value.id,
      state,
      reasons,
      left_out: all.length - reasons.length,
    } as const;
    if (readiness.kind === 'ready') {
      return ok({
        text: 'It is ready: nothing holds it up. Claim it with waves_claim.',
        structured,
      });
    }
    if (readiness.kind === 'ours')
      return ok({ text: 'It is yours: this connection holds it.', structured });
    const lines = reasons.map(({ reason, remedy }) => `- ${reason}. ${remedy}`);
    if (structured.left_out > 0) lines.push(`- And ${count(structured.left_out, 'more reason')}.`);
    return ok({ text: `It may not be started now:\n${lines.join('\n')}`, structured });
  },
});

export const doctor = operation({
  name: 'waves_doctor',
  title: 'Examine the backlog',
  description:
    'Looks for trouble in the backlog and changes nothing: cycles, missing dependencies, locks whose owner is gone, odd statuses, rows that break exarp-go, duplicates. The user fixes what can be fixed in the editor, who sees each change first.',
  input: object(
    {
      limit: {
        type: 'integer',
        minimum: 1,
        maximum: 1000,
        description: 'The most findings, 100 if absent',
      },
    },
    [],
  ),
  output: object({
    total: { type: 'integer' },
    findings: list(
      object({
        kind: { type: 'string' },
        severity: { type: 'string', enum: ['error', 'warning', 'info'] },
        ids: list({ type: 'string' }),
        detail: { type: 'string' },
        fixable: {
          type: 'boolean',
          description: 'A person can have it mended from the editor',
        },
      }),
    ),
  }),
  effect: READS,
  run: ({ backlog }, { limit = 100 }) => {
    const all = backlog.findings;
    const findings = all.slice(0, limit).map(({ trouble, severity, ids, fix }) => ({
      kind: trouble.kind,
      severity,
      ids: ids.slice(0, 100),
      detail: problemText(trouble),
      fixable: fix.kind !== 'none',
    }));
    const structured = { total: all.length, findings };
    if (all.length === 0) return ok({ text: 'Nothing is wrong with the backlog.', structured });
    const lines = findings.map(
      ({ severity, ids: [first], detail }) =>
        `- ${severity}: ${first === undefined ? '' : `${oneLine(first)} `}${detail}`,
    );
    const more =
      all.length > findings.length ? `, the first ${findings.length} of which follow` : '';
    return ok({
      text: withData(`${count(all.length, 'finding')}${more}.`, lines.join('\n')),
      structured,
    });
  },
});

/** How many tasks are open, and how many of them may be claimed. */
export function countOpen(backlog: Backlog): number {
  return (backlog.snapshot?.tasks ?? []).filter(({ status }) => !isSettled(status)).length;
}

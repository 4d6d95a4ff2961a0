import { count, named, utcTime } from '../core/text.ts';
import type { Claim } from '../core/ports.ts';
import type { NotReady } from '../core/waves/readiness.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { isSettled, type Task, type TaskId, taskId } from '../core/task.ts';
import type { AgentBacklog } from './agent-backlog.ts';
import { withData } from './data-notice.ts';
import { findTask, ID } from './find-task.ts';
import { countOpen, hasTag, TAG } from './look-operations.ts';
import { type AgentFailure, type Answer, operation, type Outcome, WRITES } from './operation.ts';
import { list, object, type ValueOf } from './schema.ts';
import { rowLine, rowOf, TASK, TASK_ROW, taskOf, taskText } from './task-view.ts';
import { idList, untilText } from '../core/messages.ts';

const LEASE = object(
  {
    holder: { type: 'string', description: 'The name in the lock: this server' },
    until: {
      type: 'string',
      description: 'RFC 3339 in UTC; renewed by itself while the client is connected',
    },
    taken_from: { type: 'string', description: 'Whose lease had ended' },
  },
  ['holder', 'until'],
);

const HOW_TO_END =
  'The lease is renewed by itself while you are connected. When you are done call waves_complete with what you changed and how you checked it; if you cannot do it, call waves_release with the reason.';

const NEXT = object(
  {
    claimed: { type: 'boolean' },
    task: TASK,
    lease: LEASE,
    open: { type: 'integer', description: 'Open tasks of the backlog' },
    waiting: list(TASK_ROW, {
      description: 'Where nothing was claimed: tasks that would come next, and why not yet',
    }),
  },
  ['claimed', 'open', 'waiting'],
);

/** Enough to see what holds everything up. */
const MOST_WAITING = 20;

export const nextTask = operation({
  name: 'waves_next',
  title: 'Claim the next task',
  description:
    'Claims the best task that is ready and free, in one transaction, so that two agents never get the same one; makes it In Progress and answers it in full. Order: wave, then priority, then id. Where nothing is ready it claims nothing and says what is waited for: then either everything is done ("open" is 0), or others are at work and it is worth asking again later.',
  input: object(
    {
      tag: TAG,
      wave: {
        type: 'integer',
        minimum: 0,
        description: 'Only tasks of this wave, as waves_list numbers them',
      },
    },
    [],
  ),
  output: NEXT,
  effect: WRITES,
  run: async (served, { tag, wave }): Promise<Outcome<typeof NEXT>> => {
    const { backlog } = served;
    const known = backlog.plan?.waves.map(({ number }) => number) ?? [];
    if (wave !== undefined && !known.includes(wave)) {
      if (countOpen(backlog) > 0) return fail({ kind: 'unknownWave', number: wave, known });
    }
    const isWanted = (task: Task): boolean =>
      (tag === undefined || hasTag(task.tags, tag)) &&
      (wave === undefined || backlog.plan?.waveOf.get(task.id) === wave);
    const claimed = await backlog.claims.claimNext(isWanted);
    if (claimed.ok) served.noteClaimed(claimed.value.id);
    if (!claimed.ok) {
      return claimed.failure.kind === 'nothingReady' ? ok(nothingReady(served, isWanted)) : claimed;
    }
    const found = findTask(served, claimed.value.id);
    if (!found.ok) return fail({ kind: 'noSuchTask', id: claimed.value.id });
    const task = await taskOf(served, found.value);
    const structured = {
      claimed: true,
      task,
      lease: leaseOf(claimed.value),
      open: countOpen(backlog),
      waiting: [],
    };
    const text = claimedText(served, claimed.value, taskText(task));
    return ok({ text, structured, ...releaseUnheard(served, claimed.value) });
  },
});

/**
 * A claim whose answer the client never reads would stay until the client goes, as it does where
 * this fails. A claim that was only renewed is current work, and stays.
 */
function releaseUnheard(served: AgentBacklog, { id, fresh }: Claim): Pick<Answer, 'undo'> {
  if (!fresh) return {};
  return {
    undo: async () => {
      await served.end(id, 'Todo', undefined);
    },
  };
}

function nothingReady(
  served: AgentBacklog,
  isWanted: (task: Task) => boolean,
): { text: string; structured: ValueOf<typeof NEXT> } {
  const { backlog } = served;
  const open = countOpen(backlog);
  const inOrder = backlog.plan?.waves.flatMap(({ tasks }) => tasks) ?? [];
  const waiting = inOrder
    .filter(isWanted)
    .slice(0, MOST_WAITING)
    .map((task) => rowOf(backlog, task));
  const structured = { claimed: false, open, waiting };
  if (open === 0)
    return { text: 'Nothing was claimed: every task of the backlog is finished.', structured };
  const sentence = `Nothing was claimed: of ${count(open, 'open task')} none that you asked for is ready and free.`;
  return {
    text:
      waiting.length === 0
        ? sentence
        : withData(`${sentence} These come next:`, waiting.map(rowLine).join('\n')),
    structured,
  };
}

const CLAIMED = object({ task: TASK, lease: LEASE });

export const claimTask = operation({
  name: 'waves_claim',
  title: 'Claim a task',
  description:
    'Claims one task that you name and makes it In Progress; answers it in full. Refused while it is not ready (open dependencies, a cycle), while another agent or the user holds it, and while this very connection holds it already, since that may be another agent behind the same connection: "resume": true says that it was you. Prefer waves_next unless you were given an id.',
  input: object(
    {
      id: ID,
      resume: {
        type: 'boolean',
        description: 'True to go on with a task that this connection holds already',
      },
    },
    ['id'],
  ),
  output: CLAIMED,
  effect: WRITES,
  run: async (served, { id, resume = false }): Promise<Outcome<typeof CLAIMED>> => {
    const { backlog } = served;
    const found = findTask(served, id);
    if (!found.ok) return found;
    const refusal = refusalOf(served, found.value, resume);
    if (refusal !== undefined) return fail(refusal);
    const claimed = await backlog.claims.claim(found.value.id);
    if (!claimed.ok) return claimed;
    served.noteClaimed(claimed.value.id);
    // What it waits for may have been opened again while we asked.
    const gone = await releaseUnready(served, claimed.value);
    if (gone !== undefined) return fail(gone);
    const now = findTask(served, id);
    if (!now.ok) return now;
    const task = await taskOf(served, now.value);
    return ok({
      text: claimedText(served, claimed.value, taskText(task)),
      structured: { task, lease: leaseOf(claimed.value) },
      ...releaseUnheard(served, claimed.value),
    });
  },
});

function refusalOf(served: AgentBacklog, task: Task, resume: boolean): AgentFailure | undefined {
  const readiness = served.backlog.readinessOf(task);
  if (readiness.kind === 'ours') {
    return resume ? undefined : { kind: 'alreadyOurs', id: task.id, lock: readiness.lease.lock };
  }
  if (readiness.kind === 'ready') return undefined;
  return notReady(task.id, readiness.reasons);
}

/**
 * The failure that says most: of several reasons that which a holder or a status is, as words name
 * the remedy for it.
 */
function notReady(id: TaskId, reasons: readonly NotReady[]): AgentFailure {
  const [only] = reasons;
  if (reasons.length === 1 && only?.kind === 'held' && only.lease.lock.until !== undefined) {
    return { kind: 'held', id, holder: only.lease.lock.holder, until: only.lease.lock.until };
  }
  if (reasons.length === 1 && only?.kind === 'unleased')
    return { kind: 'unleased', id, holder: only.lease.lock.holder };
  if (reasons.length === 1 && only?.kind === 'status') {
    return { kind: 'notClaimable', id, status: only.status, rawStatus: only.rawStatus };
  }
  return { kind: 'notReady', id, reasons };
}

async function releaseUnready(
  served: AgentBacklog,
  claim: Claim,
): Promise<AgentFailure | undefined> {
  const task = served.backlog.task(claim.id);
  if (task === undefined) return { kind: 'noSuchTask', id: claim.id };
  const readiness = served.backlog.readinessOf(task);
  if (readiness.kind !== 'notReady') return undefined;
  const waits = readiness.reasons.filter(({ kind }) => kind === 'waitsFor' || kind === 'missing');
  if (waits.length === 0 || !claim.fresh) return undefined;
  const given = await served.end(claim.id, 'Todo', undefined);
  return given.ok ? { kind: 'notReady', id: claim.id, reasons: waits } : given.failure;
}

function leaseOf(claim: Claim): ValueOf<typeof LEASE> {
  const { holder, until, takenFrom } = claim;
  return {
    holder,
    until: utcTime(until),
    ...(takenFrom === undefined ? {} : { taken_from: takenFrom.holder }),
  };
}

function claimedText({ backlog }: AgentBacklog, claim: Claim, data: string): string {
  const taken =
    claim.takenFrom === undefined
      ? ''
      : ` It was taken over from ${named(claim.takenFrom.holder)}, whose lease had ended: look at what was left behind before you begin.`;
  return withData(
    `You hold this task${untilText(claim.until, backlog.now)}. ${HOW_TO_END}${taken}`,
    data,
  );
}

const RENEWED = object({
  id: { type: 'string' },
  holder: { type: 'string' },
  until: { type: 'string' },
});

export const renewTask = operation({
  name: 'waves_renew',
  title: 'Renew a lease',
  description:
    'Gives the lease of a task that this connection holds a new end, and says whether it is still yours. Leases are renewed by themselves while the client is connected, so this is only needed to make sure, for instance after a long pause.',
  input: object({ id: ID }),
  output: RENEWED,
  effect: { readOnly: false, destructive: false, idempotent: true },
  needs: 'known',
  run: async (served, { id }): Promise<Outcome<typeof RENEWED>> => {
    const found = findTask(served, id);
    if (!found.ok) return found;
    const renewed = await served.renew(found.value.id);
    if (!renewed.ok) return renewed;
    const until = renewed.value;
    return ok({
      text: `${named(id)} is still yours${untilText(until, served.backlog.now)}.`,
      structured: { id: found.value.id, holder: served.holder, until: utcTime(until) },
    });
  },
});

export const ENDED = object({
  id: { type: 'string' },
  status: { type: 'string', description: 'The status that the task has now' },
  commented: {
    type: 'boolean',
    description: 'Whether the report was written; a store may have no table for it',
  },
  opened: list(
    { type: 'string' },
    { description: 'Tasks that are ready now and that waited for this one' },
  ),
});

export const releaseTask = operation({
  name: 'waves_release',
  title: 'Give a task back',
  description:
    'Releases a task that this connection holds: the lock is removed, In Progress becomes Todo, and another agent may take it. Say why in "reason", for the agent that takes it next. Use it when you cannot or need not go on; use waves_complete when the work is done.',
  input: object(
    {
      id: ID,
      reason: {
        type: 'string',
        minLength: 1,
        maxLength: 4000,
        description: 'Left as a note at the task',
      },
    },
    ['id'],
  ),
  output: ENDED,
  effect: WRITES,
  needs: 'known',
  run: async (served, { id, reason }): Promise<Outcome<typeof ENDED>> => {
    const found = findTask(served, id);
    if (!found.ok) return found;
    const text = `Given back by ${served.label}:\n\n${reason?.trim() ?? ''}\n`;
    const note = reason === undefined ? undefined : ({ type: 'note', text } as const);
    return ended(served, found.value, await served.end(found.value.id, 'Todo', note));
  },
});

const MOST_OPENED = 100;

/** What came of an end, also for `waves_complete`. */
export function ended(
  served: AgentBacklog,
  before: Task,
  outcome: Awaited<ReturnType<AgentBacklog['end']>>,
): Result<{ readonly text: string; readonly structured: ValueOf<typeof ENDED> }, AgentFailure> {
  if (!outcome.ok) return outcome;
  const { id } = before;
  const { status, commented } = outcome.value;
  const { backlog } = served;
  const opened = !isSettled(status)
    ? []
    : (backlog.snapshot?.tasks ?? [])
        .filter(
          (task) => task.dependencies.includes(id) && backlog.readinessOf(task).kind === 'ready',
        )
        .map((task) => task.id);
  const text = [
    `${named(id)} is ${status} now and not yours any more.`,
    ...(opened.length === 0 ? [] : [`Ready now: ${idList(opened)}.`]),
    'Take the next one with waves_next.',
  ].join(' ');
  return ok({ text, structured: { id, status, commented, opened: opened.slice(0, MOST_OPENED) } });
}

const NOTED = object({ id: { type: 'string' } });

export const addNote = operation({
  name: 'waves_note',
  title: 'Add a note to a task',
  description:
    'Adds a note to a task, regardless of who holds it: a finding, a question, a warning for the agent that works on it next. It changes neither status nor lock. Notes are kept with the task; what you did in the end belongs into waves_complete.',
  input: object({ id: ID, text: { type: 'string', minLength: 1, maxLength: 10_000 } }),
  output: NOTED,
  effect: WRITES,
  needs: 'known',
  run: async (served, { id, text }): Promise<Outcome<typeof NOTED>> => {
    const found = findTask(served, id);
    if (!found.ok) return found;
    const added = await served.addNote(taskId(id), `${text.trim()}\n\n(${served.label})\n`);
    if (!added.ok) return added;
    return ok({ text: `The note was added to ${named(id)}.`, structured: { id: found.value.id } });
  },
});

import type { Backlog } from '../core/backlog.ts';
import { cut, oneLine, utcTime, firstLines } from '../core/text.ts';
import { filesOf } from '../core/named-files.ts';
import type { Task, TaskId } from '../core/task.ts';
import type { AgentBacklog, TaskNote } from './agent-backlog.ts';
import { list, object, type ValueOf } from './schema.ts';
import { reasonText, AGENT } from '../core/messages.ts';

const STATE = {
  type: 'string',
  enum: ['ready', 'ours', 'not_ready'],
  description: 'ready: may be claimed now; ours: held by this connection; not_ready: see reasons',
} as const;

const HOLDER = { type: 'string', description: 'Who holds it, while the lease runs' } as const;
const UNTIL = { type: 'string', description: 'When the lease ends, RFC 3339 in UTC' } as const;

/** A task in a list. */
export const TASK_ROW = object(
  {
    id: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'string' },
    priority: { type: 'string' },
    tags: list({ type: 'string' }),
    state: STATE,
    reasons: list({ type: 'string' }),
    holder: HOLDER,
    lease_until: UNTIL,
  },
  ['id', 'title', 'status', 'priority', 'tags', 'state', 'reasons'],
);

/** A task as the agent that works on it needs it. */
export const TASK = object(
  {
    ...TASK_ROW.properties,
    wave: { type: 'integer', description: 'Absent where it is in no wave' },
    description: { type: 'string' },
    description_next: {
      type: 'integer',
      description:
        'Where the description goes on, if only a part of it is here: "from" for waves_show',
    },
    dependencies: list(
      object(
        {
          id: { type: 'string' },
          title: { type: 'string' },
          status: { type: 'string', description: '"missing" where there is no such task' },
          result: { type: 'string', description: 'What was reported when it ended' },
        },
        ['id', 'title', 'status'],
      ),
    ),
    dependants: list({ type: 'string' }, { description: 'Open tasks that wait for this one' }),
    left_out: {
      type: 'integer',
      description: 'Dependencies and dependants that are too many to be listed',
    },
    parent: { type: 'string' },
    files: list(
      { type: 'string' },
      { description: 'Files that the description names, relative to the root' },
    ),
    result: { type: 'string', description: 'What was reported of this task at last' },
    notes: list(
      object({ type: { type: 'string' }, text: { type: 'string' }, at: { type: 'string' } }, [
        'type',
        'text',
        'at',
      ]),
      { description: 'Notes on this task, of all authors, the oldest first' },
    ),
    created_at: { type: 'string' },
    modified_at: { type: 'string' },
  },
  [...TASK_ROW.required, 'description', 'dependencies', 'dependants', 'files'],
);

type TaskView = ValueOf<typeof TASK>;

// A large backlog has to leave a model room to think. Lengths in characters.
const MAX_TITLE = 300;
const MAX_TAGS = 30;
const MAX_TAG = 100;
const MAX_DESCRIPTION = 24_000;
const MAX_LINKS = 100;
const MAX_FILES = 100;
const MAX_RESULT = 4_000;
/** Of all that its dependencies reported. */
const MAX_RESULTS = 24_000;

/** `now` is undefined where the words are to stay the same as time passes. */
export function rowOf(
  backlog: Backlog,
  task: Task,
  now: number | undefined = backlog.now,
): ValueOf<typeof TASK_ROW> {
  const readiness = backlog.readinessOf(task);
  const lease = backlog.leaseOf(task);
  return {
    id: task.id,
    title: titleOf(task),
    status: cut(task.status === 'Unknown' ? task.rawStatus : task.status, MAX_TAG),
    priority: cut(task.priority === 'other' ? task.rawPriority : task.priority, MAX_TAG),
    tags: task.tags.slice(0, MAX_TAGS).map((tag) => cut(tag, MAX_TAG)),
    state: readiness.kind === 'notReady' ? 'not_ready' : readiness.kind,
    reasons:
      readiness.kind === 'notReady'
        ? firstLines(readiness.reasons, 12, (reason) => reasonText(reason, now, AGENT))
        : [],
    ...(lease.kind === 'ours' || lease.kind === 'theirs' || lease.kind === 'unleased'
      ? {
          holder: lease.lock.holder,
          ...(lease.lock.until === undefined ? {} : { lease_until: utcTime(lease.lock.until) }),
        }
      : {}),
  };
}

export function titleOf({ title }: Pick<Task, 'title'>): string {
  return cut(oneLine(title), MAX_TITLE);
}

/** One task in full, with reports on its dependencies; the description begins at `from`. */
export async function taskOf(served: AgentBacklog, task: Task, from = 0): Promise<TaskView> {
  const results = await served.results(reportedOn(task));
  const notes = await served.notes(task.id);
  return viewOf(served, task, { results, notes, now: served.backlog.now, from });
}

/** The tasks whose results belong to the view of this one. */
export function reportedOn(task: Task): readonly TaskId[] {
  return [task.id, ...task.dependencies.slice(0, MAX_LINKS)];
}

/** As `taskOf`, with results that are known already. */
export function viewOf(
  { backlog, foldCase }: Pick<AgentBacklog, 'backlog' | 'foldCase'>,
  task: Task,
  {
    results,
    notes = [],
    now,
    from = 0,
  }: {
    readonly results: ReadonlyMap<TaskId, string>;
    readonly notes?: readonly TaskNote[];
    readonly now: number | undefined;
    readonly from?: number;
  },
): TaskView {
  const wave = backlog.plan?.waveOf.get(task.id);
  let room = MAX_RESULTS;
  const resultOf = (id: TaskId): { readonly result?: string } => {
    const result = results.get(id);
    if (result === undefined || room <= 0) return {};
    const shown = cut(result, Math.min(MAX_RESULT, room));
    room -= shown.length;
    return { result: shown };
  };
  const own = resultOf(task.id);
  const description = pieceOf(task.description, from);
  const next = from + description.length;
  const dependants = dependantsOf(backlog, task.id);
  const leftOut = [task.dependencies, dependants].reduce(
    (sum, { length }) => sum + Math.max(0, length - MAX_LINKS),
    0,
  );
  return {
    ...rowOf(backlog, task, now),
    ...(wave === undefined ? {} : { wave }),
    description,
    ...(next < task.description.length ? { description_next: next } : {}),
    dependencies: task.dependencies.slice(0, MAX_LINKS).map((id) => {
      const found = backlog.task(id);
      if (found === undefined) return { id, title: '', status: 'missing' };
      return { id, title: titleOf(found), status: found.status, ...resultOf(id) };
    }),
    dependants: dependants.slice(0, MAX_LINKS),
    ...(leftOut === 0 ? {} : { left_out: leftOut }),
    ...(task.parentId === undefined ? {} : { parent: task.parentId }),
    files: filesOf(task.description, { foldCase }).slice(0, MAX_FILES),
    ...own,
    ...(notes.length === 0 ? {} : { notes: notes.map(shownNote) }),
    ...(task.createdAt === undefined ? {} : { created_at: utcTime(task.createdAt) }),
    ...(task.modifiedAt === undefined ? {} : { modified_at: utcTime(task.modifiedAt) }),
  };
}

function shownNote({ type, text, at }: TaskNote): TaskNote {
  return { type: cut(oneLine(type), MAX_TAG), text: cut(text, MAX_RESULT), at: cut(at, MAX_TAG) };
}

/** As much as may be shown at once, and never half a character. */
function pieceOf(text: string, from: number): string {
  const piece = text.slice(from, from + MAX_DESCRIPTION);
  const isCut = from + piece.length < text.length && /[\ud800-\udbff]$/.test(piece);
  return isCut ? piece.slice(0, -1) : piece;
}

function dependantsOf(backlog: Backlog, id: TaskId): readonly string[] {
  return (backlog.snapshot?.tasks ?? [])
    .filter(
      (task) =>
        task.dependencies.includes(id) && task.status !== 'Done' && task.status !== 'Cancelled',
    )
    .map((task) => task.id);
}

/** A row of a list as one line of text. */
export function rowLine(row: ValueOf<typeof TASK_ROW>): string {
  const state =
    row.state === 'not_ready' ? row.reasons.join('; ') : row.state === 'ours' ? 'yours' : 'ready';
  return `- ${oneLine(row.id)} ${cut(row.title, 120)} [${[row.status, row.priority, ...row.tags.map((tag) => `#${tag}`)].map(oneLine).join(', ')}]: ${state}`;
}

/** A task as text. The description comes last, so that it cannot pass for a fact. */
export function taskText(task: TaskView): string {
  const lines = [
    `Id: ${oneLine(task.id)}`,
    `Title: ${task.title}`,
    `Status: ${oneLine(task.status)}, priority ${oneLine(task.priority)}${task.wave === undefined ? '' : `, wave ${task.wave}`}`,
    ...(task.tags.length === 0 ? [] : [`Tags: ${task.tags.map(oneLine).join(', ')}`]),
    ...(task.holder === undefined
      ? []
      : [
          `Holder: ${oneLine(task.holder)}${task.lease_until === undefined ? '' : ` until ${task.lease_until}`}`,
        ]),
    ...(task.dependencies.length === 0 ? [] : ['Dependencies:']),
    ...task.dependencies.map(({ id, status, title }) => `- ${oneLine(id)} (${status}): ${title}`),
    ...(task.files.length === 0 ? [] : [`Files: ${task.files.join(', ')}`]),
    ...(task.left_out === undefined
      ? []
      : [`${task.left_out} more dependencies and dependants are not shown.`]),
    ...(task.description.trim() === '' ? [] : [`Description${partWords(task)}:`, task.description]),
  ];
  const reports = task.dependencies.flatMap(({ id, result }) =>
    result === undefined ? [] : [`Reported of ${oneLine(id)}:\n${result}`],
  );
  return [
    lines.join('\n'),
    ...reports,
    ...(task.result === undefined ? [] : [`Reported:\n${task.result}`]),
    ...(task.notes ?? []).map(({ type, text, at }) => `Note (${type}, ${oneLine(at)}):\n${text}`),
  ].join('\n\n');
}

function partWords({ description_next: next }: TaskView): string {
  return next === undefined
    ? ''
    : ` (only a part; waves_show with "from": ${next} has what follows)`;
}

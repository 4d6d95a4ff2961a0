import type { Backlog } from '../core/backlog.ts';
import { cut, oneLine } from '../core/plan/text.ts';
import { filesOf } from '../core/shared-files.ts';
import type { Task, TaskId } from '../core/task.ts';
import type { AgentBacklog } from './agent-backlog.ts';
import { list, object, type ValueOf } from './schema.ts';
import { isoOf, reasonWords } from './words.ts';

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

/** A task as whoever is to work on it needs it. */
export const TASK = object(
  {
    ...TASK_ROW.properties,
    wave: { type: 'integer', description: 'Absent where it is in no wave' },
    description: { type: 'string' },
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
    parent: { type: 'string' },
    files: list({ type: 'string' }, { description: 'Files that the description names, relative to the root' }),
    result: { type: 'string', description: 'What was reported of this task at last' },
    created_at: { type: 'string' },
    modified_at: { type: 'string' },
  },
  [...TASK_ROW.required, 'description', 'dependencies', 'dependants', 'files'],
);

type TaskView = ValueOf<typeof TASK>;

const MAX_RESULT = 4_000;

export function rowOf(backlog: Backlog, task: Task): ValueOf<typeof TASK_ROW> {
  const readiness = backlog.readinessOf(task);
  const lease = backlog.leaseOf(task);
  const { now } = backlog;
  return {
    id: task.id,
    title: oneLine(task.title),
    status: task.status === 'Unknown' ? task.rawStatus : task.status,
    priority: task.priority === 'other' ? task.rawPriority : task.priority,
    tags: task.tags,
    state: readiness.kind === 'notReady' ? 'not_ready' : readiness.kind,
    reasons: readiness.kind === 'notReady' ? readiness.reasons.map((reason) => reasonWords(reason, now)) : [],
    ...(lease.kind === 'ours' || lease.kind === 'theirs' || lease.kind === 'unleased'
      ? {
          holder: lease.lock.holder,
          ...(lease.lock.until === undefined ? {} : { lease_until: isoOf(lease.lock.until) }),
        }
      : {}),
  };
}

/** Everything about one task, with what its dependencies reported. */
export async function taskOf(served: AgentBacklog, task: Task): Promise<TaskView> {
  const { backlog } = served;
  const results = await served.results([task.id, ...task.dependencies]);
  const wave = backlog.plan?.waveOf.get(task.id);
  const resultOf = (id: TaskId): { readonly result?: string } => {
    const result = results.get(id);
    return result === undefined ? {} : { result: cut(result, MAX_RESULT) };
  };
  const own = resultOf(task.id);
  return {
    ...rowOf(backlog, task),
    ...(wave === undefined ? {} : { wave }),
    description: task.description,
    dependencies: task.dependencies.map((id) => {
      const found = backlog.task(id);
      if (found === undefined) return { id, title: '', status: 'missing' };
      return { id, title: oneLine(found.title), status: found.status, ...resultOf(id) };
    }),
    dependants: dependantsOf(backlog, task.id),
    ...(task.parentId === undefined ? {} : { parent: task.parentId }),
    files: filesOf(task.description, { foldCase: served.foldCase }),
    ...own,
    ...(task.createdAt === undefined ? {} : { created_at: isoOf(task.createdAt) }),
    ...(task.modifiedAt === undefined ? {} : { modified_at: isoOf(task.modifiedAt) }),
  };
}

function dependantsOf(backlog: Backlog, id: TaskId): readonly string[] {
  return (backlog.snapshot?.tasks ?? [])
    .filter((task) => task.dependencies.includes(id) && task.status !== 'Done' && task.status !== 'Cancelled')
    .map((task) => task.id);
}

/** A row of a list as one line of text. */
export function rowLine(row: ValueOf<typeof TASK_ROW>): string {
  const state = row.state === 'not_ready' ? row.reasons.join('; ') : row.state === 'ours' ? 'yours' : 'ready';
  return `- ${oneLine(row.id)} ${cut(row.title, 120)} [${[row.status, row.priority, ...row.tags.map((tag) => `#${oneLine(tag)}`)].join(', ')}]: ${state}`;
}

/** A task for a reader: short facts, then its description, last, so that nothing in it passes for one of them. */
export function taskText(task: TaskView): string {
  const lines = [
    `Id: ${oneLine(task.id)}`,
    `Title: ${task.title}`,
    `Status: ${task.status}, priority ${task.priority}${task.wave === undefined ? '' : `, wave ${task.wave}`}`,
    ...(task.tags.length === 0 ? [] : [`Tags: ${task.tags.map(oneLine).join(', ')}`]),
    ...(task.holder === undefined
      ? []
      : [`Holder: ${oneLine(task.holder)}${task.lease_until === undefined ? '' : ` until ${task.lease_until}`}`]),
    ...(task.dependencies.length === 0 ? [] : ['Dependencies:']),
    ...task.dependencies.map(({ id, status, title }) => `- ${oneLine(id)} (${status}): ${title}`),
    ...(task.files.length === 0 ? [] : [`Files: ${task.files.join(', ')}`]),
    ...(task.description.trim() === '' ? [] : ['Description:', task.description]),
  ];
  const reports = task.dependencies.flatMap(({ id, result }) =>
    result === undefined ? [] : [`Reported of ${oneLine(id)}:\n${result}`],
  );
  return [lines.join('\n'), ...reports, ...(task.result === undefined ? [] : [`Reported:\n${task.result}`])].join(
    '\n\n',
  );
}

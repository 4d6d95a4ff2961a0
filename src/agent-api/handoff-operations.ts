import { writeHandoffPrompt } from '../core/handoff-prompt.ts';
import type { Handoff } from '../core/handoff.ts';
import { count, cut, oneLine, utcTime } from '../core/text.ts';
import { fail, ok } from '../core/result.ts';
import { taskId } from '../core/task.ts';
import { withData } from './data-notice.ts';
import { operation, type Outcome, READS, WRITES } from './operation.ts';
import { list, object } from './schema.ts';

const TEXTS = list({ type: 'string' });

const HANDOFFS = object({
  total: { type: 'integer' },
  handoffs: list(
    object(
      {
        id: { type: 'string' },
        at: { type: 'string', description: 'RFC 3339 in UTC' },
        host: { type: 'string' },
        status: { type: 'string', enum: ['open', 'closed', 'approved', 'other'] },
        summary: { type: 'string' },
        blockers: TEXTS,
        next_steps: TEXTS,
        warnings: TEXTS,
        tasks_in_progress: list(
          object(
            {
              id: { type: 'string' },
              title: { type: 'string' },
              status_then: { type: 'string' },
              status_now: { type: 'string' },
            },
            ['id', 'title'],
          ),
        ),
        branch: { type: 'string' },
      },
      [
        'id',
        'host',
        'status',
        'summary',
        'blockers',
        'next_steps',
        'warnings',
        'tasks_in_progress',
      ],
    ),
  ),
});

export const readHandoffs = operation({
  name: 'waves_read_handoffs',
  title: 'Read handoffs',
  description:
    'Reads what earlier sessions handed over, the newest first: summary, blockers, next steps, and the tasks they were at, with the status that those have now. Read this when you begin.',
  input: object(
    {
      status: { type: 'string', enum: ['open', 'all'], description: 'Only open ones if absent' },
      limit: { type: 'integer', minimum: 1, maximum: 100, description: '5 if absent' },
    },
    [],
  ),
  output: HANDOFFS,
  effect: READS,
  needs: 'nothing',
  run: ({ backlog }, { status = 'open', limit = 5 }): Outcome<typeof HANDOFFS> => {
    const { state } = backlog.handoffs;
    if (state.kind === 'unreadable') return fail(state.failure);
    const wanted = state.handoffs.filter(
      (handoff) => status === 'all' || handoff.status === 'open',
    );
    const shown = wanted.slice(0, limit).map(shortened);
    const taskOf = (id: string) => backlog.task(taskId(id));
    const handoffs = shown.map((handoff) => ({
      id: handoff.id,
      ...(handoff.at === undefined ? {} : { at: utcTime(handoff.at) }),
      host: handoff.host,
      status: handoff.status,
      summary: handoff.summary,
      blockers: handoff.blockers,
      next_steps: handoff.nextSteps,
      warnings: handoff.warnings,
      tasks_in_progress: handoff.inProgress.map(({ id, title, note }) => {
        const now = taskOf(id)?.status;
        return {
          id,
          title: oneLine(title),
          ...(note === '' ? {} : { status_then: note }),
          ...(now === undefined ? {} : { status_now: now }),
        };
      }),
      ...(handoff.git?.branch === undefined ? {} : { branch: handoff.git.branch }),
    }));
    const structured = { total: wanted.length, handoffs };
    const [newest] = shown;
    if (newest === undefined)
      return ok({ text: `There is no ${status === 'all' ? '' : 'open '}handoff.`, structured });
    const older = handoffs
      .slice(1)
      .map(({ at, host, summary }) => `- ${at ?? 'undated'} ${oneLine(host)}: ${oneLine(summary)}`);
    const first = writeHandoffPrompt(newest, backlog.root, taskOf);
    return ok({
      text:
        older.length === 0
          ? first
          : `${first}\n${withData(`${count(older.length, 'older handoff')}.`, older.join('\n'))}`,
      structured,
    });
  },
});

/** Other programs write this file too, so an agent's context needs limits. */
function shortened(handoff: Handoff): Handoff {
  const texts = (all: readonly string[]): readonly string[] =>
    all.slice(0, 50).map((text) => cut(text, 2_000));
  const tasks = (all: Handoff['inProgress']): Handoff['inProgress'] =>
    all.slice(0, 100).map(({ id, title, note }) => ({
      id: cut(id, 500),
      title: cut(title, 300),
      note: cut(note, 100),
    }));
  const { git } = handoff;
  const runs = handoff.runs.slice(0, 50).map(({ id, title, status, result }) => ({
    id: cut(id, 500),
    title: cut(title, 300),
    status: cut(status, 100),
    result: cut(result, 300),
  }));
  return {
    ...handoff,
    runs,
    id: cut(handoff.id, 500),
    host: cut(handoff.host, 200),
    summary: cut(handoff.summary, 10_000),
    blockers: texts(handoff.blockers),
    nextSteps: texts(handoff.nextSteps),
    warnings: texts(handoff.warnings),
    inProgress: tasks(handoff.inProgress),
    completed: tasks(handoff.completed),
    git: git === undefined ? undefined : { ...git, changedFiles: texts(git.changedFiles) },
  };
}

const LINES = list({ type: 'string', minLength: 1, maxLength: 2000 }, { maxItems: 50 });

const WRITTEN = object({ id: { type: 'string' }, tasks: TEXTS });

export const writeHandoff = operation({
  name: 'waves_write_handoff',
  title: 'Write a handoff',
  description:
    'Hands your work over to the next session: what was done, what is in the way, what comes next. The tasks that this connection holds are named in it; they stay locked until you release or complete them, or disconnect. The state of the working copy is noted where git tells it.',
  input: object(
    {
      summary: { type: 'string', minLength: 1, maxLength: 10_000 },
      blockers: LINES,
      next_steps: LINES,
    },
    ['summary'],
  ),
  output: WRITTEN,
  effect: WRITES,
  needs: 'nothing',
  run: async (
    { backlog },
    { summary, blockers = [], next_steps: nextSteps = [] },
  ): Promise<Outcome<typeof WRITTEN>> => {
    const ours = backlog
      .liveLocks()
      .filter(({ lease }) => lease.kind === 'ours')
      .map(({ task }) => task);
    const held = ours.map(({ id }) => id);
    const written = await backlog.handoffs.write({
      summary: summary.trim(),
      blockers,
      nextSteps,
      inProgress: ours,
      held,
      released: [],
      git: await backlog.gitStatus(),
    });
    if (!written.ok) return written;
    return ok({
      text: `The handoff ${written.value} was written.`,
      structured: { id: written.value, tasks: held },
    });
  },
});

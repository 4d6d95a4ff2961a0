import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import '../../support/use-editor-stub.ts';
import type { Failure } from '../../../src/core/failure.ts';
import { fail, ok } from '../../../src/core/result.ts';
import type { TaskOutcome } from '../../../src/core/run/run-events.ts';
import type { LineComment } from '../../../src/core/run/send-back.ts';
import { type Task, type TaskId, taskId } from '../../../src/core/task.ts';
import { task } from '../../support/backlog.ts';
import { answers, commands, inputs, lists, shown, trust } from '../../support/editor-stub.ts';
import {
  fakeBacklog,
  fakeBacklogs,
  NO_AGENTS,
  NO_BOARD,
  NO_COMMENTS,
  NO_DOORS,
  NO_WORKSPACE,
  NO_TREE,
  NOW,
} from '../../support/fake-backlog.ts';
import { atWork, ended, runAfter, runStarted } from '../../support/run-events.ts';

// After the stub: these import `vscode`.
const { registerCommands } = await import('../../../src/ui/commands.ts');
const { describeNode } = await import('../../../src/ui/tree-item.ts');

const one = taskId('T-1');
const isolation = { target: 'main', base: 'b'.repeat(40), start: 'commit' } as const;
const evidence = {
  ...{ startedAt: 1, endedAt: 2, verify: undefined, files: [], summary: undefined },
  ...{ logFile: undefined, sessionId: undefined },
  changes: {
    ...{ branch: 'waves/t-1', base: 'b'.repeat(40), commit: 'c'.repeat(40) },
    ...{ files: 1, added: 1, removed: 0 },
  },
};
const DONE: TaskOutcome = { kind: 'succeeded', status: 'Review', evidence };
const CONFLICT: TaskOutcome = {
  ...{ kind: 'conflict', files: ['a.ts'], status: 'Review' },
  evidence: { ...evidence, changes: undefined },
};
const RUN = runAfter(
  runStarted({ waves: [['T-1', 'T-2']], at: NOW, title: 'All', options: { isolation } }),
  ...atWork('T-1', 1, NOW),
  ended('T-1', DONE, NOW),
  ...atWork('T-2', 2, NOW),
  ended('T-2', CONFLICT, NOW),
  { kind: 'runEnded', at: NOW },
);
const LINE: LineComment = { path: 'src/a.ts', line: 3, quote: 'const x = 1', text: 'Call it y' };
const REFUSED: Failure = { kind: 'isolation', detail: 'Its run is still at work.' };

interface Given {
  readonly lines?: readonly LineComment[];
  readonly task?: Partial<Task>;
  readonly mayGoOn?: Failure;
  readonly starts?: boolean;
  readonly runs?: readonly (typeof RUN)[];
}

/** A window with a task in Review; `asked` is what it was asked, in order. */
function makeWindow(given: Given = {}) {
  const asked: string[] = [];
  const tasks = [
    task('T-1', { status: 'Review', title: 'Dredge\n it', ...given.task }),
    task('T-2', { status: 'Review' }),
  ];
  const backlog = fakeBacklog({
    tasks,
    starts: given.starts ?? true,
    runs: () => given.runs ?? [RUN],
    locks: {
      setStatus: (id, from, to) => {
        asked.push(`${id} ${from} ${to}`);
        const byId = backlog.snapshot?.byId as Map<TaskId, Task>;
        const before = byId.get(id);
        assert.ok(before);
        byId.set(id, { ...before, status: to, rawStatus: to });
        return Promise.resolve(ok(to));
      },
    },
  });
  const { reviews } = fakeBacklogs([backlog]).of(backlog);
  const backlogs = fakeBacklogs([backlog], {
    reviews: {
      ...reviews,
      mayGoOn: ({ runId }, id) => {
        asked.push(`mayGoOn ${runId} ${id}`);
        return Promise.resolve(given.mayGoOn === undefined ? ok(undefined) : fail(given.mayGoOn));
      },
    },
    addNote: (id, text) => {
      asked.push(`note ${id} ${text}`);
      return Promise.resolve(ok(undefined));
    },
  });
  const lineComments = {
    ...NO_COMMENTS,
    of: (_: string, { id }: { readonly id: TaskId }) => (id === one ? (given.lines ?? []) : []),
    clear: (_: string, { runId, id }: { readonly runId: string; readonly id: TaskId }) => {
      asked.push(`clear ${runId} ${id}`);
      return Promise.resolve();
    },
  };
  registerCommands({
    ...{ backlogs, selection: () => [], showLog: () => undefined, lineComments },
    ...{ agents: NO_DOORS, workspace: NO_WORKSPACE, tree: NO_TREE, openBoard: NO_BOARD },
  });
  const press = async (node?: object): Promise<readonly string[]> => {
    const row = node === undefined ? undefined : { backlog, ...node };
    await commands.registered.get('todo2Waves.sendBackWork')?.(row);
    return asked;
  };
  return { press, asked, backlog };
}

const row = (id = 'T-1') => ({ kind: 'task', taskId: taskId(id) });
const messages = (): readonly string[] => shown.map(({ message }) => message);

beforeEach(() => {
  for (const list of [answers, shown, lists, inputs]) list.length = 0;
  trust.isTrusted = true;
});

describe('sending work back', () => {
  test('starts a run of that task alone, with what was said in general and on lines', async () => {
    const { press, backlog } = makeWindow({ lines: [LINE] });
    answers.push(' Smaller, please\n');
    const text = 'Smaller, please\n\nsrc/a.ts:3\n> const x = 1\nCall it y';
    assert.deepEqual(await press(row()), [
      'mayGoOn r T-1',
      'T-1 Review Todo',
      'clear r T-1',
      `note T-1 Sent back by the reviewer.\n\n${text}`,
    ]);
    assert.deepEqual(backlog.started, [
      {
        ...{ title: 'Dredge it', waves: [[one]], resumes: 'r' },
        followUps: [[one, { text, after: { runId: 'r', attemptNo: 1 } }]],
      },
    ]);
    assert.deepEqual(messages(), ['“Dredge it” was sent back: its agent goes on with it.']);
    assert.equal(inputs[0]?.title, 'Send Back “Dredge it”');
    assert.equal(inputs[0].prompt, '1 comment on lines will be sent with it.');
    assert.equal(inputs[0].validateInput?.(' '), undefined, 'the lines say enough');
  });

  test('wants a comment where there is none on a line', async () => {
    const { press, backlog } = makeWindow();
    assert.deepEqual(await press(row()), ['mayGoOn r T-1'], 'dismissed');
    assert.match(inputs[0]?.prompt ?? '', /^To comment on lines, /);
    assert.equal(inputs[0]?.validateInput?.(' '), 'Write what is to be changed.');
    assert.equal(inputs[0].validateInput('x'), undefined);
    assert.deepEqual(backlog.started, []);
  });

  test('of a task that is Todo again, such as one that failed, leaves its status alone', async () => {
    const { press, backlog } = makeWindow({ task: { status: 'Todo', rawStatus: 'Todo' } });
    answers.push('Try again');
    assert.equal((await press(row()))[1], 'clear r T-1');
    assert.equal(backlog.started.length, 1);
  });

  test('is possible for work in conflict, from the palette, too', async () => {
    const { press, backlog } = makeWindow();
    answers.push('“Title of T-2”', 'Merge it yourself');
    assert.equal((await press())[0], 'mayGoOn r T-2');
    assert.deepEqual(
      lists[0]?.map(({ label }) => label),
      ['“Dredge it”', '“Title of T-2”'],
    );
    assert.equal(backlog.started.length, 1);
  });

  test('is for tasks, and in a window that is trusted', async () => {
    assert.deepEqual(await makeWindow().press({ kind: 'run', runId: 'r' }), []);
    trust.isTrusted = false;
    assert.deepEqual(await makeWindow().press(row()), []);
  });

  test('says why it is not possible, before it asks for anything', async () => {
    assert.deepEqual(await makeWindow({ mayGoOn: REFUSED }).press(row()), ['mayGoOn r T-1']);
    assert.deepEqual([messages(), inputs], [['Its run is still at work.'], []]);
  });

  test('keeps the comments and puts the task back where no run starts', async () => {
    answers.push('Smaller');
    assert.deepEqual(await makeWindow({ starts: false, lines: [LINE] }).press(row()), [
      'mayGoOn r T-1',
      'T-1 Review Todo',
      'T-1 Todo Review',
    ]);
    assert.equal(messages().length, 1);
  });

  test('sends nothing that an agent would not get as a whole', async () => {
    const lines = Array.from({ length: 20 }, () => ({ ...LINE, text: 'x'.repeat(4_000) }));
    answers.push('Much');
    assert.deepEqual(await makeWindow({ lines }).press(row()), ['mayGoOn r T-1']);
    assert.match(messages()[0] ?? '', /^Nothing was sent: \d+ characters are more than the 60000 /);
  });
});

describe('work that was sent back', () => {
  const again = runAfter(
    {
      ...runStarted({ runId: 's', waves: [['T-1']], at: NOW + 1, resumes: 'r' }),
      followUps: [[one, { text: 'Smaller', after: { runId: 'r', attemptNo: 1 } }]],
    },
    ...atWork('T-1', 1, NOW),
  );
  const flagsOf = (runs: readonly (typeof RUN)[]) => {
    const { backlog } = makeWindow({ runs });
    return describeNode({ kind: 'task', backlog, taskId: one }, NO_AGENTS);
  };

  test('is at work again on the row of its task, where nothing is decided about it any more', () => {
    const before = flagsOf([RUN]);
    assert.ok(before.flags.includes('withChanges'));
    const after = flagsOf([RUN, again]);
    assert.match(after.description, /^< 1 min · Claude Code/);
    assert.equal(after.icon.id, 'sync~spin');
    assert.ok(!after.flags.includes('withChanges'));
  });

  test('is not offered twice, and the rest of its run can still be resumed', async () => {
    const { press, backlog } = makeWindow({ runs: [RUN, again] });
    await press();
    assert.deepEqual(
      lists[0]?.map(({ label }) => label),
      ['“Title of T-2”'],
    );
    assert.deepEqual(backlog.runs.restOf(RUN), [taskId('T-2')]);
    const conflictSent = runAfter({
      ...runStarted({ runId: 's', waves: [['T-2']], at: NOW + 1, resumes: 'r' }),
      followUps: [[taskId('T-2'), { text: 'x', after: { runId: 'r', attemptNo: 2 } }]],
    });
    assert.deepEqual(makeWindow({ runs: [RUN, conflictSent] }).backlog.runs.restOf(RUN), []);
    const resumed = runAfter(runStarted({ runId: 's', waves: [['T-2']], at: NOW, resumes: 'r' }));
    assert.deepEqual(makeWindow({ runs: [RUN, resumed] }).backlog.runs.restOf(RUN), []);
  });

  test('has its comment still where the run that it was sent to is resumed', async () => {
    const stopped = runAfter(
      {
        ...runStarted({ runId: 's', waves: [['T-1']], at: NOW + 1, resumes: 'r' }),
        followUps: [[one, { text: 'Smaller', after: { runId: 'r', attemptNo: 1 } }]],
      },
      ...atWork('T-1', 1, NOW),
      ended('T-1', { kind: 'stopped' }, NOW),
      { kind: 'runEnded', at: NOW },
    );
    const todo = { status: 'Todo', rawStatus: 'Todo' } as const;
    const { backlog } = makeWindow({ runs: [RUN, stopped], task: todo });
    await backlog.runs.resume('s');
    assert.deepEqual(backlog.started, [
      {
        ...{ title: 'Wave 0', waves: [[one]], resumes: 's' },
        followUps: [[one, { text: 'Smaller', after: { runId: 'r', attemptNo: 1 } }]],
      },
    ]);
    assert.equal(backlog.runs.sentBackIn('s', one), undefined, 'resumed, not sent back');
  });
});

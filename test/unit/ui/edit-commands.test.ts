import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import '../../support/use-editor-stub.ts';
import type { Change } from '../../../src/core/edit/change.ts';
import { waitsForIn, waysTo, wouldCycle } from '../../../src/core/edit/cycle.ts';
import { createTaskIds } from '../../../src/core/edit/new-task.ts';
import type { Failure } from '../../../src/core/failure.ts';
import { fail, ok } from '../../../src/core/result.ts';
import { taskId, type Task } from '../../../src/core/task.ts';
import { dependencyItems } from '../../../src/ui/dependency-items.ts';
import { askToAdopt, askToDelete, askToInitialise, parseTags } from '../../../src/ui/edit-words.ts';
import { byId, lock, task, tasks } from '../../support/backlog.ts';
import { answers, commands, lists, shown, trust } from '../../support/editor-stub.ts';
import {
  fakeBacklog,
  fakeBacklogs,
  ME,
  NOW,
  type FakeBacklog,
  NO_BOARD,
  NO_COMMENTS,
  NO_DOORS,
  NO_WORKSPACE,
  NO_TREE,
} from '../../support/fake-backlog.ts';

// After the stub: this imports `vscode`.
const { registerCommands } = await import('../../../src/ui/commands.ts');

beforeEach(() => {
  for (const list of [answers, lists, shown]) list.length = 0;
  trust.isTrusted = true;
});

describe('a circle', () => {
  const backlog = tasks('T-1', 'T-2 < T-1', 'T-3 ^T-2', 'T-4 < T-3 T-9', 'T-5');
  const check = (id: string, on: string): string | undefined =>
    wouldCycle(waitsForIn(byId(backlog)), taskId(id), taskId(on))?.join(' ');

  test('is found over dependencies and parents, by the shortest way round', () => {
    assert.equal(check('T-1', 'T-2'), 'T-2 T-1');
    assert.equal(check('T-1', 'T-4'), 'T-4 T-3 T-2 T-1');
    assert.equal(check('T-1', 'T-1'), 'T-1');
    assert.equal(check('T-4', 'T-1'), undefined);
    assert.equal(check('T-9', 'T-4'), undefined, 'what is not there leads nowhere');
  });

  test('is known beforehand for every task that waits', () => {
    const ways = [...waysTo(backlog, taskId('T-1'))].map(([id, way]) => `${id}: ${way.join(' ')}`);
    assert.deepEqual(ways, ['T-2: T-2 T-1', 'T-3: T-3 T-2 T-1', 'T-4: T-4 T-3 T-2 T-1']);
  });

  test('that is there already is no reason to search for ever', () => {
    const round = tasks('T-1 < T-2', 'T-2 < T-1', 'T-3');
    assert.equal(wouldCycle(waitsForIn(byId(round)), taskId('T-3'), taskId('T-1')), undefined);
    assert.deepEqual([...waysTo(round, taskId('T-1')).keys()], ['T-2']);
  });
});

test('ids of new tasks are a time, never the same twice and never taken, whatever the clock does', () => {
  let now = 1_764_129_938_123;
  const next = createTaskIds(() => now);
  const taken = new Set(['T-1764129938124']);
  const make = (): string => next((id) => taken.has(id));
  assert.deepEqual(
    [make(), make(), make()],
    ['T-1764129938123', 'T-1764129938125', 'T-1764129938126'],
  );
  now -= 5000;
  assert.equal(make(), 'T-1764129938127');
  for (const broken of [NaN, Infinity, 12]) {
    now = broken;
    assert.throws(make, /Internal error/);
  }
});

describe('what a person is asked', () => {
  test('deleting names who waits for the task, who holds it, and that it cannot be undone', () => {
    const backlog = fakeBacklog({
      tasks: [
        task('T-1', { title: 'Dredge\n it', status: 'In Progress', lock: lock(ME, NOW + 60_000) }),
        task('T-2', { dependencies: ['T-1'] }),
        task('T-3', { dependencies: ['T-1'], status: 'Done' }),
        task('T-4', { parentId: 'T-1' }),
      ],
    });
    const { message, detail } = askToDelete(backlog, backlog.task(taskId('T-1'))!);
    assert.equal(message, 'Delete “Dredge it” (T-1)?');
    assert.match(
      detail,
      /no longer wait for it:\n• “Title of T-2” \(T-2\)\n\n1 task would lose their parent/,
    );
    assert.doesNotMatch(detail, /T-3/);
    assert.match(detail, /held by this window.*\n\n.*This cannot be undone\.$/);
  });

  test('adopting says from which projects', () => {
    const foreign = [
      task('T-1', { projectId: 'owner/old' }),
      task('T-2', { projectId: undefined }),
    ];
    const { message, detail } = askToAdopt(foreign, 'shop');
    assert.equal(message, 'Adopt 2 tasks into the project shop?');
    assert.match(detail, /Until now: no project, owner\/old\./);
  });

  test('a store is made with a word on what becomes of a JSON file, and of what is in a database', () => {
    const site = {
      root: '/home/me/shop',
      hasDatabase: false,
      importable: 0,
      jsonTrouble: undefined,
    };
    assert.doesNotMatch(askToInitialise(site).detail, /vanish|json/);
    assert.match(
      askToInitialise({ ...site, importable: 3 }).detail,
      /has 3 tasks.*would vanish from view/,
    );
    assert.match(
      askToInitialise({ ...site, hasDatabase: true }).detail,
      /what is in it stays as it is/,
    );
    assert.match(
      askToInitialise({ ...site, jsonTrouble: 'line 3' }).detail,
      /Nothing can be imported: line 3/,
    );
  });

  test('tags are what stands between commas', () => {
    assert.deepEqual(parseTags(' api, ui ,,api,\ttwo  words '), ['api', 'ui', 'two words']);
  });

  test('dependencies come as they are now, by wave, finished, and at last those that would close a circle', () => {
    const backlog = fakeBacklog({
      tasks: tasks('+T-1', 'T-2 < T-5', 'T-3 < T-1 T-404', 'T-4 < T-3', 'T-5'),
    });
    const items = dependencyItems(backlog, taskId('T-3'), [taskId('T-1'), taskId('T-404')]);
    assert.deepEqual(
      items.map((item) => item.id),
      ['T-404', 'T-1', 'T-5', 'T-2', 'T-4'],
    );
    assert.equal(items.at(-1)?.refusal, 'waits for T-3 itself');
  });
});

describe('the commands', () => {
  function press(
    name: string,
    spec: FakeBacklog,
    id?: string,
    outcomes: readonly (Failure | undefined)[] = [],
    selected: readonly string[] = [],
  ): Promise<readonly Change[][]> {
    const applied: Change[][] = [];
    const backlog = fakeBacklog({
      apply: (changes) => {
        applied.push([...changes]);
        const failure = outcomes[applied.length - 1];
        return Promise.resolve(failure === undefined ? ok(undefined) : fail(failure));
      },
      ...spec,
    });
    registerCommands({
      backlogs: fakeBacklogs([backlog]),
      ...{
        selection: () => [],
        showLog: () => undefined,
        agents: NO_DOORS,
        lineComments: NO_COMMENTS,
        openBoard: NO_BOARD,
        workspace: NO_WORKSPACE,
        tree: NO_TREE,
      },
    });
    const node = id === undefined ? undefined : { kind: 'task', backlog, taskId: id };
    const rows = selected.map((each) => ({ kind: 'task', backlog, taskId: each }));
    const done = commands.registered.get(`todo2Waves.${name}`)?.(node, rows);
    return Promise.resolve(done).then(() => applied);
  }

  test('a title and Enter make a task', async () => {
    answers.push('Build it', 'Create Task');
    const [[change] = []] = await press('newTask', {});
    assert.deepEqual(change, {
      ...{ kind: 'create', id: `T-${NOW}`, title: 'Build it', description: '', priority: 'medium' },
      ...{ tags: [], dependencies: [], parentId: undefined },
    });
  });

  test('what was said of a new task is kept when it cannot be made, and when its id is taken it gets the next one', async () => {
    answers.push('Build it', 'Priority', 'low', 'Tags', 'a, b', 'Create Task', 'Create Task');
    const busy: Failure = { kind: 'busy', file: 'x', waitedMs: 1 };
    const taken: Failure = { kind: 'changedMeanwhile', id: taskId('x'), rawStatus: 'Todo' };
    const applied = await press('newDependentTask', { tasks: tasks('T-1') }, 'T-1', [busy, taken]);
    const said = applied.flat().map((change) => {
      assert.ok(change.kind === 'create');
      const { id, priority, tags, dependencies } = change;
      return [id, priority, tags.join(' '), dependencies.join(' ')].join(' | ');
    });
    const [first, second, third] = [NOW, NOW + 1, NOW + 2];
    assert.deepEqual(
      said,
      [first, second, third].map((ms) => `T-${ms} | low | a b | T-1`),
    );
    assert.match(shown[0]!.message, /stayed locked/);
  });

  test('the status of several tasks is asked for once, and set in one go; what others hold is left alone', async () => {
    const held = { status: 'In Progress', lock: lock('claude-x-1', NOW + 60_000) } as const;
    const spec = { tasks: [...tasks('T-1', '?T-2', '#T-3'), task('T-4', held)] };
    answers.push('Blocked');
    const applied = await press('changeStatus', spec, 'T-1', [], ['T-1', 'T-2', 'T-3', 'T-4']);
    assert.deepEqual(applied, [
      ['T-1 Todo', 'T-2 Review'].map((line) => {
        const [id = '', from] = line.split(' ');
        return { kind: 'setStatus', id, from, to: 'Blocked' };
      }),
    ]);
  });

  test('each field is written with what it was when it was shown', async () => {
    const fields = { tags: ['x'], rawPriority: 'P3', priority: 'low', rawStatus: 'todo' } as const;
    const edited = async (...said: string[]): Promise<unknown> => {
      answers.push(...said);
      const [change] = await press(
        'editTask',
        { tasks: [task('T-1', fields), task('T-2')] },
        'T-1',
      );
      const { id, ...rest } = change?.[0] ?? assert.fail(said.join());
      assert.equal(id, 'T-1');
      return rest;
    };
    assert.deepEqual(await edited('Title', 'New'), {
      kind: 'setTitle',
      from: 'Title of T-1',
      to: 'New',
    });
    assert.deepEqual(await edited('Priority', 'high'), {
      kind: 'setPriority',
      from: 'P3',
      to: 'high',
    });
    assert.deepEqual(await edited('Tags', 'y, x'), {
      kind: 'setTags',
      from: ['x'],
      to: ['y', 'x'],
    });
    assert.deepEqual(await edited('Status', 'Blocked'), {
      kind: 'setStatus',
      from: 'todo',
      to: 'Blocked',
    });
    assert.deepEqual(await edited('Parent', 'Title of T-2'), {
      kind: 'setParent',
      from: undefined,
      to: 'T-2',
    });
  });

  test('nothing is written where a person leaves a question, or says the same again', async () => {
    const spec = { tasks: tasks('T-1') };
    for (const said of [[], ['Title'], ['Title', 'Title of T-1'], ['Status'], ['Status', 'Todo']]) {
      answers.length = 0;
      answers.push(...said);
      assert.deepEqual(await press('editTask', spec, 'T-1'), [], said.join());
    }
    assert.deepEqual(await press('deleteTask', spec, 'T-1'), []);
    answers.push('Cancel');
    assert.deepEqual(await press('deleteTask', spec, 'T-1'), []);
  });

  test('In Progress is claimed rather than written', async () => {
    const claimed: string[] = [];
    const claim = (id: string): Promise<never> => {
      claimed.push(id);
      return Promise.reject(new Error('enough'));
    };
    answers.push('In Progress');
    await assert.rejects(
      press('changeStatus', { tasks: tasks('T-1'), locks: { claim } }, 'T-1'),
      /enough/,
    );
    assert.deepEqual(claimed, ['T-1']);
  });

  test('a task is deleted as it was seen, and not at all while somebody else holds it', async () => {
    answers.push('Delete');
    assert.deepEqual(await press('deleteTask', { tasks: [task('T-1', { version: 4 })] }, 'T-1'), [
      [{ kind: 'delete', id: 'T-1', version: 4 }],
    ]);
    answers.push('Delete');
    const theirs = { status: 'In Progress', lock: lock('claude-x-1', NOW + 60_000) } as const;
    assert.deepEqual(await press('deleteTask', { tasks: [task('T-1', theirs)] }, 'T-1'), []);
    assert.match(shown.at(-1)!.message, /held by claude-x-1/);
  });

  test('every task that exarp-go does not list here is adopted at once', async () => {
    const list: Task[] = [
      task('T-1', { projectId: 'shop' }),
      task('T-2', { projectId: undefined }),
      task('T-3'),
    ];
    const notices = ['T-2', 'T-3'].map(
      (id) => ({ kind: 'foreignProject', id: taskId(id), project: 'x' }) as const,
    );
    answers.push('Adopt');
    assert.deepEqual(await press('adoptAll', { tasks: list, notices }), [
      [
        { kind: 'setProject', id: 'T-2', from: undefined, to: 'shop' },
        { kind: 'setProject', id: 'T-3', from: 'project', to: 'shop' },
      ],
    ]);
  });

  test('none of them does anything in a folder that is not trusted', async () => {
    trust.isTrusted = false;
    for (const name of [
      'newTask',
      'editTask',
      'editDependencies',
      'changeStatus',
      'deleteTask',
      'adoptTask',
    ]) {
      answers.splice(0, answers.length, 'Delete', 'Adopt', 'x', 'x');
      assert.deepEqual(await press(name, { tasks: tasks('T-1') }, 'T-1'), [], name);
      assert.match(shown.at(-1)!.message, /not trusted/);
    }
  });
});

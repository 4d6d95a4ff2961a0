import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import '../../support/use-editor-stub.ts';
import type { Backlog } from '../../../src/core/backlog.ts';
import { Emitter } from '../../../src/core/events.ts';
import { taskId } from '../../../src/core/task.ts';
import { childrenOf, nodeKey, type TreeNode } from '../../../src/ui/tree-nodes.ts';
import { describeNode } from '../../../src/ui/tree-item.ts';
import { type TreeLook, TreeLooks, WHOLE } from '../../../src/ui/tree-look.ts';
import { lock, task, tasks } from '../../support/backlog.ts';
import { answers, lists, quickPicks, reveals, unheeded } from '../../support/editor-stub.ts';
import { fakeBacklog, fakeBacklogs, ME, NOW, NO_AGENTS } from '../../support/fake-backlog.ts';
import { atWork, ended, failedWith, runAfter, runStarted } from '../../support/run-events.ts';

// After the stub: these import `vscode`.
const { WavesTree } = await import('../../../src/ui/waves-tree.ts');
const { filterTasks, findTask, groupTasks } = await import('../../../src/ui/tree-commands.ts');

beforeEach(() => {
  for (const list of [answers, lists, quickPicks, reveals]) list.length = 0;
});

/** The rows of the waves with this look, all open, indented. */
function shown(backlog: Backlog, look: Partial<TreeLook>): readonly string[] {
  const whole = { ...WHOLE, ...look };
  const walk = (node: TreeNode | undefined, depth: number): readonly string[] =>
    childrenOf(node, [backlog], 'waves', whole)
      .filter(({ kind }) => kind !== 'doctor')
      .flatMap((child) => {
        const { label, description } = describeNode(child, NO_AGENTS, whole);
        const own = `${'  '.repeat(depth)}${label.replace('Title of ', '')}`;
        const line = child.kind === 'task' ? own : `${own} | ${description}`;
        return [line, ...walk(child, depth + 1)];
      });
  return walk(undefined, 0);
}

const failed = runAfter(
  runStarted({ waves: [['T-2']], at: NOW }),
  ...atWork('T-2', 1, NOW),
  ended('T-2', failedWith({ kind: 'exit' }, 1), NOW),
  { kind: 'runEnded', at: NOW },
);

const harbour = (): Backlog =>
  fakeBacklog({
    runs: () => [failed],
    tasks: [
      task('E-1', { title: 'Harbour', status: 'Done' }),
      task('T-0', { title: 'Harbour light', priority: 'low' }),
      task('T-1', { tags: ['quay', 'build'], parentId: taskId('E-1') }),
      task('T-2', { tags: ['quay'] }),
      task('T-3', { status: 'Review', priority: 'critical' }),
      task('T-4', { status: 'In Progress', lock: lock(ME, NOW + 60_000), tags: ['quay'] }),
      task('T-5', { status: 'Done' }),
      task('T-6', { dependencies: [taskId('T-2')], tags: ['build'] }),
    ],
  });

describe('the tasks of a wave can be put together', () => {
  const of = (look: Partial<TreeLook>): readonly string[] => {
    const lines = shown(harbour(), look);
    return lines.slice(
      1,
      lines.findIndex((line, n) => n > 0 && !line.startsWith(' ')),
    );
  };

  test('by tag: each has one row, below the first of its tags', () => {
    assert.deepEqual(of({ groupBy: 'tag' }), [
      '  build | 1 ready',
      '    T-1',
      '  quay | 1 at work · 1 failed',
      '    T-2',
      '    T-4',
      '  No tag | 1 to review · 1 ready',
      '    T-3',
      '    Harbour light',
    ]);
  });

  test('by the task that they are part of', () => {
    assert.deepEqual(of({ groupBy: 'epic' }).slice(0, 3), [
      '  Harbour | 1 ready',
      '    T-1',
      '  No parent | 1 at work · 1 failed · 1 to review · 1 ready',
    ]);
  });

  test('by priority, the most urgent first', () => {
    assert.deepEqual(
      of({ groupBy: 'priority' }).filter((line) => line.includes('|')),
      ['  Critical | 1 to review', '  Medium | 1 at work · 1 failed · 1 ready', '  Low | 1 ready'],
    );
  });

  test('and every row has a key of its own', () => {
    const backlog = harbour();
    const walk = (node?: TreeNode): readonly TreeNode[] =>
      childrenOf(node, [backlog], 'waves', { ...WHOLE, groupBy: 'tag' }).flatMap((child) => [
        child,
        ...walk(child),
      ]);
    const keys = walk().map(nodeKey);
    assert.equal(new Set(keys).size, keys.length);
  });
});

const filters: readonly [name: string, look: Partial<TreeLook>, rows: readonly string[]][] = [
  ['ready ones', { only: ['ready'] }, ['T-1', 'Harbour light']],
  ['failed ones', { only: ['failed'] }, ['T-2']],
  ['ones to review', { only: ['review'] }, ['T-3']],
  ['mine', { only: ['mine'] }, ['T-4']],
  ['failed ones and mine', { only: ['failed', 'mine'] }, ['T-2', 'T-4']],
  ['those with a text in the title', { text: 'harb' }, ['Harbour light', 'Harbour']],
  ['those with a text in a tag, wherever they stand', { text: 'BUILD' }, ['T-1', 'T-6']],
  ['those with a text in the status', { text: 'done' }, ['Harbour', 'T-5']],
  ['ready ones with a text', { only: ['ready'], text: 'quay' }, ['T-1']],
];
for (const [name, look, rows] of filters)
  test(`only ${name} are shown where that is wanted, and no empty row`, () => {
    const lines = shown(harbour(), look);
    const ofTasks = lines.filter((line) => !line.includes('|')).map((line) => line.trim());
    assert.deepEqual(ofTasks, rows);
    assert.ok(lines.every((line, n) => !line.includes('|') || lines[n + 1]?.startsWith(' ')));
  });

test('a wave says how many of its tasks are shown', () => {
  assert.match(shown(harbour(), { only: ['failed'] })[0] ?? '', /\| 1 of 5 shown · 1 at work/);
});

test('tasks that a person has blocked come last in their wave', () => {
  const backlog = fakeBacklog({ tasks: tasks('#T-1:critical', 'T-2:low') });
  assert.deepEqual(
    shown(backlog, {})
      .slice(1)
      .map((line) => line.trim()),
    ['T-2', 'T-1'],
  );
});

/** A tree that remembers, and everything that was kept. */
function makeTree(backlogs: readonly Backlog[], stored?: unknown) {
  const kept = new Map<string, unknown>(stored === undefined ? [] : [['treeLook', stored]]);
  const changed = new Emitter<undefined>();
  const all = fakeBacklogs(backlogs, { onDidChange: changed.event });
  const tree = new WavesTree(all, {
    get: (key) => kept.get(key),
    update: (key, value) => Promise.resolve(void kept.set(key, value)),
  });
  return { tree, kept, all, changed };
}

test('what is chosen is remembered, and what is stored wrongly counts as far as it is right', async () => {
  const { tree, kept } = makeTree([harbour()]);
  answers.push('Tag');
  await groupTasks(tree);
  const chosen = filterTasks(tree);
  const [pick] = quickPicks;
  assert.ok(pick !== undefined);
  pick.value = ' quay\n';
  pick.selectedItems = pick.items.slice(0, 1);
  pick.accepted.fire(undefined);
  await chosen;
  const look = { groupBy: 'tag', only: ['ready'], text: 'quay' };
  assert.deepEqual([tree.looks.now, kept.get('treeLook')], [look, look]);
  tree.dispose();
  const again = makeTree([], look).tree;
  assert.deepEqual(again.looks.now, look);
  again.dispose();
  const looks = (value: unknown): TreeLook =>
    new TreeLooks({ get: () => value, update: () => Promise.resolve() }).now;
  assert.deepEqual([looks(7), looks(null)], [WHOLE, WHOLE]);
  const half = looks({ groupBy: 'x', only: ['x', 'mine'], text: 5 });
  assert.deepEqual(half, { ...WHOLE, only: ['mine'] });
});

test('a task is found by its title, id, tag or status, finished ones too, and its row is shown', async () => {
  const backlog = harbour();
  const { tree, all } = makeTree([backlog], { ...WHOLE, only: ['failed'] });
  answers.push('T-5');
  await findTask(all, tree);
  const found = lists[0]?.map(({ label }) => label.replace('Title of ', ''));
  assert.deepEqual(found?.slice(-3), ['T-6', 'Harbour', 'T-5'], 'what is finished comes last');
  assert.match(
    lists[0]?.find(({ label }) => label.endsWith('T-1'))?.description ?? '',
    /T-1 · #quay · #build/,
  );
  assert.deepEqual(tree.looks.now.only, [], 'a filter would hide it');
  const [row] = reveals as readonly TreeNode[];
  assert.ok(row?.kind === 'task' && row.taskId === 'T-5');
  tree.dispose();
});

test('the editor learns below which rows a task stands, however tasks are put together', async () => {
  const backlogs = [harbour(), fakeBacklog({ root: '/b', tasks: tasks('T-1 < T-2', 'T-2 < T-1') })];
  const { tree } = makeTree(backlogs);
  for (const groupBy of ['none', 'tag'] as const) {
    await tree.looks.set({ groupBy });
    const walk = (node?: TreeNode): void => {
      for (const child of tree.getChildren(node)) {
        if (child.kind === 'task') {
          const above = tree.getParent(child);
          assert.ok(above !== undefined && node !== undefined);
          assert.equal(nodeKey(above), nodeKey(node));
          const top = tree.getParent(above);
          assert.ok(top !== undefined);
          assert.ok(top.kind === 'backlog' || tree.getParent(top)?.kind === 'backlog');
        }
        walk(child);
      }
    };
    walk();
  }
  tree.dispose();
});

test('a task that is not read yet is shown once it is', async () => {
  const backlog = fakeBacklog({ tasks: tasks('T-1') });
  const { tree, changed } = makeTree([backlog]);
  const revealed = tree.reveal(backlog, taskId('T-2'));
  changed.fire(undefined);
  assert.deepEqual(reveals, []);
  const { plan, snapshot } = fakeBacklog({ tasks: tasks('T-1', 'T-2') });
  Object.defineProperties(backlog, { plan: { value: plan }, snapshot: { value: snapshot } });
  changed.fire(undefined);
  changed.fire(undefined);
  await revealed;
  assert.equal(reveals.length, 1, 'once');
  tree.dispose();
});

test('a task is shown though the editor drops the request for it, or refuses it at first', async () => {
  const backlog = fakeBacklog({ tasks: tasks('T-1') });
  const { tree } = makeTree([backlog]);
  unheeded.push('dropped', new Error('Cannot resolve tree item for element'));
  await tree.reveal(backlog, taskId('T-1'));
  assert.equal(reveals.length, 3);
  assert.deepEqual(
    tree.selection.map((node) => 'taskId' in node && node.taskId),
    ['T-1'],
  );
  tree.dispose();
});

test('what waits for a task to be read ends where another one is to be shown', async () => {
  const backlog = fakeBacklog({ tasks: tasks('T-1') });
  const { tree } = makeTree([backlog]);
  const first = tree.reveal(backlog, taskId('T-9'));
  await tree.reveal(backlog, taskId('T-1'));
  await first;
  assert.equal(reveals.length, 1);
  tree.dispose();
});

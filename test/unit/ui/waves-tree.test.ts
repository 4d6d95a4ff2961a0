import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, test, type TestContext } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import '../../support/use-editor-stub.ts';
import type { Backlog } from '../../../src/core/backlog.ts';
import { Emitter } from '../../../src/core/events.ts';
import type { LiveLock } from '../../../src/core/backlog.ts';
import { fail, ok } from '../../../src/core/result.ts';
import type { RunState } from '../../../src/core/run/run-events.ts';
import { taskId } from '../../../src/core/task.ts';
import type { BacklogServices, Backlogs } from '../../../src/ui/backlogs.ts';
import type { TreeNode } from '../../../src/ui/tree-nodes.ts';
import { task, tasks } from '../../support/backlog.ts';
import {
  answers,
  commands,
  folders,
  foldersChanged,
  shown,
  trust,
  trustGranted,
  Uri,
} from '../../support/editor-stub.ts';
import {
  fakeBacklog,
  fakeBacklogs,
  type FakeBacklog,
  NOW,
  NO_BOARD,
  NO_COMMENTS,
  NO_DOORS,
  NO_WORKSPACE,
  NO_TREE,
} from '../../support/fake-backlog.ts';
import { atWork, runAfter, runStarted } from '../../support/run-events.ts';

// After the stub: these import `vscode`.
const { SideTree } = await import('../../../src/ui/side-tree.ts');
const { WavesTree } = await import('../../../src/ui/waves-tree.ts');
const { WorkspaceBacklogs } = await import('../../../src/ui/workspace-backlogs.ts');
const { registerCommands } = await import('../../../src/ui/commands.ts');

beforeEach(() => {
  for (const list of [answers, shown, folders]) list.length = 0;
  trust.isTrusted = true;
});

const NO_MEMORY = { get: (): unknown => undefined, update: () => Promise.resolve() };

function backlogsOf(...all: Backlog[]): Backlogs & { readonly looks: number } {
  let looks = 0;
  const backlogs = fakeBacklogs(all, {
    timePassed: () => {
      looks++;
    },
  });
  return Object.defineProperty(backlogs, 'looks', { get: () => looks }) as ReturnType<
    typeof backlogsOf
  >;
}

test('rows follow the time while a lease runs, and once more when the last one has ended', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const backlog = fakeBacklog({ tasks: tasks('T-1') });
  let live: readonly LiveLock[] = [];
  Object.defineProperty(backlog, 'liveLocks', { value: () => live });
  const backlogs = backlogsOf(backlog);
  const tree = new WavesTree(backlogs, NO_MEMORY);
  const lock = { holder: 'vscode-box-1', since: 0, until: 1 };
  t.mock.timers.tick(30_000);
  assert.equal(backlogs.looks, 0, 'nothing depends on the time');
  live = [{ task: backlog.task(taskId('T-1'))!, lease: { kind: 'theirs', lock, remainingMs: 1 } }];
  t.mock.timers.tick(60_000);
  assert.equal(backlogs.looks, 2);
  live = [];
  t.mock.timers.tick(90_000);
  assert.equal(
    backlogs.looks,
    3,
    'that the lease has ended shows, and then nothing changes any more',
  );
  tree.dispose();
  t.mock.timers.tick(90_000);
  assert.equal(backlogs.looks, 3);
});

/** Every row of a tree, all opened, from the top down, as the editor asks for them. */
function allRows(tree: InstanceType<typeof SideTree>, node?: TreeNode): readonly TreeNode[] {
  return tree.getChildren(node).flatMap((child) => {
    tree.getTreeItem(child);
    return [child, ...allRows(tree, child)];
  });
}

/** A tree, and what the editor was told to draw anew, each time. */
function treeOf(
  t: TestContext,
  backlogs: readonly Backlog[],
  more: Partial<Backlogs & BacklogServices> = {},
  view: 'waves' | 'runs' = 'waves',
  memory = NO_MEMORY,
) {
  const changed = new Emitter<undefined>();
  const all = fakeBacklogs(backlogs, { onDidChange: changed.event, ...more });
  const tree = view === 'waves' ? new WavesTree(all, memory) : new SideTree(view, all);
  t.after(() => tree.dispose());
  const drawn: unknown[] = [];
  tree.onDidChangeTreeData((rows) => void drawn.push(rows));
  const change = (): unknown[] => {
    changed.fire(undefined);
    return drawn.splice(0);
  };
  return { tree, drawn, change };
}

/** The rows above those of the doctor, in short. */
const labels = (rows: readonly TreeNode[]): string =>
  rows
    .map((node) => ('taskId' in node ? node.taskId : node.kind))
    .join(' ')
    .replace(/ doctor.*$/, '');

test('what an agent does is drawn on the rows of tasks at work, and on no other', (t) => {
  const at = NOW - 60_000;
  const run = runAfter(runStarted({ waves: [['T-1', 'T-2']], at }), ...atWork('T-1', 1, at));
  const backlog = fakeBacklog({ tasks: tasks('T-1', 'T-2'), runs: () => [run] });
  const active = new Emitter<undefined>();
  let activity = 'reads';
  const { tree, drawn } = treeOf(t, [backlog], {
    onDidChangeActivity: active.event,
    activityOf: () => activity,
  });
  tree.getChildren();
  active.fire(undefined);
  assert.deepEqual(drawn, [], 'nobody has opened the wave');
  const first = allRows(tree)[1];
  active.fire(undefined);
  assert.deepEqual(drawn, [], 'it reads still');
  activity = 'writes';
  active.fire(undefined);
  assert.deepEqual(drawn, [[first]]);
  const [rows] = drawn as unknown as readonly (readonly unknown[])[];
  assert.equal(rows?.[0], first, 'the very row that the editor knows');
});

test('only rows that look different are drawn anew, and the whole tree only where topmost rows come or go', (t) => {
  const at = NOW - 60_000;
  const begun = runStarted({ waves: [['T-1', 'T-2']], at });
  let runs: readonly RunState[] = [];
  const backlog = fakeBacklog({ tasks: tasks('T-1', 'T-2', 'T-3'), runs: () => runs });
  const { tree, change } = treeOf(t, [backlog]);
  assert.deepEqual(change(), [], 'the editor was given no rows yet');
  assert.equal(labels(allRows(tree)), 'wave T-1 T-2 T-3');
  assert.deepEqual(change(), [], 'nothing looks different');

  const rows = allRows(tree);
  runs = [runAfter(begun)];
  assert.deepEqual(change(), [[rows[0]]], 'a run begins: no row comes or goes');
  assert.equal(labels(allRows(tree)), 'wave T-1 T-2 T-3');
  assert.deepEqual(change(), []);

  runs = [
    runAfter(begun, {
      kind: 'taskWaits',
      id: taskId('T-2'),
      reason: { kind: 'held', holder: 'somebody' },
      at,
    }),
  ];
  const [drawn] = change() as (readonly TreeNode[])[];
  assert.deepEqual(drawn, [rows[2]], 'the row of the task that waits');
  assert.deepEqual(change(), [drawn], 'until the editor has asked');
  for (const row of drawn) tree.getTreeItem(row);
  assert.deepEqual(change(), []);

  runs = [runAfter(begun, ...atWork('T-1', 1, at))];
  assert.deepEqual(change(), [[rows[0]]], 'what is below a row that changes is drawn with it');

  const { plan, snapshot } = fakeBacklog({ tasks: tasks('T-1', 'T-2', 'T-3', 'T-4 < T-3') });
  Object.defineProperties(backlog, {
    plan: { value: plan, configurable: true },
    snapshot: { value: snapshot, configurable: true },
  });
  assert.deepEqual(change(), [undefined], 'a wave comes');
  assert.deepEqual(change(), [], 'that is said once, and the editor will ask');
});

test('a row is drawn anew where its tooltip was seen and says something else by now', (t) => {
  const described = (description: string): Backlog =>
    fakeBacklog({ tasks: [task('T-1', { description })] });
  const backlog = described('Before');
  const { tree, change } = treeOf(t, [backlog]);
  const [, row] = allRows(tree);
  const describe = (description: string): void => {
    const { plan, snapshot } = described(description);
    Object.defineProperties(backlog, {
      plan: { value: plan, configurable: true },
      snapshot: { value: snapshot, configurable: true },
      task: { value: () => task('T-1', { description }), configurable: true },
    });
  };
  describe('After');
  assert.deepEqual(change(), []);
  tree.resolveTreeItem(tree.getTreeItem(row!), row!);
  assert.deepEqual(change(), []);
  describe('Later');
  assert.deepEqual(change(), [[row]]);
});

test('a row never gets another id, whatever becomes of its run: another id is another row', (t) => {
  const at = NOW - 60_000;
  const begun = runStarted({ waves: [['T-1', 'ended']], at });
  const live = runAfter(begun, ...atWork('T-1', 1, at));
  const over = runAfter(begun, ...atWork('T-1', 1, at), { kind: 'runEnded', at: NOW });
  let runs: readonly RunState[] = [];
  let pastRuns: readonly RunState[] = [];
  const backlogs = ['/one', '/two'].map((root) => {
    const backlog = fakeBacklog({ root, tasks: tasks('T-1', 'ended'), runs: () => runs });
    return Object.defineProperty(backlog, 'pastRuns', { get: () => pastRuns });
  });
  for (const some of [backlogs.slice(1), backlogs]) {
    const { tree, change } = treeOf(t, some, {}, 'runs');
    const ids = new Map<TreeNode, string | undefined>();
    const states: readonly (readonly (readonly RunState[])[])[] = [
      [[live], []],
      [[over], [over]],
      [[], [over]],
      [[live], []],
    ];
    for (const [now = [], then = []] of states) {
      [runs, pastRuns] = [now, then];
      // The editor asks for what it was given before it hears of a change, too.
      for (const [row, id] of ids) assert.equal(tree.getTreeItem(row).id, id);
      change();
      const rows = allRows(tree);
      assert.equal(
        new Set(rows.map((row) => tree.getTreeItem(row).id)).size,
        rows.length,
        'no id twice',
      );
      for (const row of rows) ids.set(row, tree.getTreeItem(row).id);
      assert.ok(allRows(tree).every((row, n) => row === rows[n]));
    }
  }
});

test('when a backlog was opened anew, its rows are new ones, and the editor asks for them', (t) => {
  const of = (title: string): Backlog => fakeBacklog({ tasks: [task('T-1', { title })] });
  const backlogs = [of('Before')];
  const { tree, change } = treeOf(t, backlogs);
  const before = allRows(tree);
  backlogs[0] = of('After');
  assert.deepEqual(change(), [undefined]);
  assert.ok(allRows(tree).every((row) => !before.includes(row)));
});

test('rows that are gone are let go of', async (t) => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const runOf = (runId: string): RunState =>
    runAfter(runStarted({ runId, waves: [['T-1', 'T-2']], at: NOW }));
  let runs: readonly RunState[] = Array.from({ length: 50 }, (_, n) => runOf(`r${n}`));
  const backlog = fakeBacklog({ tasks: tasks('T-1', 'T-2'), runs: () => runs });
  const { tree, change } = treeOf(t, [backlog], {}, 'runs');
  const before = allRows(tree).map((row) => new WeakRef(row));
  runs = runs.slice(0, 1);
  change();
  const now = allRows(tree).length;
  await turn(); // what a weak reference was made of stays until then
  collectGarbage();
  assert.equal(before.filter((row) => row.deref() !== undefined).length, now);
});

interface Opened {
  readonly root: string;
  readonly backlog: Backlog;
  readonly change: () => void;
  readonly move: () => void;
}

function windowOf(
  stores: Readonly<Record<string, FakeBacklog>>,
  identity = (root: string): string => root,
) {
  const opened: Opened[] = [];
  const closed: string[] = [];
  const workspace = new WorkspaceBacklogs({
    findRoot: (folder) => Promise.resolve(folder in stores ? folder : undefined),
    identify: (root) => Promise.resolve(identity(root)),
    open: (root) => {
      const changed = new Emitter<undefined>();
      const moved = new Emitter<undefined>();
      const backlog = fakeBacklog({ root, ...(stores[root] ?? { store: { kind: 'missing' } }) });
      Object.defineProperty(backlog, 'onDidChange', { value: changed.event });
      opened.push({
        root,
        backlog,
        change: () => changed.fire(undefined),
        move: () => moved.fire(undefined),
      });
      return {
        ...fakeBacklogs([]).of(backlog),
        backlog,
        onDidMove: moved.event,
        close: () => Promise.resolve(void closed.push(root)),
      };
    },
    reportBug: (error) => assert.fail(String(error)),
  });
  return { workspace, opened, closed, roots: () => workspace.all.map((backlog) => backlog.root) };
}

const open = (...paths: string[]): void => {
  folders.splice(0, folders.length, ...paths.map((path) => ({ uri: new Uri(path) })));
};

test('each folder of a window has its backlog; one without a store is not shown beside others', async () => {
  open('/a', '/b', '/none');
  const { workspace, roots, closed } = windowOf({
    '/a': { tasks: tasks('T-1') },
    '/b': { tasks: tasks('T-1') },
  });
  await workspace.whenOpened();
  assert.deepEqual(roots(), ['/a', '/b']);
  open('/b', '/none');
  foldersChanged.fire(undefined);
  await workspace.whenOpened();
  assert.deepEqual([roots(), closed], [['/b'], ['/a']]);
  open('/none');
  foldersChanged.fire(undefined);
  await workspace.whenOpened();
  assert.deepEqual(roots(), ['/none'], 'alone it says that there is no store');
  await workspace.close();
});

test('two folders that lead to one store share one backlog', async () => {
  open('/a', '/link-to-a');
  const stores = { '/a': { tasks: tasks('T-1') }, '/link-to-a': { tasks: tasks('T-1') } };
  const { workspace, roots } = windowOf(stores, () => 'one store');
  await workspace.whenOpened();
  assert.deepEqual(roots(), ['/a']);
  await workspace.close();
});

test('a backlog whose configuration puts the store elsewhere is closed, and opened there', async () => {
  open('/a', '/b');
  const stores = { '/a': { tasks: tasks('T-1') }, '/b': { tasks: tasks('T-1') } };
  const { workspace, opened, closed, roots } = windowOf(stores);
  await workspace.whenOpened();
  opened[0]?.move();
  await workspace.whenOpened();
  assert.deepEqual(closed, ['/a']);
  assert.deepEqual(
    opened.map(({ root }) => root),
    ['/a', '/b', '/a'],
  );
  assert.deepEqual([...roots()].sort(), ['/a', '/b']);
  await workspace.close();
});

test('nothing is opened before the window is trusted', async () => {
  trust.isTrusted = false;
  open('/a');
  const { workspace, opened } = windowOf({ '/a': { tasks: tasks('T-1') } });
  await workspace.whenOpened();
  assert.equal(opened.length, 0);
  trust.isTrusted = true;
  trustGranted.fire(undefined);
  await workspace.whenOpened();
  assert.equal(opened.length, 1);
  await workspace.close();
});

test('views draw once for all that changes in one go', async () => {
  open('/a');
  const { workspace, opened } = windowOf({ '/a': { tasks: tasks('T-1') } });
  await workspace.whenOpened();
  let draws = 0;
  workspace.onDidChange(() => draws++);
  for (let i = 0; i < 10_000; i++) opened[0]?.change();
  await turn();
  await turn();
  assert.equal(draws, 1);
  opened[0]?.change();
  await workspace.close();
  await turn();
  assert.equal(draws, 1, 'nothing is drawn after the end');
});

async function command(name: string, backlog: Backlog, node: unknown): Promise<void> {
  const context = {
    backlogs: backlogsOf(backlog),
    ...{
      selection: () => [],
      showLog: () => undefined,
      agents: NO_DOORS,
      lineComments: NO_COMMENTS,
      openBoard: NO_BOARD,
      workspace: NO_WORKSPACE,
      tree: NO_TREE,
    },
  };
  for (const each of registerCommands(context)) assert.ok(each);
  await commands.registered.get(`todo2Waves.${name}`)?.(node);
}

/**
 * Two tasks in Review in wave 0; statuses that are set are remembered, and refused where the id is
 * in `refused`.
 */
function inReview(...refused: string[]) {
  const set: string[] = [];
  const backlog = fakeBacklog({
    tasks: tasks('?T-1', '?T-2'),
    locks: {
      setStatus: (id, _, to) => {
        if (refused.includes(id))
          return Promise.resolve(fail({ kind: 'changedMeanwhile', id, rawStatus: 'Todo' }));
        set.push(`${id} ${to}`);
        return Promise.resolve(ok(to));
      },
    },
  });
  return { backlog, set, wave: { kind: 'wave', backlog, key: '0', number: 0 } };
}

test('several tasks are approved only after a question that names them', async () => {
  const { backlog, set, wave } = inReview();
  await command('approveWave', backlog, wave);
  assert.deepEqual(set, [], 'the question was dismissed');
  const question = {
    message: 'Mark 2 tasks of wave 0 as Done?',
    detail: 'Title of T-1\nTitle of T-2',
  };
  assert.deepEqual(shown, [{ ...question, buttons: ['Mark as Done'] }]);
  answers.push('Mark as Done');
  await command('approveWave', backlog, wave);
  assert.deepEqual(set, ['T-1 Done', 'T-2 Done']);
});

test('a task that was changed meanwhile does not keep the others from being approved', async () => {
  const { backlog, set, wave } = inReview('T-1');
  answers.push('Mark as Done');
  await command('approveWave', backlog, wave);
  assert.deepEqual(set, ['T-2 Done']);
  assert.match(shown[1]!.message, /^T-1 was changed in the meantime: its status is Todo now/);
});

test('what writes is refused in a window that is not trusted, though a hidden command can be called', async () => {
  trust.isTrusted = false;
  const { backlog, set } = inReview();
  await command('markDone', backlog, { kind: 'task', backlog, taskId: taskId('T-1') });
  assert.deepEqual(set, []);
  assert.match(shown.map(({ message }) => message).join(), /trust/i);
});

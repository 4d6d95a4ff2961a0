import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import '../../support/use-editor-stub.ts';
import type { Change } from '../../../src/core/edit/change.ts';
import { applyToTasks } from '../../../src/core/edit/apply-to-tasks.ts';
import type { WaveSource } from '../../../src/core/ports.ts';
import { ok } from '../../../src/core/result.ts';
import { taskId } from '../../../src/core/task.ts';
import { showPlan, tasks, lock } from '../../support/backlog.ts';
import { answers, lists, shown } from '../../support/editor-stub.ts';
import { fakeBacklog, NO_AGENTS, NOW } from '../../support/fake-backlog.ts';

const { moveToWave } = await import('../../../src/ui/plan-move.ts');
const { backlogSummary, describeNode } = await import('../../../src/ui/tree-item.ts');
const { childrenOf } = await import('../../../src/ui/tree-nodes.ts');
const { waveLens } = await import('../../../src/ui/plan-words.ts');

beforeEach(() => {
  for (const list of [answers, shown, lists]) list.length = 0;
});

const CHAIN = tasks('T-1', 'T-2', 'T-3 < T-2');

test('a task is moved by the dependency that it takes, once a person has agreed', async () => {
  const applied: Change[] = [];
  const backlog = fakeBacklog({
    tasks: CHAIN,
    apply: (changes) => {
      applied.push(...changes);
      return Promise.resolve(ok(undefined));
    },
  });
  await moveToWave(backlog, [taskId('T-1')], 1);
  assert.deepEqual(applied, [], 'nobody answered');
  assert.match(lists[0]?.[0]?.label ?? '', /\(T-1\) waits for .*\(T-2\)/);
  answers.push('(T-2)');
  await moveToWave(backlog, [taskId('T-1')], 1);
  assert.deepEqual(applied, [{ kind: 'addDependency', id: 'T-1', on: 'T-2' }]);
  const context = { project: 'shop', isOurs: () => false, now: NOW };
  const after = applyToTasks(CHAIN, applied, context);
  assert.ok(after.ok);
  assert.equal(showPlan(fakeBacklog({ tasks: after.value }).plan!), 'T-2 | T-1 T-3');
});

test('a move that would need a dependency less is refused, with the reason', async () => {
  await moveToWave(fakeBacklog({ tasks: CHAIN }), [taskId('T-3')], 0);
  assert.match(
    shown[0]?.message ?? '',
    /T-3.* waits for .*T-2.*, which is in wave 0\. Dependencies are only added/,
  );
  assert.equal(lists.length, 0);
});

test('a task that somebody holds stays where it is', async () => {
  const held = CHAIN.map((each) =>
    each.id === 'T-1' ? { ...each, lock: lock('other-x-1', NOW + 60_000) } : each,
  );
  await moveToWave(fakeBacklog({ tasks: held }), [taskId('T-1')], 1);
  assert.match(shown[0]?.message ?? '', /T-1.* is being worked on/);
});

const source = (state: WaveSource['state']): WaveSource => ({
  ...{ state, choiceChanged: () => undefined, dispose: () => undefined },
  onDidChange: () => ({ dispose: () => undefined }),
});

test('the tree shows the waves of a file, whom they leave out, and which dependencies they do not keep', async () => {
  const waves = [['T-3'], ['T-2']];
  const backlog = fakeBacklog({
    tasks: CHAIN,
    waveSource: source({ kind: 'file', file: 'docs/w.json', waves }),
  });
  const rows = childrenOf(undefined, [backlog]);
  const said = rows.map((node) => {
    const { label, description } = describeNode(node, NO_AGENTS);
    return `${label}: ${description}`;
  });
  assert.deepEqual(said.slice(0, 4), [
    'Now · wave 0: 1 waiting',
    'Next · wave 1: 1 ready',
    'Not in the Plan: 1 open, in none of its waves',
    'Dependencies Not Kept: 1: these tasks wait all the same',
  ]);
  const broken = childrenOf(rows[3], [backlog])[0];
  assert.equal(
    describeNode(broken!, NO_AGENTS).description,
    'wave 0, waits for Title of T-2, wave 1',
  );
  assert.match(backlogSummary(backlog), /^3 open · 2 ready · waves of docs\/w\.json$/);
  await backlog.runs.start({ kind: 'all' });
  assert.deepEqual(backlog.started, [{ title: 'All waves', waves }], 'what is shown is what runs');
  await moveToWave(backlog, [taskId('T-1')], 1);
  assert.match(shown[0]?.message ?? '', /These are the waves of docs\/w\.json/);
});

test('where nothing of a file is left, the summary says that the waves are computed', () => {
  const backlog = fakeBacklog({
    tasks: CHAIN,
    waveSource: source({ kind: 'file', file: 'w.json', waves: [['T-404']] }),
  });
  assert.equal(showPlan(backlog.plan!), 'T-1 T-2 | T-3');
  assert.match(backlogSummary(backlog), /computed: w\.json names no task that is open$/);
});

test('a lens counts the tasks of its line and runs those that are ready', async () => {
  const backlog = fakeBacklog({ tasks: [...CHAIN, ...tasks('+T-4', '?T-5')] });
  const { title, ready } = waveLens(backlog, ['T-1', 'T-2', 'T-3', 'T-4', 'T-5', 'T-404']);
  assert.equal(
    title,
    '$(play) Run wave · 2 ready · 1 in review · 1 blocked · 1 finished · 1 unknown',
  );
  await backlog.runs.start({ kind: 'tasks', title: 'Wave 0 of x', ids: ready });
  assert.deepEqual(backlog.started, [{ title: 'Wave 0 of x', waves: [['T-1', 'T-2']] }]);
  assert.equal(waveLens(backlog, ['T-3']).title, 'Nothing to run · 1 blocked');
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeMainPlan } from '../../../../src/core/plan/main-plan.ts';
import { findLocations, isOutOfDate } from '../../../../src/core/plan/plan-locations.ts';
import { writeSubagentsPlan } from '../../../../src/core/plan/subagents-plan.ts';
import { undoChanges } from '../../../../src/core/plan/undo-changes.ts';
import type { Change } from '../../../../src/core/edit/change.ts';
import { taskId, type Task } from '../../../../src/core/task.ts';
import { DEFAULT_WAVE_OPTIONS, planWaves } from '../../../../src/core/waves/waves.ts';
import { byId, task, tasks } from '../../../support/backlog.ts';

const recorded = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../../golden/plans', name), 'utf8');

test('ids are found where they stand, by what they stand for, whatever the line ends', () => {
  for (const file of ['exarp.plan.md', 'crlf-bom.plan.md']) {
    const text = recorded(file);
    const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
    const { ids, statuses } = findLocations(text);
    for (const { id, line, start, end } of ids) assert.equal(lines[line]?.slice(start, end), id);
    const as = (kind: string): string =>
      ids.flatMap((each) => (each.as === kind ? [each.id] : [])).join(' ');
    assert.equal(as('todo'), 'T-1 T-2', file);
    assert.equal(as('milestone'), 'T-1 T-2 T-3', file);
    assert.equal(as('wave'), 'T-1 T-2 T-3 T-1 T-2 T-3', file);
    assert.equal(as('mention'), 'T-1 T-1 T-1 T-2 T-3 T-9', file);
    assert.deepEqual(
      [...statuses],
      [
        ['T-1', 'pending'],
        ['T-2', 'in_progress'],
      ],
    );
  }
});

test('waves are found in the frontmatter, in section 4 and in the sections for subagents', () => {
  const shown = (text: string): readonly string[] =>
    findLocations(text).waves.map(
      ({ in: where, number, ids }) => `${where} ${number}: ${ids.join(' ')}`,
    );
  assert.deepEqual(shown(recorded('exarp.plan.md')), [
    'frontmatter 0: T-1 T-2',
    'frontmatter 1: T-3',
    'list 0: T-1 T-2',
    'list 1: T-3',
  ]);
  const subagents = writeSubagentsPlan({
    ...{ title: '', rootName: 'x' },
    plan: planWaves(tasks('T-1', 'T-2', 'T-3 < T-1'), DEFAULT_WAVE_OPTIONS),
  });
  assert.ok(subagents.ok);
  assert.deepEqual(shown(subagents.value), ['section 0: T-1 T-2', 'section 1: T-3']);
});

test('a plan is out of date when its waves or a status of its todos are not those of the backlog', () => {
  const backlog = tasks('T-1', 'T-2', 'T-3 < T-1', '?T-4');
  const plan = planWaves(backlog, DEFAULT_WAVE_OPTIONS);
  const text = writeMainPlan({ title: 'x', rootName: 'x', plan, date: '2026-01-02' });
  const isOld = (now: readonly Task[]): boolean =>
    isOutOfDate(findLocations(text), planWaves(now, DEFAULT_WAVE_OPTIONS), byId(now), 'main');
  assert.equal(isOld(backlog), false);
  assert.equal(isOld(backlog.map((each) => ({ ...each, title: 'other' }))), false);
  assert.equal(isOld(tasks('+T-1', 'T-2', 'T-3 < T-1', '?T-4')), true);
  assert.equal(isOld(tasks('~T-1', 'T-2', 'T-3 < T-1', '?T-4')), true);
  assert.equal(isOld(tasks('T-1', 'T-2', 'T-3 < T-1', '?T-4', 'T-5')), true);
  const subagents = writeSubagentsPlan({ title: 'x', rootName: 'x', plan });
  assert.ok(subagents.ok);
  assert.equal(
    isOutOfDate(findLocations(subagents.value), plan, byId(backlog), 'subagents'),
    false,
  );
});

test('a plan of ten thousand tasks is looked through as a whole', () => {
  const backlog = Array.from({ length: 10_000 }, (_, i) =>
    task(`T-${i}`, { title: 'x'.repeat(60) }),
  );
  const plan = planWaves(backlog, DEFAULT_WAVE_OPTIONS);
  const text = writeMainPlan({ title: 'x', rootName: 'x', plan, date: '2026-01-02' });
  const places = findLocations(text);
  assert.ok(places.waves.some(({ ids }) => ids.length === 10_000));
});

test('changes are taken back exactly, and not at all where somebody has changed one of them since', () => {
  const changes: readonly Change[] = [
    { kind: 'setStatus', id: taskId('a'), from: 'todo', to: 'Done' },
    { kind: 'addDependency', id: taskId('b'), on: taskId('c') },
  ];
  const now = byId(tasks('+a', 'b < c', 'c'));
  assert.deepEqual(undoChanges(changes, now), [
    { kind: 'removeDependency', id: 'b', on: 'c' },
    { kind: 'setStatus', id: 'a', from: 'Done', to: 'Todo' },
  ]);
  assert.equal(undoChanges(changes, byId(tasks('?a', 'b < c', 'c'))), undefined);
  assert.equal(undoChanges(changes, byId(tasks('+a', 'b', 'c'))), undefined);
  assert.equal(undoChanges(changes, byId(tasks('b < c', 'c'))), undefined);
});

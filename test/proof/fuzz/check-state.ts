import assert from 'node:assert/strict';
import { planWaves } from '../../../src/core/waves.ts';
import type { ProjectConfig } from '../../../src/core/config.ts';
import type { UnreadableCause } from '../../../src/core/failure.ts';
import type { StoreState } from '../../../src/core/snapshot.ts';
import type { Task } from '../../../src/core/task.ts';

const CAUSES: readonly UnreadableCause[] = [
  ...([
    'notADatabase',
    'empty',
    'truncated',
    'encrypted',
    'permission',
    'malformed',
    'noTasksTable',
    'busy',
    'io',
  ] as const),
];

/** Throws where a state is none that the type of a store's state allows, or where it tells of a bug of ours. */
export function checkState(state: StoreState): void {
  switch (state.kind) {
    case 'loading':
      return assert.fail('a store is loading still, after a refresh');
    case 'missing':
      return;
    case 'unreadable': {
      const { cause, detail, file } = state.failure;
      assert.ok(CAUSES.includes(cause), cause);
      assert.ok(typeof detail === 'string' && typeof file === 'string');
      assert.doesNotMatch(detail, /Internal error/);
      return;
    }
    case 'ready': {
      const { tasks, byId, notices } = state.snapshot;
      for (const task of tasks) checkTask(task);
      assert.equal(new Set(tasks.map(({ id }) => id)).size, tasks.length, 'an id is there twice');
      for (const task of tasks) assert.equal(byId.get(task.id), task);
      assert.ok(notices.every((notice) => typeof notice.kind === 'string'));
      // What the views make of it next, and what must not fail whatever it is given.
      planWaves(tasks, { numbering: 'open', maxTasksPerWave: 0, missing: 'satisfied', parentEdges: 'exarp' });
    }
  }
}

export function checkConfig(config: ProjectConfig): void {
  for (const value of Object.values(config)) {
    assert.ok(value === undefined || (Number.isSafeInteger(value) && value > 0), String(value));
  }
}

function checkTask(task: Task): void {
  const texts = [task.id, task.title, task.description, task.status, task.rawStatus, task.priority, task.rawPriority];
  for (const text of [...texts, ...task.tags, ...task.dependencies]) assert.equal(typeof text, 'string');
  for (const text of [task.parentId, task.projectId, task.lock?.holder]) {
    assert.ok(text === undefined || (typeof text === 'string' && text !== ''), String(text));
  }
  const numbers = [
    task.estimatedHours,
    task.createdAt,
    task.modifiedAt,
    task.completedAt,
    task.lock?.since,
    task.lock?.until,
  ];
  for (const number of numbers) assert.ok(number === undefined || Number.isFinite(number), String(number));
  assert.ok(Number.isSafeInteger(task.version));
  assert.ok(typeof task.metadata === 'object');
  assert.notEqual(task.id, '');
}

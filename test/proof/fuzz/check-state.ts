import assert from 'node:assert/strict';
import { sep } from 'node:path';
import { planWaves } from '../../../src/core/waves/waves.ts';
import type { ProjectConfig } from '../../../src/core/config.ts';
import type { UnreadableCause } from '../../../src/core/failure.ts';
import type { StoreState } from '../../../src/core/snapshot.ts';
import type { Task } from '../../../src/core/task.ts';
import type { readHandoffs } from '../../../src/store/json/handoff-reader.ts';

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

/**
 * Throws where a state is none that the type of a store's state allows, or where it tells of a bug
 * of ours.
 */
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
      planWaves(tasks, { numbering: 'open', maxTasksPerWave: 0, missing: 'satisfied' });
    }
  }
}

/**
 * Throws where a configuration has a value of another kind than its type allows, or names a file
 * outside the root.
 */
export function checkConfig(config: ProjectConfig, root: string): void {
  for (const [key, value] of Object.entries(config) as [keyof ProjectConfig, unknown][]) {
    const texts = Array.isArray(value) ? (value as unknown[]) : [value];
    const isNumber = typeof NUMBERS[key] === 'number';
    if (isNumber)
      assert.ok(
        value === undefined || (Number.isSafeInteger(value) && Number(value) >= 0),
        `${key}: ${String(value)}`,
      );
    else
      assert.ok(
        texts.every((text) => text === undefined || typeof text === 'string'),
        `${key}: ${String(value)}`,
      );
  }
  for (const path of [config.sqlitePath, config.jsonPath]) {
    assert.ok(
      path === undefined || path.startsWith(`${root}${sep}`),
      `${String(path)} is not within ${root}`,
    );
  }
}

/** The keys that hold numbers. */
const NUMBERS: Partial<Record<keyof ProjectConfig, number>> = {
  ...{
    maxTasksPerWave: 0,
    maxParallelTasks: 0,
    maxTasksPerHost: 0,
    leaseMs: 0,
    renewalMs: 0,
    staleLockMs: 0,
  },
  ...{ staleTaskMs: 0, minDescriptionLength: 0 },
};

export function checkHandoffs(read: ReturnType<typeof readHandoffs>): void {
  if (!read.ok) {
    assert.ok(CAUSES.includes(read.failure.cause) && typeof read.failure.detail === 'string');
    return;
  }
  const { handoffs } = read.value;
  assert.equal(
    new Set(handoffs.map(({ key }) => key)).size,
    handoffs.length,
    'a key is there twice',
  );
  for (const { key, id, host, rawStatus, summary, blockers, nextSteps, warnings, at } of handoffs) {
    for (const text of [key, id, host, rawStatus, summary, ...blockers, ...nextSteps, ...warnings])
      assert.equal(typeof text, 'string');
    assert.ok(at === undefined || Number.isFinite(at));
  }
}

function checkTask(task: Task): void {
  const texts = [
    task.id,
    task.title,
    task.description,
    task.status,
    task.rawStatus,
    task.priority,
    task.rawPriority,
  ];
  for (const text of [...texts, ...task.tags, ...task.dependencies])
    assert.equal(typeof text, 'string');
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
  for (const number of numbers)
    assert.ok(number === undefined || Number.isFinite(number), String(number));
  assert.ok(Number.isSafeInteger(task.version));
  assert.ok(typeof task.metadata === 'object');
  assert.notEqual(task.id, '');
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import '../../support/use-editor-stub.ts';
import type { Task } from '../../../src/core/task.ts';
import { describeNode } from '../../../src/ui/tree-item.ts';
import { childrenOf } from '../../../src/ui/tree-nodes.ts';
import { lock, task, tasks } from '../../support/backlog.ts';
import { fakeBacklog, ME, NOW, NO_AGENTS } from '../../support/fake-backlog.ts';
import { atWork, runAfter, runStarted } from '../../support/run-events.ts';
import { clockTime } from '../../../src/core/messages.ts';

// After the stub: it imports `vscode`.
const { contextKeysOf } = await import('../../../src/ui/context-keys.ts');

const MINUTE = 60_000;
const AGENT = 'claude-desk-9001';

const held = (id: string, holder: string, minutes: number | undefined): Task =>
  task(id, {
    status: 'In Progress',
    lock: lock(holder, minutes === undefined ? undefined : NOW + minutes * MINUTE),
  });

test('locks stand below their holders: ours, then those at work, then what others left', () => {
  const run = runAfter(runStarted({ waves: [['T-1']], at: NOW }), ...atWork('T-1', 1, NOW));
  const backlog = fakeBacklog({
    tasks: [
      held('T-1', AGENT, 25),
      held('T-2', 'anna', undefined),
      held('T-3', 'claude-x-1', 20),
      held('T-4', 'codex-y-2', -3),
      held('T-5', ME, 10),
      held('T-6', ME, 5),
      ...tasks('T-7'),
    ],
    runs: () => [run],
  });
  const rows = childrenOf(undefined, [backlog], 'locks').flatMap((node) => [
    describeNode(node, NO_AGENTS),
    ...childrenOf(node, [backlog], 'locks').map((child) => describeNode(child, NO_AGENTS)),
  ]);
  const until = (minutes: number): string =>
    `${minutes} min left, until ${clockTime(NOW + minutes * MINUTE)}`;
  assert.deepEqual(
    rows.map(({ label, description, flags }) => `${label} | ${description} | ${flags.join(' ')}`),
    [
      'Agent of this window | 1 task | ',
      `Title of T-1 | ${until(25)} | task runningTask`,
      'This window | 2 tasks | ',
      `Title of T-6 | ${until(5)} | task releasable`,
      `Title of T-5 | ${until(10)} | task releasable`,
      'claude-x-1 | 1 task | ',
      `Title of T-3 | ${until(20)} | task heldByOthers`,
      'anna | 1 task · no lease runs | ',
      'Title of T-2 | no end | task leftByOthers takeable',
      'codex-y-2 | 1 task · no lease runs | ',
      'Title of T-4 | ended 3 min ago | task leftByOthers takeable',
    ],
  );
});

test('the view of locks is there while a task names a holder', () => {
  const of = (...all: readonly Task[]): boolean =>
    contextKeysOf([fakeBacklog({ tasks: all })]).hasLocks;
  assert.deepEqual([of(...tasks('T-1')), of(held('T-1', 'anna', undefined))], [false, true]);
});

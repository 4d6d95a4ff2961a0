import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findAgentLockColumns } from '../../../../src/store/read/agent-locks-table.ts';

const cases: readonly [name: string, columns: string, expected: unknown][] = [
  [
    'the names of the lock columns',
    'id task_id agent_id lock_until locked_at',
    { task: 'task_id', holder: 'agent_id', until: 'lock_until', since: 'locked_at' },
  ],
  [
    'other words for the same',
    'task_id locked_by expires_at acquired_at',
    { task: 'task_id', holder: 'locked_by', until: 'expires_at', since: 'acquired_at' },
  ],
  [
    'any case',
    'TASK_ID Holder UNTIL Assigned_At',
    { task: 'task_id', holder: 'holder', until: 'until', since: 'assigned_at' },
  ],
  [
    'of several words the first that we know, wherever it is',
    'task_id holder assignee until expires_at',
    { task: 'task_id', holder: 'assignee', until: 'expires_at', since: undefined },
  ],
  [
    'a holder and nothing else',
    'task_id agent',
    { task: 'task_id', holder: 'agent', until: undefined, since: undefined },
  ],
  ['no holder', 'task_id lock_until', undefined],
  ['no task', 'agent_id lock_until', undefined],
  ['no column', '', undefined],
];

for (const [name, columns, expected] of cases) {
  test(`a table of agent locks is known by its columns: ${name}`, () => {
    assert.deepEqual(findAgentLockColumns(columns.split(' ')), expected);
  });
}

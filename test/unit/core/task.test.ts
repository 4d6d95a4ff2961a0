import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  compareIds,
  isSettled,
  parsePriority,
  parseStatus,
  priorityRank,
} from '../../../src/core/task.ts';

const STATUSES: readonly [status: string, spellings: readonly string[]][] = [
  ['Todo', ['', 'Todo', 'pending', 'Not Started', 'new', '  todo\n']],
  ['In Progress', ['In Progress', 'in-progress', 'in_progress', 'INPROGRESS', 'working', 'active']],
  ['Review', ['Review', 'needs review', 'Awaiting Review']],
  ['Done', ['Done', 'completed', 'finished', 'closed']],
  ['Blocked', ['Blocked', 'waiting']],
  ['Cancelled', ['Cancelled', 'canceled', 'abandoned']],
  ['Unknown', ['on hold', 'done!', 'in  progress', '0', 'constructor', '__proto__', 'toString']],
];

for (const [status, spellings] of STATUSES) {
  test(`${status} is read from each of its spellings`, () => {
    for (const text of spellings) assert.equal(parseStatus(text), status, JSON.stringify(text));
  });
}

const PRIORITIES: readonly [priority: string, rank: number, spellings: readonly string[]][] = [
  ['critical', 0, ['critical', 'Highest', 'urgent', 'P0']],
  ['high', 1, ['high', 'HIGH', 'p1']],
  ['medium', 2, ['', 'medium', 'normal', 'standard', 'P2']],
  ['low', 3, ['low', 'lowest', 'p3 ']],
  ['other', 4, ['p4', 'someday', '1', 'constructor', 'valueOf', '__proto__']],
];

for (const [priority, rank, spellings] of PRIORITIES) {
  test(`${priority} has rank ${rank} and is read from each of its spellings`, () => {
    for (const text of spellings) {
      assert.equal(parsePriority(text), priority, JSON.stringify(text));
      assert.equal(priorityRank(parsePriority(text)), rank);
    }
  });
}

test('only Done and Cancelled tasks are settled', () => {
  const settled = (
    ['Todo', 'In Progress', 'Review', 'Done', 'Blocked', 'Cancelled', 'Unknown'] as const
  ).filter(isSettled);
  assert.deepEqual(settled, ['Done', 'Cancelled']);
});

const ORDERS: readonly [name: string, inOrder: readonly string[]][] = [
  ['numbers compare as numbers', ['T-9', 'T-10', 'T-100']],
  [
    'nanosecond numbers compare exactly',
    ['T-1764129938123456788', 'T-1764129938123456789', 'T-1764129938123456790'],
  ],
  ['the first run of digits decides', ['T-2-99', 'T-10-1', 'T-20251126032538-40']],
  [
    'leading zeros do not count, and the text decides between equal numbers',
    ['A-7', 'T-007', 'T-07', 'T-7', 'T-08'],
  ],
  ['ids without digits come last, by text', ['Z-1', 'MODE', 'mode']],
];

for (const [name, inOrder] of ORDERS) {
  test(`among ids ${name}`, () =>
    assert.deepEqual([...inOrder].reverse().sort(compareIds), inOrder));
}

test('ids have one total order, whatever they contain', () => {
  const id = fc.oneof(fc.string(), fc.stringMatching(/^[TA]-0{0,2}[0-9]{1,22}(-[0-9])?$/));
  fc.assert(
    fc.property(id, id, id, (a, b, c) => {
      assert.equal(Math.sign(compareIds(a, b)), -Math.sign(compareIds(b, a)) + 0);
      assert.equal(compareIds(a, b) === 0, a === b);
      if (compareIds(a, b) < 0 && compareIds(b, c) < 0) assert.ok(compareIds(a, c) < 0);
    }),
    { seed: 11 },
  );
});

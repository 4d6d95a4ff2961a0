import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { IdIndex } from '../../../../src/core/waves/id-index.ts';
import { orderOfIds } from '../../../../src/core/waves/id-order.ts';
import { NumberById } from '../../../../src/core/waves/number-by-id.ts';
import { compareIds, taskId } from '../../../../src/core/task.ts';
import type { TaskId } from '../../../../src/core/task.ts';

const lookAlikes = [
  'T-7',
  'T-07',
  'T-007',
  'T-',
  'T-7 ',
  'T7',
  't-7',
  'S-7',
  'T-7a',
  'T-٧',
  '7',
  '',
  'T--7',
  'T-+7',
  'T-7e0',
];
const longOnes = [
  'T-1764129938123456788',
  'T-1764129938123456789',
  'T-999999999999999',
  'T-9999999999999990',
  'T-99999999999999900',
  `T-${'9'.repeat(29)}`,
  `T-${'9'.repeat(30)}`,
  `T-${'9'.repeat(400)}`,
  'T-0',
  'T-4294967296',
  'T-8589934592',
];

test('ids that look alike are told apart, also where one stands for none of the others', () => {
  const all = [...lookAlikes, ...longOnes].map(taskId);
  const index = new IdIndex(all);
  assert.equal(index.size, all.length);
  all.forEach((id, position) => assert.equal(index.get(id), position, id));
  for (const id of all) {
    const others = all.filter((other) => other !== id);
    assert.equal(new IdIndex(others).get(id), -1, id);
  }
});

test('ids chosen to want the same place in the table are found none the less', () => {
  // The hash of small numbers, upper 9 bits, which is the size of the table for 200 ids.
  const ids: TaskId[] = [];
  for (let n = 1; ids.length < 200; n++)
    if (Math.imul(n, 0x9e3779b1) >>> 23 === 0) ids.push(taskId(`T-${n}`));
  const index = new IdIndex([...ids, ...ids]);
  const small = new IdIndex(ids);
  assert.deepEqual([index.size, small.size], [200, 200]);
  ids.forEach((id, position) =>
    assert.deepEqual([index.get(id), small.get(id)], [position, position]),
  );
  assert.equal(small.get('T-2'), -1);
});

test('ids of one burst, which differ only in their last digits, are told apart', () => {
  const ids = Array.from({ length: 500 }, (_, i) =>
    taskId(`T-${1764129938123456000n + BigInt(i * 3)}`),
  );
  const index = new IdIndex(ids);
  ids.forEach((id, position) => assert.equal(index.get(id), position));
  assert.equal(index.get('T-1764129938123456001'), -1);
});

test('long numbers are in order even where their texts are not, and leading zeros do not count', () => {
  const inOrder = [
    'Z-00000000000000000008',
    'A-9',
    'Z-1764129938123456788',
    'A-1764129938123456789',
    'Z',
    'a',
  ];
  for (const ids of [inOrder, inOrder.toReversed()]) {
    assert.deepEqual(
      Array.from(orderOfIds(ids), (position) => ids[position]),
      inOrder,
    );
  }
});

const someId = fc.oneof(
  fc.constantFrom(...lookAlikes, ...longOnes),
  fc.stringMatching(/^T-[0-9]{1,2}$/),
  fc.stringMatching(/^[ST]-[1-9][0-9]{12,20}$/),
  fc.string(),
);

/** Ids that are all of exact numbers, with and without zeros in front. */
const shortId = fc.stringMatching(/^[AT]-(0{0,2}[0-9]{1,3}|17641299[0-9]{5})$/);

test('an index finds what a map of first positions finds', () => {
  fc.assert(
    fc.property(fc.array(someId, { maxLength: 60 }), fc.array(someId), (ids, others) => {
      const index = new IdIndex(ids.map(taskId));
      for (const id of [...ids, ...others]) assert.equal(index.get(id), ids.indexOf(id));
      assert.equal(index.size, new Set(ids).size);
    }),
    { seed: 14, numRuns: 500 },
  );
});

test('the order of ids is the one that comparing each pair gives', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.uniqueArray(someId, { maxLength: 60 }), fc.uniqueArray(shortId)),
      (ids) => {
        assert.deepEqual(
          Array.from(orderOfIds(ids), (position) => ids[position]),
          ids.toSorted(compareIds),
        );
      },
    ),
    { seed: 15, numRuns: 500 },
  );
});

test('numbers by id read like a map', () => {
  const ids = ['T-3', 'T-1', 'x'].map(taskId);
  const [three, , x] = ids;
  const numbers = new NumberById(
    ids,
    new IdIndex(ids),
    Int32Array.of(2, 0),
    Int32Array.of(5, -1, 0),
  );
  const same = new Map([
    [x!, 0],
    [three!, 5],
  ]);
  assert.deepEqual([...numbers], [...same]);
  assert.deepEqual([...numbers.keys()], [...same.keys()]);
  assert.deepEqual([...numbers.values()], [...same.values()]);
  assert.equal(numbers.size, 2);
  for (const id of [...ids, taskId('T-4')]) {
    assert.equal(numbers.get(id), same.get(id));
    assert.equal(numbers.has(id), same.has(id));
  }
  const visited: unknown[] = [];
  numbers.forEach((number, id) => visited.push([id, number]));
  assert.deepEqual(visited, [...same]);
});

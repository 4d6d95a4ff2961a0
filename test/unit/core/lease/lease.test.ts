import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STALE_AFTER_MS, isLive, leaseAt } from '../../../../src/core/lease/lease.ts';
import { lock } from '../../../support/backlog.ts';

const NOW = 1_764_000_000_000;
const isOurs = (holder: string): boolean => holder === 'us';

const cases: readonly [
  name: string,
  holder: string,
  until: number | undefined,
  expected: string,
  live: boolean,
][] = [
  ['a lease of ours that runs is ours', 'us', NOW + 1, 'ours 1', true],
  ['a lease of another that runs is theirs', 'them', NOW + 90_000, 'theirs 90000', true],
  ['a lease that ends at this moment has ended', 'them', NOW, 'expired 0', false],
  ['our own lease expires like any other', 'us', NOW - 1, 'expired 1', false],
  [
    'an expired lease becomes stale only after the threshold',
    'them',
    NOW - STALE_AFTER_MS,
    'expired 300000',
    false,
  ],
  [
    'a lease that ended before the threshold is stale',
    'them',
    NOW - STALE_AFTER_MS - 1,
    'stale 300001',
    false,
  ],
  ['a holder without an end has no lease, even long after', 'them', undefined, 'unleased', false],
];

for (const [name, holder, until, expected, live] of cases) {
  test(name, () => {
    const lease = leaseAt(lock(holder, until), isOurs, NOW);
    const ms =
      'remainingMs' in lease ? [lease.remainingMs] : 'expiredMs' in lease ? [lease.expiredMs] : [];
    assert.equal([lease.kind, ...ms].join(' '), expected);
    assert.equal(isLive(lease), live);
  });
}

test('a task without a holder is free', () => {
  const lease = leaseAt(undefined, isOurs, NOW);
  assert.deepEqual(lease, { kind: 'free' });
  assert.equal(isLive(lease), false);
});

test('a lease that has ended still says whether it was ours', () => {
  for (const until of [undefined, NOW, NOW - 2 * STALE_AFTER_MS]) {
    for (const holder of ['us', 'them']) {
      const lease = leaseAt(lock(holder, until), isOurs, NOW);
      assert.ok('ours' in lease);
      assert.equal(lease.ours, holder === 'us');
      assert.equal(lease.lock.holder, holder);
    }
  }
});

test('the threshold for stale leases can be set', () => {
  assert.equal(leaseAt(lock('them', NOW - 11), isOurs, NOW, 10).kind, 'stale');
  assert.equal(leaseAt(lock('them', NOW - 10), isOurs, NOW, 10).kind, 'expired');
});

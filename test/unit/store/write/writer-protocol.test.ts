import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseMessage } from '../../../../src/store/write/writer-protocol.ts';

const request = (asked: unknown, seq: unknown = 4): unknown => ({
  kind: 'request',
  seq,
  request: asked,
});

const bad: readonly [name: string, message: unknown, seq: number | undefined][] = [
  ['nothing', null, undefined],
  ['text', 'claim', undefined],
  ['a request without a number', request({ kind: 'probe' }, 'x'), undefined],
  ['an unknown request', request({ kind: 'drop' }), 4],
  ['no request at all', request(undefined), 4],
  ['a claim without an id', request({ kind: 'claim', id: '', leaseMs: 1, takeUnleased: false }), 4],
  [
    'a lease of no length',
    request({ kind: 'claim', id: 'T-1', leaseMs: null, takeUnleased: false }),
    4,
  ],
  ['a lease that would shorten', request({ kind: 'renew', ids: ['T-1'], leaseMs: -1 }), 4],
  ['ids that are none', request({ kind: 'renew', ids: ['T-1', 2], leaseMs: 1 }), 4],
  [
    'a status we do not write',
    request({ kind: 'release', id: 'T-1', to: 'In Progress', again: false, onlyMoved: false }),
    4,
  ],
  [
    'a status change from nowhere',
    request({ kind: 'setStatus', id: 'T-1', to: 'Done', again: false }),
    4,
  ],
  ['a start without a file', { kind: 'start', holder: 'me', graceMs: 1 }, undefined],
];
for (const [name, message, seq] of bad) {
  test(`the writer is not asked with ${name}`, () => {
    const parsed = parseMessage(message);
    assert.ok(parsed.kind === 'malformed');
    assert.equal(parsed.seq, seq);
  });
}

test('whatever comes, it is read or called malformed', () => {
  fc.assert(
    fc.property(fc.anything(), (message) => void parseMessage(message)),
    { seed: 6 },
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHolderId } from '../../src/core/holder.ts';

const cases: readonly [name: string, args: Parameters<typeof createHolderId>, expected: string][] = [
  ['type, host and process', ['vscode', 'my-host.local', 4242], 'vscode-my-host.local-4242'],
  ['a host without a name', ['cursor', '', 7], 'cursor-unknown-7'],
  ['an agent without a type', ['', 'box', 7], 'general-box-7'],
];
for (const [name, args, expected] of cases) {
  test(`a holder is named by ${name}`, () => assert.equal(createHolderId(...args), expected));
}

test('a holder without a living process is a bug', () => {
  for (const pid of [0, -1, 1.5, NaN]) assert.throws(() => createHolderId('vscode', 'box', pid), /Internal error/);
});

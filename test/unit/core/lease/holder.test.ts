import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHolderId, parseHolder } from '../../../../src/core/lease/holder.ts';

const cases: readonly [name: string, args: Parameters<typeof createHolderId>, expected: string][] =
  [
    ['type, host and process', ['vscode', 'my-host.local', 4242], 'vscode-my-host.local-4242'],
    ['a host without a name', ['cursor', '', 7], 'cursor-unknown-7'],
    ['an agent without a type', ['', 'box', 7], 'general-box-7'],
  ];
for (const [name, args, expected] of cases) {
  test(`a holder is named by ${name}`, () => assert.equal(createHolderId(...args), expected));
}

test('a holder without a living process is a bug', () => {
  for (const pid of [0, -1, 1.5, NaN])
    assert.throws(() => createHolderId('vscode', 'box', pid), /Internal error/);
});

const names: readonly [name: string, holder: string, expected: ReturnType<typeof parseHolder>][] = [
  [
    'type, host and process',
    'vscode-my-host.local-4242',
    { type: 'vscode', hostname: 'my-host.local', pid: 4242 },
  ],
  [
    'a type with a dash, whose host is then none',
    'claude-code-box-7',
    { type: 'claude', hostname: 'code-box', pid: 7 },
  ],
  ['no process', 'alice', undefined],
  ['a word for a process', 'general-box-main', undefined],
  ['nothing before the number', '-12', undefined],
  ['the process 0', 'general-box-0', undefined],
  ['a number that is no process id', 'general-box-99999999999', undefined],
];
for (const [name, holder, expected] of names) {
  test(`a holder is read: ${name}`, () => assert.deepEqual(parseHolder(holder), expected));
}

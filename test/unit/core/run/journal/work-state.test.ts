import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { WorkEnd } from '../../../../../src/core/ports.ts';
import { parseWorkState } from '../../../../../src/core/run/journal/read-work-state.ts';
import { storedWorkState, type WorkState } from '../../../../../src/core/run/journal/work-state.ts';
import { taskId } from '../../../../../src/core/task.ts';

const STATE: WorkState = {
  ...{
    runId: 'r',
    attemptNo: 1,
    taskId: taskId('T-1'),
    phase: 'working',
    pid: 42,
    begin: 'boot 1',
    host: 'a-host',
  },
  ...{
    holder: 'claude-a-host-42',
    agentPid: 43,
    agentBegin: 'boot 2',
    mark: '0123456789abcdef'.repeat(2),
  },
  ...{
    label: 'Claude Code',
    output: 'streamJson',
    startedAt: 5,
    lastOutputAt: 6,
    sessionId: 's',
    sessionUsage: undefined,
    refusal: undefined,
    end: undefined,
  },
  activity: 'Edits src/a.ts',
};

const ENDS: readonly WorkEnd[] = [
  { kind: 'succeeded', status: 'Review', evidence: undefined },
  { kind: 'failed', cause: { kind: 'exit' }, exitCode: 1, signal: undefined, evidence: undefined },
  { kind: 'refused', failure: { kind: 'held', id: taskId('T-1'), holder: 'x', until: 5 } },
  { kind: 'stopped', usage: { inputTokens: 10, outputTokens: undefined, costUsd: 0.5 } },
  { kind: 'unknown', detail: 'gone' },
  { kind: 'lockLost', holder: undefined, usage: undefined },
];

test('what a supervisor writes is read back as it is', () => {
  assert.deepEqual(parseWorkState(JSON.stringify(storedWorkState(STATE))), STATE);
  for (const end of ENDS) {
    const state = { ...STATE, phase: 'ended' as const, end };
    assert.deepEqual(parseWorkState(JSON.stringify(storedWorkState(state))), state);
  }
});

test('the words of a refusal are read back, and words that are none make no state', () => {
  const state = { ...STATE, refusal: { words: 'Try again in 5 s\nlater', at: 7 } };
  assert.deepEqual(parseWorkState(JSON.stringify(storedWorkState(state))), state);
  for (const refusal of [{ words: 5, at: 7 }, { words: 'later' }, 'later'])
    assert.equal(parseWorkState(JSON.stringify({ ...storedWorkState(STATE), refusal })), undefined);
});

const ODD: readonly [name: string, change: object][] = [
  ['a process id that is a group', { pid: -42 }],
  ['a process id that is everything', { agentPid: 0 }],
  ['a process id that the system would take for everything', { agentPid: 2 ** 32 - 1 }],
  ['a holder that is another process', { holder: 'claude-a-host-41' }],
  ['a holder of another machine', { holder: 'claude-b-host-42' }],
  ['a mark that fits more than one', { mark: '' }],
  ['an end before the end', { end: { kind: 'stopped' } }],
  ['no end at the end', { phase: 'ended' }],
  [
    'an end that no work has',
    { phase: 'ended', end: { kind: 'skipped', reason: { kind: 'gone' } } },
  ],
  ['an empty id', { taskId: '' }],
  ['an unknown phase', { phase: 'sleeping' }],
];

for (const [name, change] of ODD) {
  test(`${name} is no state`, () =>
    assert.equal(
      parseWorkState(JSON.stringify({ ...storedWorkState(STATE), ...change })),
      undefined,
    ));
}

test('what a session used so far is kept, and left out where it cannot be that', () => {
  const sessionUsage = { inputTokens: 10, outputTokens: 2, costUsd: undefined };
  const state = { ...STATE, sessionUsage };
  assert.deepEqual(parseWorkState(JSON.stringify(storedWorkState(state))), state);
  for (const odd of [{ inputTokens: -1 }, { costUsd: 'much' }, [], 5]) {
    const stored = { ...storedWorkState(STATE), sessionUsage: odd };
    assert.equal(parseWorkState(JSON.stringify(stored))?.sessionUsage, undefined);
  }
});

test('a state that an earlier version wrote says nothing of what the agent does', () => {
  const { activity: _, ...earlier } = storedWorkState(STATE);
  assert.deepEqual(parseWorkState(JSON.stringify(earlier)), { ...STATE, activity: undefined });
});

test('a session that is no plain word is left out', () => {
  for (const sessionId of ['--yolo', '../x', 'a b', '$(x)', '', 5]) {
    assert.equal(
      parseWorkState(JSON.stringify({ ...storedWorkState(STATE), sessionId }))?.sessionId,
      undefined,
    );
  }
});

test('no text makes it throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), fc.constant('['.repeat(100_000))), (text) => {
      assert.equal(parseWorkState(text), undefined);
    }),
  );
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(STATE)), fc.jsonValue(), (name, value) => {
      parseWorkState(JSON.stringify({ ...storedWorkState(STATE), [name]: value }));
    }),
  );
});

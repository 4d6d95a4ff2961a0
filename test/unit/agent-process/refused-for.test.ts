import assert from 'node:assert/strict';
import test from 'node:test';
import { withWait } from '../../../src/agent-process/refused-for.ts';
import type { WorkEnd } from '../../../src/core/ports.ts';
import type { WorkState } from '../../../src/core/run/journal/work-state.ts';
import { taskId } from '../../../src/core/task.ts';

const AT = Date.parse('2026-01-10T12:00:00Z');
const REFUSED: WorkEnd = { kind: 'rateLimited', retryAfterMs: undefined, detail: 'Rate limit' };

const stateOf = (end: WorkEnd | undefined, words: string | undefined): WorkState => ({
  runId: 'r',
  attemptNo: 1,
  taskId: taskId('T-1'),
  phase: end === undefined ? 'working' : 'ended',
  pid: 42,
  begin: null,
  host: 'a-host',
  holder: 'claude-a-host-42',
  agentPid: undefined,
  agentBegin: null,
  mark: '0123456789abcdef'.repeat(2),
  label: 'Claude Code',
  output: 'streamJson',
  startedAt: 5,
  lastOutputAt: undefined,
  activity: undefined,
  sessionId: undefined,
  sessionUsage: undefined,
  refusal: words === undefined ? undefined : { words, at: AT },
  end,
});

const waitOf = (state: WorkState): number | undefined => {
  const { end } = withWait(state);
  return end?.kind === 'rateLimited' ? end.retryAfterMs : undefined;
};

test('how long a provider refuses is read from its words, from the time of its refusal on', () => {
  assert.equal(waitOf(stateOf(REFUSED, 'Rate limit\nTry again in 5 s\nRetry in 9 s')), 5000);
  assert.equal(waitOf(stateOf(REFUSED, 'Limit reached · resets 1pm (UTC)')), 3_600_000);
});

test('a time that an event has said stays, and where no words say one none is known', () => {
  assert.equal(waitOf(stateOf({ ...REFUSED, retryAfterMs: 9 }, 'Try again in 5 s')), 9);
  assert.equal(waitOf(stateOf(REFUSED, 'Too many requests')), undefined);
  assert.equal(waitOf(stateOf(REFUSED, undefined)), undefined);
});

test('a state that is no refusal stays as it is', () => {
  for (const state of [stateOf(undefined, 'in 5 s'), stateOf({ kind: 'stopped' }, 'in 5 s')])
    assert.equal(withWait(state), state);
});

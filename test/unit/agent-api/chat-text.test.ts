import assert from 'node:assert/strict';
import test from 'node:test';
import { pauseText } from '../../../src/agent-api/chat-text.ts';
import { runAfter, runStarted } from '../../support/run-events.ts';

test('a pause is told with its reason where a limit of the budget is reached', () => {
  const budget = { usd: undefined, tokens: undefined, minutes: 90 };
  const run = runStarted({ waves: [['T-1']], at: 0, options: { budget } });
  const pausedBy = (by: 'person' | 'timeBudget') =>
    pauseText(runAfter(run, { kind: 'runPaused', by, at: 1 }));
  assert.equal(pausedBy('person'), 'The run is paused. Nothing further starts until it goes on.');
  assert.equal(
    pausedBy('timeBudget'),
    'The run is paused. It has reached its budget of 1 h 30 min. Nothing further starts until it goes on.',
  );
});

import assert from 'node:assert/strict';
import test from 'node:test';
import { formatEntry, parseEntry } from '../../../../src/core/run/journal/journal-entry.ts';
import {
  limitWords,
  parseRunBudget,
  reachedLimit,
  type RunBudget,
} from '../../../../src/core/run/run-budget.ts';
import type { Usage } from '../../../../src/core/run/usage.ts';
import { startOf } from '../../../support/run-stories.ts';

const MINUTE = 60_000;

function budgetOf(value: object): RunBudget {
  const budget = parseRunBudget(value);
  assert(budget);
  return budget;
}

function used(tokens: number, costUsd?: number): Usage {
  return { inputTokens: tokens, outputTokens: undefined, costUsd };
}

test('each part of a budget may be missing, and a wrong one counts as not set', () => {
  assert.deepEqual(parseRunBudget({ usd: 0.5, tokens: 2e6, minutes: 90 }), {
    ...{ usd: 0.5, tokens: 2e6, minutes: 90 },
  });
  assert.deepEqual(parseRunBudget({ usd: 0, tokens: '5', minutes: 1, other: 3 }), {
    ...{ usd: undefined, tokens: undefined, minutes: 1 },
  });
  for (const nothing of [undefined, null, {}, [], 5, '5', { usd: -1 }, { tokens: NaN }])
    assert.equal(parseRunBudget(nothing), undefined);
});

test('a limit is reached by what is used since the run began, or went on with a new budget', () => {
  const start = { usage: undefined, at: 0 };
  const budget = budgetOf({ usd: 1, tokens: 1000, minutes: 5 });
  assert.equal(reachedLimit(undefined, start, used(1e9, 1e9), 1e9), undefined);
  assert.equal(reachedLimit(budget, start, undefined, 0), undefined);
  assert.equal(reachedLimit(budget, start, used(999, 0.99), 5 * MINUTE - 1), undefined);
  assert.equal(reachedLimit(budget, start, used(0, 1), 0), 'costBudget');
  assert.equal(reachedLimit(budget, start, used(1000), 0), 'tokenBudget');
  assert.equal(reachedLimit(budget, start, undefined, 5 * MINUTE), 'timeBudget');

  const later = { usage: used(1200, 3), at: 5 * MINUTE };
  assert.equal(reachedLimit(budget, later, used(2199, 3.5), 6 * MINUTE), undefined);
  assert.equal(reachedLimit(budget, later, used(2200, 3.5), 6 * MINUTE), 'tokenBudget');
  assert.equal(reachedLimit(budget, later, used(1200, 4), 6 * MINUTE), 'costBudget');
  assert.equal(reachedLimit(budget, later, used(1200, 3), 10 * MINUTE), 'timeBudget');
});

test('the limit that was reached is named with its value', () => {
  const budget = budgetOf({ usd: 5, tokens: 2e6, minutes: 90 });
  assert.equal(limitWords('costBudget', budget), 'its budget of $5.00');
  assert.equal(limitWords('tokenBudget', budget), 'its budget of 2M tokens');
  assert.equal(limitWords('timeBudget', budget), 'its budget of 1 h 30 min');
  assert.equal(limitWords('timeBudget', undefined), 'its budget');
});

test('a budget is kept in the journal of its run, and one that cannot be is no event', () => {
  const options = { budget: budgetOf({ usd: 5 }) };
  const event = startOf('r', [['T-1']], { options });
  assert.deepEqual(parseEntry(formatEntry(event)), {
    ...event,
    followUps: undefined,
    ...(event.kind === 'runStarted' && { options: { ...event.options, ...options } }),
  });
  const odd = startOf('r', [['T-1']], { options: { budget: { ...options.budget, usd: -5 } } });
  assert.equal(parseEntry(formatEntry(odd)), undefined);
  const paused = { kind: 'runPaused', runId: 'r', by: 'tokenBudget', at: 5 } as const;
  assert.deepEqual(parseEntry(formatEntry(paused)), paused);
});

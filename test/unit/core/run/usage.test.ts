import assert from 'node:assert/strict';
import test from 'node:test';
import { usageOfTask, type RunEvent } from '../../../../src/core/run/run-events.ts';
import { applyRunEvents } from '../../../../src/core/run/journal/run-state.ts';
import { addUsage, usageSince, usageWords, type Usage } from '../../../../src/core/run/usage.ts';
import { taskId } from '../../../../src/core/task.ts';
import { ranFor, startOf, succeeded } from '../../../support/run-stories.ts';

function used(
  inputTokens: number | undefined,
  outputTokens: number | undefined,
  costUsd?: number,
): Usage {
  return { inputTokens, outputTokens, costUsd };
}

test('what is not told stays unknown in a sum', () => {
  assert.equal(addUsage(undefined, undefined), undefined);
  assert.deepEqual(addUsage(used(1, 2), undefined), used(1, 2));
  assert.deepEqual(addUsage(used(1, undefined), used(2, 3, 0.5)), used(3, 3, 0.5));
});

test('of the total of a resumed session only what is new counts', () => {
  assert.deepEqual(usageSince(used(40, 8), used(10, 2)), used(30, 6));
  assert.deepEqual(usageSince(used(40, 8), used(10, 2, 0.5)), used(30, 6));
  assert.deepEqual(usageSince(used(40, 8), undefined), used(40, 8));
  // It was counted anew.
  assert.deepEqual(usageSince(used(5, 1), used(10, 2)), used(5, 1));
});

test('tokens and cost are told in a few words, and nothing where nothing is known', () => {
  const words = (tokens: number, usd?: number) => usageWords(used(tokens, 0, usd));
  assert.equal(words(11_600, 0.34), '12k tokens · $0.34');
  assert.equal(words(1), '1 token');
  assert.equal(words(999), '999 tokens');
  assert.equal(words(1000), '1k tokens');
  assert.equal(words(1234), '1.2k tokens');
  assert.equal(words(999_600), '1M tokens');
  assert.equal(words(3_400_000, 12), '3.4M tokens · $12.00');
  assert.equal(words(10, 0.0001), '10 tokens · under $0.01');
  assert.equal(words(10, 0), '10 tokens');
  assert.equal(usageWords(used(undefined, undefined, 0.5)), '$0.50');
  assert.equal(words(0, 0), undefined);
  assert.equal(usageWords(undefined), undefined);
});

test('a task and its run have used what all of its attempts used, however they ended', () => {
  const evidence = {
    ...{ startedAt: 0, endedAt: 1, verify: undefined, files: [] },
    ...{ summary: undefined, logFile: undefined, sessionId: undefined },
  };
  const limited = { kind: 'rateLimited', retryAfterMs: 1, detail: '', usage: used(5, 1) } as const;
  const won = { ...succeeded(), evidence: { ...evidence, usage: used(10, 2, 0.5) } };
  const stopped = { kind: 'stopped', usage: used(100, 0, 0.25) } as const;
  const events: [RunEvent, ...RunEvent[]] = [
    startOf('r', [['T-1', 'T-2', 'T-3']]),
    ...ranFor('r', 'T-1', { attemptNo: 1, from: 0, ms: 1, outcome: limited, again: true }),
    ...ranFor('r', 'T-1', { attemptNo: 2, tryNo: 2, from: 2, ms: 1, outcome: won }),
    ...ranFor('r', 'T-2', { attemptNo: 3, from: 0, ms: 1, outcome: stopped }),
    ...ranFor('r', 'T-3', { attemptNo: 4, from: 0, ms: 1, outcome: succeeded() }),
  ];
  const run = applyRunEvents(undefined, events);
  const of = (id: string) => usageOfTask(run.tasks.get(taskId(id))!);
  assert.deepEqual(of('T-1'), used(15, 3, 0.5));
  assert.deepEqual(of('T-2'), used(100, 0, 0.25));
  assert.equal(of('T-3'), undefined);
  assert.deepEqual(run.usage, used(115, 3, 0.75));
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { estimateDurations, UNKNOWN_MS } from '../../../../../src/core/run/engine/estimates.ts';
import type { RunEvent, TaskOutcome } from '../../../../../src/core/run/run-events.ts';
import { applyRunEvents } from '../../../../../src/core/run/journal/run-state.ts';
import { taskId } from '../../../../../src/core/task.ts';
import { after, ranFor, startOf, succeeded } from '../../../../support/run-stories.ts';

const agents = (spec: Readonly<Record<string, string>>) =>
  new Map(
    Object.entries(spec).map(([id, agent]) => [
      taskId(id),
      { agent, model: undefined, agentMode: 'unattended' as const },
    ]),
  );
const tasks = (hours: Readonly<Record<string, number>> = {}) => ({
  byId: new Map(
    Object.entries(hours).map(([id, estimatedHours]) => [taskId(id), { estimatedHours }]),
  ),
});
/** A run of one task that took so long. */
const past = (
  runId: string,
  id: string,
  agent: string,
  ms: number,
  outcome: TaskOutcome = succeeded(),
) =>
  applyRunEvents(undefined, [
    startOf(runId, [[id]], { agent }),
    ...ranFor(runId, id, { attemptNo: 1, from: 0, ms, outcome }),
  ]);

describe('how long an attempt takes', () => {
  test('is the median of the earlier attempts at the same task, whichever agent made them', () => {
    const runs = [10, 40, 20, 1000].map((ms, index) =>
      past(`r-${index}`, 'T-1', index === 0 ? 'codex' : 'claude', ms),
    );
    const { estimateOf } = estimateDurations(
      runs,
      tasks({ 'T-1': 8 }),
      agents({ 'T-1': 'claude' }),
    );
    assert.deepEqual(estimateOf(taskId('T-1')), { ms: 30, basis: 'task' });
  });

  test('what a person took says nothing about agents, and the other way round', () => {
    const byHand = { agent: 'human', model: undefined, agentMode: 'human' as const };
    const mine = applyRunEvents(undefined, [
      startOf('r-1', [['T-1', 'T-2']], byHand),
      ...ranFor('r-1', 'T-1', { attemptNo: 1, from: 0, ms: 5000, outcome: succeeded() }),
    ]);
    const runs = [mine, past('r-2', 'T-1', 'claude', 10)];
    const ofAgents = estimateDurations(runs, tasks(), agents({ 'T-1': 'claude', 'T-2': 'claude' }));
    assert.deepEqual(ofAgents.estimateOf(taskId('T-1')), { ms: 10, basis: 'task' });
    assert.deepEqual(ofAgents.estimateOf(taskId('T-2')), { ms: 10, basis: 'agent' });
    const people = new Map([taskId('T-1'), taskId('T-2')].map((id) => [id, byHand] as const));
    const ofPeople = estimateDurations(runs, tasks(), people);
    assert.deepEqual(ofPeople.estimateOf(taskId('T-1')), { ms: 5000, basis: 'task' });
    assert.deepEqual(ofPeople.estimateOf(taskId('T-2')), { ms: 5000, basis: 'agent' });
  });

  test('else what the same agent took for others, else the hours of the task, else five minutes', () => {
    const runs = [
      past('r-1', 'T-1', 'claude', 10),
      past('r-2', 'T-2', 'claude', 30),
      past('r-3', 'T-3', 'codex', 7),
    ];
    const wanted = agents({ 'T-7': 'claude', 'T-8': 'gemini', 'T-9': 'gemini', 'T-1': 'gemini' });
    const { estimateOf, durationOf, basis } = estimateDurations(
      runs,
      tasks({ 'T-8': 0.5 }),
      wanted,
    );
    assert.deepEqual(estimateOf(taskId('T-7')), { ms: 20, basis: 'agent' });
    assert.deepEqual(estimateOf(taskId('T-8')), { ms: 1_800_000, basis: 'hours' });
    assert.deepEqual(estimateOf(taskId('T-9')), { ms: UNKNOWN_MS, basis: 'nothing' });
    assert.equal(durationOf(taskId('T-1')), 10);
    assert.equal(
      basis,
      '1 task on earlier attempts at the same task, 1 task on what the same agent took for other tasks, ' +
        '1 task on estimated hours, 1 task on a guess of 5 min',
    );
  });

  test('is not told by attempts that somebody stopped, or whose end nobody saw', () => {
    const others: readonly TaskOutcome[] = [
      { kind: 'stopped' },
      { kind: 'unknown', detail: '' },
      { kind: 'rateLimited', retryAfterMs: undefined, detail: '' },
    ];
    for (const outcome of others) {
      const { estimateOf } = estimateDurations(
        [past('r-1', 'T-1', 'claude', 10, outcome)],
        tasks(),
        agents({ 'T-1': 'claude' }),
      );
      assert.equal(estimateOf(taskId('T-1')).basis, 'nothing');
    }
  });

  test('counts a run once that is told twice, and each attempt of a task that was tried again', () => {
    const failed: TaskOutcome = {
      ...{ kind: 'failed', cause: { kind: 'exit' }, exitCode: 1, signal: undefined },
      evidence: {
        ...{ startedAt: 100, endedAt: 104, verify: undefined, files: [] },
        ...{ summary: undefined, logFile: undefined, sessionId: undefined },
      },
    };
    const events: readonly [RunEvent, ...RunEvent[]] = [
      startOf('r-1', [['T-1']], { agent: 'claude' }),
      ...ranFor('r-1', 'T-1', { attemptNo: 1, from: 100, ms: 4, outcome: failed, again: true }),
      ...ranFor('r-1', 'T-1', { attemptNo: 2, tryNo: 2, from: 200, ms: 10, outcome: succeeded() }),
      { kind: 'runEnded', runId: 'r-1', at: after },
    ];
    const run = applyRunEvents(undefined, events);
    const { durationOf } = estimateDurations([run, run], tasks(), agents({ 'T-1': 'claude' }));
    assert.equal(durationOf(taskId('T-1')), 7);
  });
});

import assert from 'node:assert/strict';
import test from 'node:test';
import type { Options } from '../../../../src/core/config.ts';
import type { RunState } from '../../../../src/core/run/run-events.ts';
import {
  resumeCapOf,
  resumeRequestOf,
  sendBackRequestOf,
} from '../../../../src/core/run/run-request.ts';
import { applyRunEvents } from '../../../../src/core/run/journal/run-state.ts';
import type { Snapshot } from '../../../../src/core/snapshot.ts';
import { byId, tasks } from '../../../support/backlog.ts';
import { OPTIONS, startOf } from '../../../support/run-stories.ts';

const RUN = '20261125T023000-a1b2c3';
const TODAY = { leaseMs: 1_800_000, maxParallelTasks: 4 } as Options;

function runOf(options: Partial<typeof OPTIONS>, cap: number): RunState {
  const state = applyRunEvents(undefined, [
    startOf(RUN, [['a', 'b']], { options }),
    { kind: 'capChanged', runId: RUN, cap, at: 1 },
    { kind: 'runEnded', runId: RUN, at: 2 },
  ]);
  return state;
}

function resumed(run: RunState) {
  const snapshot = { byId: byId(tasks('a', 'b')) } as unknown as Snapshot;
  const request = resumeRequestOf(run, new Set(run.tasks.keys()), {
    snapshot,
    plan: undefined,
    options: TODAY,
  });
  return request.ok ? request.value : assert.fail(request.failure.kind);
}

test('a run is resumed as it was', () => {
  const run = runOf({ runMode: 'flow', retries: 3, retryAfterMs: 5 }, 7);
  const { title, waves, options, resumes } = resumed(run);
  assert.deepEqual([title, waves, resumes], [run.title, run.waves, RUN]);
  assert.deepEqual(options, { ...OPTIONS, runMode: 'flow', retries: 3, retryAfterMs: 5 });
  assert.equal(resumeCapOf(run, TODAY), 7);
});

test('work that is sent back is a run of its task alone, by the same agent as before', () => {
  const run = runOf({ runMode: 'flow', retries: 1_000, leaseMs: 1, reviewGate: 'never' }, 7);
  const [id] = [...run.tasks.keys()];
  assert.ok(id);
  const [begun, never] = [
    applyRunEvents(startOfOne(id), [
      { kind: 'taskStarting', runId: RUN, id, attemptNo: 3, tryNo: 1, at: 1 },
    ]),
    run,
  ];
  const snapshot = { byId: byId(tasks('a', 'b')) } as unknown as Snapshot;
  const context = { snapshot, plan: undefined, options: TODAY };
  const sent = sendBackRequestOf({ ...begun, options: run.options }, id, 'Smaller', context);
  assert.ok(sent.ok);
  const { waves, agents, resumes, followUps, options } = sent.value;
  assert.deepEqual([waves, resumes], [[[id]], RUN]);
  assert.deepEqual([...agents], [[id, begun.tasks.get(id)?.agent]]);
  assert.deepEqual(
    [...(followUps ?? [])],
    [[id, { text: 'Smaller', after: { runId: RUN, attemptNo: 3 } }]],
  );
  assert.deepEqual([options.retries, options.leaseMs], [10, TODAY.leaseMs]);
  assert.equal(options.reviewGate, 'always', 'it began with what its dependencies had done');
  assert.ok(!sendBackRequestOf(never, id, 'x', context).ok, 'nothing was done yet');
});

function startOfOne(id: string): RunState {
  return applyRunEvents(undefined, [startOf(RUN, [[id]])]);
}

test('a journal cannot ask for more than a person can, nor for a lock that ends at once', () => {
  const run = runOf({ retries: 1_000_000_000, leaseMs: 1 }, 1_000_000_000);
  const { options } = resumed(run);
  assert.deepEqual([options.retries, options.leaseMs], [10, TODAY.leaseMs]);
  assert.equal(resumeCapOf(run, TODAY), 64);
  assert.equal(resumeCapOf(run, { maxParallelTasks: 100 }), 100);
});

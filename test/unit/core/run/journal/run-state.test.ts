import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { RunEvent, RunState, TaskOutcome } from '../../../../../src/core/run/run-events.ts';
import {
  applyRunEvent,
  applyRunEvents,
  foldJournal,
} from '../../../../../src/core/run/journal/run-state.ts';
import { taskId } from '../../../../../src/core/task.ts';
import { AGENT, OPTIONS } from '../../../../support/run-rig.ts';

const [a, b] = [taskId('a'), taskId('b')];
const OTHER = { ...AGENT, agent: 'codex' };
const run = { runId: 'r1', at: 5 } as const;

const START: RunEvent = {
  ...{ ...run, kind: 'runStarted', title: 'all', waves: [[a], [b]], options: OPTIONS, at: 1 },
  ...{ agents: [[a, OTHER]], resumes: 'r0' },
};
const FAILED: TaskOutcome = {
  ...{
    kind: 'failed',
    cause: { kind: 'exit' },
    exitCode: 1,
    signal: undefined,
    evidence: undefined,
  },
};
const DONE: TaskOutcome = { kind: 'succeeded', status: 'Review', evidence: undefined };

const STORY: readonly [RunEvent, ...RunEvent[]] = [
  START,
  { ...run, kind: 'capChanged', cap: 2 },
  { ...run, kind: 'waveStarted', wave: 0, at: 2 },
  { ...run, kind: 'taskWaits', id: a, reason: { kind: 'held', holder: 'other' } },
  { ...run, kind: 'taskStarting', id: a, attemptNo: 1, tryNo: 1, at: 3 },
  { ...run, kind: 'taskClaimed', id: a, holder: 'claude-host-1' },
  { ...run, kind: 'taskStarted', id: a, at: 4 },
  { ...run, kind: 'taskRequeued', id: a, outcome: FAILED, notBefore: 9, at: 6 },
  { ...run, kind: 'taskWaits', id: a, reason: { kind: 'retry', at: 9 } },
  { ...run, kind: 'taskStarting', id: a, attemptNo: 2, tryNo: 2, at: 9 },
  { ...run, kind: 'taskClaimed', id: a, holder: 'claude-host-2' },
  { ...run, kind: 'taskStarted', id: a, at: 10 },
  { ...run, kind: 'taskEnded', id: a, outcome: DONE, at: 12 },
  { ...run, kind: 'waveEnded', wave: 0, verify: undefined, at: 13 },
  { ...run, kind: 'runPaused', by: 'wave' },
  { ...run, kind: 'runTakenOver' },
  { ...run, kind: 'runWentOn' },
  { ...run, kind: 'runStopping', stop: { kind: 'person' } },
  {
    ...run,
    kind: 'taskEnded',
    id: b,
    outcome: { kind: 'skipped', reason: { kind: 'stopped' } },
    at: 14,
  },
  { ...run, kind: 'runEnded', at: 15 },
];

test('a run is what its events tell', () => {
  const state = applyRunEvents(undefined, STORY);
  assert.deepEqual(state.tasks.get(a), {
    ...{
      id: a,
      wave: 0,
      agent: OTHER,
      phase: 'ended',
      tryNo: 2,
      attemptNo: 2,
      holder: undefined,
      waits: undefined,
    },
    ...{
      startingAt: 9,
      startedAt: 10,
      endedAt: 12,
      outcome: DONE,
      earlier: [{ attemptNo: 1, outcome: FAILED, at: 6, startingAt: 3, startedAt: 4 }],
    },
  });
  assert.equal(state.tasks.get(b)?.agent.agent, 'auto', 'nobody named one');
  assert.deepEqual(state.waveRuns, [
    { startedAt: 2, endedAt: 13, verify: undefined },
    { startedAt: undefined, endedAt: undefined, verify: undefined },
  ]);
  const { phase, paused, stop, startedAt, endedAt, cap, attemptCount, resumes } = state;
  assert.deepEqual(
    { phase, paused, stop, startedAt, endedAt, cap, attemptCount, resumes },
    { ...{ phase: 'ended', paused: undefined, stop: { kind: 'person' }, startedAt: 1, endedAt: 15, cap: 2 }, attemptCount: 2, resumes: 'r0' }, // prettier-ignore
  );
});

test('event by event, all at once and from a journal give the same state, and change nothing they are given', () => {
  let step: RunState | undefined;
  for (const event of STORY) {
    const before = JSON.stringify([step, [...(step?.tasks ?? [])]]);
    const next = applyRunEvent(step, event);
    assert.equal(JSON.stringify([step, [...(step?.tasks ?? [])]]), before);
    step = next;
  }
  assert.deepEqual(step, applyRunEvents(undefined, STORY));
  assert.deepEqual(foldJournal(STORY), step);
});

test('while it works a task names its holder, and while it waits its reason', () => {
  const at = (count: number) => foldJournal(STORY.slice(0, count))?.tasks.get(a);
  assert.deepEqual(at(4)?.waits, { kind: 'held', holder: 'other' });
  assert.deepEqual([at(5)?.phase, at(5)?.waits], ['starting', undefined]);
  assert.deepEqual([at(6)?.phase, at(6)?.holder], ['claimed', 'claude-host-1']);
  assert.deepEqual([at(7)?.phase, at(7)?.startedAt], ['running', 4]);
  assert.deepEqual([at(8)?.phase, at(8)?.holder], ['queued', undefined]);
});

for (const [name, events] of [
  ['a run that starts twice', [START, START]],
  ['an event before the start', [STORY[1]!]],
  ['an event of another run', [START, { ...STORY[1]!, runId: 'r2' }]],
  ['a task that is none of the run', [START, { ...run, kind: 'taskStarted', id: taskId('x') }]],
  ['a wave that is none of the run', [START, { ...run, kind: 'waveStarted', wave: 7 }]],
] as const) {
  test(`${name} is a bug of ours, and passed over in a journal`, () => {
    assert.throws(
      () => applyRunEvents(undefined, events as unknown as readonly [RunEvent]),
      /Internal error/,
    );
    const known = foldJournal(events as readonly RunEvent[]);
    assert.deepEqual(known, events[0] === START ? foldJournal([START]) : undefined);
  });
}

test('a journal with every line twice, or torn anywhere, tells a state that can be', () => {
  const twice = STORY.flatMap((event) => [event, event]);
  assert.deepEqual(foldJournal(twice), foldJournal(STORY));
  fc.assert(
    fc.property(fc.array(fc.nat({ max: STORY.length - 1 }), { maxLength: 60 }), (picks) => {
      const state = foldJournal([START, ...picks.map((i) => STORY[i]!)]);
      assert(state);
      const starts = new Set<number>();
      for (const task of state.tasks.values()) {
        assert.equal(task.phase === 'ended', task.outcome !== undefined);
        assert(task.holder === undefined || task.phase === 'claimed' || task.phase === 'running');
        assert(task.waits === undefined || task.phase === 'queued');
        for (const { attemptNo } of task.earlier) {
          assert(!starts.has(attemptNo), 'no two attempts share a number');
          starts.add(attemptNo);
        }
      }
      assert(state.attemptCount >= Math.max(0, ...starts));
      assert.equal(state.phase === 'ended', state.endedAt !== undefined);
    }),
    { numRuns: 1000, seed: 5 },
  );
});

test('ten thousand events at once are folded into one state', () => {
  const ids = Array.from({ length: 10_000 }, (_, i) => taskId(`T-${i}`));
  const stopped: TaskOutcome = { kind: 'skipped', reason: { kind: 'stopped' } };
  const ends = ids.map((id): RunEvent => ({ ...run, kind: 'taskEnded', id, outcome: stopped }));
  const state = applyRunEvents(undefined, [{ ...START, waves: [ids], agents: [] }, ...ends]);
  assert.equal([...state.tasks.values()].filter(({ phase }) => phase === 'ended').length, 10_000);
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { WorkEnd } from '../../../../../src/core/ports.ts';
import { formatEntry, parseEntry } from '../../../../../src/core/run/journal/journal-entry.ts';
import {
  type RecoveredAttempt,
  interruptRun,
  mayGoOn,
  recoverRun,
  resumable,
} from '../../../../../src/core/run/journal/recovery.ts';
import type { RunEvent, RunState, TaskOutcome } from '../../../../../src/core/run/run-events.ts';
import { applyRunEvents } from '../../../../../src/core/run/journal/run-state.ts';
import type { WorkPhase, WorkState } from '../../../../../src/core/run/journal/work-state.ts';
import { taskId, type TaskId } from '../../../../../src/core/task.ts';
import { oneOf, type Random, randomFrom, shuffled } from '../../../../support/random.ts';
import { failed, ranFor, startOf, succeeded } from '../../../../support/run-stories.ts';

const RUN = 'run-1';
const NOW = 500_000;
const T1 = taskId('T-1');

/** What a supervisor wrote of an attempt. */
function stateOf(id: TaskId, attemptNo: number, phase: WorkPhase, end?: WorkEnd): WorkState {
  const hasAgent = phase !== 'claiming' && end?.kind !== 'refused' && end?.kind !== 'notStarted';
  return {
    ...{ runId: RUN, attemptNo, taskId: id, phase, pid: 900 + attemptNo, begin: 'b', host: 'desk' },
    ...{
      holder: `claude-desk-${900 + attemptNo}`,
      agentPid: hasAgent ? 5000 + attemptNo : undefined,
      agentBegin: 'a',
    },
    ...{
      mark: 'm',
      label: 'Claude',
      output: 'claude',
      startedAt: 1000,
      lastOutputAt: undefined,
      activity: undefined,
      sessionId: undefined,
      sessionUsage: undefined,
      refusal: undefined,
      end,
    },
  };
}

/** A run of T-1 whose window was gone while its first attempt was so far. */
function interrupted(
  phase: 'starting' | 'claimed' | 'running',
  options: Parameters<typeof startOf>[2] = {},
): RunState {
  const attempt = ranFor(RUN, 'T-1', { attemptNo: 1, from: 1000, ms: 1, outcome: succeeded() });
  const seen = attempt.slice(0, { starting: 1, claimed: 2, running: 3 }[phase]);
  return applyRunEvents(undefined, [startOf(RUN, [['T-1', 'T-2']], options), ...seen]);
}

function recovered(run: RunState, found: RecoveredAttempt | undefined) {
  const recovery = recoverRun(run, new Map(found === undefined ? [] : [[T1, found]]), NOW);
  return {
    ...recovery,
    kinds: recovery.events.map(({ kind }) => kind).join(' '),
    after: applyRunEvents(run, recovery.events),
  };
}

describe('work that a window does itself, or follows', () => {
  const inWindow = (
    agentMode: 'human' | 'subagent',
    phase: 'starting' | 'claimed' | 'running',
  ): RunState => {
    const run = interrupted(phase);
    const tasks = new Map(
      [...run.tasks].map(([id, task]) => [id, { ...task, agent: { ...task.agent, agentMode } }]),
    );
    return { ...run, tasks };
  };

  test('of a person is taken up again however far it was, and its lock is left alone', () => {
    for (const phase of ['starting', 'claimed', 'running'] as const) {
      const { attach, events, locks, orphans, stops, isSupervised } = recovered(
        inWindow('human', phase),
        undefined,
      );
      assert.deepEqual(
        [[...attach], events, locks, orphans, stops, isSupervised],
        [[T1], [], [], [], [], false],
      );
    }
  });

  test('of a subagent is looked at where it had begun, else queued again', () => {
    assert.deepEqual([...recovered(inWindow('subagent', 'running'), undefined).attach], [T1]);
    const { attach, kinds, locks } = recovered(inWindow('subagent', 'starting'), undefined);
    assert.deepEqual([[...attach], kinds, locks], [[], 'taskRequeued', []]);
  });

  test('never counts as a supervisor that lives, whatever a state file says', () => {
    const found = { state: stateOf(T1, 1, 'working'), supervisorAlive: true };
    const { isSupervised, orphans } = recovered(inWindow('human', 'running'), found);
    assert.deepEqual([isSupervised, orphans], [false, []]);
    assert.equal(recovered(interrupted('running'), found).isSupervised, true);
  });

  test('ends with a run that does not go on: a person’s as stopped, another’s as something that nobody saw', () => {
    for (const [how, kind] of [
      ['human', 'stopped'],
      ['subagent', 'unknown'],
    ] as const) {
      const run = inWindow(how, 'running');
      assert.equal(applyRunEvents(run, interruptRun(run, NOW)).tasks.get(T1)?.outcome?.kind, kind);
    }
  });
});

describe('an attempt whose window was gone', () => {
  test('is attached while its supervisor lives, whatever the journal missed', () => {
    const found = { state: stateOf(T1, 1, 'working'), supervisorAlive: true };
    const { attach, events, orphans, locks } = recovered(interrupted('starting'), found);
    assert.deepEqual([[...attach], events, orphans, locks], [[T1], [], [], []]);
  });

  test('that ended meanwhile is settled as its supervisor says, with what the journal missed', () => {
    const found = { state: stateOf(T1, 1, 'ended', succeeded()), supervisorAlive: false };
    const { kinds, after, orphans, locks, stops } = recovered(interrupted('starting'), found);
    assert.equal(kinds, 'taskClaimed taskStarted taskEnded');
    assert.deepEqual(after.tasks.get(T1)?.outcome, succeeded());
    assert.deepEqual([orphans, locks, stops], [[], [], []]);
    assert.equal(recovered(interrupted('running'), found).kinds, 'taskEnded');
  });

  test('whose supervisor was killed is neither success nor failure: its agent is ended, its lock given back', () => {
    for (const phase of ['working', 'verifying', 'recording'] as const) {
      const state = stateOf(T1, 1, phase);
      const { after, orphans, locks } = recovered(interrupted('running'), {
        state,
        supervisorAlive: false,
      });
      assert.equal(after.tasks.get(T1)?.outcome?.kind, 'unknown');
      assert.deepEqual([orphans, locks], [[state], [{ id: T1, holder: 'claude-desk-901' }]]);
    }
  });

  test('that nothing was written of is queued again, and a supervisor that comes late is told to stop', () => {
    const { after, kinds, stops, locks } = recovered(interrupted('starting'), undefined);
    assert.deepEqual(
      [kinds, after.tasks.get(T1)?.phase, stops, locks],
      ['taskRequeued', 'queued', [1], []],
    );
  });

  test('whose supervisor died while it claimed is queued again, and the lock it may have got given back', () => {
    const found = { state: stateOf(T1, 1, 'claiming'), supervisorAlive: false };
    const { after, orphans, locks } = recovered(interrupted('starting'), found);
    assert.deepEqual([after.tasks.get(T1)?.phase, orphans, locks.length], ['queued', [], 1]);
  });

  test('is not judged by a state file of another attempt, task or run', () => {
    const ended = stateOf(T1, 1, 'ended', succeeded());
    for (const change of [{ attemptNo: 2 }, { taskId: taskId('T-2') }, { runId: 'run-2' }]) {
      const { after } = recovered(interrupted('running'), {
        state: { ...ended, ...change },
        supervisorAlive: true,
      });
      assert.equal(after.tasks.get(T1)?.outcome?.kind, 'unknown');
    }
  });

  test('that failed is tried again as often as the run allows, later each time, but not in a run that stops', () => {
    const found = { state: stateOf(T1, 1, 'ended', failed()), supervisorAlive: false };
    const retrying = recovered(interrupted('running', { options: { retries: 1 } }), found);
    assert.deepEqual(retrying.events.slice(-2), [
      {
        kind: 'taskRequeued',
        runId: RUN,
        id: T1,
        outcome: failed(),
        notBefore: NOW + 30_000,
        at: NOW,
      },
      {
        kind: 'taskWaits',
        runId: RUN,
        id: T1,
        reason: { kind: 'retry', at: NOW + 30_000 },
        at: NOW,
      },
    ]);
    const stopping = applyRunEvents(interrupted('running', { options: { retries: 1 } }), [
      { kind: 'runStopping', runId: RUN, stop: { kind: 'person' }, at: 2000 },
    ]);
    assert.equal(recovered(stopping, found).after.tasks.get(T1)?.phase, 'ended');
  });

  test('that failed stops a run that stops at the first failure', () => {
    const found = { state: stateOf(T1, 1, 'ended', failed()), supervisorAlive: false };
    const { after } = recovered(
      interrupted('running', { options: { onFailure: 'stopAtOnce' } }),
      found,
    );
    assert.deepEqual(after.stop, { kind: 'failure', id: T1 });
  });

  test('that was refused by a rate limit waits as long as it was told', () => {
    const end: WorkEnd = { kind: 'rateLimited', retryAfterMs: 9000, detail: 'later' };
    const { events } = recovered(interrupted('running'), {
      state: stateOf(T1, 1, 'ended', end),
      supervisorAlive: false,
    });
    assert.deepEqual(events, [
      { kind: 'taskRequeued', runId: RUN, id: T1, outcome: end, notBefore: NOW + 9000, at: NOW },
      {
        ...{ kind: 'taskWaits', runId: RUN, id: T1, at: NOW },
        reason: { kind: 'coolingDown', agent: 'claude', until: NOW + 9000 },
      },
    ]);
  });
});

describe('a run whose window was gone', () => {
  test('goes on by itself while somebody works for it or shortly after, if it was begun here', () => {
    const run = interrupted('running');
    const cases: readonly (readonly [boolean, boolean, number | undefined, boolean])[] = [
      [true, true, undefined, true],
      [true, false, 4 * 60_000, true],
      [true, false, 6 * 60_000, false],
      [true, false, undefined, false],
      [false, true, 0, false],
    ];
    for (const [startedHere, anyAlive, leaderGoneForMs, expected] of cases) {
      assert.equal(mayGoOn(run, { startedHere, anyAlive, leaderGoneForMs }), expected);
    }
    const over = applyRunEvents(run, interruptRun(run, NOW));
    assert.equal(mayGoOn(over, { startedHere: true, anyAlive: true, leaderGoneForMs: 0 }), false);
  });

  test('is ended so that its rest can be resumed, and remembers why it stopped if somebody had stopped it', () => {
    const run = applyRunEvents(interrupted('running'), interruptRun(interrupted('running'), NOW));
    assert.deepEqual([run.phase, run.stop, run.endedAt], ['ended', { kind: 'interrupted' }, NOW]);
    assert.deepEqual(resumable(run), [T1, taskId('T-2')]);
    const stopped = applyRunEvents(interrupted('running'), [
      { kind: 'runStopping', runId: RUN, stop: { kind: 'person' }, at: 2000 },
    ]);
    assert.deepEqual(applyRunEvents(stopped, interruptRun(stopped, NOW)).stop, { kind: 'person' });
    assert.deepEqual(interruptRun(run, NOW), []);
  });
});

test('killed after any line of any journal, every task ends once or is queued, and nothing that succeeded runs again', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = randomFrom(seed);
      const [attemptNo, ...later] = randomJournal(random);
      for (let kept = 0; kept <= later.length; kept++) {
        const journal = [attemptNo, ...later.slice(0, kept)] as const;
        const before = applyRunEvents(undefined, journal);
        if (before.phase === 'ended') continue;
        const found = randomWorld(random, before);
        const { events, attach, orphans, locks } = recoverRun(before, found, NOW);
        const after = applyRunEvents(before, events);

        for (const event of events) {
          const line = formatEntry(event);
          const read = parseEntry(line);
          assert(read);
          assert.deepEqual(JSON.parse(formatEntry(read)), JSON.parse(line));
        }
        for (const [id, task] of after.tasks) {
          const was = before.tasks.get(id);
          if (was?.phase === 'queued' || was?.phase === 'ended') assert.deepEqual(task, was);
          assert.equal(attach.has(id), task.phase !== 'queued' && task.phase !== 'ended');
          if (attach.has(id)) assert.ok(found.get(id)?.supervisorAlive);
          const end = found.get(id)?.state?.end;
          if (end?.kind === 'succeeded') assert.deepEqual(task.outcome, end);
        }
        // Whatever has no supervisor leaves neither an agent nor a lock behind.
        for (const [id, { state, supervisorAlive }] of found) {
          if (state === undefined || state.end !== undefined || supervisorAlive) continue;
          assert.ok(locks.some((lock) => lock.id === id && lock.holder === state.holder));
          assert.equal(orphans.includes(state), state.agentPid !== undefined);
        }

        if (attach.size > 0) continue;
        const rest = interruptRun(after, NOW);
        const over = applyRunEvents(after, rest);
        assert.equal(over.phase, 'ended');
        const ends = [...journal, ...events, ...rest]
          .filter((event) => event.kind === 'taskEnded')
          .map(({ id }) => id);
        assert.deepEqual(ends.toSorted(), [...over.tasks.keys()].toSorted());
        const again = new Set(resumable(over));
        for (const [id, { outcome }] of over.tasks) {
          assert.equal(
            again.has(id),
            outcome?.kind !== 'succeeded' && outcome?.kind !== 'lockLost',
          );
        }
      }
    }),
    { numRuns: 300 },
  );
});

const OUTCOMES: readonly TaskOutcome[] = [
  succeeded(),
  succeeded('Done'),
  failed(),
  { kind: 'stopped' },
  { kind: 'unknown', detail: '' },
  { kind: 'lockLost', holder: 'x' },
  { kind: 'skipped', reason: { kind: 'gone' } },
];

/** Waves of tasks that begin and end in an order of chance, some of them more than once. */
function randomJournal(random: Random): [RunEvent, ...RunEvent[]] {
  const waves = Array.from({ length: 1 + random(3) }, (_, wave) =>
    Array.from({ length: 1 + random(3) }, (_, index) => `T-${wave}${index}`),
  );
  const onFailure = oneOf(random, ['continue', 'stopAtOnce'] as const);
  const journal: [RunEvent, ...RunEvent[]] = [
    startOf(RUN, waves, { options: { retries: random(3), onFailure } }),
  ];
  let starts = 0;
  for (const [wave, ids] of waves.entries()) {
    journal.push({ kind: 'waveStarted', runId: RUN, wave, at: 1000 });
    // Each task is a list of events in order; they are told in turns.
    const lists = ids.map((id) => {
      const again = random(3) === 0;
      const first = ranFor(RUN, id, {
        attemptNo: ++starts,
        from: 1000,
        ms: 5,
        outcome: again ? failed() : oneOf(random, OUTCOMES),
        again,
      });
      if (!again) return [...first];
      const outcome = oneOf(random, OUTCOMES);
      return [
        ...first,
        ...ranFor(RUN, id, { attemptNo: ++starts, tryNo: 2, from: 1010, ms: 5, outcome }),
      ];
    });
    for (let open = lists; open.length > 0; open = open.filter((list) => list.length > 0)) {
      const next = shuffled(random, open)[0]?.shift();
      if (next !== undefined) journal.push(next);
    }
    journal.push({ kind: 'waveEnded', runId: RUN, wave, verify: undefined, at: 2000 });
  }
  if (random(4) === 0) {
    journal.splice(1 + random(journal.length), 0, {
      kind: 'runStopping',
      runId: RUN,
      stop: { kind: 'person' },
      at: 1500,
    });
  }
  return [...journal, { kind: 'runEnded', runId: RUN, at: 2000 }];
}

/** What there may be of the attempts that a journal has no end of. */
function randomWorld(random: Random, run: RunState): ReadonlyMap<TaskId, RecoveredAttempt> {
  const found = new Map<TaskId, RecoveredAttempt>();
  for (const { id, phase, attemptNo } of run.tasks.values()) {
    if (phase === 'queued' || phase === 'ended' || attemptNo === undefined) continue;
    const ends: readonly WorkEnd[] = [
      ...OUTCOMES.filter((outcome) => outcome.kind !== 'skipped'),
      { kind: 'rateLimited', retryAfterMs: undefined, detail: '' },
      ...(phase === 'starting'
        ? [{ kind: 'refused', failure: { kind: 'noSuchTask', id } } as const]
        : []),
    ];
    const state = oneOf<() => WorkState | undefined>(random, [
      () => undefined,
      () => stateOf(id, attemptNo, phase === 'starting' ? 'claiming' : 'working'),
      () => stateOf(id, attemptNo, 'working'),
      () => stateOf(id, attemptNo, 'recording'),
      () => stateOf(id, attemptNo, 'ended', oneOf(random, ends)),
    ])();
    found.set(id, {
      state,
      supervisorAlive: state !== undefined && state.end === undefined && random(2) === 0,
    });
  }
  return found;
}

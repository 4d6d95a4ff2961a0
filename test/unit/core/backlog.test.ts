import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Failure } from '../../../src/core/failure.ts';
import { ok } from '../../../src/core/result.ts';
import { taskId } from '../../../src/core/task.ts';
import { task, tasks } from '../../support/backlog.ts';
import { fakeBacklog, ME, NOW } from '../../support/fake-backlog.ts';
import { atWork, runStarted } from '../../support/run-events.ts';

const claim = {
  id: taskId('T-1'),
  holder: ME,
  since: NOW,
  until: NOW + 1,
  fresh: true,
  version: 2,
};

test('a database that was busy when it was asked can be claimed from as soon as it is not', async () => {
  const busy: Failure = { kind: 'busy', file: 'todo2.db', waitedMs: 10_000 };
  const answers = [busy, undefined];
  const backlog = fakeBacklog({
    tasks: tasks('T-1'),
    locks: {
      probe: () => Promise.resolve(answers.shift()),
      claim: () => Promise.resolve(ok(claim)),
    },
  });
  assert.deepEqual(await backlog.claims.probe(), busy);
  assert.equal(backlog.claimsFailure, undefined, 'it is no reason to call the backlog read-only');
  assert.ok((await backlog.claims.claim(taskId('T-1'))).ok);
  await backlog.runs.start({ kind: 'all' });
  assert.equal(backlog.started.length, 1);
});

test('where no SQLite can be had, the backlog is read-only until some can', async () => {
  const none: Failure = { kind: 'readOnly', cause: { kind: 'noSqlite', tried: ['node'] } };
  const answers = [none, none, undefined];
  const backlog = fakeBacklog({
    tasks: tasks('T-1'),
    locks: { probe: () => Promise.resolve(answers.shift()) },
  });
  await backlog.claims.probe();
  assert.deepEqual(backlog.claimsFailure, none);
  assert.deepEqual(await backlog.runs.start({ kind: 'all' }), { ok: false, failure: none });
  assert.equal(backlog.started.length, 0);
  await backlog.claims.probe();
  assert.equal(backlog.claimsFailure, undefined);
});

test('only tasks that can start are handed to a run, wave by wave', async () => {
  const backlog = fakeBacklog({ tasks: tasks('T-1', '?T-2', '#T-3', '~T-4', 'T-5 < T-1', '+T-6') });
  await backlog.runs.start({ kind: 'all' });
  assert.deepEqual(backlog.started, [{ title: 'All waves', waves: [['T-1', 'T-4'], ['T-5']] }]);
});

test('where Review always opens the gate, the tree says so too', () => {
  const ready = (reviewOpensGate: 'inRun' | 'always'): string => {
    const backlog = fakeBacklog({
      tasks: tasks('?T-1', 'T-2 < T-1'),
      settings: { reviewOpensGate },
    });
    return backlog.readinessOf(backlog.task(taskId('T-2'))!).kind;
  };
  assert.equal(ready('inRun'), 'notReady');
  assert.equal(ready('always'), 'ready');
});

test('nothing is claimed, run or set in a backlog that is only a JSON file', async () => {
  const backlog = fakeBacklog({
    store: {
      kind: 'ready',
      snapshot: {
        root: '/r',
        file: '/r/.todo2/state.todo2.json',
        source: 'json',
        project: 'r',
        tasks: [task('T-1')],
        byId: new Map([[taskId('T-1'), task('T-1')]]),
        notices: [],
        readAt: NOW,
      },
    },
  });
  const refusal = { ok: false, failure: { kind: 'readOnly', cause: { kind: 'jsonOnly' } } };
  assert.deepEqual(await backlog.claims.claim(taskId('T-1')), refusal);
  assert.deepEqual(await backlog.runs.start({ kind: 'all' }), refusal);
  assert.deepEqual(await backlog.edits.setStatus(task('T-1'), 'Done'), refusal);
});

test('a large backlog that changes all the time is examined for a twentieth of the time, and again when it rests', () => {
  let now = NOW;
  const later: (() => void)[] = [];
  const settings = { maxTasksPerWave: 1 };
  const backlog = fakeBacklog({
    // Each look at the clock takes 5 ms, and so does the examination between two of them.
    clock: {
      now: () => (now += 5),
      after: (_, callback) => {
        later.push(callback);
        return { dispose: () => undefined };
      },
    },
    tasks: [task('T-1', { rawStatus: 'todo' }), task('T-2')],
    notices: [{ kind: 'oddSpelling', id: taskId('T-1'), text: 'todo' }],
    settings,
  });
  let changes = 0;
  backlog.onDidChange(() => changes++);
  const first = backlog.findings;
  assert.ok(first.length > 0);
  settings.maxTasksPerWave = 2; // another plan, as another commit would bring
  backlog.optionsChanged();
  changes = 0;
  assert.equal(backlog.findings, first, 'what was found a moment ago is shown meanwhile');
  assert.equal(backlog.findings, first);
  assert.equal(later.length, 1, 'one look is planned, however often it is asked for');
  now += 1_000;
  later[0]?.();
  assert.equal(changes, 1);
  assert.notEqual(backlog.findings, first);
});

test('a task in Review without a lock can be approved before the window hears that its attempt has ended', async () => {
  const [id, at] = [taskId('T-1'), NOW];
  const written: string[] = [];
  const backlog = fakeBacklog({
    tasks: tasks('?T-1'),
    events: [
      runStarted({ waves: [[id]], at }),
      { kind: 'waveStarted', runId: 'r', wave: 0, at },
      ...atWork(id, 1, at).map((event) => ({ ...event, runId: 'r' })),
    ],
    locks: {
      setStatus: (task, from, to) => {
        written.push(`${task} ${from} ${to}`);
        return Promise.resolve(ok(to));
      },
    },
  });
  assert.deepEqual(await backlog.edits.setStatus(backlog.task(id)!, 'Done'), ok('Done'));
  assert.deepEqual(written, ['T-1 Review Done']);
});

test('a task is not let go of while its agent works: it is stopped first, or nobody else gets it', async () => {
  const [id, at] = [taskId('T-1'), NOW];
  const asked: string[] = [];
  const backlog = fakeBacklog({
    tasks: tasks('~T-1'),
    events: [
      runStarted({ waves: [[id]], at }),
      { kind: 'waveStarted', runId: 'r', wave: 0, at },
      ...atWork(id, 1, at).map((event) => ({ ...event, runId: 'r' })),
    ],
    locks: { setStatus: () => Promise.reject(new Error('not asked for')) },
    apply: (changes) => {
      asked.push(...changes.map(({ kind }) => kind));
      return Promise.resolve(ok(undefined));
    },
  });
  const refusal = { ok: false, failure: { kind: 'agentAtWork', id } };
  assert.deepEqual(await backlog.edits.setStatus(backlog.task(id)!, 'Todo'), refusal);
  assert.deepEqual(await backlog.edits.apply([{ kind: 'delete', id, version: 1 }]), refusal);
  assert.deepEqual(
    await backlog.edits.apply([{ kind: 'setStatus', id, from: 'In Progress', to: 'Blocked' }]),
    refusal,
  );
  assert.ok(
    (await backlog.edits.apply([{ kind: 'setTitle', id, from: 'Title of T-1', to: 'Another' }])).ok,
  );
  assert.deepEqual(asked, ['setTitle']);
});

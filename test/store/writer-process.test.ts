import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { on, once } from 'node:events';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { findSqliteNode } from '../support/sqlite-node.ts';
import { createRig } from '../support/writer-rig.ts';

test('the writer answers each message once, malformed ones too, and leaves when asked', async () => {
  await using rig = await createRig({ tasks: [{ id: 'T-1' }] });
  const child = fork(rig.script, { execPath: findSqliteNode(), execArgv: [] });
  const exit = once(child, 'exit');
  const answers: string[] = [];
  child.on('message', (message: { kind: string; seq?: number; node?: string }) =>
    answers.push(`${message.kind} ${message.seq ?? '-'}`),
  );
  const noGrace = { graceMs: 0, lingerMs: 0, lingering: [] };
  const messages = [
    ...['junk', 12, { kind: 'request', seq: 1, request: { kind: 'probe' } }],
    {
      kind: 'start',
      file: rig.file,
      json: rig.file,
      project: 'p',
      holder: 'me-here-1',
      ...noGrace,
    },
    // Another start must not change whose locks these are.
    {
      kind: 'start',
      file: `${rig.file}-other`,
      json: rig.file,
      project: 'p',
      holder: 'you-here-2',
      ...noGrace,
    },
    {
      kind: 'request',
      seq: 2,
      request: { kind: 'claim', id: 'T-1', leaseMs: 60_000, takeUnleased: false },
    },
    { kind: 'request', seq: 3, request: { kind: 'drop' } },
    {
      kind: 'request',
      seq: 4,
      request: { kind: 'release', id: 'T-404', to: 'Done', again: false, onlyMoved: false },
    },
    { kind: 'request', seq: 5, request: { kind: 'exit' } },
  ];
  for (const message of messages) child.send(message);
  assert.deepEqual(await exit, [0, null]);
  assert.deepEqual(answers, [
    ...['hello -', 'malformed -', 'malformed -', 'malformed 1'],
    ...['done 2', 'malformed 3', 'failed 4', 'done 5'],
  ]);
  assert.equal((await rig.row('T-1'))['assignee'], 'me-here-1');
  assert.equal(existsSync(`${rig.file}-other`), false);
});

test('a writer whose client is gone before it said a word ends at once', async () => {
  await using rig = await createRig({ tasks: [] });
  const child = fork(rig.script, { execPath: findSqliteNode(), execArgv: [] });
  await once(child, 'message');
  const exit = once(child, 'exit');
  child.disconnect();
  assert.deepEqual(await exit, [0, null]);
});

test('a writer that is ended together with its client lets go of everything at once', async () => {
  await using rig = await createRig({ tasks: [{ id: 'T-1' }] });
  const child = fork(rig.script, { execPath: findSqliteNode(), execArgv: [] });
  const exit = once(child, 'exit');
  const start = {
    kind: 'start',
    file: rig.file,
    json: rig.file,
    project: 'p',
    holder: 'me-here-1',
  };
  child.send({ ...start, graceMs: 60_000, lingerMs: 60_000, lingering: ['T-1'] });
  child.send({
    kind: 'request',
    seq: 1,
    request: { kind: 'claim', id: 'T-1', leaseMs: 60_000, takeUnleased: false },
  });
  for await (const [message] of on(child, 'message'))
    if ((message as { seq?: number }).seq === 1) break;
  assert.equal((await rig.row('T-1'))['assignee'], 'me-here-1');
  child.kill('SIGTERM');
  child.disconnect();
  assert.deepEqual(await exit, [0, null]);
  const { assignee, status } = await rig.row('T-1');
  assert.deepEqual([assignee, status], [null, 'Todo']);
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createBacklog } from '../support/fixture.ts';
import {
  bundleMcp,
  connectMcp,
  createMcpRig,
  type McpBundle,
  type McpClient,
  textOf,
} from '../support/mcp-rig.ts';
import { findSqliteNode, plainNodeEnv } from '../support/sqlite-node.ts';
import { until } from '../support/until.ts';

let bundle: McpBundle;
before(async () => {
  bundle = await bundleMcp();
});
after(() => bundle.remove());

const posix = { skip: process.platform === 'win32' };
const THEM = 'claude-elsewhere-77';

/** A folder and a client of a server for it; both gone at the end of the scope. */
async function openFolder(): Promise<
  { readonly dir: string; readonly client: McpClient } & AsyncDisposable
> {
  const dir = await mkdtemp(join(tmpdir(), 'todo2-mcp-folder-'));
  const client = await connectMcp([bundle.script, '--root', dir]);
  return {
    ...{ dir, client },
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await rm(dir, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

describe('a server that was suspended for longer than its lease', posix, () => {
  const spec = { tasks: [{ id: 'T-1' }, { id: 'T-2' }] };
  const shortLeases = async (dir: string): Promise<void> => {
    await mkdir(join(dir, '.exarp'), { recursive: true });
    await writeFile(
      join(dir, '.exarp', 'config.yaml'),
      'version: "1"\ntimeouts:\n  task_lock_lease: 2s\n',
    );
  };

  test('says on complete that it lost the task, and to whom, and writes nothing', async () => {
    await using rig = await createMcpRig(bundle, spec);
    await shortLeases(rig.dir);
    const { ask, pid, log } = await rig.connect();
    assert.equal((await ask('waves_claim', { id: 'T-1' })).isError, false);
    process.kill(pid, 'SIGSTOP');
    const now = (): number => Math.floor(Date.now() / 1000);
    try {
      // As any other agent does: it takes what is free or has run out.
      const take = `UPDATE tasks SET assignee = ?, assigned_at = ?, lock_until = ?, version = version + 1
        WHERE id = 'T-1' AND lock_until < ?`;
      await until(
        'another holder takes it',
        async () => (await rig.other.run(take, THEM, now(), now() + 600, now())) === 1,
      );
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    const done = await ask('waves_complete', { id: 'T-1', summary: 'too late' });
    assert.equal(done.failure, 'lockLost');
    assert.match(done.text, new RegExp(`${THEM} holds it.+Stop working on it`));
    assert.equal(await rig.lockOf('T-1'), `In Progress ${THEM}`);
    assert.deepEqual(await rig.other.all('SELECT * FROM task_comments'), []);
    assert.equal((await ask('waves_renew', { id: 'T-1' })).failure, 'lockLost');
    await until('the loss is told', () => log().includes(`The lock on T-1 is lost to ${THEM}`));
  });

  test('still has what nobody took meanwhile', async () => {
    await using rig = await createMcpRig(bundle, spec);
    await shortLeases(rig.dir);
    const { ask, pid } = await rig.connect();
    await ask('waves_claim', { id: 'T-2' });
    process.kill(pid, 'SIGSTOP');
    try {
      await until('the lease has run out', async () => {
        const [row] = await rig.other.all(`SELECT lock_until AS until FROM tasks WHERE id = 'T-2'`);
        return Number(textOf(row, 'until')) * 1000 < Date.now();
      });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    const done = await ask('waves_complete', { id: 'T-2', summary: 'in time after all' });
    assert.equal(done.data['status'], 'Review');
  });
});

test('a backlog that appears after the server started is served', async () => {
  await using folder = await openFolder();
  const { ask, client } = folder.client;
  assert.equal((await ask('waves_next')).failure, 'noBacklog');
  assert.equal((await ask('waves_write_handoff', { summary: 'x' })).failure, 'noBacklog');
  assert(!existsSync(join(folder.dir, '.todo2')), 'nothing was made');
  assert.deepEqual(
    (await client.listResources()).resources.map(({ uri }) => uri),
    ['waves://waves'],
  );
  await createBacklog(folder.dir, { tasks: [{ id: 'T-1' }] });
  assert.equal((await ask('waves_next')).data['claimed'], true);
});

describe('a database that is damaged', () => {
  const DAMAGED = 'SQLite format 3\0and then nothing that makes sense';

  test('is named, with what is wrong and what to do; handoffs are read and written all the same', async () => {
    await using folder = await openFolder();
    const { ask, client } = folder.client;
    const file = join(folder.dir, '.todo2', 'todo2.db');
    await mkdir(join(folder.dir, '.todo2'));
    await writeFile(file, 'this is no database, whatever its name says'.repeat(100));
    for (const tool of ['waves_list', 'waves_next', 'waves_analyse', 'waves_doctor']) {
      const { failure, text } = await ask(tool);
      assert.equal(failure, 'unreadable', tool);
      assert(text.includes(file), text);
      assert.match(text, /is not a SQLite database: .+ The user has to restore it from a backup/);
    }
    for (const tool of [
      'waves_show',
      'waves_claim',
      'waves_renew',
      'waves_release',
      'waves_explain',
    ]) {
      assert.equal((await ask(tool, { id: 'T-1' })).failure, 'unreadable', tool);
    }
    const written = await ask('waves_write_handoff', { summary: 'The database is broken' });
    assert.equal(written.isError, false, written.text);
    const read = await ask('waves_read_handoffs');
    assert.equal(
      (read.data['handoffs'] as { summary: string }[])[0]?.summary,
      'The database is broken',
    );
    await assert.rejects(client.readResource({ uri: 'waves://tasks/T-1' }), /There is no resource/);
  });

  test('is not passed off as what was read before it broke, and the server lives to read the next one', async () => {
    await using rig = await createMcpRig(bundle, { tasks: [{ id: 'T-1' }, { id: 'T-2' }] });
    const { ask } = await rig.connect();
    assert.equal((await ask('waves_list')).data['open'], 2);
    await rig.other.close();
    for (const suffix of ['-wal', '-shm']) await rm(rig.file + suffix, { force: true });
    await writeFile(rig.file, DAMAGED.repeat(200));
    assert.equal((await ask('waves_list')).failure, 'unreadable');
    assert.equal((await ask('waves_next')).failure, 'unreadable');
    const noted = await ask('waves_note', { id: 'T-1', text: 'is it there?' });
    assert.equal(noted.isError, true);
    assert.match(noted.text, /todo2\.db/);
    await rm(rig.file);
    await createBacklog(rig.dir, { tasks: [{ id: 'T-3' }] });
    await until('one task is open', async () => (await ask('waves_list')).data['open'] === 1);
    assert.equal((await ask('waves_next')).data['claimed'], true);
  });
});

test('a backlog that is only a JSON file is read, and whatever would write to it says why it does not', async () => {
  await using folder = await openFolder();
  const { ask } = folder.client;
  await mkdir(join(folder.dir, '.todo2'));
  const file = join(folder.dir, '.todo2', 'state.todo2.json');
  const todo = { id: 'T-1', content: 'One', status: 'Todo', priority: 'high' };
  await writeFile(
    file,
    JSON.stringify({ todos: [todo, { ...todo, id: 'T-2', dependencies: ['T-1'] }] }),
  );
  assert.equal((await ask('waves_list')).data['open'], 2);
  assert.equal((await ask('waves_explain', { id: 'T-2' })).data['state'], 'not_ready');
  assert.deepEqual((await ask('waves_analyse')).data['critical_path'], ['T-1', 'T-2']);
  for (const [tool, input] of [
    ['waves_next', {}],
    ['waves_claim', { id: 'T-1' }],
    ['waves_renew', { id: 'T-1' }],
    ['waves_release', { id: 'T-1' }],
    ['waves_complete', { id: 'T-1', summary: 'x' }],
    ['waves_note', { id: 'T-1', text: 'x' }],
  ] as const) {
    const { failure, text } = await ask(tool, input);
    assert.equal(failure, 'readOnly', tool);
    assert.match(text, /only a JSON file/);
  }
  assert(!existsSync(join(folder.dir, '.todo2', 'todo2.db')), 'no database was made');
});

describe('a client that does not wait for its answer', () => {
  test('gets no task that it never hears of', async () => {
    await using rig = await createMcpRig(bundle, { tasks: [{ id: 'T-1' }] });
    const { client, ask } = await rig.connect();
    // Once, so that the writer process is there.
    await ask('waves_claim', { id: 'T-1' });
    await ask('waves_release', { id: 'T-1' });
    const version = async (): Promise<number> => {
      const [row] = await rig.other.all(`SELECT version FROM tasks WHERE id = 'T-1'`);
      return Number(textOf(row, 'version'));
    };
    const before = await version();
    await rig.other.exec('BEGIN IMMEDIATE');
    const cancel = new AbortController();
    const call = client.callTool({ name: 'waves_next', arguments: {} }, undefined, {
      signal: cancel.signal,
    });
    await ask('waves_list'); // the claim is on its way by now, and cannot come through
    cancel.abort('no time');
    await assert.rejects(call);
    await rig.other.exec('COMMIT');
    // It comes through, and is taken back.
    await until('the task was written twice', async () => (await version()) >= before + 2);
    assert.equal(await rig.lockOf('T-1'), 'Todo null');
    assert.equal((await ask('waves_next')).data['claimed'], true);
  });

  test('keeps what it held before, when it does not wait for a claim that only resumes it', async () => {
    await using rig = await createMcpRig(bundle, { tasks: [{ id: 'T-1' }] });
    const { client, ask } = await rig.connect();
    await ask('waves_claim', { id: 'T-1' });
    await rig.other.exec('BEGIN IMMEDIATE');
    const cancel = new AbortController();
    const input = { id: 'T-1', resume: true };
    const call = client.callTool({ name: 'waves_claim', arguments: input }, undefined, {
      signal: cancel.signal,
    });
    await ask('waves_list');
    cancel.abort('no time');
    await assert.rejects(call);
    await rig.other.exec('COMMIT');
    assert.equal((await ask('waves_renew', { id: 'T-1' })).isError, false);
    assert.match(await rig.lockOf('T-1'), /^In Progress test_client-/);
  });
});

test('two servers of one client name are two holders: neither ends what the other has', async () => {
  await using rig = await createMcpRig(bundle, { tasks: [{ id: 'T-1' }, { id: 'T-2' }] });
  const [a, b] = [await rig.connect('--agent', 'same'), await rig.connect('--agent', 'same')];
  const [one, two] = await Promise.all([a.ask('waves_next'), b.ask('waves_next')]);
  const idOf = ({ data }: typeof one): string => (data['task'] as { id: string }).id;
  assert.notEqual(idOf(one), idOf(two));
  const stolen = await b.ask('waves_complete', { id: idOf(one), summary: 'mine?' });
  assert.equal(stolen.failure, 'lockLost');
  assert.match(stolen.text, new RegExp(`same-.+-${a.pid} holds it`));
  assert.equal((await b.ask('waves_claim', { id: idOf(one) })).failure, 'held');
  assert.equal((await a.ask('waves_complete', { id: idOf(one), summary: 'mine' })).isError, false);
});

test('whatever a client calls itself, its holder is a safe name', async () => {
  await using rig = await createMcpRig(bundle, { tasks: [{ id: 'T-1' }] });
  const server = spawn(findSqliteNode(), [bundle.script, '--root', rig.dir], {
    env: plainNodeEnv(),
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const clientInfo = { name: 'a-b\u001b[31m\u0000\n; DROP\u202e', version: '1' };
  const initialize = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo };
  const send = (message: object): void =>
    void server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const ended = new Promise((resolve) => server.once('close', resolve));
  send({ id: 1, method: 'initialize', params: initialize });
  send({ method: 'notifications/initialized' });
  send({ id: 2, method: 'tools/call', params: { name: 'waves_next', arguments: {} } });
  try {
    await new Promise<void>((resolve) => {
      createInterface({ input: server.stdout }).on('line', (line) => {
        if (line.includes('"id":2')) resolve();
      });
    });
    assert.match(
      await rig.lockOf('T-1'),
      new RegExp(`^In Progress a_b31m__DROP-.+-${server.pid}$`),
    );
  } finally {
    server.stdin.end();
    await ended;
  }
  assert.equal(await rig.lockOf('T-1'), 'Todo null');
});

test('the server itself needs no SQLite: without it everything is read, and its writer process finds it', async () => {
  await using rig = await createMcpRig(bundle, { tasks: [{ id: 'T-1' }] });
  const client = await connectMcp(['--no-experimental-sqlite', bundle.script, '--root', rig.dir]);
  try {
    assert.equal((await client.ask('waves_list')).data['open'], 1);
    assert.equal((await client.ask('waves_next')).data['claimed'], true);
  } finally {
    await client.close();
  }
});

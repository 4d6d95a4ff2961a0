import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import {
  bundleMcp,
  createMcpRig,
  type McpBundle,
  type McpClient,
  type McpRig,
  textOf,
} from '../support/mcp-rig.ts';
import type { TaskSpec } from '../support/fixture.ts';
import { randomFrom } from '../support/random.ts';
import { findSqliteNode } from '../support/sqlite-node.ts';
import { isAlive } from '../support/work-rig.ts';
import { until } from '../support/until.ts';

let bundle: McpBundle;
before(async () => {
  bundle = await bundleMcp();
});
after(() => bundle.remove());

const posix = { skip: process.platform === 'win32' };

/** Tasks that wait for some of those before them. */
function backlogOf(count: number, seed: number): TaskSpec[] {
  const random = randomFrom(seed);
  return Array.from({ length: count }, (_, i) => ({
    id: `T-${1000 + i}`,
    priority: ['critical', 'high', 'medium', 'low'][random(4)]!,
    deps: [...new Set(Array.from({ length: random(3) }, () => random(Math.max(1, i))))]
      .filter((dep) => dep < i)
      .map((dep) => `T-${1000 + dep}`),
  }));
}

interface Taken {
  readonly who: string;
  readonly id: string;
}

/** One agent: takes what is next, reports it as done, and goes on until nothing is open. */
async function workAll(
  client: McpClient,
  who: string,
  taken: Taken[],
  isDone: (id: string) => boolean,
): Promise<void> {
  for (;;) {
    const next = await client.ask('waves_next');
    assert.equal(next.isError, false, next.text);
    if (next.data['claimed'] !== true) {
      if (next.data['open'] === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
      continue;
    }
    const task = next.data['task'] as { id: string; dependencies: { id: string }[] };
    taken.push({ who, id: task.id });
    for (const { id } of task.dependencies)
      assert(isDone(id), `${task.id} was given out before ${id} was done`);
    const checks = [{ command: 'true', passed: true }];
    const done = await client.ask('waves_complete', {
      id: task.id,
      summary: `by ${who}`,
      status: 'Done',
      checks,
    });
    assert.equal(done.isError, false, done.text);
  }
}

/**
 * What exarp-go's kind of agent does, in SQL of its own: claims what is ready under the write lock,
 * and finishes it.
 */
async function workNatively({ other }: McpRig, taken: Taken[]): Promise<void> {
  const me = `general-elsewhere-${other.pid}`;
  for (;;) {
    await other.exec('BEGIN IMMEDIATE');
    const [row] = await other.all(
      `SELECT id FROM tasks AS t WHERE status = 'Todo' AND COALESCE(assignee, '') = '' AND NOT EXISTS
        (SELECT 1 FROM task_dependencies AS d JOIN tasks AS on_ ON on_.id = d.depends_on_id
          WHERE d.task_id = t.id AND on_.status <> 'Done') ORDER BY random() LIMIT 1`,
    );
    const [open] = await other.all(`SELECT COUNT(*) AS n FROM tasks WHERE status <> 'Done'`);
    if (row !== undefined) {
      const now = Math.floor(Date.now() / 1000);
      await other.run(
        `UPDATE tasks SET assignee = ?, assigned_at = ?, lock_until = ?, status = 'In Progress', version = version + 1
          WHERE id = ?`,
        ...[me, now, now + 600, textOf(row, 'id')],
      );
      taken.push({ who: me, id: textOf(row, 'id') });
    }
    await other.exec('COMMIT');
    if (open?.['n'] === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 15));
    if (row === undefined) continue;
    await other.run(
      `UPDATE tasks SET assignee = NULL, assigned_at = NULL, lock_until = NULL, status = 'Done', version = version + 1
        WHERE id = ? AND assignee = ?`,
      ...[textOf(row, 'id'), me],
    );
  }
}

test('eight clients and a program of another kind drain a backlog to its end, and nobody gets a task twice', async () => {
  const tasks = backlogOf(60, 7);
  await using rig = await createMcpRig(bundle, { tasks });
  const clients = await Promise.all(Array.from({ length: 8 }, () => rig.connect('--allow-done')));
  const taken: Taken[] = [];
  // Whoever was given a task must have been given it after those it waits for.
  const isDone = (id: string): boolean => taken.some((each) => each.id === id);
  await Promise.all([
    ...clients.map((client, i) => workAll(client, `client-${i}`, taken, isDone)),
    workNatively(rig, taken),
  ]);
  assert.deepEqual(taken.map(({ id }) => id).sort(), tasks.map(({ id }) => id).sort());
  assert(new Set(taken.map(({ who }) => who)).size > 2, 'others than one took part');
  const rows = await rig.other.all('SELECT status, assignee FROM tasks');
  assert(rows.every((row) => row['status'] === 'Done' && row['assignee'] === null));
  const byClients = taken.filter(({ who }) => who.startsWith('client-')).length;
  const [results] = await rig.other.all(
    `SELECT COUNT(*) AS n FROM task_comments WHERE comment_type = 'result'`,
  );
  assert.equal(results?.['n'], byClients);
});

test('calls of one connection that come all at once get different tasks', async () => {
  await using rig = await createMcpRig(bundle, {
    tasks: Array.from({ length: 12 }, (_, i) => ({ id: `T-${i}` })),
  });
  const client = await rig.connect();
  const answers = await Promise.all(Array.from({ length: 12 }, () => client.ask('waves_next')));
  const ids = answers.map(({ data }) => (data['task'] as { id: string }).id);
  assert.equal(new Set(ids).size, 12);
  const claims = await Promise.all(ids.map((id) => client.ask('waves_claim', { id })));
  assert(claims.every(({ failure }) => failure === 'alreadyOurs'));
});

describe('a client or server that goes', () => {
  const two = { tasks: [{ id: 'T-1' }, { id: 'T-2', deps: ['T-1'] }] };

  test('a client that closes the connection leaves nothing locked, and the server ends', async () => {
    await using rig = await createMcpRig(bundle, two);
    const client = await rig.connect();
    await client.ask('waves_next');
    assert.equal((await rig.holders()).length, 1);
    await client.close();
    await until('the process is gone', () => !isAlive(client.pid));
    assert.equal(await rig.lockOf('T-1'), 'Todo null');
  });

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL'] as const) {
    test(`a server that ${signal} ends leaves nothing locked`, posix, async () => {
      await using rig = await createMcpRig(bundle, two);
      const client = await rig.connect();
      await client.ask('waves_next');
      process.kill(client.pid, signal);
      await until('nothing is held', async () => (await rig.holders()).length === 0);
      assert.equal(await rig.lockOf('T-1'), 'Todo null');
      await until('the process is gone', () => !isAlive(client.pid));
    });
  }

  test(
    'a client that is killed takes its server along, and nothing stays locked',
    posix,
    async () => {
      await using rig = await createMcpRig(bundle, two);
      // A client in a process of its own, which says what it was given and the id of its server.
      const program = `
      const server = require('node:child_process').spawn(process.execPath, process.argv.slice(1), { stdio: ['pipe', 'pipe', 'ignore'] });
      const send = (message) => server.stdin.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
      require('node:readline').createInterface({ input: server.stdout }).on('line', (line) => {
        const { id, result } = JSON.parse(line);
        if (id === 1) {
          send({ method: 'notifications/initialized' });
          send({ id: 2, method: 'tools/call', params: { name: 'waves_next', arguments: {} } });
        }
        if (id === 2) console.log(server.pid + ' ' + result.structuredContent.task.id);
      });
      send({ id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'dies', version: '1' } } });
    `;
      const client = spawn(findSqliteNode(), ['-e', program, bundle.script, '--root', rig.dir], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [line] = (await once(createInterface({ input: client.stdout }), 'line')) as [string];
      const [server, id] = line.split(' ');
      assert.equal(id, 'T-1');
      assert.match(await rig.lockOf('T-1'), new RegExp(`^In Progress dies-.+-${server}$`));
      client.kill('SIGKILL');
      await until('nothing is held', async () => (await rig.holders()).length === 0);
      await until('the process is gone', () => !isAlive(Number(server)));
      assert.equal(await rig.lockOf('T-1'), 'Todo null');
    },
  );

  test(
    'what was asked before the end of the input is answered before the server ends',
    posix,
    async () => {
      await using rig = await createMcpRig(bundle, two);
      const server = spawn(findSqliteNode(), [bundle.script, '--root', rig.dir], {
        stdio: ['pipe', 'pipe', 'ignore'],
      });
      const initialize = {
        ...{ protocolVersion: '2025-06-18', capabilities: {} },
        clientInfo: { name: 'pipe', version: '1' },
      };
      const messages = [
        { id: 1, method: 'initialize', params: initialize },
        { method: 'notifications/initialized' },
        { id: 2, method: 'tools/call', params: { name: 'waves_list', arguments: {} } },
      ];
      const ended = once(server, 'close');
      let out = '';
      server.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
      server.stdin.end(
        messages.map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`).join(''),
      );
      assert.deepEqual(await ended, [0, null]);
      const answers = out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { id?: number });
      assert(
        answers.some(({ id }) => id === 2),
        out,
      );
    },
  );

  test('lines that are no protocol do not end it', posix, async () => {
    await using rig = await createMcpRig(bundle, two);
    const server = spawn(findSqliteNode(), [bundle.script, '--root', rig.dir], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const lines = createInterface({ input: server.stdout });
    server.stdin.write('hello\n{}\n[1]\n{"jsonrpc":"2.0","id":7,"method":"ping"}\n');
    const answered = new Promise<string>((resolve) => {
      lines.on('line', (line) => {
        if (line.includes('"id":7')) resolve(line);
      });
    });
    assert.deepEqual(JSON.parse(await answered), { jsonrpc: '2.0', id: 7, result: {} });
    server.stdin.end();
    await once(server, 'close');
  });

  test('an argument that is not known is said on standard error, with the usage', async () => {
    const server = spawn(findSqliteNode(), [bundle.script, '--rot', 'x'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, log] = ['', ''];
    server.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    server.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
    assert.deepEqual(await once(server, 'close'), [2, null]);
    assert.equal(out, '');
    assert.match(log, /'--rot'[^]*Usage: node mcp\.cjs \[--root DIR\]/);
  });
});

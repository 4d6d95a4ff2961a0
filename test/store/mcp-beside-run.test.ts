import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bundleAgents } from '../support/agent-bundles.ts';
import { bundleMcp, createMcpRig, type McpClient, textOf } from '../support/mcp-rig.ts';
import { openRunWindow } from '../support/run-window.ts';
import { findSqliteNode } from '../support/sqlite-node.ts';
import { WASM_FILE } from '../support/stores.ts';
import { until } from '../support/until.ts';

/** Takes what is next and reports it until nothing is left that is ready. */
async function workWhatIsFree({ ask }: McpClient, taken: string[]): Promise<void> {
  for (;;) {
    const next = await ask('waves_next');
    assert.equal(next.isError, false, next.text);
    if (next.data['claimed'] !== true) return;
    const { id } = next.data['task'] as { id: string };
    taken.push(id);
    // Time for the window to want the same one.
    await new Promise((resolve) => setTimeout(resolve, 60));
    const done = await ask('waves_complete', { id, summary: 'done by a client' });
    assert.equal(done.isError, false, done.text);
  }
}

test('eight clients take tasks while a window runs the same wave: each is worked on once, by one of them', async () => {
  const [mcp, agents] = await Promise.all([bundleMcp(), bundleAgents()]);
  const orderFolder = await mkdtemp(join(tmpdir(), 'todo2-orders-'));
  try {
    const tasks = Array.from({ length: 32 }, (_, i) => ({
      id: `T-${100 + i}`,
      description: 'simulate: seconds=0',
    }));
    await using rig = await createMcpRig(mcp, { tasks });
    const window = openRunWindow({
      ...{
        root: rig.dir,
        orderFolder,
        custom: undefined,
        cap: 4,
        begunFile: join(orderFolder, 'begun'),
      },
      programs: {
        ...{
          supervisor: agents.supervisor,
          simulatedAgent: agents.simulatedAgent,
          node: findSqliteNode(),
        },
        writer: join(mcp.folder, 'writer.cjs'),
        wasm: WASM_FILE,
      },
    });
    const { runner, history } = window.runs;
    const byWindow: string[] = [];
    runner.onEvent((event) => {
      if (event.kind === 'taskClaimed') byWindow.push(event.id);
    });
    const snapshot = await window.ready;
    const clients = await Promise.all(Array.from({ length: 8 }, () => rig.connect()));
    assert.equal(await history.prepare(), undefined);
    const agent = { agent: 'simulated', model: undefined, agentMode: 'unattended' } as const;
    const started = runner.start(window.request([snapshot.tasks.map(({ id }) => id)], agent));
    assert(started.ok);
    const byClients: string[] = [];
    await until('the window has claimed', () => byWindow.length > 0);
    await Promise.all(clients.map((client) => workWhatIsFree(client, byClients)));
    await until('all runs have ended', () => runner.runs.every(({ phase }) => phase === 'ended'));

    assert.deepEqual([...byWindow, ...byClients].sort(), tasks.map(({ id }) => id).sort());
    assert(byWindow.length > 0 && byClients.length > 0, 'both took part');
    const rows = await rig.other.all('SELECT status, assignee FROM tasks');
    assert(rows.every((row) => row['status'] === 'Review' && row['assignee'] === null));
    const reported = await rig.other.all(
      `SELECT task_id FROM task_comments WHERE comment_type = 'result'`,
    );
    assert.deepEqual(
      reported.map((row) => textOf(row, 'task_id')).sort(),
      tasks.map(({ id }) => id).sort(),
    );
    assert.deepEqual(window.bugs, []);
    await window.close('stop');
  } finally {
    await Promise.all([
      mcp.remove(),
      agents.remove(),
      rm(orderFolder, { recursive: true, force: true }),
    ]);
  }
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { parseWorkState } from '../../src/core/run/journal/read-work-state.ts';
import { taskId } from '../../src/core/task.ts';
import type { ToSupervisor, WorkOrder } from '../../src/agent-process/work-order.ts';
import { bundleAgents } from '../support/agent-bundles.ts';
import { createBacklog, nativeWriter } from '../support/fixture.ts';
import { findSqliteNode, plainNodeEnv } from '../support/sqlite-node.ts';

// Only there can a process be stopped between its order and its work.
const posix = { skip: process.platform === 'win32' };

test(
  'an order whose window is gone before it was begun is not begun: the next window gives it to another',
  posix,
  async () => {
    const bundles = await bundleAgents();
    const root = mkdtempSync(join(tmpdir(), 'todo2-unseen-'));
    try {
      const database = await createBacklog(root, { tasks: [{ id: 'T-1' }] });
      const folder = join(root, '.todo2', 'waves', 'runs', 'run-1');
      mkdirSync(folder, { recursive: true });
      const file = (kind: string): string => join(folder, `1.${kind}`);
      const touched = join(root, 'touched');
      const order: WorkOrder = {
        ...{
          runId: 'run-1',
          attemptNo: 1,
          taskId: taskId('T-1'),
          root,
          folder: root,
          database,
          json: join(root, 'none.json'),
        },
        ...{
          agentType: 'custom',
          label: 'Test agent',
          output: 'text',
          stdinFile: undefined,
          agentMode: 'unattended',
        },
        ...{ sessionId: undefined, tell: undefined, git: undefined },
        agent: { command: '/usr/bin/touch', args: [touched], env: {} },
        ...{
          verify: undefined,
          graceMs: 300,
          lingerMs: 100,
          anew: undefined,
          options: { leaseMs: 60_000, statusOnSuccess: 'Review', timeLimitMs: 0 },
        },
        files: {
          prompt: file('prompt.md'),
          answer: file('answer'),
          log: file('log'),
          state: file('state.json'),
          stop: file('stop'),
        },
      };

      const child = spawn(findSqliteNode(), [bundles.supervisor], {
        env: plainNodeEnv(),
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      const ended = once(child, 'exit');
      child.kill('SIGSTOP');
      await new Promise<void>((resolve, reject) => {
        const message: ToSupervisor = { kind: 'work', order };
        child.send(message, (error) => (error === null ? resolve() : reject(error)));
      });
      child.disconnect();
      child.kill('SIGCONT');
      assert.deepEqual(await ended, [0, null]);

      const state = parseWorkState(readFileSync(file('state.json'), 'utf8'));
      assert(
        state?.end?.kind === 'refused' && state.end.failure.kind === 'agentNotStarted',
        JSON.stringify(state),
      );
      assert.equal(existsSync(touched), false);
      await using reader = await nativeWriter(root);
      const [row] = await reader.all('SELECT status, assignee, version FROM tasks');
      assert.deepEqual({ ...row }, { status: 'Todo', assignee: null, version: 1 });
    } finally {
      await bundles.remove();
      rmSync(root, { recursive: true, force: true, maxRetries: 3 });
    }
  },
);

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Job } from '../../../src/core/ports.ts';
import { ok } from '../../../src/core/result.ts';
import { previewWork } from '../../../src/wire/work-order.ts';
import { findAgent } from '../../../src/agent-process/agents.ts';
import { RunFolder } from '../../../src/store/runs/run-folder.ts';
import { task } from '../../support/backlog.ts';
import { RUN_OPTIONS } from '../../support/run-events.ts';

test('a look at what would be started names the prompt as the tree of the workspace does, and the program whole', async () => {
  const root = '/home/me/shop';
  const folder = new RunFolder(root);
  const job: Job = {
    ...{
      runId: 'dry-run',
      attemptNo: 3,
      tryNo: 1,
      root,
      task: task('T-1'),
      dependencies: [],
      sessionId: undefined,
    },
    ...{
      agent: { agent: 'simulated', model: undefined, agentMode: 'unattended' },
      options: RUN_OPTIONS,
    },
  };
  const preview = await previewWork(job, {
    paths: { database: `${root}/.todo2/todo2.db`, json: `${root}/.todo2/state.todo2.json` },
    findAgent: () =>
      findAgent({ kind: 'simulated', script: import.meta.filename, node: process.execPath }),
    filesOf: (runId, start) => folder.filesOf(runId, start),
    results: () => Promise.resolve(ok(new Map())),
    ...{
      earlier: () => [],
      worktreeSetup: () => Promise.resolve(ok([])),
      verifyRules: () => [],
      log: () => undefined,
    },
  });
  assert(preview.ok);
  assert.equal(preview.value.promptFile, '.todo2/waves/runs/dry-run/3.prompt.md');
  assert.equal(preview.value.command[0], process.execPath);
});

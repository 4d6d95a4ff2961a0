import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { usageOf } from '../../src/core/run/run-events.ts';
import { taskId } from '../../src/core/task.ts';
import { createBacklog } from '../support/fixture.ts';
import { bundlePrograms } from '../support/run-programs.ts';
import { openRunWindow } from '../support/run-window.ts';
import { until } from '../support/until.ts';

/**
 * Speaks as Codex does, whose usage is that of the whole session: a rate limit cuts the first
 * attempt off, the next one resumes the session.
 */
const AGENT = `
  const say = (event) => console.log(JSON.stringify(event));
  const isResumed = process.argv.slice(2).join(' ') === 'resume thread-1';
  say({ type: 'thread.started', thread_id: 'thread-1' });
  say({ type: 'item.completed', item: { type: 'agent_message', text: 'At work.' } });
  if (isResumed) say({ type: 'turn.completed', usage: { input_tokens: 40, output_tokens: 8 } });
  else {
    const error = { message: 'Rate limit reached. Please try again in 1s.' };
    say({ type: 'turn.failed', usage: { input_tokens: 30, output_tokens: 5 }, error });
    process.exitCode = 1;
  }
`;

test('what the session of an earlier attempt used reaches the one that resumes it, and counts once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'todo2-usage-'));
  const [root, orderFolder] = [join(folder, 'work'), join(folder, 'orders')];
  for (const each of [root, orderFolder]) mkdirSync(each);
  const script = join(folder, 'agent.cjs');
  writeFileSync(script, AGENT);
  await createBacklog(root, { tasks: [{ id: 'T-1' }] });
  const programs = await bundlePrograms(join(folder, 'programs'));
  const window = openRunWindow({
    ...{ root, orderFolder, programs, begunFile: join(folder, 'begun'), cap: 1 },
    custom: {
      ...{ command: programs.node, stdin: 'prompt', env: {}, output: 'codex' },
      args: [script, ['resume', '{resumes}']],
    },
  });
  try {
    await window.ready;
    const { runner, history } = window.runs;
    assert.equal(await history.prepare(), undefined);
    const agent = { agent: 'custom', model: undefined, agentMode: 'unattended' } as const;
    assert(runner.start(window.request([[taskId('T-1')]], agent)).ok);
    await until('the run has ended', () => runner.runs[0]?.phase === 'ended');

    const [run] = runner.runs;
    const task = run?.tasks.get(taskId('T-1'));
    const attempts = [...(task?.earlier ?? []), task].map((attempt) => attempt?.outcome);
    assert.deepEqual(
      attempts.map((outcome) => outcome?.kind),
      ['rateLimited', 'succeeded'],
    );
    const costUsd = undefined;
    assert.deepEqual(attempts.map(usageOf), [
      { inputTokens: 30, outputTokens: 5, costUsd },
      { inputTokens: 10, outputTokens: 3, costUsd },
    ]);
    assert.deepEqual(run?.usage, { inputTokens: 40, outputTokens: 8, costUsd });
    assert.deepEqual(window.bugs, []);
  } finally {
    await window.close('stop');
    rmSync(folder, { recursive: true, force: true });
  }
});

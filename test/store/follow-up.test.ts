import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { FollowUp } from '../../src/core/run/follow-up.ts';
import { taskId } from '../../src/core/task.ts';
import { createBacklog } from '../support/fixture.ts';
import { bundlePrograms } from '../support/run-programs.ts';
import { openRunWindow } from '../support/run-window.ts';
import { until } from '../support/until.ts';

/** Speaks as Codex does, ends after a rate limit, and says what it was started and asked with. */
const agentThat = (forgets: boolean, seen: string): string => `
  const { appendFileSync, readFileSync } = require('node:fs');
  const args = process.argv.slice(2).join(' ');
  appendFileSync(${JSON.stringify(seen)}, JSON.stringify([args, readFileSync(0, 'utf8')]) + '\\n');
  const say = (event) => console.log(JSON.stringify(event));
  if (${forgets} && args !== '') {
    console.error('no rollout found for thread id thread-1');
    process.exit(1);
  }
  say({ type: 'thread.started', thread_id: 'thread-1' });
  say({ type: 'item.completed', item: { type: 'agent_message', text: 'Done.' } });
  say({ type: 'turn.completed', usage: { input_tokens: 1, output_tokens: 1 } });
`;

interface Story {
  /** The session is not there any more when it is to go on. */
  readonly forgets: boolean;
  /** Its command line can resume a session. */
  readonly resumes: boolean;
  readonly after: boolean;
}

/** What the agent was started with, once for the task and then for the follow-up. */
async function goOn({ forgets, resumes, after }: Story): Promise<readonly [string, string][]> {
  const folder = mkdtempSync(join(tmpdir(), 'todo2-follow-up-'));
  const [root, orderFolder] = [join(folder, 'work'), join(folder, 'orders')];
  for (const each of [root, orderFolder]) mkdirSync(each);
  const [script, seen] = [join(folder, 'agent.cjs'), join(folder, 'seen')];
  writeFileSync(script, agentThat(forgets, seen));
  await createBacklog(root, { tasks: [{ id: 'T-1' }] });
  const programs = await bundlePrograms(join(folder, 'programs'));
  const window = openRunWindow({
    ...{ root, orderFolder, programs, begunFile: join(folder, 'begun'), cap: 1 },
    custom: {
      ...{ command: programs.node, stdin: 'prompt', env: {}, output: 'codex' },
      args: [script, ...(resumes ? [['resume', '{resumes}']] : [])],
    },
  });
  try {
    await window.ready;
    const { runner, history, journals } = window.runs;
    assert.equal(await history.prepare(), undefined);
    const id = taskId('T-1');
    const agent = { agent: 'custom', model: undefined, agentMode: 'unattended' } as const;
    const first = runner.start(window.request([[id]], agent));
    assert(first.ok);
    await first.value.ended;
    const { runId } = first.value;
    // As a person sets a task back whose work is to go on.
    await window.setStatus(id, 'Review', 'Todo');
    const followUp: FollowUp = {
      text: 'src/a.ts:3\n```\nRename this.',
      after: after ? { runId, attemptNo: 1 } : undefined,
    };
    const request = window.request([[id]], agent);
    const second = runner.start({ ...request, followUps: new Map([[id, followUp]]) });
    assert(second.ok);
    const ended = await second.value.ended;
    assert.equal(ended.tasks.get(id)?.outcome?.kind, 'succeeded');
    const files = journals.folder.filesOf(second.value.runId, 1);
    assert.equal(existsSync(files.followUp), resumes && after, 'no file without a session');
    assert.deepEqual(window.bugs, []);
    await until('both are seen', () => existsSync(seen));
    return readFileSync(seen, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as [string, string]);
  } finally {
    await window.close('stop');
    rmSync(folder, { recursive: true, force: true });
  }
}

const USUAL = /works on exactly one task/;
const ASKED = /sends it back[^]*\n````\nsrc\/a\.ts:3\n```\nRename this\.\n````\n/;

test('a follow-up is asked in the session that did the work, in place of the usual prompt', async () => {
  const [, again] = await goOn({ forgets: false, resumes: true, after: true });
  assert.equal(again?.[0], 'resume thread-1');
  assert.match(again[1], ASKED);
  assert.doesNotMatch(again[1], USUAL);
});

test('where the session is not there any more, a new one gets the usual prompt and the follow-up', async () => {
  const seen = await goOn({ forgets: true, resumes: true, after: true });
  assert.deepEqual(
    seen.map(([args]) => args),
    ['', 'resume thread-1', ''],
  );
  assert.match(seen[2]?.[1] ?? '', USUAL);
  assert.match(seen[2]?.[1] ?? '', ASKED);
});

for (const [name, story] of [
  ['an agent that cannot resume a session', { forgets: false, resumes: false, after: true }],
  ['a follow-up without a session', { forgets: false, resumes: true, after: false }],
] as const)
  test(`${name} begins with the usual prompt and the follow-up`, async () => {
    const seen = await goOn(story);
    assert.deepEqual(
      seen.map(([args]) => args),
      ['', ''],
    );
    assert.match(seen[1]?.[1] ?? '', USUAL);
    assert.match(seen[1]?.[1] ?? '', ASKED);
  });

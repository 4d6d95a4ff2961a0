import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { LogText } from '../../../../src/agent-process/terminals/log-text.ts';
import type { Attempt } from '../../../../src/agent-process/terminals/attempt-view.ts';
import { taskId } from '../../../../src/core/task.ts';
import { HandClock } from '../../../support/hand-clock.ts';
import { folderFor } from '../../../support/stores.ts';
import { eventually } from '../../../support/terminal-window.ts';

const WELL = { mark: '✓', words: 'Ended well' } as const;

function makeLog(t: TestContext, more: Partial<Attempt> = {}) {
  const clock = new HandClock();
  const attempt: Attempt = {
    ...{ key: 'r1/1', runId: 'r1', attemptNo: 1, id: taskId('T-1'), title: 'Bake\r\nit' },
    ...{ label: 'Claude Code', output: 'text', logFile: join(folderFor(t), '1.log'), tryNo: 2 },
    ...more,
  };
  const log = new LogText(attempt, {
    clock,
    log: (line) => assert.fail(line),
    reportBug: (error) => {
      throw error;
    },
  });
  t.after(() => log.dispose());
  let changes = 0;
  log.onDidChange(() => changes++);
  return { log, clock, file: attempt.logFile, changes: () => changes };
}

const HEAD = 'Bake it (T-1)\nClaude Code, attempt 2\n\n';

test('a log is plain text that follows its file, and then says how the attempt ended', async (t) => {
  const { log, clock, file, changes } = makeLog(t);
  writeFileSync(file, 'one \x1b[31mred\x1b[0m\r\n');
  await log.follow();
  assert.equal(log.text, `${HEAD}one red\n`);
  const before = changes();
  appendFileSync(file, 'two');
  await eventually(() => clock.waiting > 0);
  await clock.turn(500);
  await eventually(() => changes() > before);
  assert.equal(log.text, `${HEAD}one red\ntwo\n`);
  appendFileSync(file, ' and the last word');
  await log.end(WELL);
  assert.equal(log.text, `${HEAD}one red\ntwo and the last word\n\n✓ Ended well.\n`);
  await log.end({ mark: '✗', words: 'Twice' });
  assert.match(log.text, /✓ Ended well\.\n$/);
});

test('a log that is gone is said to be gone', async (t) => {
  const { log } = makeLog(t);
  await log.end(WELL);
  assert.equal(log.text, `${HEAD}[There is no log.]\n\n✓ Ended well.\n`);
});

test('of a long log the end is shown, and where the rest is', async (t) => {
  const { log, file } = makeLog(t);
  writeFileSync(file, 'many words\n'.repeat(100_000));
  await log.end(WELL);
  assert.ok(log.text.includes(`[Earlier output is only in ${file}]`));
  assert.ok(log.text.length < 400_000);
});

test('the events of an agent are shown as text, and nothing in a log can be obeyed', async (t) => {
  const { log, file } = makeLog(t, { output: 'streamJson' });
  const said = { type: 'text', text: 'Done \x1b]0;title\x07 it' };
  writeFileSync(file, `${JSON.stringify({ type: 'assistant', message: { content: [said] } })}\n`);
  await log.end(WELL);
  assert.match(log.text, /Done .*it/);
  assert.ok(!log.text.includes('\x1b'));
});

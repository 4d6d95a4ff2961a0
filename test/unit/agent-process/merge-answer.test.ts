import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import {
  storedWorkState,
  type WorkPhase,
  type WorkState,
} from '../../../src/core/run/journal/work-state.ts';
import { answersIn, formatAnswer } from '../../../src/agent-process/merge-answer.ts';
import { SupervisedWorker } from '../../../src/agent-process/supervised-worker.ts';
import { systemProcesses as processes } from '../../../src/disk/processes.ts';
import { aJob } from '../../support/agent-jobs.ts';
import { HandClock } from '../../support/hand-clock.ts';
import { temporaryFolder } from '../../support/repository-rig.ts';
import { until } from '../../support/until.ts';

const NEVER = new AbortController().signal;

test('an answer counts for the phase that it names, and stays for the next window to see', async (t) => {
  const file = join(temporaryFolder(t), 'answer');
  const ask = answersIn(file) ?? assert.fail('there is a file');
  writeFileSync(file, formatAnswer(false, 'resolve'));
  assert.equal(await ask(NEVER), 'resolve');
  assert.equal(readFileSync(file, 'utf8'), 'merging resolve');
  // That of the first time does not count for the second one.
  const second = ask(NEVER);
  writeFileSync(file, formatAnswer(true, 'merged'));
  assert.equal(await second, 'merged');
});

/** A window that attaches to an attempt whose supervisor waits for a merge, or does not know yet. */
async function attached(t: TestContext, phase: WorkPhase, answer: string | undefined) {
  const folder = temporaryFolder(t);
  const file = (name: string): string => join(folder, name);
  const files = { state: file('state'), stop: file('stop'), answer: file('answer') };
  const job = aJob();
  const { runId, attemptNo } = job;
  const state: WorkState = {
    ...{ runId, attemptNo, taskId: job.task.id, phase, pid: process.pid, begin: null },
    ...{ host: processes.hostname, agentPid: undefined, agentBegin: null },
    holder: `claude-${processes.hostname}-${process.pid}`,
    ...{ mark: '0'.repeat(32), label: 'A', output: 'plain', startedAt: 1, lastOutputAt: undefined },
    ...{ activity: undefined, sessionId: undefined, sessionUsage: undefined, end: undefined },
    refusal: undefined,
  };
  writeFileSync(files.state, JSON.stringify(storedWorkState(state)));
  if (answer !== undefined) writeFileSync(files.answer, answer);
  const asked: boolean[] = [];
  const clock = new HandClock();
  const worker = new SupervisedWorker({
    ...{ script: '', node: () => assert.fail(), prepare: () => assert.fail() },
    ...{ orderFolder: folder, stateFileOf: () => files as never, clock, processes },
    releaseFor: () => Promise.resolve(),
    askToResolve: () => assert.fail('no agent is asked'),
    onActivity: () => undefined,
    processStartTime: () => Promise.resolve(undefined),
    log: (line) => assert.fail(line),
  });
  t.after(() => worker.detach());
  let claimed = false;
  void worker.attach({ ...job, id: job.task.id }, NEVER, {
    onClaimed: () => void (claimed = true),
    onStarted: () => undefined,
    onMerging: (again) => {
      asked.push(again);
      return Promise.resolve({ kind: 'merged' });
    },
  });
  await until('the state is seen', () => claimed);
  return {
    asked,
    answer: () => (existsSync(files.answer) ? readFileSync(files.answer, 'utf8') : ''),
  };
}

test('a window that comes after an answer does not answer a second time', async (t) => {
  for (const [phase, answer, merges] of [
    ['merging', 'merging resolve', []],
    ['merging', 'merging conflict', []],
    // Work that is merged is merged once; like that the next merge waits for the end of this attempt.
    ['merging', 'merging merged', [false]],
    ['mergingAgain', 'mergingAgain conflict', []],
  ] as const) {
    const window = await attached(t, phase, answer);
    assert.deepEqual([window.asked, window.answer()], [merges, answer], answer);
  }
});

test('a window that comes before an answer gives one, whatever was answered before', async (t) => {
  for (const [phase, before, after] of [
    ['merging', undefined, 'merging merged'],
    ['mergingAgain', 'merging resolve', 'mergingAgain merged'],
  ] as const) {
    const window = await attached(t, phase, before);
    assert.deepEqual(window.asked, [phase === 'mergingAgain']);
    await until('it is answered', () => window.answer() === after);
  }
});

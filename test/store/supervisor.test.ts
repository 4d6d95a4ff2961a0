import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { createWorkRig, HOST, isAlive } from '../support/work-rig.ts';
import { until } from '../support/until.ts';

const posix = { skip: process.platform === 'win32' };

const HANG = 'setInterval(() => {}, 1000); console.log("ready " + process.pid)';
/** Says that it worked, and ends well. */
const DONE = 'console.log("Done.")';

test('work that ends well: claimed under the name of its supervisor, Review in the end, free, with a result', async () => {
  await using rig = await createWorkRig();
  const work = rig.run(`console.log('I did it'); setTimeout(() => {}, 300)`);
  await work.said(/I did it/);
  const { pid, phase, agentPid } = work.state()!;
  assert.equal(phase, 'working');
  assert.equal(await rig.lockOf(), `In Progress custom-${HOST}-${pid}`);
  const end = await work.end;
  assert(end.kind === 'succeeded', JSON.stringify(end));
  assert.equal(end.status, 'Review');
  assert.equal(end.evidence?.logFile, `.todo2/waves/runs/run-1/${work.attemptNo}.log`);
  assert.deepEqual(work.heard, [`claimed custom-${HOST}-${pid}`, 'started']);
  assert.equal(await rig.lockOf(), 'Review null');
  const [comment, ...more] = await rig.comments();
  assert.equal(more.length, 0);
  assert.match(comment!, /^\*\*Succeeded\*\*, now Review · Test agent\n/);
  assert.match(comment!, /Verified by nothing/);
  const state = work.state()!;
  assert.equal(state.phase, 'ended');
  assert.deepEqual(state.end, end);
  assert.equal(state.agentPid, agentPid);
  if (process.platform !== 'win32')
    assert.equal((await stat(work.files.state)).mode & 0o777, 0o600);
});

test('the session of an agent and the time of its output are written down while it works', async () => {
  await using rig = await createWorkRig();
  const init = JSON.stringify({ type: 'system', subtype: 'init', session_id: 'session-1' });
  const work = rig.run(`console.log(${JSON.stringify(init)}); setTimeout(() => {}, 800)`, {
    output: 'streamJson',
  });
  await until('the session is known', () => work.state()?.sessionId === 'session-1');
  assert(work.state()!.lastOutputAt! >= work.state()!.startedAt);
  await work.end;
});

for (const code of [1, 255]) {
  test(`an agent that ends with ${code} has failed, and its task is open again`, async () => {
    await using rig = await createWorkRig();
    const end = await rig.run(`console.log('no way'); process.exitCode = ${code}`).end;
    assert(end.kind === 'failed' && end.cause.kind === 'exit');
    assert.equal(end.exitCode, code);
    assert.equal(await rig.lockOf(), 'Todo null');
    assert.match((await rig.comments())[0]!, new RegExp(`^\\*\\*Failed\\*\\*: exit code ${code}`));
  });
}

test('an agent that a signal ends has failed without an exit code', posix, async () => {
  await using rig = await createWorkRig();
  const end = await rig.run(`process.kill(process.pid, 'SIGKILL')`).end;
  assert(end.kind === 'failed');
  assert.deepEqual(
    [end.exitCode, end.signal, await rig.lockOf()],
    [undefined, 'SIGKILL', 'Todo null'],
  );
});

test('exit code 75 is no failure: the task is open again, and nothing is said about it', async () => {
  await using rig = await createWorkRig();
  const end = await rig.run('process.exitCode = 75').end;
  assert.equal(end.kind, 'rateLimited');
  assert.equal(await rig.lockOf(), 'Todo null');
  assert.deepEqual(await rig.comments(), []);
});

test('how long a provider refuses is told by the words of an agent, which the window reads', async () => {
  await using rig = await createWorkRig();
  const source = `console.log('Rate limit exceeded. Try again in 90 s.'); process.exitCode = 1`;
  const end = await rig.run(source).end;
  assert(end.kind === 'rateLimited');
  assert.equal(end.retryAfterMs, 90_000);
});

test(
  'an agent that takes longer than it may is ended, however stubborn, and has failed',
  posix,
  async () => {
    await using rig = await createWorkRig();
    const work = rig.run(`process.on('SIGTERM', () => {}); ${HANG}`, {
      options: { timeLimitMs: 1000 },
    });
    const [, pid] = await work.said(/ready (\d+)/);
    const end = await work.end;
    assert(end.kind === 'failed');
    assert.deepEqual(end.cause, { kind: 'timeLimit', limitMs: 1000 });
    assert(!isAlive(Number(pid)));
    assert.equal(await rig.lockOf(), 'Todo null');
  },
);

for (const [name, command] of [
  ['a program that is not there', { command: '/nowhere/agent' }],
  ['a text with a zero byte as an argument', { args: ['a\0b'] }],
] as const) {
  test(`${name} is an agent that was not started, and its task is free again`, posix, async () => {
    await using rig = await createWorkRig();
    const end = await rig.run('', { agent: { ...rig.script(''), ...command } }).end;
    assert(
      end.kind === 'notStarted' && end.failure.kind === 'agentNotStarted',
      JSON.stringify(end),
    );
    assert.equal(await rig.lockOf(), 'Todo null');
  });
}

test('what somebody else holds is refused, and left as it is', async () => {
  const lock = { holder: 'general-there-9', until: Date.now() + 60_000 };
  await using rig = await createWorkRig({ tasks: [{ id: 'T-1', status: 'In Progress', lock }] });
  const work = rig.run(HANG);
  const end = await work.end;
  assert(end.kind === 'refused' && end.failure.kind === 'held');
  assert.equal(await rig.lockOf(), 'In Progress general-there-9');
  assert.deepEqual(work.heard, []);
});

test('Done is written with evidence that a command has verified it', async () => {
  await using rig = await createWorkRig();
  const verify = { ...rig.script('console.log("all green")'), limitMs: 0 };
  const work = rig.run(DONE, { verify, options: { statusOnSuccess: 'Done' } });
  const end = await work.end;
  assert(end.kind === 'succeeded', JSON.stringify(end));
  assert.equal(end.status, 'Done');
  assert.equal(end.evidence?.verify?.tail, 'all green');
  assert.match(work.log(), /--- Verifying with [^\n]* ---\nall green\n/);
  assert.equal(await rig.lockOf(), 'Done null');
});

test('without a command that verifies it, work goes to Review at the most', async () => {
  await using rig = await createWorkRig();
  const end = await rig.run(DONE, { options: { statusOnSuccess: 'Done' } }).end;
  assert.deepEqual([end.kind, await rig.lockOf()], ['succeeded', 'Review null']);
});

test('work that does not pass is open again, even where its agent had called it done', async () => {
  await using rig = await createWorkRig();
  const verify = {
    ...rig.script('console.log("\\x1b[31mred\\x1b[0m"); process.exitCode = 3'),
    limitMs: 0,
  };
  const work = rig.run('setTimeout(() => {}, 700); console.log("ready")', {
    verify,
    options: { statusOnSuccess: 'Done' },
  });
  await work.said(/ready/);
  await rig.other.run(
    `UPDATE tasks SET status = 'Done', completed = 1, version = version + 1 WHERE id = 'T-1'`,
  );
  const end = await work.end;
  assert(end.kind === 'failed' && end.cause.kind === 'verify');
  assert.deepEqual([end.cause.result.exitCode, end.cause.result.tail], [3, 'red']);
  assert.equal(await rig.lockOf(), 'Todo null');
});

test('a command that verifies for too long is ended and has not passed', async () => {
  await using rig = await createWorkRig();
  const end = await rig.run(DONE, { verify: { ...rig.script(HANG), limitMs: 500 } }).end;
  assert(end.kind === 'failed' && end.cause.kind === 'verify');
  assert.equal(end.cause.result.exitCode, undefined);
  assert.match(end.cause.result.tail, /took too long/);
});

test('a task that was put aside meanwhile stays so, and its agent has not succeeded', async () => {
  await using rig = await createWorkRig();
  const work = rig.run('console.log("ready"); setTimeout(() => {}, 500)');
  await work.said(/ready/);
  await rig.other.run(
    `UPDATE tasks SET status = 'Blocked', version = version + 1 WHERE id = 'T-1'`,
  );
  const end = await work.end;
  assert(end.kind === 'failed' && end.cause.kind === 'said');
  assert.match(end.cause.detail, /Blocked/);
  assert.equal(await rig.lockOf(), 'Blocked null');
});

test('a lock that somebody takes over ends the agent and leaves the task alone', async () => {
  await using rig = await createWorkRig();
  const work = rig.run(HANG);
  const [, pid] = await work.said(/ready (\d+)/);
  const until = Math.floor(Date.now() / 1000) + 600;
  await rig.other.run(
    `UPDATE tasks SET assignee = 'thief-there-9', lock_until = ?, version = version + 1`,
    until,
  );
  const lost = { kind: 'lockLost', holder: 'thief-there-9', usage: undefined };
  assert.deepEqual(await work.end, lost);
  assert(!isAlive(Number(pid)));
  assert.equal(await rig.lockOf(), 'In Progress thief-there-9');
  assert.deepEqual(await rig.comments(), []);
});

test('a claim that another program undoes is made again, and the work counts', async () => {
  await using rig = await createWorkRig();
  const work = rig.run(`console.log('ready'); setTimeout(() => {}, 3000)`);
  await work.said(/ready/);
  await rig.other.run(`UPDATE tasks SET status = 'Todo', version = version + 1`);
  await until('claimed again', async () => /^In Progress custom/.test(await rig.lockOf()), 2900);
  await rig.other.run(
    `UPDATE tasks SET assignee = NULL, assigned_at = NULL, lock_until = NULL, version = version + 1`,
  );
  assert.equal((await work.end).kind, 'succeeded');
  assert.equal(await rig.lockOf(), 'Review null');
});

test('an undoing in the last moment does not undo the work', async () => {
  await using rig = await createWorkRig();
  const work = rig.run(
    `process.stdin.on('data', () => {}); console.log('ready'); setTimeout(() => {}, 400)`,
  );
  await work.said(/ready/);
  await rig.other.run(`UPDATE tasks SET status = 'Todo', version = version + 1`);
  assert.equal((await work.end).kind, 'succeeded');
  assert.equal(await rig.lockOf(), 'Review null');
});

test('a database that is locked for a while when the work is done is waited for', async () => {
  await using rig = await createWorkRig();
  const work = rig.run(`console.log('ready'); setTimeout(() => {}, 300)`);
  await work.said(/ready/);
  await rig.other.exec('BEGIN IMMEDIATE');
  await until('it records', () => work.state()?.phase === 'recording');
  await new Promise((resolve) => setTimeout(resolve, 2500));
  assert.equal(work.state()?.phase, 'recording');
  await rig.other.exec('COMMIT');
  assert.equal((await work.end).kind, 'succeeded');
  assert.equal(await rig.lockOf(), 'Review null');
});

test('the JSON file beside the database is kept in step', async () => {
  await using rig = await createWorkRig();
  writeFileSync(rig.json, `{ "todos": [{ "id": "T-1", "status": "Todo" }] }\n`);
  const work = rig.run(`console.log('ready'); setTimeout(() => {}, 400)`);
  await work.said(/ready/);
  await until('it is In Progress there', () =>
    readFileSync(rig.json, 'utf8').includes('"In Progress"'),
  );
  await work.end;
  assert.equal(
    readFileSync(rig.json, 'utf8'),
    `{ "todos": [{ "id": "T-1", "status": "Review" }] }\n`,
  );
});

test('a store without a table of comments gets the status all the same, and the log says so', async () => {
  await using rig = await createWorkRig({
    tasks: [{ id: 'T-1' }],
    sql: ['DROP TABLE task_comments'],
  });
  const work = rig.run(DONE);
  assert.equal((await work.end).kind, 'succeeded');
  assert.match(work.log(), /no table of comments/);
  assert.equal(await rig.lockOf(), 'Review null');
});

test(
  'a state that cannot be written refuses the work before anything is claimed',
  posix,
  async () => {
    await using rig = await createWorkRig();
    writeFileSync(join(rig.root, 'file'), '');
    const end = await rig.run(HANG, { stateFile: join(rig.root, 'file', 'state.json') }).end;
    assert(end.kind === 'refused' && end.failure.kind === 'writeFailed', JSON.stringify(end));
    assert.equal(await rig.lockOf(), 'Todo null');
  },
);

test('an agent that ends without a word and without a changed file has failed', async () => {
  await using rig = await createWorkRig();
  const end = await rig.run(`process.stderr.write('no model\\n')`, { output: 'streamJson' }).end;
  assert(end.kind === 'failed' && end.cause.kind === 'said', JSON.stringify(end));
  assert.match(end.cause.detail, /without saying how it went .*no model/);
  const silent = await rig.run('').end;
  assert(silent.kind === 'failed' && silent.cause.kind === 'said', JSON.stringify(silent));
  assert.match(silent.cause.detail, /ended without an answer/);
  assert.equal(await rig.lockOf(), 'Todo null');
});

test('an agent that stays after its last word is ended, and its result counts', async () => {
  await using rig = await createWorkRig();
  const result = { type: 'result', subtype: 'success', is_error: false, result: 'Done.' };
  const work = rig.run(`${HANG}; console.log(${JSON.stringify(JSON.stringify(result))})`, {
    output: 'streamJson',
  });
  const [, pid] = await work.said(/ready (\d+)/);
  const end = await work.end;
  assert(end.kind === 'succeeded', JSON.stringify(end));
  assert.equal(end.evidence?.summary, 'Done.');
  assert.match(work.log(), /It stayed after its last word/);
  assert.equal(isAlive(Number(pid)), false);
});

test('what an agent says while it is ended for its time limit is no last word', async () => {
  await using rig = await createWorkRig();
  const result = { type: 'result', subtype: 'success', is_error: false, result: 'Aborted.' };
  const end = await rig.run(
    `${HANG}; process.on('SIGTERM', () => {
      console.log(${JSON.stringify(JSON.stringify(result))});
      process.exit(0);
    });`,
    { output: 'streamJson', options: { timeLimitMs: 1000 } },
  ).end;
  assert(end.kind === 'failed' && end.cause.kind === 'timeLimit', JSON.stringify(end));
});

test('a session that cannot be resumed is begun anew within the same attempt', async () => {
  await using rig = await createWorkRig();
  const { command, args, env } = rig.script(`
    if (process.argv[2] === 'resume') {
      console.error('No conversation found');
      process.exit(1);
    }
    console.log(JSON.stringify({ type: 'result', subtype: 'success', result: 'Done.' }));`);
  const work = rig.run('', {
    agent: { command, args: [...args, 'resume'], env },
    anew: { args, sessionId: 'new-1', stdinFile: undefined },
    sessionId: 'old-1',
    output: 'streamJson',
  });
  const end = await work.end;
  assert(end.kind === 'succeeded', JSON.stringify(end));
  assert.equal(end.evidence?.sessionId, 'new-1');
  assert.equal(work.state()?.sessionId, 'new-1');
  assert.match(work.log(), /could not be resumed, a new one begins: No conversation found/);
});

test('of a session that is resumed only what is new counts, and its total is kept for the next attempt', async () => {
  await using rig = await createWorkRig();
  const usage = { input_tokens: 40, output_tokens: 8 };
  const { command, args, env } = rig.script(`
    const item = { type: 'agent_message', text: 'Done.' };
    console.log(JSON.stringify({ type: 'item.completed', item }));
    console.log(JSON.stringify({ type: 'turn.completed', usage: ${JSON.stringify(usage)} }));`);
  const work = rig.run('', {
    agent: { command, args, env },
    anew: { args, sessionId: undefined, stdinFile: undefined },
    sessionId: 'old-1',
    sessionUsage: { inputTokens: 30, outputTokens: 5, costUsd: undefined },
    output: 'codex',
  });
  const end = await work.end;
  assert(end.kind === 'succeeded', JSON.stringify(end));
  const costUsd = undefined;
  assert.deepEqual(end.evidence?.usage, { inputTokens: 10, outputTokens: 3, costUsd });
  assert.deepEqual(work.state()?.sessionUsage, { inputTokens: 40, outputTokens: 8, costUsd });
});

test('a session that is begun anew owes nothing to the one before', async () => {
  await using rig = await createWorkRig();
  const usage = { input_tokens: 40, output_tokens: 8 };
  const { command, args, env } = rig.script(`
    if (process.argv[2] === 'resume') process.exit(1);
    const item = { type: 'agent_message', text: 'Done.' };
    console.log(JSON.stringify({ type: 'item.completed', item }));
    console.log(JSON.stringify({ type: 'turn.completed', usage: ${JSON.stringify(usage)} }));`);
  const work = rig.run('', {
    agent: { command, args: [...args, 'resume'], env },
    anew: { args, sessionId: 'new-1', stdinFile: undefined },
    sessionId: 'old-1',
    sessionUsage: { inputTokens: 30, outputTokens: 5, costUsd: undefined },
    output: 'codex',
  });
  const end = await work.end;
  assert(end.kind === 'succeeded', JSON.stringify(end));
  const whole = { inputTokens: 40, outputTokens: 8, costUsd: undefined };
  assert.deepEqual(end.evidence?.usage, whole);
  assert.deepEqual(work.state()?.sessionUsage, whole);
});

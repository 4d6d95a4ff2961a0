import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { storedWorkState } from '../../src/core/run/journal/work-state.ts';
import { fail, ok } from '../../src/core/result.ts';
import { writeOrder } from '../../src/agent-process/order-file.ts';
import { createWorkRig, isAlive, type WorkRig } from '../support/work-rig.ts';
import { until } from '../support/until.ts';

const posix = { skip: process.platform === 'win32' };

const HANG = 'setInterval(() => {}, 1000); console.log("ready " + process.pid)';
/** Says that it worked, and ends well. */
const DONE = 'console.log("Done.")';
/** Ends well as soon as a file is there. */
const waitFor = (file: string): string =>
  `console.log('ready ' + process.pid);
   setInterval(() => { if (require('node:fs').existsSync(${JSON.stringify(file)})) process.exit(0) }, 20)`;

test('a stop ends the agent and gives the task back', async () => {
  await using rig = await createWorkRig();
  const work = rig.run(HANG);
  const [, pid] = await work.said(/ready (\d+)/);
  work.stop();
  assert.deepEqual(await work.end, { kind: 'stopped', usage: undefined });
  assert(!isAlive(Number(pid)));
  assert.equal(await rig.lockOf(), 'Todo null');
  assert.deepEqual(await rig.comments(), []);
});

test('what the agent is doing is told by the channel, and by the state file to a window that comes later', async () => {
  await using rig = await createWorkRig();
  const go = join(rig.root, 'go');
  const told: string[] = [];
  const tell = (by: string) =>
    rig.open({ onActivity: ({ id }, activity) => void told.push(`${by} ${id}: ${activity}`) });
  const first = tell('first');
  const work = rig.run(waitFor(go), {}, first);
  await until('it is told', () => told.length > 0);
  first.detach();
  const later = rig.attach(work, tell('later'));
  await until('it is told again', () => told.length > 1);
  writeFileSync(go, '');
  assert.equal((await later).kind, 'succeeded');
  assert.match(told.join('; '), /^first T-1: ready \d+; later T-1: ready \d+$/);
});

test('a stop right after the order leaves nothing behind', async () => {
  await using rig = await createWorkRig();
  const work = rig.run(HANG);
  work.stop();
  assert.deepEqual(await work.end, { kind: 'stopped', usage: undefined });
  assert.equal(await rig.lockOf(), 'Todo null');
});

test('a file is request enough to stop', async () => {
  await using rig = await createWorkRig();
  const work = rig.run(HANG);
  await work.said(/ready/);
  writeFileSync(work.files.stop, '');
  assert.deepEqual(await work.end, { kind: 'stopped', usage: undefined });
  assert.equal(await rig.lockOf(), 'Todo null');
});

test(
  'a supervisor that is asked politely to end ends its agent first, and gives the task back',
  posix,
  async () => {
    await using rig = await createWorkRig();
    const work = rig.run(HANG);
    const [, pid] = await work.said(/ready (\d+)/);
    process.kill(work.state()!.pid, 'SIGTERM');
    assert.deepEqual(await work.end, { kind: 'stopped', usage: undefined });
    assert(!isAlive(Number(pid)));
    assert.equal(await rig.lockOf(), 'Todo null');
  },
);

test('the end of an editor’s session ends no work that nobody sits at', posix, async () => {
  await using rig = await createWorkRig();
  const go = join(rig.root, 'go');
  const work = rig.run(waitFor(go));
  await work.said(/ready/);
  process.kill(work.state()!.pid, 'SIGHUP');
  process.kill(-work.state()!.pid, 'SIGHUP');
  writeFileSync(go, '');
  assert.equal((await work.end).kind, 'succeeded');
});

test(
  'a supervisor that is killed while its work is verified leaves nothing of that either',
  posix,
  async () => {
    await using rig = await createWorkRig();
    const work = rig.run(DONE, { verify: { ...rig.script(HANG), limitMs: 0 } });
    const [, pid] = await work.said(/ready (\d+)/);
    await until(
      'the command is written down',
      () => work.state()?.agentPid === Number(pid) && work.state()?.agentBegin !== null,
    );
    process.kill(work.state()!.pid, 'SIGKILL');
    assert.equal((await work.end).kind, 'unknown');
    assert(!isAlive(Number(pid)));
    assert.equal(await rig.lockOf(), 'Todo null');
  },
);

test('a stop that comes while everything else is being prepared starts nothing', async () => {
  await using rig = await createWorkRig();
  let prepare: () => void = () => undefined;
  const worker = rig.open({
    prepare: () =>
      new Promise((resolve) => (prepare = () => resolve(fail({ kind: 'noAgent', tried: [] })))),
  });
  const work = rig.run(HANG, {}, worker);
  work.stop();
  prepare();
  assert.equal((await work.end).kind, 'refused');
  assert.equal(work.state(), undefined);
});

test('work goes on without its window, and another window goes on with watching it', async () => {
  await using rig = await createWorkRig();
  const first = rig.open();
  const go = join(rig.root, 'go');
  const work = rig.run(waitFor(go), {}, first);
  await work.said(/ready/);
  first.detach();
  const attached = rig.attach(work, rig.open());
  writeFileSync(go, '');
  const end = await attached;
  assert(end.kind === 'succeeded', JSON.stringify(end));
  assert.equal(await rig.lockOf(), 'Review null');
  assert.equal(work.state()?.phase, 'ended');
  const { pid } = work.state()!;
  await until('its supervisor ends by itself', () => !isAlive(pid));
});

test('work that ended while no window was there is found by its state', async () => {
  await using rig = await createWorkRig();
  const first = rig.open();
  const go = join(rig.root, 'go');
  const work = rig.run(waitFor(go), {}, first);
  await work.said(/ready/);
  first.detach();
  writeFileSync(go, '');
  await until('it has ended', () => work.state()?.phase === 'ended');
  assert.equal(await rig.lockOf(), 'Review null');
  const end = await rig.attach(work, rig.open());
  assert.equal(end.kind, 'succeeded');
});

test(
  'a supervisor that is killed leaves nothing: the agent is ended, the lock given back, and the end unknown',
  posix,
  async () => {
    await using rig = await createWorkRig();
    const work = rig.run(
      `const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'],
       { stdio: 'ignore', detached: true }); console.log('child ' + child.pid); ${HANG}`,
    );
    const pids = [await work.said(/child (\d+)/), await work.said(/ready (\d+)/)].map(([, pid]) =>
      Number(pid),
    );
    await until('the agent is written down', () => work.state()?.agentBegin != null);
    process.kill(work.state()!.pid, 'SIGKILL');
    const end = await work.end;
    assert.equal(end.kind, 'unknown');
    assert.deepEqual(pids.filter(isAlive), []);
    assert.equal(await rig.lockOf(), 'Todo null');
  },
);

test('whenever a supervisor is killed, nothing of it is left', posix, async () => {
  await using rig = await createWorkRig();
  const leaving = `require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'],
    { detached: true, stdio: 'ignore' }).unref(); setTimeout(() => {}, 40)`;
  for (const afterMs of [0, 15, 30, 60, 90, 120, 160, 200]) {
    const worker = rig.open();
    const work = rig.run(leaving, {}, worker);
    await until('it has begun', () => work.state() !== undefined);
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    const { pid } = work.state()!;
    if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    const end = await work.end;
    const expected = end.kind === 'succeeded' ? 'Review null' : 'Todo null';
    assert.equal(await rig.lockOf(), expected, `${afterMs} ms: ${JSON.stringify(end)}`);
    worker.detach();
    await rig.other.run(`UPDATE tasks SET status = 'Todo'`);
  }
});

test(
  'a supervisor that is killed is settled by a window that did not start it, within about a second',
  posix,
  async () => {
    await using rig = await createWorkRig();
    const first = rig.open();
    const work = rig.run(HANG, {}, first);
    const [, pid] = await work.said(/ready (\d+)/);
    await until('the agent is written down', () => work.state()?.agentBegin != null);
    first.detach();
    const attached = rig.attach(work, rig.open());
    process.kill(work.state()!.pid, 'SIGKILL');
    assert.equal((await attached).kind, 'unknown');
    assert(!isAlive(Number(pid)));
    assert.equal(await rig.lockOf(), 'Todo null');
  },
);

test('an attempt of which nothing is there is unknown after a while, and must not begin later', async () => {
  await using rig = await createWorkRig();
  let ahead = 0;
  const clock = {
    now: () => Date.now() + ahead,
    after: (ms: number, callback: () => void) => {
      const timer = setTimeout(callback, Math.min(ms, 20));
      return { dispose: () => clearTimeout(timer) };
    },
  };
  const worker = rig.open({ clock });
  const work = { attemptNo: 99 } as Parameters<WorkRig['attach']>[0];
  const attached = rig.attach(work, worker);
  ahead = 60_000;
  assert.equal((await attached).kind, 'unknown');
  assert(existsSync(join(rig.root, '.todo2', 'waves', 'runs', 'run-1', '99.stop')));
});

test('a supervisor serves one order after the other, and ends when it has had none for a while', async () => {
  await using rig = await createWorkRig({ tasks: [{ id: 'T-1' }, { id: 'T-2' }] });
  const worker = rig.open();
  const first = rig.run(DONE, {}, worker, 'T-1');
  assert.equal((await first.end).kind, 'succeeded');
  const second = rig.run('process.exitCode = 1', {}, worker, 'T-2');
  assert.equal((await second.end).kind, 'failed');
  assert.equal(first.state()?.holder, second.state()?.holder);
  assert.notEqual(first.state()?.mark, second.state()?.mark);
  assert.deepEqual(
    [await rig.lockOf('T-1'), await rig.lockOf('T-2')],
    ['Review null', 'Todo null'],
  );
  const { pid } = first.state()!;
  await until('it has ended', () => !isAlive(pid));
});

test('two at a time have a supervisor each', async () => {
  await using rig = await createWorkRig({ tasks: [{ id: 'T-1' }, { id: 'T-2' }] });
  const worker = rig.open();
  const go = join(rig.root, 'go');
  const works = ['T-1', 'T-2'].map((id) => rig.run(waitFor(go), {}, worker, id));
  for (const work of works) await work.said(/ready/);
  assert.notEqual(works[0]!.state()?.pid, works[1]!.state()?.pid);
  writeFileSync(go, '');
  for (const work of works) assert.equal((await work.end).kind, 'succeeded');
});

test('a supervisor that cannot be started refuses the work and says why', async () => {
  await using rig = await createWorkRig();
  for (const [options, said] of [
    [{ script: join(rig.root, 'supervisor.cjs') }, /Cannot find module/],
    [{ node: () => Promise.resolve({ command: '/nowhere/node', args: [] }) }, /nowhere.*ENOENT/],
    [{ node: () => Promise.reject(new Error('there is no Node')) }, /there is no Node/],
  ] as const) {
    const end = await rig.run(HANG, {}, rig.open(options)).end;
    assert(end.kind === 'refused' && end.failure.kind === 'agentNotStarted', JSON.stringify(end));
    assert.match(end.failure.detail, said);
  }
  assert.equal(await rig.lockOf(), 'Todo null');
});

test('a state that another attempt or another machine wrote is not believed', async () => {
  await using rig = await createWorkRig();
  const worker = rig.open();
  const work = rig.run(DONE, {}, worker);
  await work.end;
  const state = work.state()!;
  const later = { ...work, attemptNo: work.attemptNo + 50 };
  const file = work.files.state.replace(/\d+\.state/, `${later.attemptNo}.state`);
  for (const change of [
    {},
    { start: later.attemptNo, taskId: 'T-9' },
    { start: later.attemptNo, holder: 'custom-here-1' },
    { start: later.attemptNo, end: { kind: 'succeeded' } },
  ]) {
    writeFileSync(file, JSON.stringify({ ...storedWorkState(state), ...change }));
    const end = await Promise.race([
      rig.attach(later as never, worker),
      new Promise((resolve) => setTimeout(() => resolve('waits'), 800)),
    ]);
    assert.equal(end, 'waits', JSON.stringify(change));
  }
});

test('the simulated agent works under it, and its prompt arrives', async () => {
  await using rig = await createWorkRig();
  const stdinFile = join(rig.root, 'prompt.md');
  writeFileSync(stdinFile, 'Title: Bake a cake\n  simulate: seconds=0 print=3 fail=3\n');
  const agent = { ...rig.script(''), args: [rig.simulatedAgent] };
  const work = rig.run('', { agent, stdinFile });
  const end = await work.end;
  assert(end.kind === 'failed');
  assert.equal(end.exitCode, 3);
  assert.match(work.log(), /at work on: Bake a cake\n/);
});

test(
  'in a terminal: the order is read once and by its owner alone, and the exit code of the agent counts',
  posix,
  async () => {
    await using rig = await createWorkRig();
    const orders: string[] = [];
    const terminals: ReturnType<WorkRig['terminal']>[] = [];
    const worker = rig.open({
      openInteractive: (_job, _order, orderFile) => {
        orders.push(orderFile);
        terminals.push(rig.terminal(orderFile));
        return Promise.resolve(ok({ dispose: () => undefined }));
      },
    });
    const work = rig.run(
      'process.stdin.once("data", () => process.exit(0)); console.log("hello")',
      { agentMode: 'interactive' },
      worker,
    );
    await until('a terminal was opened', () => terminals.length === 1);
    const [terminal] = terminals;
    const [said] = (await once(terminal!.stdout!, 'data')) as [Buffer];
    assert.match(said.toString(), /hello/);
    assert(!existsSync(orders[0]!));
    terminal!.stdin!.end('go\n');
    const end = await work.end;
    assert.equal(end.kind, 'succeeded');
    assert.equal(await rig.lockOf(), 'Review null');
    await until('the terminal has ended', () => !isAlive(terminal!.pid!));
    assert.deepEqual(readdirSync(join(orders[0]!, '..')), []);
  },
);

test(
  'a terminal that goes away makes the end unknown, and gives the task back',
  posix,
  async () => {
    await using rig = await createWorkRig();
    let terminal: ReturnType<WorkRig['terminal']> | undefined;
    const worker = rig.open({
      openInteractive: (_job, _order, orderFile) => {
        terminal = rig.terminal(orderFile);
        return Promise.resolve(ok({ dispose: () => undefined }));
      },
    });
    const work = rig.run(HANG, { agentMode: 'interactive' }, worker);
    await until('the agent is at work', () => work.state()?.agentPid !== undefined);
    const { agentPid } = work.state()!;
    terminal!.kill('SIGHUP');
    assert.equal((await work.end).kind, 'unknown');
    assert(!isAlive(agentPid!));
    assert.equal(await rig.lockOf(), 'Todo null');
  },
);

test('an order for a terminal is written where only its owner reads it', posix, async () => {
  await using rig = await createWorkRig();
  const order = await writeOrder(join(rig.root, 'orders'), {} as never);
  assert.equal(statSync(order.path).mode & 0o777, 0o600);
  assert.equal(statSync(join(rig.root, 'orders')).mode & 0o777, 0o700);
  await order.remove();
  assert(!existsSync(order.path));
});

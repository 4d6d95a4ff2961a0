import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import type { ExtensionTerminalOptions, Terminal, window } from 'vscode';
import type { AgentEnd, Job } from '../../src/core/ports.ts';
import { fail, ok } from '../../src/core/result.ts';
import { findAgent, type Agent } from '../../src/run/agents.ts';
import { AgentTerminal } from '../../src/run/agent-terminal.ts';
import { TerminalRunner } from '../../src/run/terminal-runner.ts';
import { bundleAgents, type AgentBundles } from '../support/agent-bundles.ts';
import { HandClock } from '../support/hand-clock.ts';
import { taskOf } from '../support/run-rig.ts';

let bundles: AgentBundles;
before(async () => (bundles = await bundleAgents()));
after(() => bundles.remove());

/** A window whose terminals keep what is written to them and open at once. */
function makeRunner(agent?: Agent | 'none') {
  const terminals: { readonly name: string; text: string; open: boolean; readonly pty: AgentTerminal }[] = [];
  const createTerminal = (options: ExtensionTerminalOptions): Terminal => {
    const { pty } = options;
    assert(pty instanceof AgentTerminal);
    const shown = { name: options.name, text: '', open: true, pty };
    pty.onDidWrite((text) => (shown.text += text));
    const close = (): void => {
      if (!shown.open) return;
      shown.open = false;
      pty.close();
    };
    pty.onDidClose(close);
    pty.open();
    terminals.push(shown);
    return { name: options.name, show: () => undefined, dispose: close } as unknown as Terminal;
  };
  const folder = mkdtemp(join(tmpdir(), 'todo2-waves-'));
  const log: string[] = [];
  const simulated = { kind: 'simulated', script: bundles.simulatedAgent, node: process.execPath } as const;
  return folder.then((root) => {
    const runner = new TerminalRunner({
      window: { createTerminal } as unknown as Pick<typeof window, 'createTerminal'>,
      supervisor: bundles.supervisor,
      folder: root,
      findAgent: () =>
        agent === 'none'
          ? Promise.resolve(fail({ kind: 'noAgent', tried: ['claude'] }))
          : agent === undefined
            ? findAgent(simulated)
            : Promise.resolve(ok(agent)),
      explain: (failure) => failure.kind,
      clock: new HandClock(),
      log: (line) => void log.push(line),
      graceMs: 200,
    });
    const run = (job: Job, signal = new AbortController().signal, onStarted: () => void = () => undefined) =>
      runner.run(job, signal, onStarted);
    const remove = async (): Promise<void> => {
      runner.dispose();
      await rm(root, { recursive: true, force: true });
    };
    return { runner, run, terminals, root, log, remove };
  });
}

function jobOf(description: string, id = 'T-1', title = 'Bake a cake'): Job {
  return { runId: 'r1', root: bundles.folder, task: { ...taskOf(id), title, description }, dependencies: [] };
}

/** An agent that is this JavaScript. */
function nodeAgent(source: string, rest: Partial<Agent> = {}): Agent {
  const base = { label: 'Test', command: process.execPath, args: ['-e', source], env: {} };
  return { kind: 'custom', stdin: 'prompt', output: 'text', ...base, ...rest };
}

const well: AgentEnd = { kind: 'exited', exitCode: 0, signal: undefined };

test('an agent works in a terminal of its own, which stays readable with its end', async () => {
  const { run, terminals, runner, log, remove } = await makeRunner();
  let started = 0;
  const end = await run(jobOf('simulate: seconds=0'), undefined, () => {
    started++;
  });
  assert.deepEqual(end, well);
  assert.equal(started, 1);
  const [terminal] = terminals;
  assert(terminal?.open);
  assert.equal(terminal.name, 'Bake a cake · T-1');
  assert.match(terminal.text, /T-1 · Bake a cake/);
  assert.match(log[0] ?? '', /prompt .*\.prompt\.md, log .*\.log$/);
  assert.match(terminal.text, /at work on: Bake a cake\r\n/);
  assert.match(terminal.text, /✓ Ended with exit code 0 after 0 s\. Any key/);
  assert.equal(runner.has(taskOf('T-1').id), true);
  assert.equal(runner.show(taskOf('T-1').id), true);
  assert.equal(runner.show(taskOf('T-2').id), false);
  assert.equal(log.length, 2);
  await remove();
});

test('the prompt and the output are kept in files that have nothing of the task in their names', async () => {
  const { run, root, remove } = await makeRunner();
  await run(jobOf('simulate: seconds=0 fail=3', '../../$(x)'));
  assert.deepEqual((await readdir(join(root, 'r1'))).sort(), ['1.log', '1.prompt.md']);
  assert.match(await readFile(join(root, 'r1', '1.prompt.md'), 'utf8'), /Id: \.\.\/\.\.\/\$\(x\)\n/);
  assert.match(await readFile(join(root, 'r1', '1.log'), 'utf8'), /It cannot be done/);
  await remove();
});

test('control characters of a task reach neither the name nor the header of its terminal', async () => {
  const { run, terminals, remove } = await makeRunner();
  await run(jobOf('simulate: seconds=0', 'T\x1b]0;x\x07', 'a\x1b[2Jb\r\nc'));
  assert.equal(terminals[0]?.name, 'a[2Jb c · T]0;x');
  assert.match(terminals[0].text, /T\]0;x · a\[2Jb c\x1b\[0m\r\n/);
  await remove();
});

for (const [name, act] of [
  ['Ctrl+C', (pty: AgentTerminal) => pty.handleInput('\x03')],
  ['closing the terminal', (pty: AgentTerminal) => pty.close()],
] as const) {
  test(`${name} stops the agent`, async () => {
    const { run, terminals, remove } = await makeRunner();
    const end = await run(jobOf('simulate: hang'), undefined, () => act(terminals[0]!.pty));
    assert.deepEqual(end, { kind: 'stopped' });
    assert.match(terminals[0]!.text, /■ Stopped after/);
    await remove();
  });
}

test('a stop from outside ends the agent, and the terminal says so', async () => {
  const { run, terminals, remove } = await makeRunner();
  const stop = new AbortController();
  const end = await run(jobOf('simulate: hang'), stop.signal, () => stop.abort());
  assert.deepEqual(end, { kind: 'stopped' });
  assert(terminals[0]?.open);
  await remove();
});

test('a second run of a task takes the place of its old terminal', async () => {
  const { run, terminals, remove } = await makeRunner();
  await run(jobOf('simulate: seconds=0'));
  await run(jobOf('simulate: seconds=0'));
  assert.deepEqual(
    terminals.map(({ open }) => open),
    [false, true],
  );
  await remove();
});

test('without an agent nothing is started and no terminal opens', async () => {
  const { run, terminals, remove } = await makeRunner('none');
  const end = await run(jobOf(''));
  assert.deepEqual(end, { kind: 'notStarted', failure: { kind: 'noAgent', tried: ['claude'] } });
  assert.equal(terminals.length, 0);
  await remove();
});

test('an agent that cannot be started says so in its terminal', async () => {
  const { run, terminals, remove } = await makeRunner(nodeAgent('', { command: '/nowhere/agent' }));
  const end = await run(jobOf(''));
  assert(end.kind === 'notStarted' && end.failure.kind === 'agentNotStarted');
  assert.match(terminals[0]!.text, /✗ Not started: agentNotStarted/);
  await remove();
});

test('an agent that ends with 0 and says itself that it failed has not succeeded', async () => {
  const event = JSON.stringify({ type: 'result', subtype: 'success', is_error: true, result: 'Not logged in' });
  const source = `console.log(${JSON.stringify(event)})`;
  const { run, terminals, remove } = await makeRunner(nodeAgent(source, { output: 'streamJson' }));
  assert.deepEqual(await run(jobOf('')), { kind: 'exited', exitCode: undefined, signal: undefined });
  assert.match(terminals[0]!.text, /✗ The agent says that it failed \(Not logged in\)/);
  await remove();
});

test('placeholders are filled in, the id as a harmless word, and stdin is empty where it is not wanted', async () => {
  const source = 'console.log(JSON.stringify([process.argv.slice(1), require("fs").readFileSync(0, "utf8")]))';
  const args = ['-e', source, '--', '{promptFile}', '{cwd}', '{taskId}', '{runId}'];
  const { run, terminals, root, remove } = await makeRunner(nodeAgent('', { args, stdin: 'none' }));
  await run(jobOf('', '--x $(y)'));
  const line = /^\[\[.*$/m.exec(terminals[0]!.text.replaceAll('\r', ''))?.[0] ?? '';
  const expected = [join(root, 'r1', '1.prompt.md'), bundles.folder, '_x___y_', 'r1'];
  assert.deepEqual(JSON.parse(line), [expected, '']);
  await remove();
});

test('disposing stops agents at work and closes every terminal', async () => {
  const { run, runner, terminals, remove } = await makeRunner();
  const end = await run(jobOf('simulate: hang'), undefined, () => runner.dispose());
  assert.deepEqual(end, { kind: 'stopped' });
  assert(terminals.every(({ open }) => !open));
  await remove();
});

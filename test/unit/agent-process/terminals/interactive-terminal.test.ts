import assert from 'node:assert/strict';
import test from 'node:test';
import type { TerminalOptions, window } from 'vscode';
import {
  findAgain,
  openInteractive,
  type InteractiveSpec,
  type TerminalClose,
} from '../../../../src/agent-process/terminals/interactive-terminal.ts';
import { HandClock, settle } from '../../../support/hand-clock.ts';
import { TerminalWindow } from '../../../support/terminal-window.ts';

const SPEC: InteractiveSpec = {
  name: 'Bake $(flame) a cake\x07',
  node: { command: '/opt/editor/node', args: ['--no-warnings'] },
  script: '/ext/dist/supervisor.cjs',
  orderFile: '/home/me/orders/1.json',
  cwd: '/work',
  env: { ELECTRON_RUN_AS_NODE: '1' },
  platform: 'linux',
};

const asWindow = (editor: TerminalWindow) => editor as unknown as typeof window;

function open(spec: Partial<InteractiveSpec> = {}) {
  const editor = new TerminalWindow();
  const opened = openInteractive(asWindow(editor), { ...SPEC, ...spec });
  return { editor, opened };
}

test('an interactive agent has a terminal that outlives its window, with nothing but our own paths in its arguments', () => {
  const { editor, opened } = open();
  assert(opened.ok);
  const { options } = editor.all[0]!;
  assert.deepEqual(options, {
    name: 'Bake $\u200b(flame) a cake',
    shellPath: '/opt/editor/node',
    shellArgs: ['--no-warnings', '/ext/dist/supervisor.cjs', '/home/me/orders/1.json'],
    cwd: '/work',
    env: { ELECTRON_RUN_AS_NODE: '1' },
    isTransient: false,
  } satisfies TerminalOptions);
});

const trap = '/a/${env:X}';
const traps: readonly [name: string, spec: Partial<InteractiveSpec>][] = [
  ['the program', { node: { command: trap, args: [] } }],
  ['an argument', { node: { command: '/node', args: [trap] } }],
  ['the script', { script: trap }],
  ['the order', { orderFile: trap }],
  ['the folder', { cwd: trap }],
  ['a variable', { env: { A: trap } }],
  ['the name of a variable', { env: { '${command:x}': '1' } }],
];

for (const [name, spec] of traps) {
  test(`where the editor would replace a part of ${name}, nothing is started`, () => {
    const { editor, opened } = open(spec);
    assert(!opened.ok && opened.failure.kind === 'agentNotStarted');
    assert.match(opened.failure.detail, /The editor would replace what follows "\$\{" in/);
    assert.equal(editor.all.length, 0);
  });
}

for (const [command, platform, isStarted] of [
  ['C:\\Programs\\Cursor\\Cursor.exe', 'win32', false],
  ['C:\\Programs\\Code\\Code - Insiders.exe', 'win32', false],
  ['C:\\electron\\electron.exe', 'win32', false],
  ['C:\\nodejs\\node.exe', 'win32', true],
  ['C:\\nodejs\\NODE.EXE', 'win32', true],
  ['/usr/share/code/code', 'linux', true],
  ['/Applications/Cursor.app/Contents/MacOS/Cursor', 'darwin', true],
] as const) {
  test(`${command} ${isStarted ? 'runs' : 'is not tried'} in a terminal`, () => {
    const { opened } = open({ node: { command, args: [] }, platform });
    assert.equal(opened.ok, isStarted);
    if (!opened.ok)
      assert(
        opened.failure.kind === 'agentNotStarted' && opened.failure.detail.includes('nodePath'),
      );
  });
}

for (const [name, status, close] of [
  ['its program ended', { code: 3, reason: 2 }, { code: 3, reason: 'process' }],
  ['a person closed it', { code: undefined, reason: 3 }, { code: undefined, reason: 'user' }],
  ['the window went away', { code: undefined, reason: 1 }, { code: undefined, reason: 'shutdown' }],
  ['the editor does not say why', undefined, { code: undefined, reason: 'unknown' }],
  ['the editor has a reason that is new', { code: 0, reason: 9 }, { code: 0, reason: 'unknown' }],
] as const) {
  test(`it is told once that a terminal is gone, also when ${name}`, () => {
    const { editor, opened } = open();
    assert(opened.ok);
    const closes: TerminalClose[] = [];
    opened.value.onDidClose((how) => void closes.push(how));
    (editor.bringBack({ name: 'another one' }) as unknown as { close(): void }).close();
    assert.deepEqual(closes, []);
    editor.all[0]!.close(status);
    editor.all[0]!.close(status);
    assert.deepEqual(closes, [close]);
  });
}

test('looking away leaves the terminal alone, closing closes it', () => {
  const { editor, opened } = open();
  assert(opened.ok);
  const closes: TerminalClose[] = [];
  opened.value.onDidClose((how) => void closes.push(how));
  opened.value.dispose();
  assert(editor.all[0]!.isOpen);
  opened.value.close();
  assert.deepEqual([editor.all[0]!.isOpen, closes], [false, []]);
});

test('after a reload a terminal is found again by its process, whatever it is called and whenever it comes', async () => {
  const editor = new TerminalWindow();
  const clock = new HandClock();
  editor.bringBack({}, new Promise(() => undefined));
  editor.bringBack({}, Promise.resolve(undefined));
  editor.bringBack({ name: SPEC.name }, Promise.resolve(41));
  editor.bringBack({}, Promise.reject(new Error('never started')));
  const finding = findAgain(asWindow(editor), 42, clock);
  await settle();
  const late = editor.bringBack({ name: 'renamed' }, Promise.resolve(42));
  const found = await finding;
  assert.equal(found?.terminal, late);
  assert.equal(await found.processId, 42);
  assert.equal(clock.waiting, 0);
  const closes: TerminalClose[] = [];
  found.onDidClose((how) => void closes.push(how));
  editor.all.at(-1)!.close({ code: 0, reason: 2 });
  assert.deepEqual(closes, [{ code: 0, reason: 'process' }]);
});

test('a terminal that does not come back within ten seconds is gone', async () => {
  const editor = new TerminalWindow();
  const clock = new HandClock();
  editor.bringBack({}, Promise.resolve(41));
  const finding = findAgain(asWindow(editor), 42, clock);
  await clock.turn(10_000);
  assert.equal(await finding, undefined);
});

import assert from 'node:assert/strict';
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { window } from 'vscode';
import { Emitter } from '../../../../src/core/events.ts';
import { taskId } from '../../../../src/core/task.ts';
import type { Attempt } from '../../../../src/agent-process/terminals/attempt-view.ts';
import { TaskTerminals } from '../../../../src/agent-process/terminals/task-terminals.ts';
import { answers, shown } from '../../../support/editor-stub.ts';
import { HandClock, settle } from '../../../support/hand-clock.ts';
import { folderFor } from '../../../support/stores.ts';
import { eventually, TerminalWindow } from '../../../support/terminal-window.ts';

const WELL = { mark: '✓', words: 'Ended well after 3 s' } as const;

/** The terminals of a window, the logs that they show, and what a person asked for. */
function makeTerminals(t: TestContext) {
  const folder = folderFor(t);
  const editor = new TerminalWindow();
  const clock = new HandClock();
  const stops: string[] = [];
  const told: string[] = [];
  const terminals = new TaskTerminals({
    window: editor as unknown as typeof window,
    clock,
    onStopRequested: (id, key) => void stops.push(`${id} ${key}`),
    log: (line) => void told.push(line),
    reportBug: (error) => {
      throw error;
    },
  });
  t.after(() => terminals.dispose());
  let starts = 0;
  const attemptOf = (id: string, more: Partial<Attempt> = {}): Attempt => {
    const attemptNo = ++starts;
    return {
      ...{
        key: `r1/${attemptNo}`,
        runId: 'r1',
        attemptNo,
        id: taskId(id),
        title: `Bake ${id}`,
        label: 'Claude Code',
      },
      ...{ output: 'text', logFile: join(folder, `${attemptNo}.log`), tryNo: 1, ...more },
    };
  };
  /** Opens the terminal of an attempt at work. */
  const open = (id: string, more: Partial<Attempt> = {}, isAttached = false): Attempt => {
    const attempt = attemptOf(id, more);
    terminals.open({ ...attempt, isAttached });
    return attempt;
  };
  /** Ends what is at work, as far as its terminal knows. */
  const end = (attempt: Attempt) => terminals.ended(attempt.key, WELL);
  return { terminals, editor, clock, stops, told, attemptOf, open, end };
}

test('a terminal shows the log of its agent while it grows, and then how it ended', async (t) => {
  const { editor, clock, open, end } = makeTerminals(t);
  const attempt = open('T-1');
  const [terminal] = editor.all;
  assert(terminal);
  assert.equal(terminal.name, 'Bake T-1 · T-1');
  assert.equal(terminal.options.isTransient, true);
  assert.match(
    terminal.text,
    /T-1 · Bake T-1.*\r\n.*Claude Code\. Ctrl\+C stops it, closing this terminal does not\./,
  );
  writeFileSync(attempt.logFile, 'one\n');
  await eventually(() => clock.waiting > 0);
  await clock.turn(100);
  await eventually(() => terminal.text.endsWith('\r\n\r\none\r\n'));
  appendFileSync(attempt.logFile, 'the last word');
  await end(attempt);
  assert(
    terminal.text.endsWith(
      'the last word\x1b[0m\r\n\r\n✓ Ended well after 3 s. Any key closes this terminal.\r\n',
    ),
  );
  assert.equal(terminal.name, '✓ Bake T-1 · T-1');
  assert(terminal.isOpen);
  terminal.pty.handleInput('x');
  assert(!terminal.isOpen);
  await settle();
  assert.equal(clock.waiting <= 1, true);
  assert.deepEqual(shown, []);
});

test('of a run the first terminal comes to the front beside the focus, and of a run that goes on none', (t) => {
  const { editor, open } = makeTerminals(t);
  for (const id of ['a', 'b', 'c']) open(id);
  open('d', { runId: 'r2' }, true);
  open('e', { runId: 'r2' });
  open('f', { runId: 'r3' });
  assert.deepEqual(
    editor.all.map(({ shows }) => shows),
    [[true], [], [], [], [], [true]],
  );
});

test('what was at work before the window opened is shown from the beginning of its log', async (t) => {
  const { editor, open, attemptOf } = makeTerminals(t);
  const { logFile } = attemptOf('T-1');
  writeFileSync(logFile, 'long ago\n');
  open('T-1', { logFile, tryNo: 2 }, true);
  await eventually(() => editor.all[0]!.text.endsWith('long ago\r\n'));
  assert.match(
    editor.all[0]!.text,
    /Claude Code, attempt 2\. It was at work before this window opened\./,
  );
});

test('Ctrl+C asks for a stop, and says so once', (t) => {
  const { editor, open, stops } = makeTerminals(t);
  open('T-1');
  const { pty } = editor.all[0]!;
  pty.handleInput('\x03');
  pty.handleInput('\x03');
  assert.deepEqual(stops, ['T-1 r1/1', 'T-1 r1/1']);
  assert.equal(editor.all[0]!.text.split('[Asked to stop.]').length, 2);
});

test('closing a terminal stops nothing, and whoever closed it is asked', async (t) => {
  const { terminals, editor, clock, open, stops } = makeTerminals(t);
  open('T-1', { title: 'Bake $(flame) a [cake](command:x)' });
  editor.all[0]!.close();
  await clock.turn(500);
  assert.deepEqual(stops, []);
  const [message] = shown;
  assert.equal(message?.message, 'Still at work: Bake $\u200b(flame) a [cake]\u200b(command:x)');
  assert.deepEqual(message.buttons, ['Stop', 'Show']);
  assert.equal(editor.all.length, 1);
  assert(terminals.has(taskId('T-1')));
});

test('the answer Stop stops, the answer Show shows the log again from its beginning', async (t) => {
  const { terminals, editor, clock, open, stops, end } = makeTerminals(t);
  const attempt = open('T-1');
  writeFileSync(attempt.logFile, 'one\n');
  answers.push('Show');
  editor.all[0]!.close();
  await clock.turn(500);
  await eventually(() => editor.all[1]?.text.endsWith('one\r\n') === true);
  assert.deepEqual([editor.all[1]!.shows, stops], [[true], []]);

  answers.push('Stop');
  editor.all[1]!.close();
  await clock.turn(500);
  assert.deepEqual(stops, ['T-1 r1/1']);
  await end(attempt);
  assert.equal(editor.all.length, 2);
  assert.equal(terminals.has(attempt.id), false);
});

test('what a person decided about the work is in the terminal and its name, once it has ended', async (t) => {
  const { terminals, editor, open, end } = makeTerminals(t);
  const attempt = open('T-1');
  const [terminal] = editor.all;
  assert(terminal);
  const discarded = { mark: '■', words: 'Discarded' } as const;
  terminals.decided(attempt.key, discarded);
  assert.doesNotMatch(terminal.text, /Discarded/);
  await end(attempt);
  assert.equal(terminal.name, '✓ Bake T-1 · T-1');
  terminals.decided(attempt.key, discarded);
  assert.match(terminal.text, /✓ Ended well[^]*■ Discarded\. Any key closes this terminal\.\r\n$/);
  assert.equal(terminal.name, '■ Bake T-1 · T-1');
  terminals.decided('r1/9', discarded);
});

test('a terminal that is closed before it could open is closed too', async (t) => {
  const { terminals, editor, clock, open } = makeTerminals(t);
  const { id } = open('T-1');
  editor.all[0]!.closeUnopened();
  await clock.turn(500);
  assert.equal(shown.length, 1);
  assert.equal(terminals.show(id), true);
  assert.equal(editor.terminals.length, 1);
});

test('terminals that are closed together are told in one message', async (t) => {
  const { editor, clock, open, stops } = makeTerminals(t);
  for (const id of ['a', 'b', 'c']) open(id);
  answers.push('Stop');
  for (const terminal of editor.all) terminal.close();
  await clock.turn(500);
  assert.deepEqual(
    shown.map(({ message }) => message),
    ['Still at work: Bake a and 2 more'],
  );
  assert.deepEqual(stops, ['a r1/1', 'b r1/2', 'c r1/3']);
});

test('nobody is asked about what has ended or is shown again meanwhile, nor when the window goes away', async (t) => {
  const { terminals, editor, clock, open, end } = makeTerminals(t);
  const first = open('a');
  open('b');
  open('c');
  editor.all[0]!.close();
  await end(first);
  editor.all[1]!.close();
  terminals.show(taskId('b'));
  await clock.turn(500);
  assert.deepEqual(shown, []);
  editor.all[2]!.close();
  terminals.dispose();
  await clock.turn(500);
  assert.deepEqual(shown, []);
  assert(editor.all.every(({ isOpen }) => !isOpen));
  assert.equal(clock.waiting, 0);
});

test('a terminal is there until its task has ended and it was closed', async (t) => {
  const { terminals, editor, open, end } = makeTerminals(t);
  const id = taskId('T-1');
  assert.equal(terminals.show(id), false);
  const attempt = open('T-1');
  assert.equal(terminals.show(id, true), true);
  await end(attempt);
  assert.equal(terminals.has(id), true);
  editor.all[0]!.close();
  assert.equal(terminals.has(id), false);
  assert.equal(terminals.show(id), false);
});

test('another attempt at a task takes the place of the terminal before it', async (t) => {
  const { terminals, editor, clock, open, end } = makeTerminals(t);
  await end(open('T-1'));
  open('T-1', { tryNo: 2 });
  open('T-1', { tryNo: 3 });
  assert.deepEqual(
    editor.all.map(({ isOpen }) => isOpen),
    [false, false, true],
  );
  await clock.turn(500);
  assert.deepEqual(shown, []);
  await terminals.ended('r1/1', WELL);
  assert(terminals.has(taskId('T-1')));
});

test('the same attempt has one terminal, whoever tells of it', (t) => {
  const { terminals, editor, open } = makeTerminals(t);
  terminals.open({ ...open('T-1'), isAttached: true });
  assert.equal(editor.all.length, 1);
});

test('eight terminals of ended attempts stay, those that failed longest; the oldest are closed', async (t) => {
  const { terminals, editor, open, end } = makeTerminals(t);
  const atWork = open('at work');
  const failed = open('failed');
  await terminals.ended(failed.key, { mark: '✗', words: 'Failed with exit code 3' });
  for (let i = 0; i < 10; i++) await end(open(`T-${i}`));
  assert.deepEqual(
    editor.terminals.map(({ name }) => name.replace(/.* · /, '')),
    ['at work', 'failed', 'T-3', 'T-4', 'T-5', 'T-6', 'T-7', 'T-8', 'T-9'],
  );
  await end(atWork);
});

test('a terminal of a large run is opened when it is asked for, and only then', async (t) => {
  const { terminals, editor, attemptOf, end } = makeTerminals(t);
  const [first, second] = [attemptOf('T-1'), attemptOf('T-2')];
  for (const attempt of [first, second])
    terminals.open({ ...attempt, isAttached: false, isQuiet: true });
  assert.deepEqual(editor.all, []);
  terminals.setActivity(first.key, 'npm test');
  assert.equal(terminals.activityOf(taskId('T-1')), 'npm test');
  assert.ok(terminals.has(taskId('T-2')) && terminals.show(taskId('T-2')));
  assert.deepEqual(
    editor.all.map(({ name }) => name),
    ['Bake T-2 · T-2'],
  );
  await end(first);
  assert.ok(!terminals.has(taskId('T-1')), 'its log has its output');
});

test('neither the name nor the header of a terminal obeys a task', (t) => {
  const { editor, open } = makeTerminals(t);
  open('T\x1b]0;x\x07', { title: 'a\x1b[2Jb\r\nc\u202e', label: 'L\x1b[31m' });
  assert.equal(editor.all[0]!.name, 'a[2Jb c · T]0;x');
  assert.doesNotMatch(editor.all[0]!.text.replace(/\x1b\[[0-2]m|\r\n/g, ''), /[\p{Cc}\u202e]/u);
});

const use = (name: string, command: string): string =>
  `${JSON.stringify({ type: 'assistant', message: { content: [{ type: 'tool_use', name, input: { command } }] } })}\n`;

test('what agents are doing is told at most once a second, with or without a terminal', async (t) => {
  const { terminals, editor, clock, open, end } = makeTerminals(t);
  const told: string[] = [];
  terminals.onDidChangeActivity((ids) => {
    told.push([...ids].map((id) => `${id}: ${terminals.activityOf(id) ?? 'nothing'}`).join(', '));
  });
  const [a, b] = [open('a', { output: 'streamJson' }), open('b', { output: 'streamJson' })];
  editor.all[1]!.close();
  terminals.setActivity(a.key, 'npm test');
  assert.deepEqual(told, ['a: npm test']);
  terminals.setActivity(b.key, 'npm run \x1b[2Jb');
  for (let i = 0; i < 9; i++) {
    terminals.setActivity(a.key, `npm start ${i}`);
    await clock.turn(100);
  }
  assert.equal(told.length, 1);
  await clock.turn(1000);
  assert.deepEqual(told.slice(1), ['b: npm run [2Jb, a: npm start 8']);
  terminals.setActivity(a.key, 'npm start 8');
  await clock.turn(1000);
  assert.equal(told.length, 2, 'the same again is no news');
  await end(a);
  assert.equal(terminals.activityOf(a.id), undefined);
  assert.deepEqual(told.slice(2), ['a: nothing']);
  terminals.setActivity(a.key, 'npm again');
  terminals.setActivity('r9/1', 'of no attempt');
  await clock.turn(1000);
  assert.equal(told.length, 3);
});

test('the log of an attempt without a terminal is not read', async (t) => {
  const { editor, clock, open } = makeTerminals(t);
  open('T-1', { output: 'streamJson' });
  await eventually(() => clock.waiting === 1);
  editor.all[0]!.close();
  await settle();
  assert.equal(clock.waiting, 1, 'the question that the user who closed it is asked');
  await clock.turn(500);
  assert.equal(clock.waiting, 0);
});

test('an event that its agent did not finish is shown as far as it came', async (t) => {
  const { editor, open, end } = makeTerminals(t);
  const attempt = open('T-1', { output: 'streamJson' });
  writeFileSync(attempt.logFile, `${use('Bash', 'npm test')}killed in mid`);
  await end(attempt);
  assert.match(editor.all[0]!.text, /npm test\r\nkilled in mid[^]*✓ Ended well/);
});

test('a log that vanishes while it is shown changes nothing', async (t) => {
  const { editor, clock, told, open, end } = makeTerminals(t);
  const attempt = open('T-1');
  writeFileSync(attempt.logFile, 'one\n');
  await clock.turn(100);
  await eventually(() => editor.all[0]!.text.endsWith('one\r\n'));
  rmSync(attempt.logFile);
  await clock.turn(100);
  await end(attempt);
  assert.match(editor.all[0]!.text, /one\r\n[^]*✓ Ended well/);
  assert.deepEqual(told, []);
});

test('a terminal of the editor that was taken in is shown for its task until it closes', (t) => {
  const { terminals, stops } = makeTerminals(t);
  const id = taskId('T-1');
  const closed = new Emitter<unknown>();
  const shows: (boolean | undefined)[] = [];
  terminals.adopt(id, {
    terminal: { show: (focus) => void shows.push(focus) },
    onDidClose: closed.event,
  });
  assert.equal(terminals.show(id, true), true);
  assert.deepEqual([shows, terminals.has(id)], [[true], true]);
  closed.fire(undefined);
  assert.deepEqual([terminals.show(id), terminals.has(id), stops], [false, false, []]);
});

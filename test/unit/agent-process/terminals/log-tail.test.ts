import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import fc from 'fast-check';
import {
  LogTail,
  STEP_BYTES,
  type LogTailOptions,
} from '../../../../src/agent-process/terminals/log-tail.ts';
import { HandClock, settle } from '../../../support/hand-clock.ts';
import { folderFor } from '../../../support/stores.ts';
import { eventually } from '../../../support/terminal-window.ts';

/** A tail of a file that is not there yet, and everything it told: text, and `[gap]`s between. */
function tailOf(t: TestContext, options: Partial<LogTailOptions> = {}) {
  const file = join(folderFor(t), 'agent.log');
  const clock = new HandClock();
  const told: string[] = [];
  const faults: string[] = [];
  const pieces: number[] = [];
  const tail = new LogTail({
    file,
    clock,
    wholeLines: false,
    onBytes: (bytes) => {
      pieces.push(bytes.length);
      told.push(new TextDecoder('latin1').decode(bytes));
    },
    onGap: (why) => void told.push(`[${why}]`),
    onFault: (detail) => void faults.push(detail),
    reportBug: (error) => {
      throw error;
    },
    ...options,
  });
  t.after(() => tail.dispose());
  return { file, clock, tail, faults, pieces, text: () => told.join('') };
}

test('a log is followed from before it is there, each byte once', async (t) => {
  const { file, clock, tail, text } = tailOf(t);
  tail.follow(100);
  await eventually(() => clock.waiting === 1);
  assert.equal(tail.isThere, false);
  writeFileSync(file, 'one\ntw');
  await clock.turn(100);
  await eventually(() => text() === 'one\ntw');
  assert.equal(tail.isThere, true);
  await eventually(() => clock.waiting === 1);
  appendFileSync(file, 'o\n');
  await clock.turn(99);
  assert.equal(text(), 'one\ntw');
  await clock.turn(1);
  await eventually(() => text() === 'one\ntwo\n');
});

test('whatever is written between two looks, everything is read once and in order', async (t) => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.string({ unit: 'binary-ascii' }), fc.constant(undefined))),
      async (steps) => {
        const { tail, text, file } = tailOf(t);
        run++;
        let written = '';
        for (const step of steps) {
          if (step === undefined) {
            await tail.flush();
            assert.equal(text(), written);
          } else {
            appendFileSync(file, step);
            written += step;
          }
        }
        await tail.flush();
        assert.equal(text(), written);
      },
    ),
    { seed: 20_261_125, numRuns: 50 },
  );
  assert.equal(run, 50);
});

test('of a long log only the end is read, from the next line on, and that is told', async (t) => {
  const { file, tail, text } = tailOf(t);
  const lines = Array.from({ length: 100_000 }, (_, i) => `line ${i}\n`).join('');
  writeFileSync(file, lines);
  await tail.flush();
  assert.match(text(), /^\[skipped\]line \d+\n/);
  const shown = text().slice('[skipped]'.length);
  assert(lines.endsWith(shown));
  assert(shown.length <= STEP_BYTES && shown.length > STEP_BYTES - 100);
  appendFileSync(file, 'more\n');
  await tail.flush();
  assert(text().endsWith('line 99999\nmore\n'));
});

test('a long log without the end of a line is shown from where it goes on', async (t) => {
  const { file, tail, text } = tailOf(t);
  writeFileSync(file, '.'.repeat(2 * STEP_BYTES));
  await tail.flush();
  assert.equal(text(), '[skipped]');
  appendFileSync(file, '10%\r');
  await tail.flush();
  assert.equal(text(), '[skipped]10%\r');
});

test('in a log of lines the rest of a line is never taken for a line, however long it is', async (t) => {
  const { file, tail, text } = tailOf(t, { wholeLines: true });
  writeFileSync(file, '{'.repeat(2 * STEP_BYTES));
  await tail.flush();
  appendFileSync(file, '{'.repeat(STEP_BYTES));
  await tail.flush();
  assert.equal(text(), '[skipped]');
  appendFileSync(file, '}\n{}\n');
  await tail.flush();
  assert.equal(text(), '[skipped]{}\n');
});

test('what comes fast is read in small pieces, and what comes faster is skipped', async (t) => {
  const { file, tail, text, pieces } = tailOf(t);
  writeFileSync(file, 'begin\n');
  await tail.flush();
  const much = `${'x'.repeat(99)}\n`.repeat(30_000);
  appendFileSync(file, much);
  await tail.flush();
  assert.equal(text(), `begin\n${much}`);
  assert(Math.max(...pieces) <= STEP_BYTES);
  appendFileSync(file, `${much}${much}end\n`);
  await tail.flush();
  assert.equal(
    text()
      .slice(6 + much.length)
      .slice(0, 9),
    '[skipped]',
  );
  assert(text().endsWith('x\nend\n'));
  assert(text().length < much.length + 2 * STEP_BYTES);
});

test('a log that became shorter, or is another file of that name, is read anew', async (t) => {
  const { file, tail, text } = tailOf(t);
  writeFileSync(file, 'a long first line\n');
  await tail.flush();
  truncateSync(file);
  appendFileSync(file, 'short\n');
  await tail.flush();
  assert.equal(text(), 'a long first line\n[begunAnew]short\n');
  writeFileSync(`${file}.new`, 'a long other line\n');
  renameSync(`${file}.new`, file);
  await tail.flush();
  assert.equal(text(), 'a long first line\n[begunAnew]short\n[begunAnew]a long other line\n');
});

test('a log that vanishes is no fault, and is read again when it comes back', async (t) => {
  const { file, tail, text, faults } = tailOf(t);
  writeFileSync(file, 'one\n');
  await tail.flush();
  rmSync(file);
  await tail.flush();
  assert.equal(tail.isThere, false);
  writeFileSync(file, 'a longer one\n');
  await tail.flush();
  assert.equal(text(), 'one\n[begunAnew]a longer one\n');
  assert.deepEqual(faults, []);
});

test('a folder in its place is told once and read never', async (t) => {
  const { file, tail, text, faults } = tailOf(t);
  mkdirSync(file);
  for (let i = 0; i < 3; i++) await tail.flush();
  assert.deepEqual([text(), faults], ['', [`${file} is no ordinary file`]]);
});

test(
  'neither a link nor a pipe in its place is read',
  { skip: process.platform === 'win32' },
  async (t) => {
    for (const put of [
      (file: string) => {
        writeFileSync(`${file}.secret`, 'secret');
        symlinkSync(`${file}.secret`, file);
      },
      (file: string) => void execFileSync('mkfifo', [file]),
    ]) {
      const { file, tail, text, faults } = tailOf(t);
      put(file);
      await tail.flush();
      assert.deepEqual([text(), faults.length], ['', 1]);
    }
  },
);

test('nobody is told anything after it was disposed, not even of a look that was under way', async (t) => {
  const { file, clock, tail, text } = tailOf(t);
  writeFileSync(file, 'one\n');
  tail.follow(100);
  tail.dispose();
  await tail.flush();
  await settle();
  assert.equal(text(), '');
  assert.equal(clock.waiting, 0);
});

test('however often its pace is changed, there is one timer', async (t) => {
  const { clock, tail, file, text } = tailOf(t);
  tail.follow(100);
  tail.follow(1000);
  await tail.flush();
  await settle();
  assert.equal(clock.waiting, 1);
  writeFileSync(file, 'one\n');
  await clock.turn(999);
  assert.equal(text(), '');
  await clock.turn(1);
  await eventually(() => text() === 'one\n');
});

test('a bug in a listener is reported, and the next look goes on behind it', async (t) => {
  const bugs: unknown[] = [];
  let [count, read] = [0, ''];
  const { file, clock, tail } = tailOf(t, {
    onBytes: (bytes) => {
      if (count++ === 0) throw new Error('a bug');
      read += new TextDecoder().decode(bytes);
    },
    reportBug: (error) => void bugs.push(error),
  });
  writeFileSync(file, 'one\n');
  tail.follow(100);
  await eventually(() => bugs.length === 1 && clock.waiting === 1);
  appendFileSync(file, 'two\n');
  await clock.turn(100);
  await eventually(() => read === 'two\n');
});

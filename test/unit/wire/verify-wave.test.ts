import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { processStartTime, systemProcesses as processes } from '../../../src/disk/processes.ts';
import { RunJournals } from '../../../src/store/runs/run-journals.ts';
import { systemClock as clock } from '../../../src/store/files/system-clock.ts';
import { endMarked } from '../../../src/wire/marked-work.ts';
import { verifyWaveWith } from '../../../src/wire/verify-wave.ts';

const RUN = '20261125T023000-a1b2c3';
const posix = { skip: process.platform === 'win32' };

function place(t: TestContext) {
  const base = mkdtempSync(join(tmpdir(), 'todo2-wave-'));
  t.after(() => rmSync(base, { recursive: true, force: true }));
  const root = join(base, 'shop');
  mkdirSync(root);
  const logged: string[] = [];
  const log = (line: string): void => void logged.push(line);
  const journals = new RunJournals({
    root,
    pid: process.pid,
    ...{ processes, processStartTime, clock, log },
  });
  const verify = verifyWaveWith({
    ...{ journals, log },
    inWork: async (_runId, _marked, _signal, judge) => ({
      kind: 'judged',
      value: await judge(root),
    }),
    command: () => ({
      command: process.execPath,
      args: ['-e', 'console.log("seen")'],
      limitMs: 60_000,
    }),
  });
  const folder = journals.folder.folderOf(RUN);
  return {
    base,
    journals,
    folder,
    logged,
    verify: () => verify(RUN, 0, new AbortController().signal),
  };
}

test('what verifies a wave has its output in the folder of the run', async (t) => {
  const { verify, folder } = place(t);
  const result = await verify();
  assert.equal(result?.passed, true);
  assert.match(readFileSync(join(folder, 'wave-0.log'), 'utf8'), /^seen$/m);
});

test(
  'nothing is written where the folder of the run has become a link meanwhile',
  posix,
  async (t) => {
    const { verify, folder, base, journals, logged } = place(t);
    await journals.folder.prepare();
    mkdirSync(join(base, 'outside'));
    symlinkSync(join(base, 'outside'), folder);
    const result = await verify();
    assert.equal(result?.passed, true);
    assert.match(result.tail, /seen/);
    assert.deepEqual(readdirSync(join(base, 'outside')), []);
    assert.match(logged.join('\n'), /without a log/);
  },
);

test('a pipe in place of its log is not waited for', posix, async (t) => {
  const { verify, folder, journals } = place(t);
  await journals.folder.prepareRun(RUN);
  execFileSync('mkfifo', [join(folder, 'wave-0.log')]);
  assert.equal((await verify())?.passed, true);
});

const linux = { skip: process.platform !== 'linux' };

test(
  'what a killed window left verifying is ended before it is verified anew, and where nobody does',
  linux,
  async (t) => {
    const { verify, folder, journals } = place(t);
    await journals.folder.prepareRun(RUN);
    for (const end of [verify, () => endMarked(journals, RUN, 'wave-0')]) {
      const mark = randomBytes(16).toString('hex');
      const env = { ...process.env, TODO2_WAVES_WORK: mark };
      const left = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
        env,
        stdio: 'ignore',
      });
      t.after(() => left.kill('SIGKILL'));
      writeFileSync(join(folder, 'wave-0.mark'), mark);
      const gone = once(left, 'exit');
      await end();
      await gone;
      assert.equal(existsSync(join(folder, 'wave-0.mark')), false);
    }
  },
);

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isAlive } from '../support/work-rig.ts';
import { until } from '../support/until.ts';
import { MARK } from '../editor/reap.mjs';

const LEASH = fileURLToPath(new URL('../editor/leash.mjs', import.meta.url));
// A group of its own, and a list of processes with their environments.
const posix = { skip: process.platform === 'win32' };

/** Starts what an agent may start, in a session of its own; minds no polite request. */
const PROGRAM = `
const { spawn } = require('node:child_process');
const stray = spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)'],
  { detached: true, stdio: 'ignore' });
require('node:fs').writeFileSync(process.argv[2], JSON.stringify([process.pid, stray.pid]));
process.on('SIGTERM', () => {});
setInterval(() => {}, 1000);
`;

interface Leashed {
  readonly leash: ChildProcess;
  readonly scratch: string;
  /** The program, and what it has started. */
  readonly pids: () => Promise<readonly number[]>;
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'todo2-leash-'));
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

function startLeash(t: TestContext, source: string): Leashed {
  const folder = folderOf(t);
  const scratch = mkdtempSync(join(folder, 'scratch-'));
  const [script, noted] = [join(folder, 'program.cjs'), join(folder, 'pids')];
  writeFileSync(script, source);
  const args = [LEASH, scratch, process.execPath, script, noted];
  const leash = spawn(process.execPath, args, {
    stdio: ['pipe', 'ignore', 'inherit'],
    env: { ...process.env, [MARK]: randomUUID() },
  });
  return { leash, scratch, pids: () => notedIn(noted) };
}

async function notedIn(file: string): Promise<readonly number[]> {
  await until('the program has started', () => existsSync(file) && readFileSync(file).length > 0);
  return JSON.parse(readFileSync(file, 'utf8')) as number[];
}

describe('a program on a leash', () => {
  test(
    'ends with all that it started once the other end of the pipe is closed',
    posix,
    async (t) => {
      const { leash, scratch, pids } = startLeash(t, PROGRAM);
      const all = await pids();
      assert(all.every(isAlive));
      leash.stdin?.end(JSON.stringify({ graceMs: 0 }));
      await once(leash, 'close');
      assert.deepEqual(all.filter(isAlive), []);
      assert.equal(existsSync(scratch), false);
    },
  );

  test('ends with all that it started when its holder is killed', posix, async (t) => {
    const folder = folderOf(t);
    const [script, noted] = [join(folder, 'program.cjs'), join(folder, 'pids')];
    writeFileSync(script, PROGRAM);
    const args = JSON.stringify([LEASH, join(folder, 'scratch'), process.execPath, script, noted]);
    const source = `require('node:child_process').spawn(process.execPath, ${args},
      { detached: true, stdio: ['pipe', 'ignore', 'inherit'] }); setInterval(() => {}, 1000);`;
    const holder = spawn(process.execPath, ['-e', source], {
      stdio: 'ignore',
      env: { ...process.env, [MARK]: randomUUID() },
    });
    const all = await notedIn(noted);
    holder.kill('SIGKILL');
    await until('everything has ended', () => all.every((pid) => !isAlive(pid)));
  });

  test('gives its exit code, also where it cannot be started', async (t) => {
    const { leash } = startLeash(t, 'process.exit(3)');
    assert.deepEqual(await once(leash, 'close'), [3, null]);
    const folder = folderOf(t);
    const args = [LEASH, join(folder, 'scratch'), join(folder, 'missing')];
    const other = spawn(process.execPath, args, {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { ...process.env, [MARK]: randomUUID() },
    });
    assert.deepEqual(await once(other, 'close'), [1, null]);
  });
});

import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ok } from '../../../src/core/result.ts';
import { processStartTime } from '../../../src/disk/processes.ts';
import { removeLeftLocks, withRepositoryLock } from '../../../src/git/repository-lock.ts';
import { temporaryFolder } from '../../support/repository-rig.ts';

const PROGRAM = join(import.meta.dirname, 'lock-program.ts');

test('one body runs at a time, over several processes, and nothing is left', async (t) => {
  const folder = temporaryFolder(t);
  const log = join(folder, 'log');
  writeFileSync(log, '');
  await Promise.all(Array.from({ length: 3 }, () => ended(racer(folder, log, 8))));
  const lines = readFileSync(log, 'utf8').trim().split('\n');
  assert.equal(lines.length, 3 * 8 * 2);
  for (let at = 0; at < lines.length; at += 2) {
    assert.match(lines[at]!, /^in /);
    assert.equal(lines[at + 1], lines[at]!.replace('in', 'out'));
  }
  assert.deepEqual(readdirSync(join(folder, 'waves')), []);
});

test('the lock of a process that is gone is taken over, by one at a time', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'waves'));
  const log = join(folder, 'log');
  writeFileSync(log, '');
  const holder = racer(folder, log, 1, 'stay');
  await new Promise((resolve) => holder.once('message', resolve));
  holder.kill('SIGKILL');
  await ended(holder);
  assert.equal(readdirSync(join(folder, 'waves')).length, 1);
  writeFileSync(log, '');
  await Promise.all(Array.from({ length: 3 }, () => ended(racer(folder, log, 3))));
  const lines = readFileSync(log, 'utf8').trim().split('\n');
  assert.equal(lines.length, 3 * 3 * 2);
  for (let at = 0; at < lines.length; at += 2)
    assert.equal(lines[at + 1], lines[at]!.replace('in', 'out'));
  assert.deepEqual(readdirSync(join(folder, 'waves')), []);
});

test('a lock with our id but another start time is that of an earlier process', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'waves'));
  const earlier = { pid: process.pid, begin: 'another boot', host: hostname() };
  writeFileSync(join(folder, 'waves/repository.4.lock'), JSON.stringify(earlier));
  const done = await withRepositoryLock(folder, async () => ok('done'), { waitMs: 0 });
  assert.deepEqual(done, ok('done'));
});

test('a lock that stays held is a failure, and is not removed', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'waves'));
  const file = join(folder, 'waves/repository.1.lock');
  const begin = (await processStartTime(process.ppid)) ?? null;
  writeFileSync(file, JSON.stringify({ pid: process.ppid, begin, host: hostname() }));
  const done = await withRepositoryLock(folder, async () => ok('done'), { waitMs: 0 });
  assert.ok(!done.ok && done.failure.cause === 'busy');
  assert.deepEqual(readdirSync(join(folder, 'waves')), ['repository.1.lock']);
});

test('what processes that are gone have left is removed under every name, and what is held is not', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'waves'));
  const put = (file: string, holder: object): void =>
    writeFileSync(join(folder, 'waves', file), JSON.stringify({ ...holder, host: hostname() }));
  const begin = (await processStartTime(process.ppid)) ?? null;
  put('merge-run-1.3.lock', { pid: process.ppid, begin: 'another boot' });
  put('accept.2.lock', { pid: process.ppid, begin });
  writeFileSync(join(folder, 'waves/a-record.json'), '{}');
  await removeLeftLocks(folder);
  assert.deepEqual(readdirSync(join(folder, 'waves')).sort(), ['a-record.json', 'accept.2.lock']);
});

test('a body that throws gives the lock back', async (t) => {
  const folder = temporaryFolder(t);
  const broken = withRepositoryLock(folder, () => Promise.reject(new Error('broken')));
  const next = withRepositoryLock(folder, async () => ok(1));
  await assert.rejects(broken, /broken/);
  assert.deepEqual(await next, ok(1));
});

function racer(folder: string, log: string, rounds: number, ...more: string[]): ChildProcess {
  const execArgv = ['--import', 'tsx'];
  return fork(PROGRAM, [folder, log, String(rounds), ...more], { execArgv });
}

function ended(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => child.once('exit', resolve));
}

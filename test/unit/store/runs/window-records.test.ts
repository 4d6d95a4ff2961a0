import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { taskId } from '../../../../src/core/task.ts';
import { processStartTime, systemProcesses } from '../../../../src/disk/processes.ts';
import { WindowRecordFiles } from '../../../../src/store/runs/window-records.ts';

const STORE = '/home/ann/shop/.todo2/todo2.db';
const DAY = 24 * 60 * 60_000;
const NOW = Date.now();
const ids = (text: string) => text.split(' ').map(taskId);

/**
 * A machine with these processes, each with its beginning, and the records of windows in a folder
 * of it.
 */
function machine(t: TestContext, begins: Map<number, string | undefined>) {
  const base = mkdtempSync(join(tmpdir(), 'todo2-held-'));
  t.after(() => rmSync(base, { recursive: true, force: true }));
  const folder = join(base, 'storage', 'held');
  const open = (
    pid: number,
    options: { hostname?: string; store?: string } = {},
  ): WindowRecordFiles =>
    new WindowRecordFiles({
      ...{ folder, store: options.store ?? STORE, holder: `vscode-desk-${pid}`, pid },
      processes: { hostname: options.hostname ?? 'desk', isAlive: (asked) => begins.has(asked) },
      processStartTime: (asked) => Promise.resolve(begins.get(asked)),
      clock: { now: () => NOW, after: () => assert.fail('nothing waits') },
    });
  const files = (): string[] => readdirSync(folder).sort();
  const age = (days: number): void => {
    const at = new Date(NOW - days * DAY);
    for (const name of files()) utimesSync(join(folder, name), at, at);
  };
  return { folder, open, files, age };
}

const found = async (records: WindowRecordFiles): Promise<string> => {
  const { windows, othersLive } = await records.lost();
  return [
    ...windows.map(({ holder, ids }) => `${holder}: ${ids.join(' ')}`),
    ...(othersLive ? ['others live'] : []),
  ].join(', ');
};

describe('what a window notes of the locks that a person holds', () => {
  test('is found by the next window once its process is gone, and forgotten when it has been seen to', async (t) => {
    const begins = new Map([
      [1, 'a'],
      [2, 'b'],
    ]);
    const { open, files } = machine(t, begins);
    await open(1).write(ids('T-1 T-2'));
    assert.equal(await found(open(2)), 'others live', 'a window that lives is never touched');
    begins.delete(1);
    assert.equal(await found(open(2)), 'vscode-desk-1: T-1 T-2');
    for (const window of (await open(2).lost()).windows) await window.discard();
    assert.deepEqual([await found(open(2)), files()], ['', []]);
  });

  test('is replaced whole, and gone when nothing is held', async (t) => {
    const { open, files, folder } = machine(t, new Map([[1, 'a']]));
    const records = open(1);
    await records.write([]);
    await Promise.all([records.write(ids('T-1')), records.write(ids('T-1 T-2'))]);
    const [name, ...more] = files();
    assert.deepEqual(more, [], 'no half-written file is left');
    assert.match(readFileSync(join(folder, name ?? ''), 'utf8'), /"ids":\["T-1","T-2"\]/);
    await records.write([]);
    assert.deepEqual(files(), []);
  });

  test('by a process whose id another one has by now is that of a window that is gone', async (t) => {
    const begins = new Map([[1, 'a']]);
    const { open } = machine(t, begins);
    await open(1).write(ids('T-1'));
    begins.set(1, 'later');
    assert.equal(await found(open(2)), 'vscode-desk-1: T-1');
  });

  test('where the system does not tell when a process began, another process is taken for alive, and our own id for reused', async (t) => {
    const { open } = machine(t, new Map([[1, undefined]]));
    await open(1).write(ids('T-1'));
    assert.equal(await found(open(2)), 'others live');
    assert.equal(await found(open(1)), 'vscode-desk-1: T-1');
  });

  test('on another machine is never judged, and swept when no lease can be left', async (t) => {
    const { open, files, age } = machine(t, new Map());
    await open(1, { hostname: 'other' }).write(ids('T-1'));
    assert.equal(await found(open(2)), '');
    assert.equal(files().length, 1);
    age(8);
    await open(2).lost();
    assert.deepEqual(files(), []);
  });

  test('in another store is left to the window that opens it, and swept late', async (t) => {
    const { open, files, age } = machine(t, new Map());
    await open(1, { store: '/elsewhere/todo2.db' }).write(ids('T-1'));
    assert.equal(await found(open(2)), '');
    assert.equal(files().length, 1);
    age(8);
    await open(2).lost();
    assert.deepEqual(files(), []);
  });

  test('in a file that is damaged says nothing and does no harm', async (t) => {
    const { folder, open, files, age } = machine(t, new Map());
    mkdirSync(folder, { recursive: true });
    const damaged = [
      '{',
      '[]',
      'null',
      '{"store":1}',
      `{"store":"${STORE}","holder":"h","host":"desk","pid":"1","begin":null,"ids":[]}`,
    ];
    for (const [index, text] of damaged.entries())
      writeFileSync(join(folder, `${index}.json`), text);
    assert.equal(await found(open(2)), '');
    assert.equal(files().length, damaged.length);
    age(8);
    await open(2).lost();
    assert.deepEqual(files(), []);
  });
});

test('this process lives and has a beginning of its own, and one that has ended has neither', async () => {
  assert.equal(systemProcesses.isAlive(process.pid), true);
  assert.equal(systemProcesses.isAlive(2 ** 30), false);
  assert.equal(await processStartTime(2 ** 30), undefined);
  const begin = await processStartTime(process.pid);
  assert.equal(begin, await processStartTime(process.pid));
  if (process.platform === 'win32') return;
  assert.notEqual(begin, undefined);
  // The parent began before us, except where a system counts its time very coarsely.
  if (process.platform === 'linux') assert.notEqual(begin, await processStartTime(process.ppid));
});

test('a process that may not be signalled is there', (t) => {
  t.mock.method(process, 'kill', () => {
    throw Object.assign(new Error('not permitted'), { code: 'EPERM' });
  });
  assert.equal(systemProcesses.isAlive(1), true);
});

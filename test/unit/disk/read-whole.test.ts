import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readWhole, readWholeSync, readWholeText } from '../../../src/disk/read-whole.ts';
import { realWithin, whyNotWritten } from '../../../src/disk/within.ts';

const base = mkdtempSync(join(tmpdir(), 'todo2-disk-'));
after(() => rmSync(base, { recursive: true, force: true }));
const root = join(base, 'root');
const outside = join(base, 'outside');
mkdirSync(join(root, 'inner'), { recursive: true });
mkdirSync(outside);
writeFileSync(join(root, 'inner', 'a.txt'), 'äbc');
writeFileSync(join(outside, 'secret'), 'secret');
symlinkSync(join(root, 'inner', 'a.txt'), join(root, 'inside'));
symlinkSync(join(outside, 'secret'), join(root, 'out'));
symlinkSync(outside, join(root, 'folder'));
symlinkSync(join(outside, 'nothing'), join(root, 'dangling'));
const isPosix = process.platform !== 'win32';

async function outcome(file: string, mostBytes = 100, withRoot = true): Promise<string> {
  const limits = { mostBytes, ...(withRoot && { root }) };
  const read = await readWhole(file, limits);
  const sync = readWholeSync(file, limits);
  const tell = ({ ok, ...rest }: typeof read): string =>
    ok && 'value' in rest ? (rest.value?.bytes.toString() ?? 'absent') : JSON.stringify(rest);
  assert.equal(tell(sync), tell(read));
  return tell(read);
}

test('a file is read whole, up to its limit and no byte more', async () => {
  assert.equal(await outcome(join(root, 'inner', 'a.txt'), 4), 'äbc');
  assert.match(await outcome(join(root, 'inner', 'a.txt'), 3), /larger than 1 KB/);
  assert.equal(await outcome(join(root, 'missing', 'a.txt')), 'absent');
  writeFileSync(join(root, 'large'), 'x'.repeat(300_000));
  assert.equal((await outcome(join(root, 'large'), 300_000)).length, 300_000);
  assert.match(await outcome(join(root, 'large'), 299_999), /larger than 293 KB/);
});

test('a link is followed within the root, refused out of it, and never followed without one', async () => {
  assert.equal(await outcome(join(root, 'inside')), 'äbc');
  assert.match(await outcome(join(root, 'out')), /leads out of the folder, to /);
  assert.match(await outcome(join(root, 'folder', 'secret')), /leads out of the folder/);
  assert.equal(await outcome(join(root, 'dangling')), 'absent');
  if (isPosix) assert.match(await outcome(join(root, 'inside'), 100, false), /it is a link/);
});

test('a folder, a pipe and a device are no files, and none of them is waited for', async () => {
  assert.match(await outcome(join(root, 'inner')), /not a file/);
  if (!isPosix) return;
  execFileSync('mkfifo', [join(root, 'pipe')]);
  assert.match(await outcome(join(root, 'pipe')), /not a file/);
  assert.match(await outcome('/dev/zero', 100, false), /not a file/);
});

test('a file that hides its size is read to its end or its limit', async (t) => {
  if (process.platform !== 'linux') {
    t.skip('there is no /proc');
    return;
  }
  assert.match(await outcome('/proc/version', 100_000, false), /Linux/);
  assert.match(await outcome('/proc/version', 10, false), /larger than/);
});

test('text that is not UTF-8 is a fault, and a byte order mark stays', async () => {
  writeFileSync(join(root, 'latin'), Buffer.from([0x61, 0xe4]));
  writeFileSync(join(root, 'mark'), '\ufeffa');
  const latin = await readWholeText(join(root, 'latin'), { root, mostBytes: 10 });
  assert.match(JSON.stringify(latin), /not UTF-8/);
  const mark = await readWholeText(join(root, 'mark'), { root, mostBytes: 10 });
  assert.deepEqual(mark, { ok: true, value: '\ufeffa' });
});

test('nothing is written through a link that leads out of the root or to nothing', () => {
  assert.equal(whyNotWritten(root, join(root, 'inner', 'a.txt')), undefined);
  assert.equal(whyNotWritten(root, join(root, 'inner', 'new')), undefined);
  assert.equal(whyNotWritten(root, join(root, 'not', 'there', 'yet')), undefined);
  assert.equal(whyNotWritten(root, join(root, 'inside')), undefined);
  assert.match(whyNotWritten(root, join(root, 'out')) ?? '', /leads out of the folder/);
  assert.match(whyNotWritten(root, join(root, 'folder', 'new')) ?? '', /leads out of the folder/);
  assert.match(whyNotWritten(root, join(root, 'dangling')) ?? '', /a link to nothing/);
  assert.equal(realWithin(join(base, 'gone'), join(base, 'gone', 'a')), undefined);
});

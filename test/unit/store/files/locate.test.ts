import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, parse } from 'node:path';
import { test } from 'node:test';
import { findRoot, storePathsOf } from '../../../../src/store/files/locate.ts';
import { readDate } from '../../../../src/store/read/read-date.ts';
import { folderFor } from '../../../support/stores.ts';

test('the nearest folder upwards with .todo2 or .exarp is the root', async (t) => {
  const outer = folderFor(t);
  const inner = join(outer, 'a', 'b');
  mkdirSync(join(inner, 'c', 'd'), { recursive: true });
  mkdirSync(join(outer, '.todo2'));
  assert.equal(await findRoot(join(inner, 'c')), outer);
  mkdirSync(join(inner, '.exarp'));
  assert.equal(await findRoot(join(inner, 'c', 'd')), inner);
  assert.equal(await findRoot(inner), inner);
});

test('a file of that name is no store, and a folder that is not there still has parents', async (t) => {
  const outer = folderFor(t);
  mkdirSync(join(outer, '.todo2'));
  mkdirSync(join(outer, 'a'));
  writeFileSync(join(outer, 'a', '.todo2'), '');
  assert.equal(await findRoot(join(outer, 'a', 'gone', 'x')), outer);
});

test('the search ends at the root of the file system', async () => {
  assert.equal(await findRoot(parse(process.cwd()).root), undefined);
});

test('a project is named for its folder, and the root of a drive is the default one', () => {
  assert.equal(storePathsOf('/a/My Project').project, 'My Project');
  assert.equal(storePathsOf(parse(process.cwd()).root).project, 'default');
});

const dates: readonly [unknown, number | undefined][] = [
  ['2026-01-05T09:00:00Z', Date.UTC(2026, 0, 5, 9)],
  ['2026-01-05T09:00:00.5+02:00', Date.UTC(2026, 0, 5, 7, 0, 0, 500)],
  ['2026-01-05T09:00:00-0230', Date.UTC(2026, 0, 5, 11, 30)],
  ['2026-01-05 09:00:00', Date.UTC(2026, 0, 5, 9)],
  ['2026-01-05', Date.UTC(2026, 0, 5)],
  ['2026-13-05T09:00:00Z', undefined],
  ['yesterday', undefined],
  ['', undefined],
  ['0001-01-01T00:00:00Z', undefined],
  ['1970-01-01T00:00:00Z', undefined],
  [0, undefined],
  [-5, undefined],
  [NaN, undefined],
  [1e300, undefined],
  [1767600000, 1767600000000],
  ['1767600000', 1767600000000],
  [1767600000123, 1767600000123],
  [null, undefined],
  [{}, undefined],
];
for (const [value, expected] of dates) {
  test(`the date ${JSON.stringify(value)} is read`, () => assert.equal(readDate(value), expected));
}

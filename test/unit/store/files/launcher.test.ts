import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { refreshLauncher, writeLauncher } from '../../../../src/store/files/launcher.ts';

describe('a launcher', () => {
  let scratch: string;
  const folder = (): string => join(scratch, 'storage', 'of "an" editor');
  before(() => {
    scratch = mkdtempSync(join(tmpdir(), 'todo2-launcher-'));
  });
  after(() => rmSync(scratch, { recursive: true, force: true }));

  /** A script that says which one it is and what it was given. */
  const scriptNamed = (name: string): string => {
    const file = join(scratch, `it's ${name}.cjs`);
    writeFileSync(
      file,
      `console.log(JSON.stringify([${JSON.stringify(name)}, __filename, ...process.argv.slice(2)]))`,
    );
    return file;
  };
  const start = (file: string, ...args: string[]): unknown =>
    JSON.parse(execFileSync(process.execPath, [file, ...args], { encoding: 'utf8' }));

  test('is not made before somebody wants it', async () => {
    const kept = await refreshLauncher(folder(), 'mcp.cjs', scriptNamed('one'));
    assert.deepEqual([kept.ok, readdirSync(scratch).includes('storage')], [true, false]);
  });

  test('starts the script with what it is given itself, and the next one where the script has moved', async () => {
    const [one, two] = [scriptNamed('one'), scriptNamed('two')];
    const written = await writeLauncher(folder(), 'mcp.cjs', one);
    assert.ok(written.ok);
    assert.equal(written.value, join(folder(), 'mcp.cjs'));
    assert.deepEqual(start(written.value, '--root', '/x y'), ['one', one, '--root', '/x y']);
    assert.ok((await refreshLauncher(folder(), 'mcp.cjs', two)).ok);
    assert.deepEqual(start(written.value), ['two', two]);
    assert.deepEqual(readdirSync(folder()), ['mcp.cjs']);
  });

  test('is left alone where it is right already', async () => {
    const one = scriptNamed('one');
    const file = join(folder(), 'mcp.cjs');
    await writeLauncher(folder(), 'mcp.cjs', one);
    const { ino } = statSync(file);
    await writeLauncher(folder(), 'mcp.cjs', one);
    assert.equal(statSync(file).ino, ino);
  });

  test('fails as data where the folder cannot be made', async () => {
    const file = join(scratch, 'a file');
    writeFileSync(file, '');
    const written = await writeLauncher(file, 'mcp.cjs', '/x.cjs');
    assert.ok(!written.ok);
    assert.deepEqual(written.failure.kind, 'writeFailed');
  });
});

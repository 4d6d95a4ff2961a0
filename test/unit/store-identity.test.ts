import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { storeIdentity } from '../../src/store/locate.ts';

const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'todo2-identity-')));
after(() => rmSync(scratch, { recursive: true, force: true }));

test('two folders that lead to one store are one backlog', { skip: process.platform === 'win32' }, async () => {
  const first = join(scratch, 'first');
  mkdirSync(join(first, '.todo2'), { recursive: true });
  mkdirSync(join(scratch, 'worktree'));
  symlinkSync(join(first, '.todo2'), join(scratch, 'worktree', '.todo2'));
  symlinkSync(first, join(scratch, 'link'));
  const identity = await storeIdentity(first);
  assert.equal(await storeIdentity(join(scratch, 'worktree')), identity);
  assert.equal(await storeIdentity(join(scratch, 'link')), identity);
  mkdirSync(join(scratch, 'other'));
  assert.notEqual(await storeIdentity(join(scratch, 'other')), identity);
});

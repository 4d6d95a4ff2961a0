import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { namesOfRun, namesOfTask, nameOfId, worktreesFolder } from '../../../src/git/names.ts';

const cases: readonly [id: string, title: string, name: string][] = [
  ['T-17', 'Add a login page', 't-17-add-a-login-page'],
  ['T-17', '', 't-17-task'],
  ['a', '../../etc/passwd', 'a-etc-passwd'],
  ['a', '--force; rm -rf / `x` $(y)', 'a-force-rm-rf-x-y'],
  ['a', 'Größe über Ärger', 'a-große-uber-arger'.replace('ß', '-')],
  ['a', '日本語', 'a-task'],
];
for (const [id, title, name] of cases) {
  test(`the task ${id} "${title}" works in ${name}`, () => {
    const names = namesOfTask(id, title, '/r.worktrees');
    assert.deepEqual(names, { branch: `waves/${name}`, folder: join('/r.worktrees', name) });
  });
}

test('worktrees lie beside the repository, or where a setting says', () => {
  const main = { top: '/home/r', commonDir: '/home/r/.git' };
  assert.equal(worktreesFolder(main), '/home/r.worktrees');
  const linked = { top: '/home/r.worktrees/x', commonDir: '/home/r/.git' };
  assert.equal(worktreesFolder(linked), '/home/r.worktrees');
  assert.equal(worktreesFolder(main, '../trees'), '/home/trees');
});

test('any id and title give a branch that Git allows, with plain signs, and not too long', () => {
  const branches = new Set<string>();
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (id, title) => {
      const { branch, folder } = namesOfTask(id, title, '/w');
      assert.match(branch, /^waves\/[a-z0-9]+(?:-[a-z0-9]+)*$/);
      assert.ok(branch.length < 90 && folder === join('/w', branch.slice('waves/'.length)));
      assert.match(namesOfRun(id, '/w').branch, /^waves\/run-[a-z0-9-]+$/);
      branches.add(branch);
    }),
    { seed: 7, numRuns: 300 },
  );
  for (const branch of [...branches].slice(0, 15))
    execFileSync('git', ['check-ref-format', '--branch', branch]);
});

test('two ids never have the same name', () => {
  const ids = fc.oneof(fc.stringMatching(/^[tT]-\d{1,2}$/), fc.string({ maxLength: 3 }));
  fc.assert(
    fc.property(ids, ids, (a, b) => a === b || nameOfId(a) !== nameOfId(b)),
    { seed: 8, numRuns: 2000 },
  );
});

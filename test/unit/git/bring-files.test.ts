import assert from 'node:assert/strict';
import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { bringFiles } from '../../../src/git/bring-files.ts';
import { addWorktree } from '../../../src/git/worktrees.ts';
import { done, repositoryRig, temporaryFolder } from '../../support/repository-rig.ts';

test('ignored files that the patterns name are copied, and no others', async (t) => {
  const rig = repositoryRig(t, {
    '.gitignore': '.env*\n*.local\nnode_modules\n',
    '.worktreeinclude': '# comment\n*.local\n!not.local\nnode_modules/keep/\n',
  });
  const files = [
    '.env',
    'sub/.env.test',
    'x.local',
    'not.local',
    'node_modules/keep/a',
    ':(glob).local',
  ];
  for (const file of [...files, 'node_modules/other', 'plain']) rig.write(file, file);
  const repository = await rig.inspect();
  const folder = join(rig.worktrees, 'one');
  const names = { folder, branch: 'waves/one', base: repository.commit, owner: 'o' };
  done(await addWorktree({ repository, ...names }));
  const outside = join(temporaryFolder(t), 'secret');
  writeFileSync(outside, 'secret');
  symlinkSync(outside, join(rig.root, 'link.local'));
  rig.write('x.local', 'of the agent', folder);
  const brought = done(await bringFiles({ repository, folder, patterns: ['.env*', '', '-x\ny'] }));
  assert.deepEqual([...brought.files].sort(), [
    '.env',
    ':(glob).local',
    'node_modules/keep/a',
    'sub/.env.test',
  ]);
  assert.deepEqual(brought.remarks, ['link.local was not copied: it is a link, or no file.']);
  assert.equal(rig.read('x.local', folder), 'of the agent');
  assert.equal(rig.read('sub/.env.test', folder), 'sub/.env.test');
  for (const file of ['not.local', 'node_modules/other', 'plain', 'link.local'])
    assert.ok(!existsSync(join(folder, file)), file);
});

test('a link in the worktree leads no copy out of it', async (t) => {
  const rig = repositoryRig(t, { '.gitignore': '.env\n' });
  const outside = temporaryFolder(t);
  const repository = await rig.inspect();
  const folder = join(rig.worktrees, 'one');
  const names = { folder, branch: 'waves/one', base: repository.commit, owner: 'o' };
  done(await addWorktree({ repository, ...names }));
  rig.write('sub/.env', 'secret');
  symlinkSync(outside, join(folder, 'sub'));
  const brought = done(await bringFiles({ repository, folder, patterns: ['.env'] }));
  assert.deepEqual(brought.files, []);
  assert.match(brought.remarks.join(), /a link is in its way/);
  assert.ok(!existsSync(join(outside, '.env')));
});

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { accept } from '../../../src/git/accept.ts';
import { adoptWorktree } from '../../../src/git/adopt-worktree.ts';
import { discard } from '../../../src/git/discard.ts';
import { namesOfTask } from '../../../src/git/names.ts';
import type { Repository } from '../../../src/git/repository.ts';
import { readRecords } from '../../../src/git/worktree-records.ts';
import { type AddedWorktree, addWorktree } from '../../../src/git/worktrees.ts';
import { done, repositoryRig, type Rig } from '../../support/repository-rig.ts';

interface Made extends Rig, Pick<AddedWorktree, 'folder' | 'branch'> {
  readonly repository: Repository;
  readonly commit: () => string;
  readonly add: (owner: string) => Promise<AddedWorktree>;
  /** Who has a worktree, once `new` has asked for that of these. */
  readonly ownersAfter: (...from: string[]) => Promise<readonly string[]>;
}

/** A worktree of the owner `old`. */
async function made(t: TestContext): Promise<Made> {
  const rig = repositoryRig(t);
  const repository = await rig.inspect();
  const names = namesOfTask('T-1', 'one', rig.worktrees);
  const add = async (owner: string): Promise<AddedWorktree> =>
    done(await addWorktree({ repository, ...names, base: repository.commit, owner }));
  const { folder, branch } = await add('old');
  return {
    ...{ ...rig, repository, folder, branch, add },
    commit: () => {
      rig.write('work.txt', 'work\n', folder);
      rig.gitIn(folder, 'add', '-A');
      rig.gitIn(folder, 'commit', '-qm', 'work');
      return rig.gitIn(folder, 'rev-parse', 'HEAD').trim();
    },
    ownersAfter: async (...from) => {
      done(await adoptWorktree({ repository, owner: 'new', from, target: 'main' }));
      return (await readRecords(repository.commonDir)).map(({ owner }) => owner);
    },
  };
}

test('a worktree goes to the next owner as it is, with what is not committed in it', async (t) => {
  const rig = await made(t);
  const tip = rig.commit();
  rig.write('more.txt', 'more\n', rig.folder);
  assert.deepEqual(await rig.ownersAfter('never was', 'old'), ['new']);
  const found = await rig.add('new');
  assert.deepEqual([found.folder, found.branch, found.isAdopted], [rig.folder, rig.branch, true]);
  assert.equal(rig.read('more.txt', found.folder), 'more\n');
  assert.equal(rig.git('rev-parse', rig.branch).trim(), tip);
  assert.deepEqual(await rig.ownersAfter('old'), ['new'], 'once is enough');
});

test('its commits are kept where the next owner drops them', async (t) => {
  const rig = await made(t);
  const tip = rig.commit();
  await rig.ownersAfter('old');
  rig.gitIn(rig.folder, 'reset', '-q', '--hard', 'main');
  const refs = rig.git('for-each-ref', '--contains', tip, '--format=%(refname)').trim();
  assert.equal(refs, 'refs/waves/kept/t-1-one');
});

test('one in which nothing was done yet goes along, too', async (t) => {
  const rig = await made(t);
  assert.deepEqual(await rig.ownersAfter('old'), ['new']);
});

test('who has one already keeps that', async (t) => {
  const rig = await made(t);
  await rig.add('new');
  assert.deepEqual(await rig.ownersAfter('old'), ['new', 'old']);
});

test('of several earlier owners the latest counts', async (t) => {
  const rig = await made(t);
  const { branch } = await rig.add('older');
  assert.deepEqual(await rig.ownersAfter('old', 'older'), ['older', 'new']);
  const records = await readRecords(rig.repository.commonDir);
  assert.equal(records.find(({ owner }) => owner === 'older')?.branch, branch);
});

const settled: readonly [name: string, settle: (rig: Made) => Promise<void>][] = [
  ['merged into the target', ({ git, branch }) => Promise.resolve(void git('merge', '-q', branch))],
  [
    'accepted by a squash',
    async (rig) => {
      const from = rig.git('rev-parse', rig.branch).trim();
      const { repository } = rig;
      done(await accept({ repository, target: 'main', from, how: 'squash', message: 'x' }));
    },
  ],
  ['discarded', async (rig) => void done(await discard(rig))],
  [
    'discarded with what was not committed',
    async (rig) => {
      rig.write('more.txt', 'more\n', rig.folder);
      done(await discard(rig));
    },
  ],
  [
    'deleted with its branch',
    ({ git, branch }) => Promise.resolve(void git('update-ref', '-d', `refs/heads/${branch}`)),
  ],
];
for (const [name, settle] of settled)
  test(`work that was ${name} is begun anew`, async (t) => {
    const rig = await made(t);
    rig.commit();
    await settle(rig);
    assert.deepEqual(await rig.ownersAfter('old'), ['old']);
  });

test('work is not discarded because later work that was built on it is', async (t) => {
  const rig = await made(t);
  const base = rig.commit();
  const { repository } = rig;
  const names = namesOfTask('T-2', 'two', rig.worktrees);
  const later = done(await addWorktree({ repository, ...names, base, owner: 'other' }));
  rig.write('later.txt', 'later\n', later.folder);
  done(await discard({ repository, ...later }));
  assert.deepEqual(await rig.ownersAfter('old'), ['new', 'other']);
});

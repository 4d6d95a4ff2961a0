import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { bringFiles } from '../../../src/git/bring-files.ts';
import { discard } from '../../../src/git/discard.ts';
import { removeWorktree, type RemoveWorktree } from '../../../src/git/remove-worktree.ts';
import type { Repository } from '../../../src/git/repository.ts';
import { readRecords, writeRecord } from '../../../src/git/worktree-records.ts';
import { addWorktree } from '../../../src/git/worktrees.ts';
import { done, repositoryRig, type Rig } from '../../support/repository-rig.ts';

const BRANCH = 'waves/one';

interface Made extends Rig {
  readonly repository: Repository;
  readonly folder: string;
  readonly put: (file: string, text: string) => void;
  readonly commit: (message?: string) => string;
  /** Why it stays, or `removed`. */
  readonly remove: (options?: Partial<RemoveWorktree>) => Promise<string>;
}

async function made(t: TestContext, files?: Readonly<Record<string, string>>): Promise<Made> {
  const rig = repositoryRig(t, files);
  const repository = await rig.inspect();
  const names = { folder: join(rig.worktrees, 'one'), branch: BRANCH };
  const request = { repository, ...names, base: repository.commit, owner: 'o' };
  const { folder } = done(await addWorktree(request));
  return {
    ...rig,
    repository,
    folder,
    put: (file, text) => rig.write(file, text, folder),
    commit: (message = 'work') => {
      rig.gitIn(folder, 'add', '-A');
      rig.gitIn(folder, 'commit', '-qm', message);
      return rig.gitIn(folder, 'rev-parse', 'HEAD').trim();
    },
    remove: async (options) => {
      const target = { repository, branch: BRANCH, target: 'main', ...options };
      const removed = done(await removeWorktree(target));
      return removed.kind === 'kept' ? removed.why : removed.kind;
    },
  };
}

function assertGone({ root, worktrees, git }: Rig): void {
  assert.ok(!existsSync(worktrees));
  assert.equal(git('for-each-ref', 'refs/heads/waves'), '');
  assert.deepEqual(readdirSync(join(root, '.git/waves')), []);
  assert.ok(!existsSync(join(root, '.git/worktrees/one')));
  git('fsck', '--strict');
}

test('a worktree whose work is in the target goes, with its branch and record', async (t) => {
  const rig = await made(t, { a: 'a', '.gitignore': 'build\n' });
  rig.put('b', 'b');
  rig.commit();
  rig.put('build/x', 'x');
  assert.equal(await rig.remove(), 'notMerged');
  rig.git('merge', '-q', BRANCH);
  assert.equal(await rig.remove({ keepIgnored: true }), 'ignored');
  assert.equal(await rig.remove(), 'removed');
  assertGone(rig);
});

const reasons: readonly [why: string, name: string, leave: (rig: Made) => void][] = [
  ['uncommitted', 'a changed file', ({ put }) => put('a.txt', 'x')],
  ['uncommitted', 'an untracked file', ({ put }) => put('b', 'x')],
  ['uncommitted', 'a deleted file', ({ folder }) => rmSync(join(folder, 'a.txt'))],
  [
    'nested',
    'a repository of its own',
    ({ folder, git, put }) => {
      git('init', '-q', join(folder, 'nested'));
      put('nested/x', 'x');
    },
  ],
  [
    'notMerged',
    'a commit on a detached HEAD',
    ({ folder, gitIn, put, commit }) => {
      gitIn(folder, 'checkout', '-q', '--detach');
      put('b', 'b');
      commit();
    },
  ],
  ['locked', 'a lock of the user', ({ folder, git }) => git('worktree', 'lock', folder)],
  [
    'underWay',
    'a half-done merge',
    ({ root }) => writeFileSync(join(root, '.git/worktrees/one/MERGE_HEAD'), `${'1'.repeat(40)}\n`),
  ],
];
for (const [why, name, leave] of reasons) {
  test(`${name} keeps a worktree as it is`, async (t) => {
    const rig = await made(t);
    leave(rig);
    const before = readdirSync(rig.folder, { recursive: true });
    assert.equal(await rig.remove(), why);
    assert.deepEqual(readdirSync(rig.folder, { recursive: true }), before);
    assert.deepEqual(readdirSync(rig.worktrees), ['one']);
  });
}

test('a worktree of others is never removed', async (t) => {
  const rig = await made(t);
  rig.git('worktree', 'add', '-q', '-b', 'waves/theirs', join(rig.worktrees, 'theirs'));
  assert.equal(await rig.remove({ branch: 'waves/theirs' }), 'notOurs');
});

test('discarded work is under a ref, committed or not, and then the worktree goes', async (t) => {
  const rig = await made(t);
  rig.put('committed', 'x');
  rig.commit();
  rig.put('left', 'x');
  rig.put('a.txt', 'changed');
  const request = { repository: rig.repository, branch: BRANCH, folder: rig.folder };
  const { ref, commit } = done(await discard(request));
  assert.deepEqual(
    [ref, done(await discard(request)).commit],
    ['refs/waves/discarded/one', commit],
  );
  const files = rig.git('ls-tree', '--name-only', ref).trim().split('\n');
  assert.deepEqual(files, ['a.txt', 'committed', 'left']);
  rig.put('later', 'x');
  assert.equal(await rig.remove(), 'uncommitted');
  const later = done(await discard(request)).ref;
  assert.equal(later, 'refs/waves/discarded/one-2');
  assert.equal(await rig.remove(), 'removed');
  assertGone(rig);
  assert.equal(rig.git('show', `${later}:later`), 'x');
});

test('a changed backlog in a worktree does not keep it, and is kept itself', async (t) => {
  const rig = await made(t, { a: 'a', '.todo2/todo2.db': 'x' });
  rig.put('.todo2/todo2.db', 'changed');
  assert.equal(await rig.remove(), 'removed');
  assertGone(rig);
  assert.equal(rig.git('show', 'refs/waves/kept/one:.todo2/todo2.db'), 'changed');
});

test('commits that the agent has dropped are kept', async (t) => {
  const rig = await made(t);
  rig.put('b', 'dropped');
  const dropped = rig.commit();
  rig.gitIn(rig.folder, 'reset', '-q', '--hard', 'HEAD~1');
  assert.equal(await rig.remove(), 'removed');
  assertGone(rig);
  rig.git('merge-base', '--is-ancestor', dropped, 'refs/waves/kept/one');
});

test('an ignored file that was brought along keeps it only where it was changed', async (t) => {
  const rig = await made(t, { a: 'a', '.gitignore': '.env*\n' });
  rig.write('.env', 'secret');
  rig.write('.env.local', 'x');
  const { repository, folder } = rig;
  done(await bringFiles({ repository, folder, patterns: ['.env*'] }));
  rig.put('.env', 'changed');
  assert.equal(await rig.remove(), 'changedBrought');
  rig.put('.env', 'secret');
  assert.equal(await rig.remove({ keepIgnored: true }), 'removed');
  assertGone(rig);
});

test('a removal that was interrupted goes on or is undone', async (t) => {
  const rig = await made(t);
  const [record] = await readRecords(rig.repository.commonDir);
  const aside = `${rig.folder}.removing-1`;
  mkdirSync(aside);
  writeFileSync(join(aside, 'half'), 'x');
  rmSync(rig.folder, { recursive: true });
  await writeRecord(rig.repository.commonDir, { ...record!, state: 'deleting', aside });
  assert.equal(await rig.remove(), 'removed');
  assertGone(rig);
});

test('a worktree with a submodule goes, unless that has work of its own', async (t) => {
  const rig = repositoryRig(t);
  const library = repositoryRig(t).root;
  rig.git('submodule', '--quiet', 'add', library, 'library');
  rig.git('commit', '-qm', 'submodule');
  const repository = await rig.inspect();
  const folder = join(rig.worktrees, 'one');
  const owner = { owner: 'o', base: repository.commit };
  done(await addWorktree({ repository, folder, branch: BRANCH, ...owner }));
  const request = { repository, branch: BRANCH, target: 'main' };
  const inside = join(folder, 'library');
  rig.write('new', 'x', inside);
  const why = async (): Promise<string> => {
    const removed = done(await removeWorktree(request));
    return removed.kind === 'kept' ? removed.why : removed.kind;
  };
  assert.equal(await why(), 'nested');
  rmSync(join(inside, 'new'));
  assert.equal(await why(), 'removed');
  assertGone(rig);
});

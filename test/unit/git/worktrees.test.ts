import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readRecords, writeRecord } from '../../../src/git/worktree-records.ts';
import { listWorktrees } from '../../../src/git/list-worktrees.ts';
import { addWorktree, type AddedWorktree } from '../../../src/git/worktrees.ts';
import { namesOfTask } from '../../../src/git/names.ts';
import { done, repositoryRig, temporaryFolder, type Rig } from '../../support/repository-rig.ts';

async function add(rig: Rig, owner = 'run 1', title = 'one'): Promise<AddedWorktree> {
  const repository = await rig.inspect();
  const names = namesOfTask('T-1', title, rig.worktrees);
  return done(await addWorktree({ repository, ...names, base: repository.commit, owner }));
}

test('a worktree has its branch, its files and a record, and the user’s folder stays', async (t) => {
  const rig = repositoryRig(t);
  const before = rig.git('status', '--porcelain=v2', '--branch');
  const { folder, branch, isAdopted } = await add(rig);
  assert.deepEqual([branch, isAdopted], ['waves/t-1-one', false]);
  assert.equal(rig.read('a.txt', folder), 'a\n');
  assert.equal(rig.gitIn(folder, 'symbolic-ref', '--short', 'HEAD').trim(), branch);
  assert.equal(rig.git('status', '--porcelain=v2', '--branch'), before);
  const listed = done(await listWorktrees(await rig.inspect()));
  assert.deepEqual(
    listed.map((tree) => [tree.folder, tree.branch, tree.isMain, tree.record?.owner]),
    [
      [rig.root, 'main', true, undefined],
      [folder, branch, false, 'run 1'],
    ],
  );
  assert.deepEqual(readdirSync(join(rig.root, '.git/waves')), ['t-1-one.json']);
});

test('the same owner finds its worktree again with what is in it, another gets a free name', async (t) => {
  const rig = repositoryRig(t);
  const { folder } = await add(rig);
  rig.write('work.txt', 'x', folder);
  const again = await add(rig);
  assert.deepEqual([again.folder, again.isAdopted], [folder, true]);
  assert.equal(rig.read('work.txt', folder), 'x');
  const other = await add(rig, 'run 2');
  assert.deepEqual([other.branch, other.folder], ['waves/t-1-one-2', `${folder}-2`]);
});

test('a branch or a folder of others stays, and a free name is taken', async (t) => {
  const rig = repositoryRig(t);
  rig.git('branch', 'waves/t-1-one');
  rig.git('branch', 'waves/t-1-one-2/below');
  mkdirSync(join(rig.worktrees, 't-1-one-3'), { recursive: true });
  assert.equal((await add(rig)).branch, 'waves/t-1-one-4');
});

test('a branch named waves is in the way, and is said', async (t) => {
  const rig = repositoryRig(t);
  rig.git('branch', 'waves');
  const repository = await rig.inspect();
  const names = namesOfTask('T-1', 'x', rig.worktrees);
  const added = await addWorktree({ repository, ...names, base: repository.commit, owner: 'o' });
  assert.ok(!added.ok && added.failure.cause === 'inTheWay');
});

test('eight are made at the same time', async (t) => {
  const rig = repositoryRig(t);
  const made = await Promise.all(
    Array.from({ length: 8 }, (_, at) => add(rig, `run 1 task ${at}`, `task ${at}`)),
  );
  assert.equal(new Set(made.map(({ folder }) => folder)).size, 8);
  for (const { folder } of made) assert.equal(rig.gitIn(folder, 'status', '--porcelain'), '');
});

const crashes: readonly [name: string, crash: (rig: Rig, made: AddedWorktree) => void][] = [
  [
    'before the branch',
    ({ git }, { folder, branch }) => {
      git('worktree', 'remove', folder);
      git('branch', '-D', branch);
    },
  ],
  ['before the worktree', ({ git }, { folder }) => git('worktree', 'remove', folder)],
  [
    'before its files',
    ({ root, git }, { folder }) => {
      for (const file of ['a.txt', 'b.txt']) rmSync(join(folder, file), { force: true });
      rmSync(join(root, '.git/worktrees/t-1-one/index'));
      writeFileSync(join(root, '.git/worktrees/t-1-one/index.lock'), '');
      writeFileSync(join(root, '.git/worktrees/t-1-one/locked'), 'initializing');
      git('version');
    },
  ],
  [
    'before its HEAD',
    ({ root }, { folder }) => {
      rmSync(join(folder, 'a.txt'));
      writeFileSync(join(root, '.git/worktrees/t-1-one/HEAD'), `${'0'.repeat(40)}\n`);
      writeFileSync(join(root, '.git/worktrees/t-1-one/locked'), 'initializing');
    },
  ],
];
for (const [name, crash] of crashes) {
  test(`a crash ${name} is made up for`, async (t) => {
    const rig = repositoryRig(t);
    const made = await add(rig);
    crash(rig, made);
    const { commonDir } = await rig.inspect();
    const [record] = await readRecords(commonDir);
    await writeRecord(commonDir, { ...record!, state: 'making' });
    const again = await add(rig);
    assert.deepEqual(again, made);
    assert.equal(rig.read('a.txt', again.folder), 'a\n');
    assert.equal(rig.gitIn(again.folder, 'status', '--porcelain=v2'), '');
    assert.equal(
      done(await listWorktrees(await rig.inspect())).filter((tree) => tree.isLocked).length,
      0,
    );
  });
}

test(
  'where Git is killed while it makes a worktree, it is told once more',
  { skip: process.platform !== 'linux' },
  async (t) => {
    const rig = repositoryRig(t, { '.gitattributes': '*.bin filter=deadly\n', 'x.bin': 'x\n' });
    const once = join(rig.root, '../once');
    // What checks out is a process below the one that adds.
    const both = `$(cut -d' ' -f4 /proc/$PPID/stat) $PPID`;
    const deadly = `test -e '${once}' || { touch '${once}'; kill -9 ${both}; }; cat`;
    rig.git('config', 'filter.deadly.smudge', deadly);
    const { folder } = await add(rig);
    assert.ok(existsSync(once));
    assert.equal(rig.read('x.bin', folder), 'x\n');
    assert.equal(rig.gitIn(folder, 'status', '--porcelain'), '');
    assert.equal(rig.git('fsck', '--no-progress'), '');
  },
);

test(
  'where Git is killed each time, no lock is left, and the next attempt makes it',
  { skip: process.platform !== 'linux' },
  async (t) => {
    const rig = repositoryRig(t, { '.gitattributes': '*.bin filter=deadly\n', 'x.bin': 'x\n' });
    const safe = join(rig.root, '../safe');
    // What checks out may be a process below the one that adds, or that of Git alone.
    const kill = `for p in $(cut -d' ' -f4 /proc/$PPID/stat) $PPID; do
      test "$(cat /proc/$p/comm)" = git && kill -9 $p; done`;
    rig.git('config', 'filter.deadly.smudge', `test -e '${safe}' || { ${kill}; }; cat`);
    await assert.rejects(add(rig), /SIGKILL/);
    const locked = readdirSync(join(rig.root, '.git'), { recursive: true })
      .map(String)
      .filter((name) => /(?:\.lock|\/locked)$/.test(name));
    assert.deepEqual(locked, []);
    writeFileSync(safe, '');
    const { folder } = await add(rig);
    assert.equal(rig.read('x.bin', folder), 'x\n');
    assert.equal(rig.gitIn(folder, 'status', '--porcelain'), '');
  },
);

test('where no worktree can be made, no branch, folder or record of it is left', async (t) => {
  const rig = repositoryRig(t, { '.gitattributes': '*.bin filter=bad\n', 'x.bin': 'x\n' });
  rig.git('config', 'filter.bad.smudge', 'false');
  rig.git('config', 'filter.bad.required', 'true');
  await assert.rejects(add(rig), /smudge filter bad failed/);
  assert.equal(rig.git('for-each-ref', 'refs/heads/waves/'), '');
  assert.deepEqual(readdirSync(join(rig.root, '.git/waves')), []);
  assert.ok(!existsSync(rig.worktrees) || readdirSync(rig.worktrees).length === 0);
});

test(
  'a place where no folder can be made is said, and nothing is left',
  { skip: process.platform !== 'linux' },
  async (t) => {
    const rig = repositoryRig(t);
    await assert.rejects(add({ ...rig, worktrees: '/proc/x/y' }), /\/proc\/x cannot be made/);
    assert.equal(rig.git('for-each-ref', 'refs/heads/waves/'), '');
    assert.deepEqual(readdirSync(join(rig.root, '.git/waves')), []);
  },
);

test('a worktree that the user deleted is made again on its branch', async (t) => {
  const rig = repositoryRig(t);
  const { folder } = await add(rig);
  rig.write('b.txt', 'b', folder);
  rig.gitIn(folder, 'add', '.');
  rig.gitIn(folder, 'commit', '-qm', 'work');
  rmSync(folder, { recursive: true });
  assert.equal((await add(rig)).folder, folder);
  assert.equal(rig.read('b.txt', folder), 'b');
});

test('a worktree whose removal was interrupted is put back', async (t) => {
  const rig = repositoryRig(t);
  const { folder } = await add(rig);
  const { commonDir } = await rig.inspect();
  const [record] = await readRecords(commonDir);
  await writeRecord(commonDir, { ...record!, state: 'removing', aside: `${folder}.gone` });
  renameSync(folder, `${folder}.gone`);
  assert.equal((await add(rig)).isAdopted, true);
  assert.ok(existsSync(join(folder, 'a.txt')) && !existsSync(`${folder}.gone`));
});

test('a sparse checkout has the same part of the files', async (t) => {
  const rig = repositoryRig(t, { 'in/a.txt': 'a', 'out/b.txt': 'b' });
  rig.git('sparse-checkout', 'set', '--cone', 'in');
  const { folder } = await add(rig);
  assert.ok(existsSync(join(folder, 'in/a.txt')) && !existsSync(join(folder, 'out')));
});

test('submodules come from what is on this computer, and one that is not is remarked on', async (t) => {
  const rig = repositoryRig(t);
  const library = join(temporaryFolder(t), 'library');
  mkdirSync(library);
  rig.git('init', '-q', library);
  rig.write('l.txt', 'library', library);
  rig.gitIn(library, 'add', '.');
  rig.gitIn(library, '-c', 'user.name=x', '-c', 'user.email=x@y', 'commit', '-qm', 'x');
  for (const name of ['here', 'there'])
    rig.git('submodule', '--quiet', 'add', '--name', name, library, `modules/${name}`);
  rig.git('commit', '-qm', 'submodules');
  rmSync(join(rig.root, '.git/modules/there'), { recursive: true });
  const config = rig.read('.git/config');
  const { folder, remarks } = await add(rig);
  assert.equal(rig.read('modules/here/l.txt', folder), 'library');
  assert.deepEqual(remarks, [
    'The submodule modules/there stays empty: it is not on this computer.',
  ]);
  assert.equal(
    rig.gitIn(join(folder, 'modules/here'), 'remote', 'get-url', 'origin').trim(),
    library,
  );
  assert.equal(rig.read('.git/config'), config);
});

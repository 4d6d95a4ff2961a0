import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import {
  commitWork,
  type CommittedWork,
  type UnfinishedWork,
} from '../../../src/git/commit-work.ts';
import { addWorktree } from '../../../src/git/worktrees.ts';
import { done, repositoryRig, type Rig } from '../../support/repository-rig.ts';

interface AtWork extends Rig {
  readonly folder: string;
  readonly branch: string;
  readonly base: string;
  /** Runs Git in the worktree, as an agent does. */
  readonly agent: (...args: string[]) => string;
  /** Writes a file in the worktree. */
  readonly put: (file: string, text: string) => void;
  readonly commitAll: () => Promise<CommittedWork | UnfinishedWork>;
  /** The same where it has to be finished. */
  readonly commit: () => Promise<CommittedWork>;
  /** The files of the branch. */
  readonly files: () => string[];
}

async function atWork(t: TestContext, files?: Readonly<Record<string, string>>): Promise<AtWork> {
  const rig = repositoryRig(t, files);
  const repository = await rig.inspect();
  const base = repository.commit;
  const request = { folder: join(rig.worktrees, 'one'), branch: 'waves/one', base, owner: 'o' };
  const { folder, branch } = done(await addWorktree({ repository, ...request }));
  const trailers = { 'Todo2-Task': 'T-1', 'Todo2-Run': 'r 1' };
  const commitAll = async (): Promise<CommittedWork | UnfinishedWork> =>
    done(await commitWork({ repository, folder, branch, base, message: 'Do it', trailers }));
  return {
    ...rig,
    folder,
    branch,
    base,
    agent: (...args) => rig.gitIn(folder, ...args),
    put: (file, text) => rig.write(file, text, folder),
    commitAll,
    commit: async () => {
      const work = await commitAll();
      assert.ok(work.kind === 'committed', JSON.stringify(work));
      assert.equal(rig.git('rev-parse', branch).trim(), work.commit);
      assert.equal(rig.gitIn(folder, 'symbolic-ref', '--short', 'HEAD').trim(), branch);
      return work;
    },
    files: () => rig.git('ls-tree', '-rz', '--name-only', branch).split('\0').slice(0, -1),
  };
}

test('what an agent left is one commit, with trailers, and the agent’s own stay', async (t) => {
  const { put, agent, commit, folder, git, files, branch } = await atWork(t, {
    'a.txt': 'a\n',
    'gone.txt': 'x\n',
    'moved.txt': 'a long line that stays the same\n',
    '.gitignore': 'ignored\n',
  });
  put('own.txt', 'own\n');
  agent('add', '.');
  agent('commit', '-qm', 'own commit');
  put('a.txt', 'a\nb\n');
  put('ignored', 'x');
  put('new/deep.txt', 'new\n');
  rmSync(join(folder, 'gone.txt'));
  renameSync(join(folder, 'moved.txt'), join(folder, 'there.txt'));
  const work = await commit();
  assert.deepEqual(
    work.files.map(({ path, from, kind, added, removed }) => [path, from, kind, added, removed]),
    [
      ['a.txt', undefined, 'modified', 1, 0],
      ['gone.txt', undefined, 'deleted', 0, 1],
      ['new/deep.txt', undefined, 'added', 1, 0],
      ['own.txt', undefined, 'added', 1, 0],
      ['there.txt', 'moved.txt', 'renamed', 0, 0],
    ],
  );
  assert.deepEqual([work.commits, work.added, work.removed, work.remarks], [2, 3, 1, []]);
  assert.ok(!files().includes('ignored'));
  assert.equal(agent('status', '--porcelain'), '');
  assert.equal(
    git('log', '-1', '--format=%an <%ae>%n%B', branch).trim(),
    'A User <user@example.org>\nDo it\n\nTodo2-Task: T-1\nTodo2-Run: r 1',
  );
  assert.equal(git('log', '-1', '--format=%s', `${branch}~1`).trim(), 'own commit');
});

test('nothing left is no commit, and a second time neither', async (t) => {
  const { commit, base, put } = await atWork(t);
  assert.deepEqual([(await commit()).commit, (await commit()).commits], [base, 0]);
  put('b', 'b');
  const { commit: made } = await commit();
  assert.equal((await commit()).commit, made);
});

test('changes of a tracked backlog are not taken along, staged or not', async (t) => {
  const { put, agent, commit, files } = await atWork(t, { a: 'a', '.todo2/todo2.db': 'x' });
  put('.todo2/todo2.db', 'changed');
  agent('add', '.');
  put('.todo2/new.json', '{}');
  const work = await commit();
  assert.deepEqual([work.commits, files()], [0, ['.todo2/todo2.db', 'a']]);
});

test('hostile names are files like any other', async (t) => {
  const { put, commit, files, agent } = await atWork(t);
  const names = ['-rf', ':(glob)**', ':!a.txt', 'a\nb', '"q" \'x\'', '*', 'ä', ' ', '--help'];
  for (const name of names) put(name, name);
  await commit();
  assert.deepEqual(files().sort(), ['a.txt', ...names].sort());
  assert.equal(agent('status', '--porcelain'), '');
});

test(
  'a name that is not UTF-8 is kept as it is',
  { skip: process.platform !== 'linux' },
  async (t) => {
    const { folder, commit, agent } = await atWork(t);
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/x`), Buffer.from([0xff, 0xfe])]), 'x');
    assert.equal((await commit()).files.length, 1);
    assert.equal(agent('status', '--porcelain'), '');
  },
);

test('a file in the place of a folder, a folder in that of a file, and links', async (t) => {
  const { put, folder, commit, agent, files } = await atWork(t, {
    'd/x': 'x',
    f: 'f',
    'l/y': 'y',
    z: 'z',
  });
  rmSync(join(folder, 'd'), { recursive: true });
  put('d', 'now a file');
  rmSync(join(folder, 'f'));
  put('f/x', 'now a folder');
  rmSync(join(folder, 'l'), { recursive: true });
  symlinkSync('f', join(folder, 'l'));
  await commit();
  assert.deepEqual(files(), ['d', 'f/x', 'l', 'z']);
  assert.equal(agent('status', '--porcelain'), '');
});

test('a deleted .git file is written again, a repository in its place is said', async (t) => {
  const { put, folder, commit, commitAll, agent, files } = await atWork(t);
  put('b', 'b');
  rmSync(join(folder, '.git'));
  assert.match((await commit()).remarks.join(), /deleted the \.git file/);
  assert.equal(agent('status', '--porcelain'), '');
  rmSync(join(folder, '.git'));
  agent('init', '-q');
  put('c', 'c');
  const work = await commitAll();
  assert.match(work.remarks.join(), /repository of its own in the worktree/);
  assert.deepEqual(files(), ['a.txt', 'b', 'c']);
});

test('a nested repository stays in the worktree, and is said', async (t) => {
  const { put, folder, commit, files } = await atWork(t);
  put('nested/file', 'x');
  put('b', 'b');
  mkdirSync(join(folder, 'nested/.git'));
  rmSync(join(folder, 'nested/.git'), { recursive: true });
  const { gitIn } = repositoryRig(t);
  gitIn(join(folder, 'nested'), 'init', '-q');
  const { remarks } = await commit();
  assert.deepEqual(remarks, [
    'nested/ is a repository of its own and stays in the worktree alone.',
  ]);
  assert.deepEqual(files(), ['a.txt', 'b']);
  assert.ok(existsSync(join(folder, 'nested/file')));
});

const strayed: readonly [name: string, stray: (work: AtWork) => void, said: RegExp][] = [
  ['detached HEAD', ({ agent }) => agent('checkout', '-q', '--detach'), /detached/],
  ['switched branches', ({ agent }) => agent('checkout', '-qb', 'mine'), /switched to/],
  ['renamed the branch', ({ agent }) => agent('branch', '-m', 'mine'), /switched to/],
  [
    'went to an orphan branch',
    ({ agent }) => agent('checkout', '-q', '--orphan', 'x'),
    /switched to/,
  ],
];
for (const [name, stray, said] of strayed) {
  test(`an agent that ${name} has its work on the branch of the task`, async (t) => {
    const work = await atWork(t);
    work.put('early', 'x');
    work.agent('add', '.');
    work.agent('commit', '-qm', 'early');
    stray(work);
    work.put('own', 'x');
    work.agent('add', '.');
    work.agent('commit', '-qm', 'own');
    work.put('left', 'x');
    assert.match((await work.commit()).remarks.join(), said);
    assert.deepEqual(work.files(), ['a.txt', 'early', 'left', 'own']);
    assert.equal(work.agent('status', '--porcelain'), '');
  });
}

test('commits of a branch and of a detached HEAD are joined; with a conflict both are kept', async (t) => {
  const { agent, put, commit, commitAll, files, git, base } = await atWork(t);
  put('one', '1');
  agent('add', '.');
  agent('commit', '-qm', 'one');
  agent('checkout', '-q', '--detach', base);
  put('two', '2');
  await commit();
  assert.deepEqual(files(), ['a.txt', 'one', 'two']);
  assert.equal(agent('status', '--porcelain'), '');
  agent('checkout', '-q', '--detach', base);
  put('one', 'another');
  const work = await commitAll();
  assert.ok(work.kind === 'unfinished');
  assert.deepEqual([work.operation, work.files], ['switch of branches', ['one']]);
  assert.equal(git('show', `${work.kept}:one`), 'another');
  assert.equal(git('rev-parse', 'refs/waves/kept/one').trim(), work.kept);
});

test('a merge that the agent resolved and did not commit is concluded', async (t) => {
  const { agent, put, commit, commitAll, git, write, read, folder, branch } = await atWork(t);
  write('a.txt', 'theirs\n');
  git('commit', '-qam', 'theirs');
  put('a.txt', 'ours\n');
  agent('commit', '-qam', 'ours');
  assert.throws(() => agent('merge', '-q', 'main'));
  const half = await commitAll();
  assert.ok(half.kind === 'unfinished');
  assert.deepEqual([half.operation, half.files], ['merge', ['a.txt']]);
  assert.match(git('show', `${half.kept}:a.txt`), /<<<<<<</);
  assert.match(read('a.txt', folder), /<<<<<<</);
  put('a.txt', 'both\n');
  await commit();
  assert.equal(git('log', '-1', '--format=%P', branch).trim().split(' ').length, 2);
  assert.equal(agent('status', '--porcelain'), '');
  assert.equal(git('merge-base', branch, 'main'), git('rev-parse', 'main'));
});

test('a half-done rebase is left to the agent, and its files are kept', async (t) => {
  const { agent, put, commitAll, git, write } = await atWork(t);
  write('a.txt', 'theirs\n');
  git('commit', '-qam', 'theirs');
  put('a.txt', 'ours\n');
  agent('commit', '-qam', 'ours');
  assert.throws(() => agent('rebase', '-q', 'main'));
  const work = await commitAll();
  assert.ok(work.kind === 'unfinished');
  assert.deepEqual([work.operation, work.files], ['rebase', ['a.txt']]);
  agent('rebase', '--abort');
});

test('locks that an agent’s Git left behind are removed, and hinder neither us nor the agent', async (t) => {
  const { put, commit, files, root, agent } = await atWork(t);
  put('b', 'b');
  const locks = [
    'worktrees/one/index.lock',
    'worktrees/one/HEAD.lock',
    'refs/heads/waves/one.lock',
  ];
  for (const lock of locks) writeFileSync(join(root, '.git', lock), '');
  assert.match((await commit()).remarks.join(), /the lock that it left is removed/);
  assert.deepEqual(files(), ['a.txt', 'b']);
  agent('commit', '-q', '--allow-empty', '-m', 'it goes on');
});

test('without a configured author the extension is it', async (t) => {
  const { put, commit, git, branch } = await atWork(t);
  git('config', '--unset', 'user.name');
  git('config', '--unset', 'user.email');
  const own = process.env['GIT_CONFIG_GLOBAL'];
  process.env['GIT_CONFIG_GLOBAL'] = '/dev/null';
  t.after(() => {
    if (own === undefined) delete process.env['GIT_CONFIG_GLOBAL'];
    else process.env['GIT_CONFIG_GLOBAL'] = own;
  });
  put('b', 'b');
  await commit();
  assert.match(git('log', '-1', '--format=%an %ae', branch), /^Todo2 Waves todo2-waves@localhost/);
});

const deletions: readonly [name: string, remove: (at: AtWork) => void][] = [
  ['with git worktree remove', ({ git, folder }) => git('worktree', 'remove', '--force', folder)],
  ['with rm', ({ folder }) => rmSync(folder, { recursive: true })],
];
for (const [name, remove] of deletions) {
  test(`an agent that deletes its worktree ${name} has its commits in the work`, async (t) => {
    const at = await atWork(t);
    at.put('b', 'b');
    at.agent('add', '.');
    at.agent('commit', '-qm', 'own');
    remove(at);
    const work = await at.commit();
    assert.match(work.remarks.join(), /The worktree was deleted/);
    assert.deepEqual(at.files(), ['a.txt', 'b']);
    assert.equal(at.read('b', at.folder), 'b');
    assert.equal(at.agent('status', '--porcelain'), '');
  });
}

test('a deleted worktree comes back with what was staged, and with commits that no branch has', async (t) => {
  const { put, folder, agent, commit, files } = await atWork(t);
  agent('checkout', '-q', '--detach');
  put('b', 'b');
  agent('add', '.');
  agent('commit', '-qm', 'own');
  put('c', 'c');
  agent('add', '.');
  rmSync(folder, { recursive: true });
  await commit();
  assert.deepEqual(files(), ['a.txt', 'b', 'c']);
});

test('a file in the place of the worktree is said, and stays', async (t) => {
  const { folder, branch, base, inspect, read } = await atWork(t);
  rmSync(folder, { recursive: true });
  writeFileSync(folder, 'mine');
  const request = { repository: await inspect(), folder, branch, base, message: 'x', trailers: {} };
  const work = await commitWork(request);
  assert.ok(!work.ok && work.failure.detail === `${folder} is no folder any more.`);
  assert.equal(read('one', join(folder, '..')), 'mine');
});

test(
  'a pipe in the place of a file is a deleted file, and is said',
  { skip: process.platform === 'win32' },
  async (t) => {
    const { put, folder, commit, files } = await atWork(t);
    rmSync(join(folder, 'a.txt'));
    execFileSync('mkfifo', [join(folder, 'a.txt')]);
    put('b', 'b');
    assert.match((await commit()).remarks.join(), /a\.txt is no file any more/);
    assert.deepEqual(files(), ['b']);
  },
);

test(
  'a pipe that Git would read and wait for is said, and the files stay',
  { skip: process.platform === 'win32' },
  async (t) => {
    const { put, folder, branch, base, inspect, read } = await atWork(t);
    put('b', 'b');
    mkdirSync(join(folder, 'sub'));
    execFileSync('mkfifo', [join(folder, 'sub/.gitattributes')]);
    put('sub/c', 'c');
    const repository = await inspect();
    const work = await commitWork({
      ...{ repository, folder, branch, base, message: 'x', trailers: {} },
    });
    assert.ok(!work.ok);
    assert.match(work.failure.detail, /^sub\/\.gitattributes is no file but a pipe/);
    assert.equal(read('sub/c', folder), 'c');
  },
);

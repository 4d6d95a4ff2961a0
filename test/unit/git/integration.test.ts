import assert from 'node:assert/strict';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { integrate, type Integration } from '../../../src/git/integration.ts';
import { addWorktree } from '../../../src/git/worktrees.ts';
import { done, repositoryRig, type Rig } from '../../support/repository-rig.ts';

const BRANCH = 'waves/run-1';

interface Run extends Rig {
  readonly folder: string;
  /** A commit of a task on top of a commit, with these files; undefined is deleted. */
  readonly work: (files: Readonly<Record<string, string | undefined>>, on?: string) => string;
  readonly merge: (
    work: string,
    verify?: (folder: string) => Promise<boolean>,
  ) => Promise<Integration>;
  readonly tip: () => string;
  /** The files of the branch and their text. */
  readonly state: () => Record<string, string>;
}

async function run(t: TestContext, files?: Readonly<Record<string, string>>): Promise<Run> {
  const rig = repositoryRig(t, files);
  const repository = await rig.inspect();
  const names = { folder: join(rig.worktrees, 'run-1'), branch: BRANCH };
  const request = { repository, ...names, base: repository.commit, owner: 'run 1' };
  const { folder } = done(await addWorktree(request));
  const tip = (): string => rig.git('rev-parse', BRANCH).trim();
  const scratch = join(rig.worktrees, 'scratch');
  return {
    ...rig,
    folder,
    tip,
    work: (changes, on = repository.commit) => {
      rig.git('worktree', 'add', '-q', '--detach', scratch, on);
      for (const [file, text] of Object.entries(changes))
        if (text === undefined) rmSync(join(scratch, file));
        else rig.write(file, text, scratch);
      rig.gitIn(scratch, 'add', '-A');
      rig.gitIn(scratch, 'commit', '-qm', 'work');
      const made = rig.gitIn(scratch, 'rev-parse', 'HEAD').trim();
      rig.git('worktree', 'remove', scratch);
      return made;
    },
    merge: async (work, verify) =>
      done(await integrate({ repository, branch: BRANCH, folder, work, message: 'm', verify })),
    state: () =>
      Object.fromEntries(
        rig
          .git('ls-tree', '-r', '--name-only', BRANCH)
          .trim()
          .split('\n')
          .map((file) => [file, rig.git('show', `${BRANCH}:${file}`)]),
      ),
  };
}

/** The worktree of the branch is exactly at its tip. */
function assertSettled({ gitIn, folder }: Run): void {
  assert.equal(gitIn(folder, 'symbolic-ref', '--short', 'HEAD').trim(), BRANCH);
  assert.equal(gitIn(folder, 'status', '--porcelain'), '');
}

test('the work of tasks is merged one after the other, each once', async (t) => {
  const rig = await run(t, { a: '1\n2\n3\n4\n5\n', b: 'b', c: 'c' });
  const index = readFileSync(join(rig.root, '.git/index'));
  const [one, two, three] = [
    rig.work({ a: 'one\n2\n3\n4\n5\n' }),
    rig.work({ a: '1\n2\n3\n4\nfive\n', new: 'new' }),
    rig.work({ b: undefined }),
  ];
  const merged = await Promise.all([one, two, three].map((work) => rig.merge(work)));
  assert.deepEqual(
    merged.map(({ kind }) => kind),
    ['merged', 'merged', 'merged'],
  );
  assert.deepEqual(rig.state(), { a: 'one\n2\n3\n4\nfive\n', c: 'c', new: 'new' });
  assertSettled(rig);
  const tip = rig.tip();
  assert.deepEqual(await rig.merge(two), { kind: 'nothing', commit: tip });
  assert.equal(rig.tip(), tip);
  assert.deepEqual(readFileSync(join(rig.root, '.git/index')), index);
  assert.equal(rig.git('symbolic-ref', '--short', 'HEAD').trim(), 'main');
});

test('a conflict names its files and changes nothing', async (t) => {
  const rig = await run(t);
  await rig.merge(rig.work({ 'a.txt': 'one', 'ä "x"': 'x' }));
  const tip = rig.tip();
  const other = await rig.merge(rig.work({ 'a.txt': 'two', 'ä "x"': 'y' }));
  assert.deepEqual(other, { kind: 'conflict', files: ['a.txt', 'ä "x"'] });
  assert.equal(rig.tip(), tip);
  assertSettled(rig);
});

test('a merge that does not pass is undone, and what the command left is kept', async (t) => {
  const rig = await run(t);
  const tip = rig.tip();
  const broken = await rig.merge(rig.work({ new: 'x' }), async (folder) => {
    assert.equal(rig.read('new', folder), 'x');
    assert.equal(rig.tip(), tip);
    rig.write('a.txt', 'changed by the command', folder);
    return false;
  });
  assert.deepEqual([broken, rig.tip()], [{ kind: 'broken' }, tip]);
  assertSettled(rig);
  assert.equal(rig.git('show', 'refs/waves/kept/run-1:a.txt'), 'changed by the command');
  const fine = await rig.merge(rig.work({ other: 'x' }), async () => true);
  assert.equal(fine.kind, 'merged');
  assert.deepEqual(Object.keys(rig.state()), ['a.txt', 'other']);
  assertSettled(rig);
});

test('what a command left where a file of the next task comes is kept, and is not in the way', async (t) => {
  const rig = await run(t);
  await rig.merge(rig.work({ one: 'x' }), async (folder) => {
    rig.write('report', 'by the command', folder);
    return true;
  });
  assert.equal((await rig.merge(rig.work({ report: 'by a task' }))).kind, 'merged');
  assert.equal(rig.read('report', rig.folder), 'by a task');
  assert.equal(rig.git('show', 'refs/waves/kept/run-1:report'), 'by the command');
  assertSettled(rig);
});

test('a lock that a killed command left in the worktree hinders no later merge', async (t) => {
  const rig = await run(t);
  const lock = rig.gitIn(
    rig.folder,
    'rev-parse',
    '--path-format=absolute',
    '--git-path',
    'index.lock',
  );
  const broken = await rig.merge(rig.work({ new: 'x' }), async () => {
    writeFileSync(lock.trim(), '');
    return false;
  });
  assert.equal(broken.kind, 'broken');
  assertSettled(rig);
  assert.equal((await rig.merge(rig.work({ other: 'x' }))).kind, 'merged');
  assertSettled(rig);
});

test('after a crash in a merge the next one begins at the branch', async (t) => {
  const rig = await run(t);
  const work = rig.work({ new: 'x' });
  rig.gitIn(rig.folder, 'checkout', '-q', '--detach', work);
  rm(rig, 'a.txt');
  assert.equal((await rig.merge(work)).kind, 'merged');
  assert.deepEqual(rig.state(), { 'a.txt': 'a\n', new: 'x' });
  rig.gitIn(rig.folder, 'checkout', '-q', '--detach', 'main');
  assert.equal((await rig.merge(work)).kind, 'nothing');
  assertSettled(rig);
});

test('the backlog stays as it was, even where a task committed another or conflicts in it', async (t) => {
  const rig = await run(t, { a: 'a', '.todo2/todo2.db': 'x' });
  const one = rig.work({ '.todo2/todo2.db': 'one', b: 'b' });
  const two = rig.work({ '.todo2/todo2.db': undefined, '.todo2/more': 'x', c: 'c' });
  for (const work of [one, two]) assert.equal((await rig.merge(work)).kind, 'merged');
  assert.deepEqual(rig.state(), { a: 'a', b: 'b', c: 'c', '.todo2/todo2.db': 'x' });
  assertSettled(rig);
});

function rm({ folder }: Run, file: string): void {
  rmSync(join(folder, file));
}

test('what is merged counts as merged, though its worktree cannot be told at once', async (t) => {
  const { merge, work, tip, folder, gitIn, state } = await run(t, { 'a.txt': 'a\n' });
  const gitDir = gitIn(folder, 'rev-parse', '--absolute-git-dir').trim();
  const merged = await merge(work({ 'b.txt': 'b\n' }), () => {
    renameSync(gitDir, `${gitDir}-aside`);
    return Promise.resolve(true);
  });
  renameSync(`${gitDir}-aside`, gitDir);
  assert.ok(merged.kind === 'merged');
  assert.equal(tip(), merged.commit);
  assert.throws(() => gitIn(folder, 'symbolic-ref', '--quiet', 'HEAD'));
  // The next merge brings the worktree to its branch.
  assert.equal((await merge(work({ 'c.txt': 'c\n' }))).kind, 'merged');
  assert.deepEqual(Object.keys(state()), ['a.txt', 'b.txt', 'c.txt']);
  assert.equal(gitIn(folder, 'symbolic-ref', 'HEAD').trim(), `refs/heads/${BRANCH}`);
  assert.equal(gitIn(folder, 'status', '--porcelain'), '');
});

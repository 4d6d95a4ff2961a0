import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { GitResult } from '../../../src/git/git-failure.ts';
import { integrate, type Integration, judgeRun } from '../../../src/git/integration.ts';
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
  readonly tryMerge: (...args: Parameters<Run['merge']>) => Promise<GitResult<Integration>>;
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
  const tryMerge: Run['tryMerge'] = (work, verify) =>
    integrate({ repository, branch: BRANCH, folder, work, message: 'm', verify });
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
    tryMerge,
    merge: async (work, verify) => done(await tryMerge(work, verify)),
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

describe('after a command that verifies a merge, branch and worktree are what was merged, where it', () => {
  const cases: readonly [
    did: string,
    act: (rig: Run, folder: string) => void,
    changed: RegExp | undefined,
    /** What it made is kept, as this file. */
    kept?: string,
  ][] = [
    [
      'moved the branch to a commit of its own',
      (rig) => rig.git('update-ref', `refs/heads/${BRANCH}`, rig.work({ made: 'made' })),
      /^The command that verifies it moved the branch of the run; that was undone$/,
      'made',
    ],
    [
      'moved the branch back before earlier work',
      ({ git }) => git('update-ref', `refs/heads/${BRANCH}`, 'main'),
      /moved the branch of the run; that was undone$/,
    ],
    [
      'deleted the branch',
      ({ git }) => git('update-ref', '-d', `refs/heads/${BRANCH}`),
      /deleted the branch of the run; that was undone$/,
    ],
    [
      'made the branch another name of that of the user',
      ({ git }) => git('symbolic-ref', `refs/heads/${BRANCH}`, 'refs/heads/main'),
      /moved the branch of the run; that was undone$/,
    ],
    [
      'deleted the folder',
      (_, folder) => rmSync(folder, { recursive: true }),
      /deleted the worktree of the run; that was undone$/,
    ],
    [
      'had Git remove the worktree',
      ({ git }, folder) => git('worktree', 'remove', '--force', folder),
      /deleted the worktree of the run; that was undone$/,
    ],
    [
      'deleted both',
      ({ git }, folder) => {
        git('worktree', 'remove', '--force', folder);
        git('branch', '-D', BRANCH);
      },
      /deleted the branch of the run and deleted the worktree of the run; that was undone$/,
    ],
    [
      'checked out another commit',
      ({ gitIn }, folder) => gitIn(folder, 'checkout', '-q', '--detach', 'main'),
      /checked out another commit in the worktree of the run; that was undone$/,
    ],
    [
      'committed there',
      ({ gitIn, write }, folder) => {
        write('made', 'made', folder);
        gitIn(folder, 'add', '.');
        gitIn(folder, 'commit', '-qm', 'by the command');
      },
      /checked out another commit in the worktree of the run; that was undone$/,
      'made',
    ],
    [
      'began a branch without commits',
      ({ gitIn, write }, folder) => {
        write('made', 'made', folder);
        gitIn(folder, 'checkout', '-q', '--orphan', 'new');
        gitIn(folder, 'rm', '-q', '--cached', '-r', '.');
      },
      /checked out another commit in the worktree of the run; that was undone$/,
      'made',
    ],
    [
      'left a merge with conflicts half done',
      (rig, folder) => {
        const other = rig.work({ 'a.txt': 'made' });
        assert.throws(() => rig.gitIn(folder, 'merge', '-q', other));
      },
      undefined,
      'a.txt',
    ],
    [
      'changed and staged files',
      ({ gitIn, write }, folder) => {
        write('made', 'made', folder);
        write('a.txt', 'changed', folder);
        gitIn(folder, 'add', 'a.txt');
      },
      undefined,
      'made',
    ],
    [
      'made a repository of its own there',
      ({ gitIn }, folder) => {
        rmSync(join(folder, '.git'));
        gitIn(folder, 'init', '-q');
      },
      undefined,
    ],
  ];
  for (const [did, act, changed, kept] of cases)
    for (const passes of [true, false])
      test(`${did}, and ${passes ? 'passed' : 'did not pass'}`, async (t) => {
        const rig = await run(t);
        const main = rig.git('rev-parse', 'main');
        await rig.merge(rig.work({ earlier: 'x', 'a.txt': 'earlier' }));
        const before = rig.tip();
        const merged = await rig.merge(rig.work({ new: 'x' }), (folder) => {
          act(rig, folder);
          return Promise.resolve(passes);
        });
        assert.equal(merged.kind, passes ? 'merged' : 'broken', JSON.stringify(merged));
        const told = 'changed' in merged ? merged.changed : undefined;
        if (changed === undefined) assert.equal(told, undefined);
        else assert.match(told ?? '', changed);
        if (merged.kind === 'merged')
          assert.deepEqual([merged.commit, merged.before], [rig.tip(), before]);
        else assert.equal(rig.tip(), before);
        assert.throws(() => rig.git('symbolic-ref', `refs/heads/${BRANCH}`));
        assert.equal(rig.git('rev-parse', 'main'), main);
        assert.equal(rig.read('a.txt', rig.folder), 'earlier');
        if (kept !== undefined)
          assert.match(rig.git('log', '-p', '-m', '--all', '--', kept), /^\+.*made/m);
        // No later task is in conflict by that.
        assert.equal(
          (await rig.merge(rig.work({ later: 'x', ...(kept === 'made' && { made: 'y' }) }))).kind,
          'merged',
        );
        const names = [
          'a.txt',
          'earlier',
          'later',
          ...(kept === 'made' ? ['made'] : []),
          ...(passes ? ['new'] : []),
        ];
        assert.deepEqual(Object.keys(rig.state()), names);
        assert.equal(
          rig.gitIn(
            rig.root,
            '--git-dir',
            gitDirOf(rig),
            '--work-tree',
            rig.folder,
            'diff',
            '--name-only',
          ),
          '',
        );
        rig.git('fsck', '--no-dangling');
      });

  test('and where the branch cannot be put back, the merge fails and says so in plain words', async (t) => {
    const rig = await run(t);
    const before = rig.tip();
    const work = rig.work({ new: 'x' });
    const failed = await rig.tryMerge(work, () => {
      rig.git('update-ref', '-d', `refs/heads/${BRANCH}`);
      rig.git('update-ref', `refs/heads/${BRANCH}/in-the-way`, 'main');
      return Promise.resolve(true);
    });
    assert.ok(!failed.ok);
    assert.match(
      failed.failure.detail,
      /^The command that verifies it changed the branch of the run \(waves\/run-1\), and it could not be put back: ./,
    );
    rig.git('update-ref', '-d', `refs/heads/${BRANCH}/in-the-way`);
    rig.git('update-ref', `refs/heads/${BRANCH}`, before);
    assert.equal((await rig.merge(work)).kind, 'merged');
    assertSettled(rig);
  });

  test('what is in the place of the worktree stays, and the next one is beside it', async (t) => {
    const rig = await run(t);
    const work = rig.work({ new: 'x' });
    const merged = await rig.merge(work, (folder) => {
      rig.git('worktree', 'remove', '--force', folder);
      rig.write('mine', 'mine', folder);
      return Promise.resolve(true);
    });
    assert.equal(merged.kind, 'merged');
    assert.equal(rig.read('mine', rig.folder), 'mine');
    const beside = `${rig.folder}-2`;
    assertSettled({ ...rig, folder: beside });
    assert.equal((await rig.merge(rig.work({ later: 'x' }))).kind, 'merged');
    assert.equal(rig.read('later', beside), 'x');
    assert.equal(rig.read('mine', rig.folder), 'mine');
  });

  test('judged a whole run', async (t) => {
    const rig = await run(t);
    const repository = await rig.inspect();
    await rig.merge(rig.work({ new: 'x' }));
    const tip = rig.tip();
    const judged = done(
      await judgeRun({ repository, branch: BRANCH, folder: rig.folder }, (folder) => {
        assert.equal(rig.read('new', folder), 'x');
        rig.gitIn(folder, 'reset', '-q', '--hard', 'main');
        rig.write('a.txt', 'changed', folder);
        return Promise.resolve('judged');
      }),
    );
    assert.deepEqual(judged, {
      value: 'judged',
      changed: 'The command that verifies it moved the branch of the run; that was undone',
    });
    assert.equal(rig.tip(), tip);
    assertSettled(rig);
    assert.equal(rig.git('show', 'refs/waves/kept/run-1:a.txt'), 'changed');
  });
});

/** Of the worktree, though what is in it may say otherwise. */
function gitDirOf({ root }: Run): string {
  return join(root, '.git/worktrees/run-1');
}

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ok } from '../../../src/core/result.ts';
import type { WorkEnd } from '../../../src/core/ports.ts';
import type { AskedIsolation, IsolationDecision } from '../../../src/core/run/isolation.ts';
import { readRecords } from '../../../src/git/worktree-records.ts';
import { isolateWith } from '../../../src/wire/isolation.ts';
import {
  EVIDENCE,
  type IsolatedRig,
  isolatedRig,
  RESUMED,
  SUCCESS,
} from '../../support/isolated-rig.ts';
import { temporaryFolder } from '../../support/repository-rig.ts';
import { until } from '../../support/until.ts';

const ASKED: AskedIsolation = {
  ...{ choice: 'auto', parallel: 2, start: 'commit', resumes: undefined, isDry: false },
};

async function decide(
  rig: Pick<IsolatedRig, 'isolation'>,
  asked: Partial<AskedIsolation> = {},
): Promise<IsolationDecision> {
  const decided = await rig.isolation.decide({ ...ASKED, ...asked });
  assert.ok(decided.ok, JSON.stringify(decided));
  return decided.value;
}

const head = ({ git }: IsolatedRig, ref = 'HEAD'): string => git('rev-parse', ref).trim();
const tipOfRun = (rig: IsolatedRig): string => head(rig, 'waves/run-r');
const show = ({ git }: IsolatedRig, at: string): string => git('show', at);

describe('where a run works', () => {
  test('is the folder itself where that is chosen, or where one agent works at a time', async (t) => {
    const rig = isolatedRig(t);
    assert.deepEqual(await decide(rig, { choice: 'shared' }), {
      isolation: undefined,
      why: 'All agents work in the folder itself, as chosen.',
      remarks: [],
    });
    assert.deepEqual(await decide(rig, { parallel: 1 }), {
      isolation: undefined,
      why: 'One agent works at a time, so it works in the folder itself.',
      remarks: [],
    });
  });

  test('is a worktree per task where several agents work, or where that is chosen', async (t) => {
    const rig = isolatedRig(t);
    const isolation = { target: 'main', base: head(rig), start: 'commit' };
    for (const asked of [{}, { choice: 'worktree', parallel: 1 }] as const) {
      const decided = await decide(rig, asked);
      assert.deepEqual(decided.isolation, isolation);
      assert.match(decided.why, /^Each task works in a Git worktree of its own; .*\.$/);
      assert.deepEqual(decided.remarks, []);
    }
    rig.git('checkout', '-q', '--detach');
    assert.deepEqual((await decide(rig)).isolation, { ...isolation, target: undefined });
  });

  test('is the folder, with the reason, where no worktree is possible; or nothing starts', async (t) => {
    const root = temporaryFolder(t);
    const parts = {
      root,
      folder: () => '',
      files: () => [],
      earlier: () => [],
      setup: () => Promise.resolve(ok([])),
      titleOf: String,
      log: () => undefined,
    };
    const rig = { isolation: isolateWith(parts) };
    assert.deepEqual(await decide(rig), {
      isolation: undefined,
      why: 'All agents work in the folder itself. The folder is in no Git repository.',
      remarks: [],
    });
    assert.deepEqual(await rig.isolation.decide({ ...ASKED, choice: 'worktree' }), {
      ok: false,
      failure: {
        kind: 'isolation',
        detail: 'There can be no worktrees. The folder is in no Git repository.',
      },
    });
  });

  test('begins at the last commit, and says what is left out', async (t) => {
    const rig = isolatedRig(t);
    rig.write('a.txt', 'mine\n');
    const before = rig.ofUser();
    const { isolation, remarks } = await decide(rig);
    assert.equal(isolation?.base, head(rig));
    assert.deepEqual(remarks, ['There are uncommitted changes: the worktrees begin without them.']);
    assert.equal(rig.ofUser(), before);
  });

  test('has to be chosen where something is not committed, and a dry run says so', async (t) => {
    const rig = isolatedRig(t);
    assert.equal((await decide(rig, { start: 'ask' })).isolation?.start, 'commit');
    rig.write('a.txt', 'mine\n');
    assert.deepEqual(await rig.isolation.decide({ ...ASKED, start: 'ask' }), {
      ok: false,
      failure: { kind: 'uncommitted' },
    });
    assert.deepEqual((await decide(rig, { start: 'ask', isDry: true })).remarks, [
      'There are uncommitted changes: whoever starts the run is asked whether the worktrees begin with them.',
    ]);
  });

  test('begins at a snapshot of the files as they are, which changes nothing of the user', async (t) => {
    const rig = isolatedRig(t, { files: { 'a.txt': 'a\n', '.gitignore': 'ignored\n' } });
    rig.write('a.txt', 'staged\n');
    rig.git('add', 'a.txt');
    rig.write('a.txt', 'mine\n');
    rig.write('new.txt', 'new\n');
    rig.write('ignored', 'ignored\n');
    rig.write('.todo2/todo2.db', 'the backlog');
    const before = rig.ofUser();

    const dry = await decide(rig, { start: 'snapshot', isDry: true });
    assert.equal(dry.isolation?.base, head(rig));
    assert.equal(rig.git('for-each-ref', 'refs/waves'), '', 'a dry run writes nothing');

    const { isolation, remarks } = await decide(rig, { start: 'snapshot' });
    assert.ok(isolation);
    assert.deepEqual(remarks, ['There are uncommitted changes: the worktrees begin with them.']);
    assert.equal(isolation.start, 'snapshot');
    assert.equal(show(rig, `${isolation.base}:a.txt`), 'mine\n');
    const names = rig.git('ls-tree', '-r', '--name-only', isolation.base).trim().split('\n');
    assert.deepEqual(names, ['.gitignore', 'a.txt', 'new.txt']);
    assert.equal(head(rig, `${isolation.base}^`), head(rig));
    assert.match(rig.git('for-each-ref', 'refs/waves'), new RegExp(`^${isolation.base} `));
    assert.equal(rig.ofUser(), before);
  });

  test('without changes, a snapshot is the last commit', async (t) => {
    const rig = isolatedRig(t);
    const { isolation } = await decide(rig, { start: 'snapshot' });
    assert.deepEqual(isolation, { target: 'main', base: head(rig), start: 'commit' });
  });

  test('goes on with what the resumed run has merged, where that has a branch', async (t) => {
    const rig = isolatedRig(t);
    // Another branch has the name, so that of the run has a number.
    rig.git('branch', 'waves/run-r');
    await rig.start();
    await rig.work('T-1');
    const merged = head(rig, 'waves/run-r-2');
    assert.notEqual(merged, head(rig));
    rig.write('a.txt', 'mine\n');
    const resumed = await decide(rig, { resumes: 'r', start: 'snapshot' });
    assert.deepEqual(resumed.isolation, { target: 'main', base: merged, start: 'commit' });
    const other = await decide(rig, { resumes: 'r', target: 'release' });
    assert.equal(other.isolation?.target, 'release', 'the branch that it was started for');
    assert.equal((await decide(rig, { resumes: 'gone' })).isolation?.base, head(rig));
  });

  test('is not decided while the user is in the middle of a merge', async (t) => {
    const rig = isolatedRig(t);
    rig.write('.git/MERGE_HEAD', head(rig));
    const { isolation, why } = await decide(rig);
    assert.equal(isolation, undefined);
    assert.match(why, /a merge is not finished/);
  });
});

describe('an attempt begins', () => {
  test('in a worktree of its own, on a branch at what the run has merged', async (t) => {
    const rig = isolatedRig(t);
    await rig.start();
    const before = rig.ofUser();
    const begun = await rig.isolation.begin(rig.job('T-1'));
    const path = join(rig.worktrees, 't-1-title-of-t-1');
    assert.deepEqual(begun, { ok: true, value: { path, isNew: true } });
    assert.equal(rig.gitIn(path, 'branch', '--show-current'), 'waves/t-1-title-of-t-1\n');
    assert.equal(rig.read('a.txt', path), 'a\n');
    rig.write('one.txt', 'one\n', path);
    await rig.end('T-1');

    const second = await rig.begin('T-2');
    assert.equal(rig.read('one.txt', second), 'one\n');
    assert.equal(rig.ofUser(), before);
  });

  test('in the same worktree again, with all that the one before has left', async (t) => {
    const rig = isolatedRig(t, {
      files: { 'a.txt': 'a\n', '.gitignore': '.env\n' },
      patterns: ['.env'],
    });
    await rig.start();
    rig.write('.env', 'SECRET=1\n');
    const path = await rig.begin('T-1');
    assert.equal(rig.read('.env', path), 'SECRET=1\n');
    rig.isolation.started({ ...rig.job('T-1'), id: rig.job('T-1').task.id });
    await until('the worktree counts as made ready', async () => {
      const records = await readRecords(join(rig.root, '.git'));
      return records.some(({ isReady, folder }) => folder === path && isReady === true);
    });
    rig.write('half.txt', 'half\n', path);
    rmSync(join(path, '.env'));
    await rig.end('T-1', { kind: 'stopped' });

    const again = await rig.openWindow().begin(rig.job('T-1', 'Another title'));
    assert.deepEqual(again, { ok: true, value: { path, isNew: false } });
    assert.equal(rig.read('half.txt', path), 'half\n');
    assert.ok(!existsSync(join(path, '.env')), 'what the agent deleted stays so');
  });

  test('of a resumed run in the worktree that the earlier run has left, on the same branch', async (t) => {
    const rig = isolatedRig(t);
    await rig.start();
    await rig.work('T-1', { 'one.txt': 'one\n' }, { kind: 'stopped' });
    rig.write('not-committed.txt', 'x\n', await rig.begin('T-1'));
    const { isolation } = await decide(rig, { resumes: 'r' });
    assert.ok(isolation);
    const job = { ...rig.job('T-1'), runId: RESUMED };
    const resumed = { ...job, options: { ...job.options, isolation } };
    const begun = await rig.isolation.begin(resumed);
    assert.ok(begun.ok, JSON.stringify(begun));
    assert.equal(begun.value.path, join(rig.worktrees, 't-1-title-of-t-1'));
    assert.equal(rig.read('one.txt', begun.value.path), 'one\n');
    assert.equal(rig.read('not-committed.txt', begun.value.path), 'x\n');
    const { options, task } = resumed;
    const end = await rig.isolation.end({ runId: RESUMED, id: task.id, options }, SUCCESS);
    assert.equal(end.kind, 'succeeded');
    assert.equal(show(rig, 'waves/run-s:one.txt'), 'one\n');
    assert.equal(rig.git('branch', '--list', 'waves/t-1*').trim().split('\n').length, 1);
  });

  test('and is made ready again where no agent had begun before', async (t) => {
    const rig = isolatedRig(t, {
      files: { 'a.txt': 'a\n', '.gitignore': '.env*\n' },
      patterns: ['.env*'],
    });
    await rig.start();
    const path = await rig.begin('T-1');
    await rig.end('T-1', { ...FAILED, evidence: undefined });
    rig.write('.env.local', 'SECRET=1\n');
    const again = await rig.isolation.begin(rig.job('T-1'));
    assert.deepEqual(again, { ok: true, value: { path, isNew: true } });
    assert.equal(rig.read('.env.local', path), 'SECRET=1\n');
  });

  test('in the folder of the worktree that stands for that of the backlog', async (t) => {
    const files = { 'a.txt': 'a\n', 'sub/shop/b.txt': 'b\n', 'sub/shop/.todo2/x.json': '{}\n' };
    const rig = isolatedRig(t, { files, below: 'sub/shop' });
    await rig.start();
    const path = await rig.begin('T-1');
    assert.equal(path, join(rig.worktrees, 't-1-title-of-t-1', 'sub/shop'));
    rig.write('b.txt', 'changed\n', path);
    rig.write('../../a.txt', 'changed\n', path);
    rig.write('.todo2/x.json', '{"mine":1}\n', path);
    const end = await rig.end('T-1');
    assert.ok(end.kind === 'succeeded');
    assert.equal(end.evidence?.changes?.files, 2, 'the backlog is not part of the work');
    assert.equal(show(rig, 'waves/run-r:sub/shop/.todo2/x.json'), '{}\n');
    assert.equal(show(rig, 'waves/run-r:a.txt'), 'changed\n');
    const value = join(rig.worktrees, 'run-r', 'sub/shop');
    assert.deepEqual(await rig.judge((folder) => folder), { kind: 'judged', value });
  });

  test('in a folder that is made where nothing of it is in a commit', async (t) => {
    const rig = isolatedRig(t, { files: { 'a.txt': 'a\n' }, below: 'new' });
    mkdirSync(join(rig.root, 'new'));
    await rig.start();
    assert.ok(existsSync(await rig.begin('T-1')));
  });

  test('in the folder of the setting, also where a link leads there', async (t) => {
    const elsewhere = temporaryFolder(t);
    const rig = isolatedRig(t, { folder: '../trees' });
    symlinkSync(elsewhere, join(rig.root, '../trees'));
    await rig.start();
    const end = await rig.work('T-1', { 'b.txt': 'b\n' });
    assert.equal(end.kind, 'succeeded', JSON.stringify(end));
    assert.ok(existsSync(join(elsewhere, 't-1-title-of-t-1/b.txt')));
    assert.equal(show(rig, 'waves/run-r:b.txt'), 'b\n');
  });

  test('not where its folder cannot be made, which is said', async (t) => {
    const rig = isolatedRig(t, { files: { 'sub/b.txt': 'b\n' }, below: 'sub' });
    await rig.start();
    const path = await rig.begin('T-1');
    rmSync(path, { recursive: true });
    writeFileSync(path, 'a file in the place of the folder');
    const again = await rig.isolation.begin(rig.job('T-1'));
    assert.ok(!again.ok && again.failure.kind === 'isolation', JSON.stringify(again));
    assert.match(again.failure.detail, /^The worktree could not be made\. .*EEXIST/);
  });

  test('not where branches of that name cannot be', async (t) => {
    const rig = isolatedRig(t);
    await rig.start();
    rig.git('branch', 'waves');
    const begun = await rig.isolation.begin(rig.job('T-1'));
    assert.ok(!begun.ok && begun.failure.kind === 'isolation');
    assert.match(begun.failure.detail, /A branch named waves is in the way/);
    rig.git('branch', '-d', 'waves');
    await rig.begin('T-1');
  });
});

const FAILED = {
  ...{ kind: 'failed', cause: { kind: 'exit' }, exitCode: 1, signal: undefined },
  evidence: EVIDENCE,
} as const satisfies WorkEnd;

describe('an attempt ends', () => {
  test('with success: its work is committed, merged and part of the evidence', async (t) => {
    const rig = isolatedRig(t, { files: { 'a.txt': 'a\n', 'gone.txt': 'x\ny\n' } });
    const { base } = await rig.start();
    const before = rig.ofUser();
    const path = await rig.begin('T-1');
    rig.write('a.txt', 'b\n', path);
    rig.write('new/file.txt', '1\n2\n', path);
    rmSync(join(path, 'gone.txt'));
    const end = await rig.end('T-1');
    const branch = 'waves/t-1-title-of-t-1';
    const commit = head(rig, branch);
    const changes = { branch, base, commit, files: 3, added: 3, removed: 3 };
    assert.deepEqual(end, { ...SUCCESS, evidence: { ...EVIDENCE, changes } });
    assert.equal(
      rig.git('log', '-1', '--format=%an <%ae>%n%B', commit).trim(),
      'A User <user@example.org>\nTitle of T-1 (T-1)\n\nTodo2-Task: T-1\nTodo2-Run: r',
    );
    assert.match(
      rig.git('log', '-1', '--format=%P%n%B', 'waves/run-r'),
      new RegExp(`^${base} ${commit}\\nMerge Title of T-1 \\(T-1\\)\\n\\nTodo2-Task: T-1\\n`),
    );
    assert.equal(rig.read('a.txt', join(rig.worktrees, 'run-r')), 'b\n');
    assert.equal(rig.ofUser(), before);
  });

  test('with success and no changes: there is nothing to merge', async (t) => {
    const rig = isolatedRig(t);
    const { base } = await rig.start();
    const end = await rig.work('T-1', {});
    assert.ok(end.kind === 'succeeded');
    assert.deepEqual(end.evidence?.changes, {
      ...{ branch: 'waves/t-1-title-of-t-1', base, commit: base },
      ...{ files: 0, added: 0, removed: 0 },
    });
    assert.equal(tipOfRun(rig), base);
  });

  test('with commits of its own, which stay as they are', async (t) => {
    const rig = isolatedRig(t);
    await rig.start();
    const path = await rig.begin('T-1');
    rig.write('one.txt', 'one\n', path);
    rig.gitIn(path, 'add', '.');
    rig.gitIn(path, 'commit', '-qm', 'of the agent');
    const own = rig.gitIn(path, 'rev-parse', 'HEAD').trim();
    const end = await rig.end('T-1');
    assert.ok(end.kind === 'succeeded');
    assert.equal(end.evidence?.changes?.commit, own, 'nothing was left to commit');
    assert.equal(end.evidence.changes.files, 1);
    assert.equal(head(rig, 'waves/run-r^2'), own);

    const second = await rig.begin('T-2');
    rig.write('two.txt', 'two\n', second);
    rig.gitIn(second, 'add', '.');
    rig.gitIn(second, 'commit', '-qm', 'of the agent');
    rig.write('three.txt', 'three\n', second);
    const ended = await rig.end('T-2');
    assert.ok(ended.kind === 'succeeded');
    assert.equal(ended.evidence?.changes?.files, 2);
    assert.equal(rig.git('log', '-1', '--format=%s', 'waves/run-r^2^').trim(), 'of the agent');
  });

  const without: readonly [name: string, end: WorkEnd, hasChanges: boolean][] = [
    ['failed', FAILED, true],
    ['failed without evidence', { ...FAILED, evidence: undefined }, false],
    ['stopped', { kind: 'stopped' }, false],
    ['unknown', { kind: 'unknown', detail: 'killed' }, false],
    ['rateLimited', { kind: 'rateLimited', retryAfterMs: 1, detail: 'later' }, false],
    ['lockLost', { kind: 'lockLost', holder: 'another' }, false],
    [
      'notRecorded',
      { kind: 'notRecorded', exitCode: 0, failure: { kind: 'writerDied', detail: '' } },
      false,
    ],
  ];
  for (const [name, given, hasChanges] of without) {
    test(`as ${name}: its work is committed on its own branch, and not merged`, async (t) => {
      const rig = isolatedRig(t);
      const { base } = await rig.start();
      const end = await rig.work('T-1', { 'one.txt': 'one\n' }, given);
      const branch = 'waves/t-1-title-of-t-1';
      assert.equal(show(rig, `${branch}:one.txt`), 'one\n');
      assert.equal(tipOfRun(rig), base);
      const changes = {
        ...{ branch, base, commit: head(rig, branch) },
        ...{ files: 1, added: 1, removed: 0 },
      };
      assert.deepEqual(end, hasChanges ? { ...given, evidence: { ...EVIDENCE, changes } } : given);
    });
  }

  test('as refused: nothing is looked at', async (t) => {
    const rig = isolatedRig(t);
    const { base } = await rig.start();
    const refused: WorkEnd = { kind: 'refused', failure: { kind: 'nothingReady' } };
    assert.equal(await rig.work('T-1', { 'one.txt': 'one\n' }, refused), refused);
    assert.equal(head(rig, 'waves/t-1-title-of-t-1'), base);
  });

  test('in conflict with what was merged meanwhile: the work stays on its branch', async (t) => {
    const rig = isolatedRig(t);
    await rig.start();
    const [one, two] = [await rig.begin('T-1'), await rig.begin('T-2')];
    rig.write('a.txt', 'one\n', one);
    rig.write('a.txt', 'two\n', two);
    assert.equal((await rig.end('T-1')).kind, 'succeeded');
    const merged = tipOfRun(rig);
    const end = await rig.end('T-2');
    assert.ok(end.kind === 'conflict', JSON.stringify(end));
    assert.deepEqual([end.files, end.status], [['a.txt'], 'Review']);
    assert.equal(end.evidence?.changes?.files, 1);
    assert.equal(tipOfRun(rig), merged);
    assert.equal(show(rig, 'waves/t-2-title-of-t-2:a.txt'), 'two\n');
    // A third one is not held back by it.
    assert.equal((await rig.work('T-3')).kind, 'succeeded');
  });

  test('with a merge half done: a conflict that says so, and nothing of it is lost', async (t) => {
    const rig = isolatedRig(t);
    const { base } = await rig.start();
    const path = await rig.begin('T-1');
    rig.gitIn(path, 'checkout', '-qb', 'other');
    rig.write('a.txt', 'other\n', path);
    rig.gitIn(path, 'commit', '-qam', 'other');
    rig.gitIn(path, 'checkout', '-q', 'waves/t-1-title-of-t-1');
    rig.write('a.txt', 'one\n', path);
    rig.gitIn(path, 'commit', '-qam', 'one');
    assert.throws(() => rig.gitIn(path, 'merge', 'other'));
    rig.write('more.txt', 'more\n', path);
    const end = await rig.end('T-1');
    assert.ok(end.kind === 'conflict', JSON.stringify(end));
    assert.deepEqual(end.files, ['a.txt']);
    assert.deepEqual(end.evidence?.remarks, ['It left a merge half done in its worktree']);
    assert.equal(tipOfRun(rig), base);
    assert.match(rig.read('a.txt', path), /^<<<<<<< /, 'the worktree stays as it is');
    assert.equal(show(rig, 'refs/waves/kept/t-1-title-of-t-1:more.txt'), 'more\n');
    const failed = await rig.end('T-1', FAILED);
    assert.deepEqual(failed, FAILED);
  });

  test('after its worktree was removed: it is there again, or it is a conflict that says so', async (t) => {
    const rig = isolatedRig(t);
    await rig.start();
    const path = await rig.begin('T-1');
    rig.git('worktree', 'remove', '--force', path);
    const end = await rig.end('T-1');
    assert.ok(end.kind === 'succeeded', JSON.stringify(end));
    const again = 'The worktree was deleted; what was committed or staged in it is there again.';
    assert.deepEqual(end.evidence?.remarks, [again]);
    assert.ok(existsSync(path));
    assert.deepEqual(await rig.end('T-2', FAILED), FAILED);
    const never = await rig.end('T-2');
    assert.ok(never.kind === 'conflict');
    assert.match(never.evidence?.remarks?.join() ?? '', /Its worktree was removed meanwhile/);
  });

  test('after the branch of the run was deleted: a conflict, and no further one begins', async (t) => {
    const rig = isolatedRig(t);
    await rig.start();
    const path = await rig.begin('T-1');
    rig.write('one.txt', 'one\n', path);
    rig.git('update-ref', '-d', 'refs/heads/waves/run-r');
    const end = await rig.end('T-1');
    assert.ok(end.kind === 'conflict', JSON.stringify(end));
    assert.match(end.evidence?.remarks?.join() ?? '', /The branch waves\/run-r is gone/);
    assert.deepEqual(await rig.isolation.begin(rig.job('T-2')), {
      ok: false,
      failure: {
        kind: 'isolation',
        detail: 'The worktree could not be made. The branch waves/run-r is gone.',
      },
    });
    assert.equal(show(rig, 'waves/t-1-title-of-t-1:one.txt'), 'one\n');
  });

  test('of another window that went on with the run: into the same branch', async (t) => {
    const rig = isolatedRig(t);
    await rig.start();
    await rig.work('T-1');
    const path = await rig.begin('T-2');
    rig.write('T-2.txt', 'T-2\n', path);
    const { options, task } = rig.job('T-2');
    const end = await rig.openWindow().end({ runId: 'r', id: task.id, options }, SUCCESS);
    assert.equal(end.kind, 'succeeded');
    const names = rig.git('ls-tree', '--name-only', 'waves/run-r').trim().split('\n');
    assert.deepEqual(names, ['T-1.txt', 'T-2.txt', 'a.txt']);
  });

  test('with a title of any kind, of which the message has one plain line', async (t) => {
    const rig = isolatedRig(t);
    await rig.start();
    const title = `x\n\nTodo2-Task: T-9\0 ${'long '.repeat(50)}`;
    const isolation = isolateWith({
      ...{
        root: rig.root,
        folder: () => '',
        files: () => [],
        setup: () => Promise.resolve(ok([])),
        titleOf: () => title,
      },
      earlier: () => [],
      log: () => undefined,
    });
    const begun = await isolation.begin(rig.job('T-1'));
    assert.ok(begun.ok);
    rig.write('one.txt', 'one\n', begun.value.path);
    const { options, task } = rig.job('T-1');
    await isolation.end({ runId: 'r', id: task.id, options }, SUCCESS);
    const body = rig.git('log', '-1', '--format=%B', 'waves/t-1-title-of-t-1').trim().split('\n');
    assert.equal(body.length, 4, body.join('|'));
    assert.match(body[0] ?? '', /^x Todo2-Task: T-9 long .*… \(T-1\)$/);
    assert.deepEqual(body.slice(1), ['', 'Todo2-Task: T-1', 'Todo2-Run: r']);
  });
});

test('a run in the folder itself has no merged work and no worktrees', async (t) => {
  const rig = isolatedRig(t);
  await rig.start();
  const shared = {
    ...rig.job('T-1'),
    options: { ...rig.job('T-1').options, isolation: undefined },
  };
  assert.deepEqual(await rig.isolation.begin(shared), {
    ok: true,
    value: { path: rig.root, isNew: false },
  });
  assert.equal(await rig.isolation.end({ ...shared, id: shared.task.id }, SUCCESS), SUCCESS);
  assert.ok(!existsSync(rig.worktrees));
});

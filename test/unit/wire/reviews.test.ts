import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { WorkEnd } from '../../../src/core/ports.ts';
import type { AcceptWay, Reviews } from '../../../src/core/run/review.ts';
import { decisionWords } from '../../../src/core/run/work-decision.ts';
import { applyRunEvents } from '../../../src/core/run/journal/run-state.ts';
import type { RunEvent, RunState } from '../../../src/core/run/run-events.ts';
import { taskId } from '../../../src/core/task.ts';
import type { Merged } from '../../../src/core/run/review.ts';
import { reviewsOf } from '../../../src/wire/reviews.ts';
import { detailOf, got } from '../../support/answers.ts';
import {
  EVIDENCE,
  type IsolatedRig,
  isolatedRig,
  type IsolatedRigOptions,
  RESUMED,
  SUCCESS,
} from '../../support/isolated-rig.ts';
import { temporaryFolder } from '../../support/repository-rig.ts';
import { atWork, ended, runAfter, runStarted } from '../../support/run-events.ts';

interface ReviewRig extends IsolatedRig {
  readonly reviews: Reviews;
  /** Runs that are not over; a test may put one in. */
  readonly live: RunState[];
}

/** A run that has been decided, whose tasks a test lets work. */
async function reviewed(t: TestContext, options: IsolatedRigOptions = {}): Promise<ReviewRig> {
  const rig = isolatedRig(t, options);
  await rig.start();
  const live: RunState[] = [];
  const notes: RunEvent[] = [];
  const run = (): RunState => applyRunEvents(rig.run(), notes);
  const reviews = reviewsOf({
    root: join(rig.root, options.below ?? ''),
    runs: () => (live.length > 0 ? live : [run()]),
    titleOf: (id) => `Title of ${id}`,
    isolation: rig.isolation,
    note: (runId, ids, decision) => {
      // That of a later run is shown by no test.
      if (runId === rig.run().runId)
        notes.push({ kind: 'workDecided', runId, ids, decision, at: 4 });
      return Promise.resolve();
    },
  });
  return { ...rig, run, reviews, live };
}

const NO_NOTE = (): Promise<never> => Promise.reject(new Error('nothing was decided'));

const NEVER = new AbortController().signal;
const MERGED: Merged = { kind: 'merged', verify: undefined, remarks: [] };

const FAILURE: WorkEnd = {
  ...{ kind: 'failed', cause: { kind: 'exit' }, exitCode: 1, signal: undefined },
  evidence: EVIDENCE,
};
const one = taskId('T-1');
const two = taskId('T-2');
const BRANCH = 'waves/t-1-title-of-t-1';
const tip = ({ git }: IsolatedRig, ref = 'main'): string => git('rev-parse', ref).trim();
const refs = ({ git }: IsolatedRig): string => git('for-each-ref', '--format=%(refname)').trim();
const folderOf = ({ worktrees }: IsolatedRig, id = one): string =>
  join(worktrees, `${id.toLowerCase()}-title-of-${id.toLowerCase()}`);

describe('the changes', () => {
  test('of a task are its own, and those of a run are all that it has merged', async (t) => {
    const rig = await reviewed(t, {
      files: { 'a.txt': 'a\n', 'gone.txt': 'x\n', 'old.txt': '1\n2\n3\n4\n' },
    });
    const path = await rig.begin('T-1');
    rmSync(join(path, 'gone.txt'));
    rmSync(join(path, 'old.txt'));
    rig.write('a.txt', 'b\n', path);
    rig.write('new name.txt', '1\n2\n3\n4\n', path);
    await rig.end('T-1');
    await rig.work('T-2', { 'two.txt': 'two\n' });
    await rig.work('T-3', { 'three.txt': 'three\n' }, { kind: 'stopped' });

    const review = await got(rig.reviews.changes(rig.run(), one));
    assert.deepEqual(
      review.files.map(({ path, from, kind, added, removed }) =>
        [kind, from, path, added, removed].join(' '),
      ),
      ['modified  a.txt 1 1', 'deleted  gone.txt 0 1', 'renamed old.txt new name.txt 0 0'],
    );
    assert.deepEqual(
      [review.top, review.branch, review.base, review.commit, review.tasks],
      [rig.root, BRANCH, rig.decided().base, tip(rig, BRANCH), [one]],
    );
    const second = await got(rig.reviews.changes(rig.run(), two));
    assert.deepEqual(
      second.files.map(({ path }) => path),
      ['two.txt'],
    );
    assert.deepEqual(second.tasks, [one, two], 'it was built on the first one');

    const whole = await got(rig.reviews.changes(rig.run()));
    assert.deepEqual(
      whole.files.map(({ path }) => path),
      ['a.txt', 'gone.txt', 'new name.txt', 'two.txt'],
    );
    assert.deepEqual([whole.commit, whole.tasks], [tip(rig, 'waves/run-r'), [one, two]]);
  });

  test('have what the user has committed in the worktree, such as a conflict that is resolved', async (t) => {
    const rig = await reviewed(t, { files: { 'a.txt': 'a\n', 'b.txt': 'b\n' } });
    const path = await rig.begin('T-1');
    await rig.work('T-2', { 'a.txt': 'two\n', 'b.txt': 'two\n' });
    rig.write('a.txt', 'one\n', path);
    assert.equal((await rig.end('T-1')).kind, 'conflict');
    await got(rig.reviews.accept(rig.run(), undefined, 'merge'));
    const refused = await got(rig.reviews.accept(rig.run(), one, 'merge'));
    assert.deepEqual(refused, { kind: 'conflict', files: ['a.txt'] });

    assert.throws(() => rig.gitIn(path, 'merge', 'main'));
    rig.write('a.txt', 'both\n', path);
    rig.gitIn(path, 'commit', '-qam', 'resolved');
    const review = await got(rig.reviews.changes(rig.run(), one));
    assert.deepEqual(
      review.files.map(({ path }) => path),
      ['a.txt'],
      'what main has is none of it',
    );
    assert.deepEqual([review.commit, review.base], [tip(rig, BRANCH), tip(rig)]);
    assert.deepEqual(review.tasks, [one]);
    const accepted = await got(rig.reviews.accept(rig.run(), one, 'merge'));
    assert.equal(accepted.kind, 'accepted');
    assert.equal(rig.read('a.txt'), 'both\n');
    assert.equal((await got(rig.reviews.changes(rig.run(), one))).commit, tip(rig, BRANCH));
  });

  test('are those of the agent where its branch was moved elsewhere', async (t) => {
    const rig = await reviewed(t);
    await rig.work('T-1');
    const commit = tip(rig, BRANCH);
    rig.git('update-ref', `refs/heads/${BRANCH}`, tip(rig));
    assert.equal((await got(rig.reviews.changes(rig.run(), one))).commit, commit);
  });

  test('are none of a task that has none, or of a run whose branch is gone', async (t) => {
    const rig = await reviewed(t);
    await rig.work('T-1', {}, { kind: 'stopped' });
    assert.match(await detailOf(rig.reviews.changes(rig.run(), one)), /no worktree any more/);
    await rig.work('T-2', {});
    assert.deepEqual((await got(rig.reviews.changes(rig.run(), two))).files, []);
    rig.git('update-ref', '-d', 'refs/heads/waves/run-r');
    assert.match(await detailOf(rig.reviews.changes(rig.run())), /no branch any more/);
  });

  test('are still there while the user is in a merge, and not outside of a repository', async (t) => {
    const rig = await reviewed(t);
    await rig.work('T-1');
    rig.write('.git/MERGE_HEAD', tip(rig));
    assert.equal((await got(rig.reviews.changes(rig.run(), one))).files.length, 1);
    const root = temporaryFolder(t);
    const { isolation } = rig;
    const elsewhere = reviewsOf({
      root,
      runs: () => [],
      titleOf: String,
      isolation,
      note: NO_NOTE,
    });
    assert.match(await detailOf(elsewhere.changes(rig.run(), one)), /in no Git repository/);
  });
});

test('the text of a file is that of the commit; what is no text is none', async (t) => {
  const rig = await reviewed(t);
  const hostile = ['-x', 'a "b" $(c)', ':(glob)*', 'ü\n', 'sub/$HOME'];
  const files = Object.fromEntries(hostile.map((name) => [name, `text of ${name}\n`]));
  await rig.work('T-1', { ...files, binary: 'a\0b', 'large.txt': 'x'.repeat(9 * 1024 * 1024) });
  const commit = tip(rig, BRANCH);
  for (const [path, text] of Object.entries(files))
    assert.equal(await rig.reviews.textAt(commit, path), text, path);
  for (const path of ['binary', 'large.txt', 'gone', 'sub', '../a.txt', ''])
    assert.equal(await rig.reviews.textAt(commit, path), undefined, path);
  assert.equal(await rig.reviews.textAt('f'.repeat(40), 'a.txt'), undefined);
});

/** What was decided last about each task, in words. */
const decisions = (rig: ReviewRig): readonly string[] =>
  [...rig.run().tasks.values()].flatMap(({ id, decision }) =>
    decision === undefined ? [] : [`${id} ${decisionWords(decision)}`],
  );

describe('a wave', () => {
  /** The run with its tasks in these waves. */
  const inWaves = (run: RunState, ...waves: readonly (readonly string[])[]): RunState => {
    const waveOf = (id: string): number => waves.findIndex((ids) => ids.includes(id));
    const tasks = [...run.tasks].map(([id, task]) => [id, { ...task, wave: waveOf(id) }] as const);
    return { ...run, waves: waves.map((ids) => ids.map(taskId)), tasks: new Map(tasks) };
  };
  const pathsOf = async (reviews: Reviews, run: RunState, wave: number) =>
    (await got(reviews.changes(run, { wave }))).files.map(({ path }) => path);

  test('shows what came in with it, and brings the waves before it along', async (t) => {
    const rig = await reviewed(t);
    await Promise.all(['T-1', 'T-2'].map((id) => rig.begin(id)));
    for (const id of ['T-1', 'T-2']) rig.write(`${id}.txt`, 'x\n', folderOf(rig, taskId(id)));
    await rig.end('T-1');
    await rig.end('T-2');
    const afterFirst = tip(rig, 'waves/run-r');
    await rig.work('T-3');
    await rig.work('T-4', {});
    const afterSecond = tip(rig, 'waves/run-r');
    await rig.work('T-5');
    await rig.work('T-6', {});
    const run = inWaves(rig.run(), ['T-1', 'T-2'], ['T-3', 'T-4'], ['T-5'], ['T-6']);
    const { reviews } = rig;

    assert.deepEqual(await pathsOf(reviews, run, 0), ['T-1.txt', 'T-2.txt']);
    assert.deepEqual(await pathsOf(reviews, run, 1), ['T-3.txt']);
    assert.deepEqual(await pathsOf(reviews, run, 2), ['T-5.txt']);
    assert.match(await detailOf(reviews.changes(run, { wave: 3 })), /Nothing of this wave/);
    const second = await got(reviews.changes(run, { wave: 1 }));
    assert.deepEqual([second.base, second.commit], [afterFirst, afterSecond]);
    assert.deepEqual(second.tasks, ['T-1', 'T-2', 'T-3', 'T-4'].map(taskId));

    const accepted = await got(reviews.accept(run, { wave: 1 }, 'merge'));
    assert.ok(accepted.kind === 'accepted');
    assert.equal(
      rig.git('log', '-1', '--format=%B').split('\n')[0],
      'Accept All waves up to wave 1',
    );
    assert.ok(existsSync(join(rig.root, 'T-3.txt')) && !existsSync(join(rig.root, 'T-5.txt')));
    const words = `accepted into main as ${accepted.commit.slice(0, 7)}`;
    assert.deepEqual(
      decisions(rig),
      ['T-1', 'T-2', 'T-3', 'T-4'].map((id) => `${id} ${words}`),
    );
  });

  test('cannot be taken by itself where another one was merged in between', async (t) => {
    const rig = await reviewed(t);
    const late = await rig.begin('T-1');
    await rig.work('T-2', { 'a.txt': 'two\n' });
    rig.write('a.txt', 'one\n', late);
    assert.equal((await rig.end('T-1')).kind, 'conflict');
    await rig.work('T-3');
    await got(rig.reviews.resolve(rig.run(), one));
    rig.write('a.txt', 'both\n', late);
    await got(rig.reviews.mergeAgain(rig.run(), one, NEVER));
    const run = inWaves(rig.run(), ['T-1', 'T-2'], ['T-3']);
    const asked = rig.reviews.changes(run, { wave: 0 });
    assert.match(await detailOf(asked), /Work of other waves was merged in between/);
    assert.match(
      await detailOf(rig.reviews.accept(run, { wave: 0 }, 'merge')),
      /Choose a task or the run/,
    );
    assert.deepEqual(await pathsOf(rig.reviews, run, 1), ['T-3.txt']);
  });
});

describe('a conflict', () => {
  test('is resolved in the worktree of the task, and its work then merged into the run', async (t) => {
    const rig = await reviewed(t);
    const first = await rig.begin('T-1');
    const second = await rig.begin('T-2');
    rig.write('a.txt', 'one\n', first);
    rig.write('a.txt', 'two\n', second);
    await rig.end('T-1');
    assert.equal((await rig.end('T-2')).kind, 'conflict');
    const before = rig.ofUser();

    const { files, folder } = await got(rig.reviews.resolve(rig.run(), two));
    assert.deepEqual([files, folder], [['a.txt'], folderOf(rig, two)]);
    assert.match(rig.read('a.txt', folder), /<<<<<<< [^]*two[^]*=======[^]*one[^]*>>>>>>> /);
    assert.deepEqual(
      (await got(rig.reviews.resolve(rig.run(), two))).files,
      ['a.txt'],
      'it goes on',
    );
    const open = { kind: 'conflict', files: ['a.txt'] };
    assert.deepEqual(await got(rig.reviews.mergeAgain(rig.run(), two, NEVER)), open);
    rig.write('a.txt', 'one and two\n', folder);
    assert.deepEqual(await got(rig.reviews.mergeAgain(rig.run(), two, NEVER)), MERGED);
    assert.equal(rig.git('show', 'waves/run-r:a.txt'), 'one and two\n');
    assert.deepEqual(await got(rig.reviews.mergeAgain(rig.run(), two, NEVER)), MERGED);
    assert.equal(rig.ofUser(), before);
    const { outcome, decision } = rig.run().tasks.get(two) ?? {};
    assert.ok(outcome?.kind === 'succeeded' && decision?.kind === 'merged');
    const { base, files: n, added, removed } = decision.changes;
    assert.deepEqual([base, n, added, removed], [tip(rig, 'waves/run-r^'), 1, 1, 1], 'its own');
    const { commit } = await got(rig.reviews.changes(rig.run(), two));
    assert.equal(
      commit,
      tip(rig, 'waves/t-2-title-of-t-2'),
      'what the user did there is shown, too',
    );
  });

  test('is merged only where the command that verifies the task passes, as any merge', async (t) => {
    const source = `
      const fs = require('node:fs');
      console.log('judged');
      process.exitCode = fs.readFileSync('a.txt', 'utf8') === 'bad\\n' ? 1 : 0;
      if (fs.existsSync('b.txt')) fs.rmSync(process.cwd(), { recursive: true })`;
    const verify = { command: process.execPath, args: ['-e', source], limitMs: 60_000 };
    const rig = await reviewed(t, { files: { 'a.txt': 'a\n', '.gitignore': '.todo2\n' }, verify });
    const folder = await rig.begin('T-2');
    await rig.work('T-1', { 'a.txt': 'one\n' });
    rig.write('a.txt', 'two\n', folder);
    assert.equal((await rig.end('T-2')).kind, 'conflict');
    const before = tip(rig, 'waves/run-r');

    await got(rig.reviews.resolve(rig.run(), two));
    rig.write('a.txt', 'bad\n', folder);
    const broken = await got(rig.reviews.mergeAgain(rig.run(), two, NEVER));
    assert.ok(broken.kind === 'broken');
    assert.deepEqual(
      [broken.verify.passed, broken.verify.tail.trim(), broken.remarks],
      [false, 'judged', []],
    );
    const ofRun = rig.run().tasks.get(two);
    assert.deepEqual([ofRun?.outcome?.kind, ofRun?.decision], ['conflict', undefined]);
    assert.equal(tip(rig, 'waves/run-r'), before);
    const log = join(rig.root, `.todo2/waves/runs/r/${ofRun?.attemptNo ?? 0}.log`);
    assert.match(rig.read(log, '/'), /--- Verifying the merged state with .*---\njudged\n/);

    rig.write('a.txt', 'good\n', folder);
    const stopped = rig.reviews.mergeAgain(rig.run(), two, AbortSignal.abort());
    assert.deepEqual(await got(stopped), { kind: 'stopped' });
    assert.equal(tip(rig, 'waves/run-r'), before);

    rig.write('b.txt', 'b\n', folder);
    const merged = await got(rig.reviews.mergeAgain(rig.run(), two, NEVER));
    assert.ok(merged.kind === 'merged');
    assert.deepEqual(
      [merged.verify?.passed, merged.remarks],
      [true, ['The command that verifies it deleted the worktree of the run; that was undone']],
    );
    assert.equal(rig.git('show', 'waves/run-r:a.txt'), 'good\n');
    const { outcome } = rig.run().tasks.get(two) ?? {};
    assert.ok(outcome?.kind === 'succeeded');
    assert.equal(outcome.evidence?.verify?.passed, true, 'the details say so');
  });

  test('is not touched while its agent works, or without its worktree', async (t) => {
    const rig = await reviewed(t);
    await rig.work('T-1');
    rig.live.push(atWorkOn(rig, 'T-1'));
    assert.match(await detailOf(rig.reviews.resolve(rig.run(), one)), /still at work/);
    assert.match(await detailOf(rig.reviews.mergeAgain(rig.run(), one, NEVER)), /still at work/);
    rig.live.splice(0);
    assert.match(
      await detailOf(rig.reviews.resolve(rig.run(), taskId('T-9'))),
      /no worktree any more/,
    );
  });
});

test('what is decided is written down for each task that it is about', async (t) => {
  const rig = await reviewed(t);
  await rig.work('T-1');
  await rig.work('T-2');
  await rig.work('T-3');
  const first = await got(rig.reviews.accept(rig.run(), two, 'merge'));
  assert.ok(first.kind === 'accepted');
  const into = (commit: string): string => `accepted into main as ${commit.slice(0, 7)}`;
  const both = [`T-1 ${into(first.commit)}`, `T-2 ${into(first.commit)}`];
  assert.deepEqual(decisions(rig), both, 'it was built on the first one');
  const whole = await got(rig.reviews.accept(rig.run(), undefined, 'squash'));
  assert.ok(whole.kind === 'accepted');
  assert.deepEqual(decisions(rig), [...both, `T-3 ${into(whole.commit)}`]);

  const { before, commit } = whole;
  await got(rig.reviews.undo(rig.run(), { target: 'main', before, commit }));
  assert.deepEqual(decisions(rig), [...both, 'T-3 accept into main undone']);
  await got(rig.reviews.undo(rig.run(), { target: 'main', before, commit }));
  await got(rig.reviews.discard(rig.run(), taskId('T-3')));
  assert.deepEqual(decisions(rig), [...both, 'T-3 discarded']);

  rig.git('merge', '-q', 'waves/run-r');
  assert.deepEqual(await got(rig.reviews.accept(rig.run(), undefined, 'merge')), {
    kind: 'nothing',
  });
  assert.deepEqual(decisions(rig), [...both, 'T-3 accepted into main'], 'the user merged it');
});

describe('accepting', () => {
  for (const way of ['merge', 'fastForward', 'squash'] as const)
    test(`by ${way} brings the work into the branch, and undo puts it back`, async (t) => {
      const rig = await reviewed(t, { files: { 'a.txt': 'a\n', 'b.txt': 'b\n' } });
      const path = await rig.begin('T-1');
      rig.write('a.txt', 'half\n', path);
      rig.gitIn(path, 'commit', '-qam', 'of the agent');
      rig.write('a.txt', 'one\n', path);
      await rig.end('T-1');
      await rig.work('T-2', { 'two.txt': 'two\n' });
      rig.write('b.txt', 'mine\n');
      rig.write('untracked.txt', 'mine\n');
      rig.git('stash', 'push', '-q', 'b.txt');
      rig.write('b.txt', 'mine, too\n');
      const [before, stash] = [tip(rig), tip(rig, 'refs/stash')];

      const accepted = await got(rig.reviews.accept(rig.run(), one, way));
      assert.deepEqual(accepted, { kind: 'accepted', commit: tip(rig), before });
      assert.equal(rig.read('a.txt'), 'one\n');
      assert.equal(rig.git('status', '--porcelain'), ' M b.txt\n?? untracked.txt\n');
      assert.equal(tip(rig, 'refs/stash'), stash);
      assert.match(
        rig.git('log', '-1', '--format=%B'),
        /^Title of T-1 \(T-1\)\n\nTodo2-Task: T-1\nTodo2-Run: r\n/,
      );
      assert.deepEqual(await got(rig.reviews.accept(rig.run(), one, way)), { kind: 'nothing' });
      const isKnown = way === 'squash' ? [] : [one];
      assert.deepEqual(await got(rig.reviews.acceptedOf(rig.run())), isKnown);

      const work = { target: 'main', before, commit: tip(rig) };
      assert.deepEqual(await got(rig.reviews.undo(rig.run(), work)), { kind: 'undone' });
      assert.equal(tip(rig), before);
      assert.equal(rig.read('a.txt'), 'a\n');
      assert.equal(rig.git('status', '--porcelain'), ' M b.txt\n?? untracked.txt\n');
      assert.deepEqual(await got(rig.reviews.acceptedOf(rig.run())), []);
      assert.equal(tip(rig, `refs/waves/undone/${work.commit}`), work.commit);
      assert.deepEqual(await got(rig.reviews.undo(rig.run(), work)), { kind: 'movedOn' });
    });

  test('a task brings what it was built on, and a run all that it has merged', async (t) => {
    const rig = await reviewed(t);
    await rig.work('T-1');
    await rig.work('T-2');
    await rig.work('T-3', {});
    await rig.work('T-4', { 'four.txt': '4\n' }, { kind: 'stopped' });
    await got(rig.reviews.accept(rig.run(), two, 'merge'));
    assert.ok(existsSync(join(rig.root, 'T-1.txt')));
    assert.deepEqual((await got(rig.reviews.changes(rig.run(), two))).tasks, []);
    assert.deepEqual(await got(rig.reviews.acceptedOf(rig.run())), [one, two]);
    await rig.work('T-5');
    const whole = await got(rig.reviews.accept(rig.run(), undefined, 'merge'));
    assert.equal(whole.kind, 'accepted');
    assert.match(rig.git('log', '-1', '--format=%B'), /^Accept All waves\n\nTodo2-Run: r\n/);
    const accepted = await got(rig.reviews.acceptedOf(rig.run()));
    assert.deepEqual(accepted, [one, two, taskId('T-3'), taskId('T-5')]);
    assert.ok(!existsSync(join(rig.root, 'four.txt')));
  });

  const nothingDone: readonly [
    name: string,
    way: AcceptWay,
    stand: (rig: ReviewRig) => void,
    outcome: object | RegExp,
  ][] = [
    [
      'the branch has commits of its own',
      'fastForward',
      ({ git }) => git('commit', '-q', '--allow-empty', '-m', 'mine'),
      { kind: 'diverged' },
    ],
    [
      'it conflicts',
      'merge',
      ({ write, git }) => (write('a.txt', 'mine\n'), git('commit', '-qam', 'mine')),
      { kind: 'conflict', files: ['a.txt'] },
    ],
    [
      'it conflicts',
      'squash',
      ({ write, git }) => (write('a.txt', 'mine\n'), git('commit', '-qam', 'mine')),
      { kind: 'conflict', files: ['a.txt'] },
    ],
    ['a changed file is in the way', 'merge', ({ write }) => write('a.txt', 'x\n'), /a\.txt/],
    [
      'a staged file is in the way',
      'fastForward',
      ({ write, git }) => (write('a.txt', 'x\n'), git('add', '.')),
      /a\.txt/,
    ],
    ['an untracked file is in the way', 'squash', ({ write }) => write('new', 'x\n'), /new/],
    ['an ignored file is in the way', 'merge', ({ write }) => write('ignored', 'x\n'), /ignored/],
    [
      'the user is in a merge',
      'merge',
      (rig) => rig.write('.git/MERGE_HEAD', tip(rig)),
      /a merge is not finished/,
    ],
  ];
  for (const [name, way, stand, expected] of nothingDone)
    test(`by ${way} where ${name}: nothing is touched`, async (t) => {
      const rig = await reviewed(t, { files: { 'a.txt': 'a\n', '.gitignore': 'ignored\n' } });
      const path = await rig.begin('T-1');
      for (const file of ['a.txt', 'new/file.txt', 'ignored']) rig.write(file, 'one\n', path);
      rig.gitIn(path, 'add', '-f', 'ignored');
      await rig.end('T-1');
      // Something in the stash, and something staged that is not in the way.
      rig.write('a.txt', 'stashed\n');
      rig.git('stash', '-q');
      rig.write('staged.txt', 'mine\n');
      rig.git('add', 'staged.txt');
      stand(rig);
      const before = rig.ofUser();
      const outcome = await got(rig.reviews.accept(rig.run(), one, way));
      if (expected instanceof RegExp) {
        assert.equal(outcome.kind, 'inTheWay');
        assert.match(JSON.stringify(outcome), expected);
      } else assert.deepEqual(outcome, expected);
      assert.equal(rig.ofUser(), before);
    });

  test('into a branch that is not checked out moves that branch alone', async (t) => {
    const rig = await reviewed(t);
    await rig.work('T-1');
    rig.git('checkout', '-qb', 'other');
    rig.write('a.txt', 'mine\n');
    const outcome = await got(rig.reviews.accept(rig.run(), one, 'merge'));
    assert.equal(outcome.kind, 'accepted');
    assert.equal(rig.git('show', 'main:T-1.txt'), 'T-1\n');
    assert.ok(!existsSync(join(rig.root, 'T-1.txt')));
    assert.equal(rig.git('status', '--porcelain'), ' M a.txt\n');
  });

  test('is not possible without a target branch, or after it is gone', async (t) => {
    const rig = isolatedRig(t);
    rig.git('checkout', '-q', '--detach');
    await rig.start();
    await rig.work('T-1');
    const { root, isolation } = rig;
    const parts = { root, runs: () => [rig.run()], titleOf: String, isolation, note: NO_NOTE };
    const reviews = reviewsOf(parts);
    assert.match(await detailOf(reviews.accept(rig.run(), one, 'merge')), /detached HEAD/);
    assert.deepEqual(await got(reviews.acceptedOf(rig.run())), []);

    const other = await reviewed(t);
    await other.work('T-1');
    other.git('branch', '-m', 'main', 'renamed');
    const gone = await detailOf(other.reviews.accept(other.run(), one, 'merge'));
    assert.equal(gone, 'The branch main is gone.');
    assert.deepEqual(await got(other.reviews.acceptedOf(other.run())), []);
    assert.equal((await got(other.reviews.changes(other.run(), one))).files.length, 1);
  });

  test('is not undone once something came after it, or where files are in the way', async (t) => {
    const rig = await reviewed(t);
    await rig.work('T-1', { 'a.txt': 'one\n' });
    const accepted = await got(rig.reviews.accept(rig.run(), one, 'merge'));
    assert.ok(accepted.kind === 'accepted');
    const { before, commit } = accepted;
    rig.write('a.txt', 'mine\n');
    const inTheWay = await got(rig.reviews.undo(rig.run(), { target: 'main', before, commit }));
    assert.ok(inTheWay.kind === 'inTheWay');
    assert.deepEqual(inTheWay.files, ['a.txt']);
    rig.git('commit', '-qam', 'mine');
    const later = rig.ofUser();
    assert.deepEqual(await got(rig.reviews.undo(rig.run(), { target: 'main', before, commit })), {
      kind: 'movedOn',
    });
    assert.equal(rig.ofUser(), later);
  });
});

describe('discarding', () => {
  test('keeps commits and uncommitted files under a ref, and removes worktree and branch', async (t) => {
    const rig = await reviewed(t);
    await rig.work('T-1');
    rig.write('late.txt', 'late\n', folderOf(rig));
    const before = rig.ofUser();
    const ref = 'refs/waves/discarded/t-1-title-of-t-1';
    assert.deepEqual(await got(rig.reviews.discard(rig.run(), one)), { ref, stays: undefined });
    assert.equal(rig.git('show', `${ref}:late.txt`), 'late\n');
    assert.equal(rig.git('show', `${ref}:T-1.txt`), 'T-1\n');
    assert.ok(!existsSync(folderOf(rig)));
    assert.equal(refs(rig), ['refs/heads/main', 'refs/heads/waves/run-r', ref].join('\n'));
    assert.match(await detailOf(rig.reviews.discard(rig.run(), one)), /no worktree any more/);
    assert.equal(rig.ofUser(), before);
  });

  test('says why the worktree stays, where it does', async (t) => {
    const rig = await reviewed(t);
    await rig.work('T-1');
    rig.git('worktree', 'lock', folderOf(rig));
    const discarded = await got(rig.reviews.discard(rig.run(), one));
    assert.equal(discarded.stays, 'It is locked in Git.');
    assert.equal(rig.git('show', `${discarded.ref}:T-1.txt`), 'T-1\n');
    assert.ok(existsSync(folderOf(rig)));
    rig.git('worktree', 'unlock', folderOf(rig));
    const again = await got(rig.reviews.discard(rig.run(), one));
    assert.deepEqual(again, { ref: discarded.ref, stays: undefined });
  });

  test('waits for the end of the run', async (t) => {
    const rig = await reviewed(t);
    await rig.work('T-1');
    rig.live.push(atWorkOn(rig, 'T-1'));
    assert.equal(await detailOf(rig.reviews.discard(rig.run(), one)), 'Its run is still at work.');
    assert.ok(existsSync(folderOf(rig)));
    assert.ok(!refs(rig).includes('discarded'));
  });
});

function atWorkOn(rig: IsolatedRig, id: string): RunState {
  const options = { isolation: rig.decided() };
  const started = runStarted({ waves: [[id]], at: 0, runId: 'r', options });
  return runAfter(started, ...atWork(id, 1, 1));
}

describe('work that a later run goes on with', () => {
  /** The run `s`, which resumes `r`, works on the task. */
  async function goOn(rig: ReviewRig, file: string): Promise<RunState> {
    const decided = await rig.isolation.decide({
      ...{ choice: 'worktree', parallel: 1, start: 'commit', isDry: false },
      ...{ resumes: 'r', target: 'main' },
    });
    assert.ok(decided.ok && decided.value.isolation);
    const { isolation } = decided.value;
    const { task, options: before, ...job } = rig.job('T-1');
    const options = { ...before, isolation };
    const begun = await rig.isolation.begin({ ...job, task, options, runId: RESUMED });
    assert.ok(begun.ok, JSON.stringify(begun));
    rig.write(file, 'later\n', begun.value.path);
    rig.gitIn(begun.value.path, 'add', '.');
    rig.gitIn(begun.value.path, 'commit', '-qm', 'on the way');
    const end = await rig.isolation.end({ runId: RESUMED, id: one, options }, SUCCESS);
    assert.ok(end.kind === 'succeeded');
    return runAfter(
      runStarted({ waves: [['T-1']], at: 5, runId: RESUMED, resumes: 'r', options }),
      ...atWork('T-1', 1, 6),
      ended('T-1', end, 7),
      { kind: 'runEnded', at: 8 },
    );
  }

  test('is decided about there: the earlier run still shows what it had, and nothing else', async (t) => {
    const rig = await reviewed(t);
    await rig.work('T-1', undefined, FAILURE);
    const before = tip(rig, BRANCH);
    const earlier = rig.run();
    const later = await goOn(rig, 'later.txt');
    const old = await got(rig.reviews.changes(earlier, one));
    assert.deepEqual([old.commit, old.files.map(({ path }) => path)], [before, ['T-1.txt']]);
    const gone = /^A later run has gone on with this work\./;
    assert.match(await detailOf(rig.reviews.accept(earlier, one, 'merge')), gone);
    assert.match(await detailOf(rig.reviews.discard(earlier, one)), gone);
    assert.equal(tip(rig), rig.decided().base);
    const { files } = await got(rig.reviews.changes(later, one));
    assert.deepEqual(
      files.map(({ path }) => path),
      ['T-1.txt', 'later.txt'],
    );
    assert.equal((await got(rig.reviews.accept(later, one, 'merge'))).kind, 'accepted');
  });

  test('can be sent back once its run has ended, and only by the latest run that has it', async (t) => {
    const rig = await reviewed(t);
    await rig.work('T-1');
    await got(rig.reviews.mayGoOn(rig.run(), one));
    const atWorkNow = { ...rig.run(), phase: 'running' } as const;
    assert.match(
      await detailOf(rig.reviews.mayGoOn(atWorkNow, one)),
      /^Its run is still at work\./,
    );
    assert.match(await detailOf(rig.reviews.mayGoOn(rig.run(), two)), /no worktree any more/);
    const later = await goOn(rig, 'later.txt');
    assert.match(await detailOf(rig.reviews.mayGoOn(rig.run(), one)), /^A later run has gone on/);
    await got(rig.reviews.mayGoOn(later, one));
    await got(rig.reviews.accept(later, one, 'squash'));
    assert.match(await detailOf(rig.reviews.mayGoOn(later, one)), /^This work was accepted/);
  });

  test('is not named by the earlier run once it was sent back', async (t) => {
    const rig = await reviewed(t);
    await rig.work('T-1');
    await rig.work('T-2');
    const earlier = rig.run();
    const later = await goOn(rig, 'later.txt');
    const task = later.tasks.get(one);
    assert.ok(task);
    const followUp = { text: 'x', after: { runId: earlier.runId, attemptNo: 1 } };
    rig.live.push(earlier, { ...later, tasks: new Map([[one, { ...task, followUp }]]) });
    assert.deepEqual((await got(rig.reviews.changes(earlier))).tasks, [two]);
    await got(rig.reviews.accept(earlier, undefined, 'merge'));
    assert.deepEqual(await got(rig.reviews.acceptedOf(earlier)), [two], 'it is not Done with that');
  });

  test('comes with that of the earlier run, whose tasks are named', async (t) => {
    const rig = await reviewed(t);
    await rig.work('T-1', undefined, FAILURE);
    await rig.work('T-2');
    const earlier = rig.run();
    const later = await goOn(rig, 'later.txt');
    rig.live.push(earlier, later);
    const { files, tasks } = await got(rig.reviews.changes(later));
    assert.deepEqual(
      files.map(({ path }) => path),
      ['T-1.txt', 'later.txt'],
    );
    assert.deepEqual(tasks, [one, two], 'an accept brings both');
    assert.deepEqual((await got(rig.reviews.changes(earlier))).tasks, [two]);
  });
});

describe('cleaning up', () => {
  const merge = ({ git }: IsolatedRig): string => git('merge', '-q', '--no-edit', BRANCH);
  const whyOf = async (rig: ReviewRig, branch = BRANCH): Promise<string | undefined> => {
    const listed = await got(rig.reviews.worktrees());
    const found = listed.find((each) => each.branch === branch);
    assert.ok(found, JSON.stringify(listed));
    return found.why;
  };

  const reasons: readonly [stand: (rig: ReviewRig) => void, why: RegExp][] = [
    [() => undefined, /^Its commits are neither accepted nor discarded\.$/],
    [(rig) => rig.git('worktree', 'lock', folderOf(rig)), /^It is locked in Git\.$/],
    [(rig) => rig.live.push(atWorkOn(rig, 'T-1')), /^Its run is still at work\.$/],
    [
      (rig) => {
        merge(rig);
        for (const name of ['a\nb', 'c']) rig.write(name, 'x', folderOf(rig));
      },
      /^Not committed: a b, c\.$/,
    ],
    [
      (rig) => {
        merge(rig);
        for (const name of ['a', 'b', 'c', 'd', 'e']) rig.write(name, 'x', folderOf(rig));
      },
      /^Not committed: a, b, c.* 2 more\.$/,
    ],
    [
      (rig) => {
        merge(rig);
        const gitDir = rig.gitIn(folderOf(rig), 'rev-parse', '--absolute-git-dir').trim();
        rig.write('MERGE_HEAD', tip(rig), gitDir);
      },
      /^Something is half done in it: merge\.$/,
    ],
    [
      (rig) => {
        merge(rig);
        rig.write('own/x', 'x', folderOf(rig));
        rig.gitIn(join(folderOf(rig), 'own'), 'init', '-q');
        rig.gitIn(join(folderOf(rig), 'own'), 'add', '.');
        rig.gitIn(join(folderOf(rig), 'own'), 'commit', '-qm', 'own');
      },
      /^It has a repository of its own in it: own\/\.$/,
    ],
    [
      (rig) => {
        merge(rig);
        rig.write('.env', 'CHANGED=1', folderOf(rig));
      },
      /^A file that was brought along was changed: \.env\.$/,
    ],
  ];
  for (const [stand, why] of reasons)
    test(`a worktree stays: ${why.source}`, async (t) => {
      const rig = await reviewed(t, {
        files: { 'a.txt': 'a\n', '.gitignore': '.env\n' },
        patterns: ['.env'],
      });
      rig.write('.env', 'SECRET=1');
      await rig.work('T-1');
      stand(rig);
      assert.match((await whyOf(rig)) ?? 'removable', why);
      assert.match((await got(rig.reviews.remove(BRANCH))) ?? 'removed', why);
      assert.equal(rig.read('T-1.txt', folderOf(rig)), 'T-1\n');
    });

  test('what was accepted in any way, or changed nothing, is removed with its branch', async (t) => {
    for (const way of ['merge', 'squash'] as const) {
      const rig = await reviewed(t);
      await rig.work('T-1');
      await rig.work('T-2', {}, { kind: 'stopped' });
      await got(rig.reviews.accept(rig.run(), undefined, way));
      const listed = await got(rig.reviews.worktrees());
      assert.deepEqual(
        listed.map(({ branch, why }) => [branch, why]),
        [
          ['waves/run-r', undefined],
          [BRANCH, undefined],
          ['waves/t-2-title-of-t-2', undefined],
        ],
      );
      for (const { branch, folder, size, changedAt } of listed) {
        assert.equal(folder, join(rig.worktrees, branch.replace('waves/', '')));
        assert.ok(size > 0 && changedAt > 0);
        assert.equal(await got(rig.reviews.remove(branch)), undefined);
      }
      assert.deepEqual(await got(rig.reviews.worktrees()), []);
      assert.ok(!existsSync(rig.worktrees));
      assert.equal(rig.git('for-each-ref', 'refs/heads/waves'), '');
      rig.git('fsck', '--strict');
    }
  });

  test('also lists those whose folder or worktree somebody has removed', async (t) => {
    const rig = await reviewed(t);
    await rig.work('T-1');
    await rig.work('T-2');
    rmSync(folderOf(rig), { recursive: true });
    rig.git('worktree', 'remove', folderOf(rig, two));
    const kept = /neither accepted nor discarded/;
    for (const branch of [BRANCH, 'waves/t-2-title-of-t-2']) {
      assert.match((await whyOf(rig, branch)) ?? '', kept);
      assert.match((await got(rig.reviews.remove(branch))) ?? '', kept);
    }
    await got(rig.reviews.accept(rig.run(), undefined, 'merge'));
    for (const branch of [BRANCH, 'waves/t-2-title-of-t-2'])
      assert.equal(await got(rig.reviews.remove(branch)), undefined);
    assert.equal(refs(rig), 'refs/heads/main\nrefs/heads/waves/run-r');
    assert.equal(await got(rig.reviews.remove(BRANCH)), undefined, 'it is gone already');
  });

  test('leaves worktrees and branches of others alone', async (t) => {
    const rig = await reviewed(t);
    const other = join(rig.worktrees, 'other');
    rig.git('worktree', 'add', '-q', '-b', 'waves/other', other);
    await rig.work('T-1');
    const listed = await got(rig.reviews.worktrees());
    assert.deepEqual(
      listed.map(({ branch }) => branch),
      ['waves/run-r', BRANCH],
    );
    assert.equal(await got(rig.reviews.remove('waves/other')), undefined);
    assert.ok(existsSync(other));
    assert.equal(tip(rig, 'waves/other'), tip(rig));
  });
});

import assert from 'node:assert/strict';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { WorkEnd } from '../../../src/core/ports.ts';
import { isolatedWorker } from '../../../src/core/run/attempt/isolated-worker.ts';
import type { MergeOutcome } from '../../../src/core/run/isolation.ts';
import { EVIDENCE, type IsolatedRig, isolatedRig, SUCCESS } from '../../support/isolated-rig.ts';

const CONFLICT: WorkEnd = { kind: 'conflict', files: [], status: 'Review', evidence: EVIDENCE };
const ASKED = 'Its agent was asked to resolve the conflict';

/** A run that has merged `a.txt` as one task left it, and the folder of another that changed it. */
async function inConflict(t: TestContext): Promise<IsolatedRig & { readonly folder: string }> {
  const rig = isolatedRig(t);
  await rig.start();
  const folder = await rig.begin('T-2');
  await rig.work('T-1', { 'a.txt': 'one\n' });
  rig.write('a.txt', 'two\n', folder);
  rig.write('new.txt', 'new\n', folder);
  return { ...rig, folder };
}

const tip = ({ git }: IsolatedRig, branch = 'waves/run-r'): string =>
  git('rev-parse', branch).trim();

describe('the work of an attempt that is not over', () => {
  test('is committed and merged, once', async (t) => {
    const rig = isolatedRig(t);
    const { base } = await rig.start();
    const folder = await rig.begin('T-1');
    rig.write('new.txt', 'new\n', folder);
    assert.deepEqual(await rig.merge('T-1'), { kind: 'merged' });
    const merged = tip(rig);
    assert.equal(rig.git('show', 'waves/run-r:new.txt'), 'new\n');
    const end = await rig.end('T-1');
    assert.ok(end.kind === 'succeeded');
    const commit = tip(rig, 'waves/t-1-title-of-t-1');
    const changes = {
      branch: 'waves/t-1-title-of-t-1',
      base,
      commit,
      files: 1,
      added: 1,
      removed: 0,
    };
    assert.deepEqual(end.evidence, { ...EVIDENCE, changes });
    assert.equal(tip(rig), merged);
  });

  test('is taken back where its attempt came to no good end, and what came before stays', async (t) => {
    const rig = isolatedRig(t);
    await rig.start();
    await rig.work('T-1');
    const before = tip(rig);
    const folder = await rig.begin('T-2');
    rig.write('new.txt', 'new\n', folder);
    assert.deepEqual(await rig.merge('T-2'), { kind: 'merged' });
    assert.notEqual(tip(rig), before);
    const gone: WorkEnd = { kind: 'unknown', detail: 'gone' };
    assert.deepEqual(await rig.end('T-2', gone), gone);
    assert.equal(tip(rig), before);
    await rig.end('T-2', gone);
    assert.equal(tip(rig), before, 'once');
    assert.equal(rig.git('show', 'waves/t-2-title-of-t-2:new.txt'), 'new\n');
    assert.equal(rig.gitIn(join(rig.worktrees, 'run-r'), 'status', '--porcelain'), '');
  });

  test('is not merged once that was given up', async (t) => {
    const rig = isolatedRig(t);
    const { base } = await rig.start();
    const folder = await rig.begin('T-1');
    rig.write('new.txt', 'new\n', folder);
    assert.deepEqual(await rig.merge('T-1', { signal: AbortSignal.abort() }), { kind: 'stopped' });
    assert.equal(tip(rig), base);
    assert.equal(rig.git('show', 'waves/t-1-title-of-t-1:new.txt'), 'new\n');
    assert.deepEqual(await rig.end('T-1', { kind: 'stopped' }), { kind: 'stopped' });
  });

  test('stays in conflict where no agent is asked', async (t) => {
    const rig = await inConflict(t);
    assert.deepEqual(await rig.merge('T-2', { asks: false }), { kind: 'conflict' });
    const end = await rig.end('T-2', CONFLICT);
    assert.ok(end.kind === 'conflict');
    assert.deepEqual(end.files, ['a.txt']);
    assert.deepEqual(
      [end.evidence?.remarks, end.evidence?.changes?.files],
      [undefined, 2],
      JSON.stringify(end),
    );
  });

  test('is merged with that of others for its agent to resolve, and is its own alone then', async (t) => {
    const rig = await inConflict(t);
    assert.deepEqual(await rig.merge('T-2'), { kind: 'resolve', files: ['a.txt'] });
    assert.match(rig.read('a.txt', rig.folder), /^<<<<<<< /);
    rig.write('a.txt', 'one\ntwo\n', rig.folder);
    // Others go on meanwhile.
    await rig.work('T-3', { 'c.txt': 'c\n' });
    assert.deepEqual(await rig.merge('T-2', { again: true }), { kind: 'merged' });
    assert.equal(rig.git('show', 'waves/run-r:a.txt'), 'one\ntwo\n');
    const end = await rig.end('T-2');
    assert.ok(end.kind === 'succeeded');
    const { changes, remarks } = end.evidence ?? {};
    assert.deepEqual(remarks, [
      'It did not fit to earlier work, and its agent resolved the conflict',
    ]);
    assert.deepEqual([changes?.files, changes?.added, changes?.removed], [2, 2, 0]);
  });

  test('counts as its own alone also in a window that has not merged it', async (t) => {
    const rig = await inConflict(t);
    await rig.merge('T-2');
    rig.write('a.txt', 'one\ntwo\n', rig.folder);
    await rig.merge('T-2', { again: true });
    const { options } = rig.job('T-2');
    const id = rig.job('T-2').task.id;
    const end = await rig.openWindow().end({ runId: 'r', id, options }, SUCCESS);
    assert.ok(end.kind === 'succeeded');
    const { changes } = end.evidence ?? {};
    assert.deepEqual([changes?.files, changes?.added, changes?.removed], [2, 2, 0]);
  });

  test('is asked for by the next window where one was killed when the merge was begun', async (t) => {
    const rig = await inConflict(t);
    // The answer of the first one was never written.
    assert.deepEqual(await rig.merge('T-2'), { kind: 'resolve', files: ['a.txt'] });
    const window = rig.openWindow();
    assert.deepEqual(await rig.merge('T-2', { window }), { kind: 'resolve', files: ['a.txt'] });
    rig.write('a.txt', 'one\ntwo\n', rig.folder);
    assert.deepEqual(await rig.merge('T-2', { window, again: true }), { kind: 'merged' });
    assert.equal(rig.git('show', 'waves/run-r:a.txt'), 'one\ntwo\n');
    assert.equal(rig.git('show', 'waves/run-r:new.txt'), 'new\n');
  });

  test('is in conflict, and says what to do, where no window came in time to ask', async (t) => {
    const rig = await inConflict(t);
    await rig.merge('T-2');
    const { options, task } = rig.job('T-2');
    const end = await rig.openWindow().end({ runId: 'r', id: task.id, options }, SUCCESS);
    assert.ok(end.kind === 'conflict');
    assert.deepEqual(end.files, ['a.txt']);
    assert.deepEqual(end.evidence?.remarks, [
      'It is not merged: its agent was not asked to resolve the conflict. Choose Resolve Conflict… on its row',
    ]);
  });

  test('is in conflict, and says what to do, where its agent works in a terminal', async (t) => {
    const rig = await inConflict(t);
    const { options, task, ...rest } = rig.job('T-2');
    const attempt = {
      ...{ ...rest, id: task.id, options: { ...options, resolveConflicts: true } },
      agent: { ...rest.agent, agentMode: 'interactive' as const },
    };
    const { signal } = new AbortController();
    assert.deepEqual(await rig.isolation.merge(attempt, false, signal), { kind: 'conflict' });
    const end = await rig.end('T-2', CONFLICT);
    assert.ok(end.kind === 'conflict');
    assert.deepEqual(
      [end.files, end.evidence?.remarks],
      [
        ['a.txt'],
        [
          'It is not merged: agents in terminals are not asked to resolve a conflict. Choose Resolve Conflict… on its row',
        ],
      ],
    );
    assert.equal(rig.read('a.txt', rig.folder), 'two\n', 'nothing is begun there');
  });

  test('that an agent left in a merge of its own is not asked for', async (t) => {
    const rig = await inConflict(t);
    rig.gitIn(rig.folder, 'commit', '-qam', 'mine');
    rig.gitIn(rig.folder, 'checkout', '-q', '-b', 'other', 'main');
    rig.write('a.txt', 'other\n', rig.folder);
    rig.gitIn(rig.folder, 'commit', '-qam', 'other');
    rig.gitIn(rig.folder, 'checkout', '-q', 'waves/t-2-title-of-t-2');
    assert.throws(() => rig.gitIn(rig.folder, 'merge', '-q', 'other'));
    assert.deepEqual(await rig.merge('T-2'), { kind: 'conflict' });
    const end = await rig.end('T-2', CONFLICT);
    assert.ok(end.kind === 'conflict');
    assert.deepEqual(end.evidence?.remarks, ['It left a merge half done in its worktree']);
  });

  for (const until of ['before the run has it', 'after the attempt has ended'] as const)
    test(`is not merged where a stop comes while its files are checked out, ${until}`, async (t) => {
      const rig = isolatedRig(t, {
        files: { 'a.txt': 'a\n', '.gitattributes': '*.slow filter=slow' },
      });
      await rig.start();
      await rig.work('T-1');
      const before = tip(rig);
      const [begun, go] = [join(rig.worktrees, 'begun'), join(rig.worktrees, 'go')];
      const folder = await rig.begin('T-2');
      rig.write('b.slow', 'b\n', folder);
      rig.gitIn(folder, 'add', '.');
      rig.git(
        ...['config', 'filter.slow.smudge'],
        `touch '${begun}'; while ! test -e '${go}'; do sleep 0.02; done; cat`,
      );
      const stop = new AbortController();
      let merging: Promise<MergeOutcome> | undefined;
      const stopped: WorkEnd = { kind: 'stopped' };
      const worker = isolatedWorker(
        {
          attach: () => assert.fail('not asked for'),
          work: async (_job, _signal, listener) => {
            merging = listener.onMerging?.(false);
            while (!existsSync(begun)) await turn();
            stop.abort();
            if (until === 'before the run has it') writeFileSync(go, '');
            // The supervisor waits for no answer any more.
            else setImmediate(() => writeFileSync(go, ''));
            return stopped;
          },
        },
        rig.isolation,
      );
      const silent = { onClaimed: () => undefined, onStarted: () => undefined };
      assert.deepEqual(await worker.work(rig.job('T-2'), stop.signal, silent), stopped);
      assert.deepEqual(await merging, stopped);
      assert.equal(tip(rig), before);
      assert.equal(rig.git('show', 'waves/t-2-title-of-t-2:b.slow'), 'b\n');
      assert.equal(rig.gitIn(join(rig.worktrees, 'run-r'), 'status', '--porcelain'), '');
    });

  test('is taken back where its attempt was stopped just when it was merged', async (t) => {
    const rig = isolatedRig(t);
    await rig.start();
    await rig.work('T-1');
    const before = tip(rig);
    rig.write('new.txt', 'new\n', await rig.begin('T-2'));
    const worker = isolatedWorker(
      {
        attach: () => assert.fail('not asked for'),
        work: async (_job, _signal, listener) => {
          assert.deepEqual(await listener.onMerging?.(false), { kind: 'merged' });
          assert.notEqual(tip(rig), before);
          return { kind: 'stopped' };
        },
      },
      rig.isolation,
    );
    const silent = { onClaimed: () => undefined, onStarted: () => undefined };
    const { signal } = new AbortController();
    assert.deepEqual(await worker.work(rig.job('T-2'), signal, silent), { kind: 'stopped' });
    assert.equal(tip(rig), before);
    assert.equal(rig.git('show', 'waves/t-2-title-of-t-2:new.txt'), 'new\n');
  });

  test('is in conflict with the merge begun where marks are left', async (t) => {
    const rig = await inConflict(t);
    await rig.merge('T-2');
    const before = tip(rig);
    assert.deepEqual(await rig.merge('T-2', { again: true }), { kind: 'conflict' });
    const end = await rig.end('T-2', CONFLICT);
    assert.ok(end.kind === 'conflict');
    assert.deepEqual([end.files, end.evidence?.remarks], [['a.txt'], [ASKED]]);
    assert.equal(end.evidence?.changes?.files, 2, 'what it did before it was asked');
    assert.equal(tip(rig), before);
    assert.match(rig.read('a.txt', rig.folder), /^<<<<<<< /);
  });

  test('is in conflict where its agent failed, though no marks are left', async (t) => {
    const rig = await inConflict(t);
    await rig.merge('T-2');
    rig.write('a.txt', 'half resolved\n', rig.folder);
    const before = tip(rig);
    for (const end of [await rig.end('T-2', CONFLICT), await endElsewhere(rig)]) {
      assert.ok(end.kind === 'conflict');
      assert.deepEqual(end.files, ['a.txt']);
      assert.equal(tip(rig), before);
      assert.equal(rig.read('a.txt', rig.folder), 'half resolved\n');
    }
  });

  test('is in conflict where its agent gave the merge up, and what it left is committed', async (t) => {
    const rig = await inConflict(t);
    await rig.merge('T-2');
    rig.gitIn(rig.folder, 'merge', '--abort');
    rig.write('left.txt', 'left\n', rig.folder);
    assert.deepEqual(await rig.merge('T-2', { again: true }), { kind: 'conflict' });
    const end = await rig.end('T-2', CONFLICT);
    assert.ok(end.kind === 'conflict');
    assert.deepEqual(end.files, ['a.txt']);
    assert.equal(rig.git('show', 'waves/t-2-title-of-t-2:left.txt'), 'left\n');
  });

  for (const [how, ...args] of [
    ['adds', 'add', '--all'],
    ['commits', 'commit', '--quiet', '--all', '--message=done'],
  ] as const)
    test(`is in conflict where its agent ${how} files with the marks in them`, async (t) => {
      const rig = await inConflict(t);
      await rig.merge('T-2');
      rig.gitIn(rig.folder, ...args);
      const before = tip(rig);
      assert.deepEqual(await rig.merge('T-2', { again: true }), { kind: 'conflict' });
      const end = await rig.end('T-2', CONFLICT);
      assert.ok(end.kind === 'conflict');
      assert.deepEqual([end.files, end.evidence?.remarks], [['a.txt'], [ASKED]]);
      assert.equal(tip(rig), before);
    });

  test('may have marks of other conflicts in it', async (t) => {
    const rig = isolatedRig(t);
    await rig.start();
    const text = '<<<<<<< HEAD\na\n=======\nb\n>>>>>>> other\n';
    assert.equal((await rig.work('T-1', { 'manual.txt': text })).kind, 'succeeded');
    assert.equal(rig.git('show', 'waves/run-r:manual.txt'), text);
  });

  for (const goal of ['waves/run-r', 'main'])
    test(`is in conflict, and kept, where its agent resets its branch to ${goal}`, async (t) => {
      const rig = await inConflict(t);
      await rig.merge('T-2');
      const work = tip(rig, 'waves/t-2-title-of-t-2');
      rig.gitIn(rig.folder, 'reset', '--quiet', '--hard', goal);
      const before = tip(rig);
      assert.deepEqual(await rig.merge('T-2', { again: true }), { kind: 'conflict' });
      const end = await rig.end('T-2', CONFLICT);
      assert.ok(end.kind === 'conflict');
      const kept = 'refs/waves/kept/t-2-title-of-t-2';
      assert.deepEqual(end.evidence?.remarks, [
        ASKED,
        `Its agent dropped its own work, which is kept under ${kept}`,
      ]);
      assert.equal(tip(rig), before);
      assert.equal(tip(rig, `${kept}^`), work);
    });

  test('is merged where another window has merged what its agent resolved', async (t) => {
    const rig = await inConflict(t);
    await rig.merge('T-2');
    rig.write('a.txt', 'one\ntwo\n', rig.folder);
    assert.deepEqual(await rig.merge('T-2', { again: true }), { kind: 'merged' });
    const again = { again: true, window: rig.openWindow() };
    assert.deepEqual(await rig.merge('T-2', again), { kind: 'merged' });
  });

  test('is in conflict where its agent deletes the worktree, and no file is deleted by that', async (t) => {
    const rig = await inConflict(t);
    await rig.merge('T-2');
    rmSync(rig.folder, { recursive: true });
    const before = tip(rig);
    assert.deepEqual(await rig.merge('T-2', { again: true }), { kind: 'conflict' });
    const end = await rig.end('T-2', CONFLICT);
    assert.ok(end.kind === 'conflict');
    assert.deepEqual(end.files, ['a.txt']);
    assert.equal(rig.read('a.txt', rig.folder), 'two\n');
    assert.equal(tip(rig), before);
  });

  test('may not fit once more after it was resolved', async (t) => {
    const rig = await inConflict(t);
    await rig.merge('T-2');
    rig.write('a.txt', 'one\ntwo\n', rig.folder);
    await rig.work('T-3', { 'a.txt': 'three\n' });
    assert.deepEqual(await rig.merge('T-2', { again: true }), { kind: 'conflict' });
    const end = await rig.end('T-2', CONFLICT);
    assert.ok(end.kind === 'conflict');
    assert.deepEqual([end.files, end.evidence?.remarks], [['a.txt'], [ASKED]]);
    assert.equal(rig.git('show', 'waves/run-r:a.txt'), 'three\n');
  });

  test('is in conflict, with the reason, where its worktree is not known any more', async (t) => {
    const rig = await inConflict(t);
    rmSync(join(rig.root, '.git/waves/t-2-title-of-t-2.json'));
    assert.deepEqual(await rig.merge('T-2'), { kind: 'conflict' });
    const end = await rig.end('T-2', CONFLICT);
    assert.ok(end.kind === 'conflict');
    assert.deepEqual(end.evidence?.remarks, [
      'It is not merged: Its worktree was removed meanwhile.',
    ]);
    assert.equal(rig.read('a.txt', rig.folder), 'two\n');
  });
});

/** As a window tells it that came after the merge was tried. */
function endElsewhere(rig: IsolatedRig): Promise<WorkEnd> {
  const { options, task } = rig.job('T-2');
  return rig.openWindow().end({ runId: 'r', id: task.id, options }, CONFLICT);
}

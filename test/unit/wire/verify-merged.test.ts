import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { WorkEnd } from '../../../src/core/ports.ts';
import type { VerifyCommand } from '../../../src/core/run/agent-rules.ts';
import { EVIDENCE, type IsolatedRig, isolatedRig } from '../../support/isolated-rig.ts';

const node = (source: string): VerifyCommand => ({
  command: process.execPath,
  args: ['-e', source],
  limitMs: 60_000,
});
/** Notes each time that it runs, and passes unless both files are there. */
const NOT_BOTH = node(`
  const { appendFileSync, existsSync } = require('node:fs');
  console.log('judged');
  appendFileSync('../judged', 'x');
  process.exitCode = existsSync('one.txt') && existsSync('two.txt') ? 1 : 0`);
const CONFLICT: WorkEnd = { kind: 'conflict', files: [], status: 'Review', evidence: EVIDENCE };

const tip = ({ git }: IsolatedRig): string => git('rev-parse', 'waves/run-r').trim();
const logOf = ({ root, job }: IsolatedRig): string => {
  const file = join(root, '.todo2/waves/runs/r', `${job('T-1').attemptNo}.log`);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
};
const judged = ({ worktrees }: IsolatedRig): number =>
  existsSync(join(worktrees, 'judged'))
    ? readFileSync(join(worktrees, 'judged'), 'utf8').length
    : 0;

/** A run in which two tasks have begun, each with a file of its own. */
async function begun(
  t: TestContext,
  options: Parameters<typeof isolatedRig>[1],
): Promise<IsolatedRig> {
  const rig = isolatedRig(t, {
    files: { 'a.txt': 'a\n', '.gitignore': '.todo2\n.env\n' },
    ...options,
  });
  await rig.start();
  for (const [id, file] of [
    ['T-1', 'one.txt'],
    ['T-2', 'two.txt'],
  ] as const)
    rig.write(file, `${file}\n`, await rig.begin(id));
  return rig;
}

describe('what verifies a task judges the merged state', () => {
  test('and work that breaks it is undone, with the reason, and stays where it is', async (t) => {
    const rig = await begun(t, { verify: NOT_BOTH });
    assert.deepEqual(await rig.merge('T-1'), { kind: 'merged' });
    assert.equal(judged(rig), 0, 'the tree of the work by itself was verified already');
    const before = tip(rig);
    assert.deepEqual(await rig.merge('T-2'), { kind: 'conflict' });
    const end = await rig.end('T-2', CONFLICT);
    assert.ok(end.kind === 'conflict');
    assert.equal(judged(rig), 1);
    assert.deepEqual(end.files, []);
    assert.match(
      end.reason ?? '',
      /^its work breaks .*node.* -e .* once merged with earlier work$/,
    );
    assert.equal(end.evidence?.verify?.passed, false);
    assert.equal(end.evidence.changes?.files, 1);
    assert.match(logOf(rig), /--- Verifying the merged state with .*---\njudged\n/);
    assert.equal(tip(rig), before);
    assert.equal(rig.git('show', 'waves/t-2-title-of-t-2:two.txt'), 'two.txt\n');
    assert.ok(!existsSync(join(rig.worktrees, 'run-r/two.txt')));
    assert.ok(existsSync(join(rig.worktrees, 'run-r/one.txt')));
    assert.deepEqual(await rig.merge('T-2'), { kind: 'conflict' }, 'again, it is tried again');
  });

  test('also where a window finds the work of one that was gone', async (t) => {
    const rig = await begun(t, { verify: NOT_BOTH });
    assert.equal((await rig.end('T-1')).kind, 'succeeded');
    const end = await rig.end('T-2');
    assert.ok(end.kind === 'conflict', JSON.stringify(end));
    assert.match(end.reason ?? '', /^its work breaks /);
  });

  test('and a stop ends that, with nothing merged', async (t) => {
    const rig = await begun(t, { verify: node('setInterval(() => {}, 1000)') });
    await rig.merge('T-1');
    const before = tip(rig);
    const stop = new AbortController();
    const merging = rig.merge('T-2', { signal: stop.signal });
    setTimeout(() => stop.abort(), 300);
    assert.deepEqual(await merging, { kind: 'stopped' });
    assert.equal(tip(rig), before);
  });

  test('in a worktree that was made ready once, before the first of them', async (t) => {
    const setup = node("require('node:fs').appendFileSync('../setup', 'x')");
    const verify = node("process.exitCode = require('node:fs').existsSync('.env') ? 0 : 1");
    const rig = await begun(t, { verify, setup: [setup], patterns: ['.env'] });
    rig.write('.env', 'SECRET=1\n');
    for (const id of ['T-1', 'T-2']) assert.deepEqual(await rig.merge(id), { kind: 'merged' });
    const third = await rig.begin('T-3');
    rig.write('three.txt', 'three\n', third);
    rig.write('one.txt', 'changed\n', await rig.begin('T-4'));
    for (const id of ['T-3', 'T-4']) assert.deepEqual(await rig.merge(id), { kind: 'merged' });
    assert.equal(readFileSync(join(rig.worktrees, 'setup'), 'utf8'), 'x');
    assert.match(logOf(rig), /--- Setting up with /);
    const end = await rig.end('T-2');
    assert.ok(end.kind === 'succeeded');
    assert.deepEqual(end.evidence?.remarks, undefined);
  });

  test('and is not run, which is said, where its worktree could not be made ready', async (t) => {
    const setup = node('process.exitCode = 3');
    const rig = await begun(t, { verify: NOT_BOTH, setup: [setup] });
    for (const id of ['T-1', 'T-2']) assert.deepEqual(await rig.merge(id), { kind: 'merged' });
    const end = await rig.end('T-2');
    assert.ok(end.kind === 'succeeded');
    assert.equal(judged(rig), 0);
    assert.match(
      end.evidence?.remarks?.join() ?? '',
      /^What was merged is not verified: the worktree of the run was not set up: .* failed$/,
    );
    // What verifies a wave says the same.
    const failed = await rig.judge(() => assert.fail('it is not set up'));
    assert.ok(failed.kind === 'notRun');
    assert.match(failed.why, /^the worktree of the run was not set up: .* failed$/);
    rmSync(join(rig.root, '.git'), { recursive: true });
    const gone = await rig.judge(() => assert.fail('it is gone'), rig.openWindow());
    assert.ok(gone.kind === 'notRun');
    assert.match(gone.why, /^the worktree of the run was not set up: ./);
  });

  test('and what else it did to the run is undone, and said of the task', async (t) => {
    const setup = node("require('node:fs').appendFileSync('../setup', 'x')");
    const verify = node(`
      const { appendFileSync, rmSync } = require('node:fs');
      appendFileSync('../judged', 'x');
      rmSync(process.cwd(), { recursive: true })`);
    const rig = await begun(t, { verify, setup: [setup] });
    rig.write('three.txt', 'three\n', await rig.begin('T-3'));
    for (const id of ['T-1', 'T-2', 'T-3'])
      assert.deepEqual(await rig.merge(id), { kind: 'merged' });
    assert.equal(judged(rig), 2);
    assert.equal(rig.read('setup', rig.worktrees), 'xx', 'a new folder is made ready anew');
    const end = await rig.end('T-3');
    assert.ok(end.kind === 'succeeded');
    assert.deepEqual(end.evidence?.remarks, [
      'The command that verifies it deleted the worktree of the run; that was undone',
    ]);
    for (const file of ['one.txt', 'two.txt', 'three.txt'])
      assert.equal(
        rig.git('show', `waves/run-r:${file}`),
        rig.read(file, join(rig.worktrees, 'run-r')),
      );
  });
});

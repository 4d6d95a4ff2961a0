import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { launchPrompt, taskBrief, verifyPrompt } from '../../../src/agent-api/wave-brief.ts';
import { taskId } from '../../../src/core/task.ts';
import { writeBriefs, writeNewFile } from '../../../src/store/files/new-files.ts';

const STAMP = '20260105T120000-abcdef';

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'todo2-briefs-'));
});
after(() => rm(root, { recursive: true, force: true }));

test('a prompt asks for one subagent per task, all of them in one message', () => {
  const prompt = launchPrompt([
    { id: taskId('T-1'), file: '.todo2/waves/briefs/x/1.md' },
    { id: taskId('T-2'), file: '.todo2/waves/briefs/x/2.md' },
  ]);
  assert.match(prompt, /one subagent per task, all of them in one message/);
  assert.match(
    prompt,
    /^- \/wave-task-runner do what \.todo2\/waves\/briefs\/x\/1\.md says \(T-1\)$/m,
  );
  assert.equal(prompt.match(/\/wave-task-runner/g)?.length, 2);
  assert.match(
    verifyPrompt('.todo2/waves/briefs/x/verify.md'),
    /^\/wave-verifier check what \S+verify\.md/,
  );
});

test('property: whatever an id says, a prompt holds it only where it is a plain one', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), (id) => {
      const [plain, other] = ['T-1', id].map((each) =>
        launchPrompt([{ id: taskId(each), file: 'f/1.md' }]),
      );
      const line = other?.split('\n').find((each) => each.startsWith('- ')) ?? assert.fail();
      assert.match(
        line,
        /^- \/wave-task-runner do what f\/1\.md says( \([A-Za-z0-9][A-Za-z0-9_-]*\))?$/,
      );
      assert.equal(other?.split('\n').length, plain?.split('\n').length);
    }),
  );
});

test('property: whatever a task says stays within the fence of its brief', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('`', '~', '\n', 'a', ' ', '#') }), (about) => {
      const brief = taskBrief(about);
      const lines = brief.trimEnd().split('\n');
      const fence = lines.at(-1) ?? '';
      assert.match(fence, /^(`{3,}|~{3,})$/);
      const opening = lines.findIndex((line) => line.startsWith(fence));
      const inside = lines.slice(opening + 1, -1);
      assert.ok(inside.every((line) => !line.trim().startsWith(fence)));
    }),
  );
});

test('briefs go into a folder of their own, out of git and for their owner alone, and the oldest folders go', async () => {
  for (let i = 10; i < 35; i++) {
    const written = await writeBriefs(
      root,
      `202601${i}T120000-abcdef`,
      new Map([['1.md', `brief ${i}`]]),
    );
    assert.ok(written.ok);
    assert.equal(written.value, `.todo2/waves/briefs/202601${i}T120000-abcdef`);
    assert.equal(await readFile(join(root, written.value, '1.md'), 'utf8'), `brief ${i}`);
  }
  assert.equal(await readFile(join(root, '.todo2/waves/.gitignore'), 'utf8'), '*\n');
  const kept = await readdir(join(root, '.todo2/waves/briefs'));
  assert.equal(kept.length, 20);
  assert.ok(!kept.includes('20260114T120000-abcdef') && kept.includes('20260115T120000-abcdef'));
});

test('a brief that was just written stays, also where the clock was set back', async () => {
  const written = await writeBriefs(root, '20250101T120000-abcdef', new Map([['1.md', 'x']]));
  assert.ok(written.ok);
  assert.equal(await readFile(join(root, written.value, '1.md'), 'utf8'), 'x');
});

test('a brief is never written under a name that leads elsewhere, over another file, or through a link', async () => {
  for (const name of ['../1.md', 'a/b.md', '', '.hidden', 'x\n.md', 'x'.repeat(90)]) {
    await assert.rejects(writeBriefs(root, STAMP, new Map([[name, 'x']])), /Internal error/);
    await assert.rejects(writeBriefs(root, name, new Map([['1.md', 'x']])), /Internal error/);
  }
  assert.ok((await writeBriefs(root, STAMP, new Map([['1.md', 'first']]))).ok);
  const again = await writeBriefs(root, STAMP, new Map([['1.md', 'second']]));
  assert.equal(!again.ok && again.failure.kind, 'writeFailed');
  assert.equal(await readFile(join(root, '.todo2/waves/briefs', STAMP, '1.md'), 'utf8'), 'first');

  const elsewhere = await mkdtemp(join(tmpdir(), 'todo2-elsewhere-'));
  const linked = await mkdtemp(join(tmpdir(), 'todo2-linked-'));
  try {
    await mkdir(join(linked, '.todo2'));
    await symlink(elsewhere, join(linked, '.todo2', 'waves'));
    const led = await writeBriefs(linked, STAMP, new Map([['1.md', 'x']]));
    assert.equal(!led.ok && led.failure.kind, 'writeFailed');
    assert.deepEqual(await readdir(elsewhere), []);
  } finally {
    for (const folder of [elsewhere, linked]) await rm(folder, { recursive: true, force: true });
  }
});

test('a file of an agent is created where there is none, and what has its name is kept, links included', async () => {
  const name = 'wave-task-runner.md';
  const first = await writeNewFile(root, ['.claude', 'agents'], name, 'ours');
  assert.equal(first.ok && first.value.kind, 'created');
  await writeFile(join(root, '.claude/agents', name), 'mine');
  const second = await writeNewFile(root, ['.claude', 'agents'], name, 'ours');
  assert.equal(second.ok && second.value.kind, 'kept');
  assert.equal(await readFile(join(root, '.claude/agents', name), 'utf8'), 'mine');

  await symlink(join(root, 'gone.md'), join(root, '.claude/agents', 'wave-verifier.md'));
  const third = await writeNewFile(root, ['.claude', 'agents'], 'wave-verifier.md', 'ours');
  assert.equal(third.ok && third.value.kind, 'kept');
  await assert.rejects(
    readFile(join(root, 'gone.md')),
    'nothing was written to where the link leads',
  );
});

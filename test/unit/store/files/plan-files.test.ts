import assert from 'node:assert/strict';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Failure } from '../../../../src/core/failure.ts';
import type { Result } from '../../../../src/core/result.ts';
import {
  planPath,
  readPlanFile,
  readWithin,
  replaceWithin,
  writePlanFile,
} from '../../../../src/store/files/plan-files.ts';

const made: string[] = [];
after(async () => {
  for (const folder of made) await rm(folder, { recursive: true, force: true });
});

async function folder(): Promise<string> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'plans-')));
  made.push(path);
  return path;
}

function assertRefused(result: Result<unknown, Failure>, file: string, why: RegExp): void {
  assert.ok(!result.ok && result.failure.kind === 'writeFailed', JSON.stringify(result));
  assert.equal(result.failure.file, file);
  assert.match(result.failure.detail, why);
}

const posix = { skip: process.platform === 'win32' ? 'needs POSIX links and modes' : false };

test('a plan is created with its folders, updated, and left alone when nothing changed', async () => {
  const root = await folder();
  const file = planPath(root, 'a.plan.md');
  assert.equal(file, join(root, '.cursor', 'plans', 'a.plan.md'));
  assert.deepEqual(await readPlanFile(root, 'a.plan.md'), { ok: true, value: undefined });
  await assert.rejects(stat(join(root, '.cursor')), 'reading creates nothing');
  assert.deepEqual(await writePlanFile(root, 'a.plan.md', 'one'), {
    ok: true,
    value: { kind: 'created', file },
  });
  assert.deepEqual(await writePlanFile(root, 'a.plan.md', (text) => `${text ?? ''} two`), {
    ok: true,
    value: { kind: 'updated', file },
  });
  assert.deepEqual(await readPlanFile(root, 'a.plan.md'), { ok: true, value: 'one two' });
  const old = new Date(1_000_000);
  await utimes(file, old, old);
  assert.deepEqual(await writePlanFile(root, 'a.plan.md', 'one two'), {
    ok: true,
    value: { kind: 'unchanged', file },
  });
  assert.equal((await stat(file)).mtimeMs, 1_000_000, 'not touched');
  assert.deepEqual(
    await readdir(join(root, '.cursor', 'plans')),
    ['a.plan.md'],
    'nothing temporary is left',
  );
});

test(
  'a reader that opened the old plan reads it to its end, since the new one is another file',
  posix,
  async () => {
    const root = await folder();
    await writePlanFile(root, 'a.plan.md', 'old');
    const file = planPath(root, 'a.plan.md');
    await chmod(file, 0o640);
    const before = await stat(file);
    await writePlanFile(root, 'a.plan.md', 'new');
    const then = await stat(file);
    assert.notEqual(then.ino, before.ino);
    assert.equal(then.mode & 0o777, 0o640, 'keeps its mode');
  },
);

test('what cannot be put in place leaves the old plan and no temporary file', posix, async () => {
  const root = await folder();
  await mkdir(planPath(root, 'a.plan.md'), { recursive: true });
  assertRefused(
    await writePlanFile(root, 'a.plan.md', 'x'),
    planPath(root, 'a.plan.md'),
    /is not a file/,
  );
  await writeFile(join(root, '.cursor', 'plans', 'b.plan.md'), 'kept');
  await assert.rejects(
    writePlanFile(root, 'b.plan.md', () => {
      throw new Error('Internal error: a bug in what makes the text');
    }),
    /Internal error/,
  );
  assert.equal(await readFile(planPath(root, 'b.plan.md'), 'utf8'), 'kept');
  assert.deepEqual(await readdir(join(root, '.cursor', 'plans')), ['a.plan.md', 'b.plan.md']);
});

test('a name that is no plan file is refused before anything is touched', async () => {
  const root = await folder();
  for (const name of [
    '../x.plan.md',
    'a/b.plan.md',
    'a\\b.plan.md',
    '.plan.md',
    'x.md',
    '',
    'a\0.plan.md',
  ]) {
    assertRefused(
      await writePlanFile(root, name, 'x'),
      planPath(root, name),
      /not the name of a plan file/,
    );
  }
  assert.deepEqual(await readdir(root), []);
});

test('a root that is gone is named with the cause', async () => {
  const root = join(await folder(), 'gone');
  assertRefused(await writePlanFile(root, 'a.plan.md', 'x'), planPath(root, 'a.plan.md'), /ENOENT/);
});

test('a file in the place of a folder is named with the cause', async () => {
  const root = await folder();
  await writeFile(join(root, '.cursor'), '');
  assertRefused(
    await writePlanFile(root, 'a.plan.md', 'x'),
    planPath(root, 'a.plan.md'),
    /ENOTDIR|EEXIST|ENOENT/,
  );
});

test('no link leads a plan out of the root', posix, async () => {
  const outside = await folder();
  await writeFile(join(outside, 'victim.plan.md'), 'theirs');
  const cases: readonly [name: string, (root: string) => Promise<void>, RegExp][] = [
    ['.cursor', (root) => symlink(outside, join(root, '.cursor')), /leads out of the folder/],
    [
      'plans',
      async (root) => {
        await mkdir(join(root, '.cursor'));
        await symlink(outside, join(root, '.cursor', 'plans'));
      },
      /leads out of the folder/,
    ],
    [
      'the file',
      async (root) => {
        await mkdir(join(root, '.cursor', 'plans'), { recursive: true });
        await symlink(join(outside, 'victim.plan.md'), planPath(root, 'a.plan.md'));
      },
      /leads out of the folder/,
    ],
    [
      'a file to be',
      async (root) => {
        await mkdir(join(root, '.cursor', 'plans'), { recursive: true });
        await symlink(join(outside, 'new.plan.md'), planPath(root, 'a.plan.md'));
      },
      /link to nothing/,
    ],
    [
      'a dangling .cursor',
      (root) => symlink(join(outside, 'nowhere'), join(root, '.cursor')),
      /link to nothing/,
    ],
    [
      'a sibling with the same beginning',
      async (root) => {
        const sibling = `${root}-other`;
        made.push(sibling);
        await mkdir(sibling);
        await symlink(sibling, join(root, '.cursor'));
      },
      /leads out of the folder/,
    ],
  ];
  for (const [name, prepare, why] of cases) {
    const root = await folder();
    await prepare(root);
    assertRefused(await writePlanFile(root, 'a.plan.md', 'x'), planPath(root, 'a.plan.md'), why);
    assertRefused(await readPlanFile(root, 'a.plan.md'), planPath(root, 'a.plan.md'), why);
    assert.deepEqual(await readdir(outside), ['victim.plan.md'], name);
    assert.equal(await readFile(join(outside, 'victim.plan.md'), 'utf8'), 'theirs', name);
  }
});

test('a link within the root is followed and stays a link', posix, async () => {
  const root = await folder();
  await mkdir(join(root, 'docs'));
  await writeFile(join(root, 'docs', 'real.md'), 'old');
  await mkdir(join(root, '.cursor', 'plans'), { recursive: true });
  await symlink(join('..', '..', 'docs', 'real.md'), planPath(root, 'a.plan.md'));
  const result = await writePlanFile(root, 'a.plan.md', (text) => `${text ?? ''}, new`);
  assert.ok(result.ok && result.value.kind === 'updated');
  assert.equal(await readFile(join(root, 'docs', 'real.md'), 'utf8'), 'old, new');
});

test(
  'a plan anywhere below the root is exchanged in one step, while it is what was seen',
  posix,
  async () => {
    const root = await folder();
    const file = join(root, 'docs', 'a.plan.md');
    await mkdir(join(root, 'docs'));
    await writeFile(file, '\ufeffold');
    await chmod(file, 0o640);
    assertRefused(await replaceWithin(root, file, 'old', 'new'), file, /changed meanwhile/);
    assert.deepEqual(await replaceWithin(root, file, '\ufeffold', 'new'), {
      ok: true,
      value: undefined,
    });
    assert.equal(await readFile(file, 'utf8'), 'new');
    assert.equal((await stat(file)).mode & 0o777, 0o640);
    assert.deepEqual(await readdir(join(root, 'docs')), ['a.plan.md'], 'nothing temporary is left');
  },
);

test('neither reading nor exchanging leaves the root, by a path or by a link', posix, async () => {
  const [root, elsewhere] = [await folder(), await folder()];
  const theirs = join(elsewhere, 'b.plan.md');
  await writeFile(theirs, 'theirs');
  await symlink(theirs, join(root, 'b.plan.md'));
  await writeFile(join(root, 'c.md'), 'mine');
  for (const file of [
    theirs,
    join(root, 'b.plan.md'),
    join(root, '..', 'b.plan.md'),
    join(root, 'c.md'),
  ]) {
    assertRefused(await replaceWithin(root, file, 'theirs', 'ours'), file, /folder|name of a plan/);
  }
  assert.equal(await readFile(theirs, 'utf8'), 'theirs');
  assert.deepEqual(await readWithin(root, 'c.md'), { ok: true, value: 'mine' });
  assert.deepEqual(await readWithin(root, 'nowhere/c.md'), { ok: true, value: undefined });
  for (const path of ['b.plan.md', '../c.md', '.', '']) {
    const read = await readWithin(root, path);
    assert.ok(!read.ok && read.failure.kind === 'unreadable', path);
  }
});

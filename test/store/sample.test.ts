import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { nativeWriter } from '../support/fixture.ts';
import { makeSample } from '../support/sample.ts';

test('the sample has four tasks to begin with, in four waves, and one of everything that can be in the way', async () => {
  const base = await mkdtemp(join(tmpdir(), 'todo2-sample-'));
  const dir = join(base, 'skycast');
  const now = Date.now();
  assert.equal(await makeSample(dir, now), true);
  assert.deepEqual((await readdir(dir)).sort(), ['.todo2', '.vscode', 'README.md']);
  assert.deepEqual(await readdir(base), ['skycast']);
  assert.deepEqual(JSON.parse(await readFile(join(dir, '.vscode', 'settings.json'), 'utf8')), {
    'todo2Waves.agent': 'simulated',
  });

  await using db = await nativeWriter(dir);
  const tasks = await db.all('SELECT * FROM tasks');
  const edges = await db.all('SELECT * FROM task_dependencies');
  const statusOf = new Map(tasks.map((task) => [task['id'], task['status']]));
  const openNeeds = (id: unknown): unknown[] =>
    edges
      .filter((edge) => edge['task_id'] === id)
      .map((edge) => edge['depends_on_id'])
      .filter((need) => statusOf.has(need) && statusOf.get(need) !== 'Done');
  const open = tasks.map((task) => task['id']).filter((id) => statusOf.get(id) !== 'Done');

  // Level by level, as a person would: what waits for nothing that is left.
  const waves: unknown[][] = [];
  let left: unknown[] = open;
  for (;;) {
    const next = left.filter((id) => openNeeds(id).every((need) => !left.includes(need)));
    if (next.length === 0) break;
    waves.push(next);
    left = left.filter((id) => !next.includes(id));
  }
  assert.deepEqual(
    waves.map((wave) => wave.length),
    [4, 3, 3, 3],
  );
  assert.equal(left.length, 2, 'a cycle of two');
  for (const id of waves[0] ?? []) assert.equal(statusOf.get(id as string), 'Todo');

  // Run All Waves gets through: nothing on the way waits for what fails, is held or is in review.
  const obstacles = tasks.filter(
    (task) =>
      task['assignee'] !== null ||
      task['status'] === 'Review' ||
      JSON.stringify(task).match(/simulate:.*fail/) !== null,
  );
  assert.equal(obstacles.length, 3);
  for (const task of obstacles)
    assert.equal(edges.filter((edge) => edge['depends_on_id'] === task['id']).length, 0);

  const [held] = tasks.filter((task) => task['assignee'] !== null);
  assert.equal(held?.['lock_until'], Math.floor((now + 7_200_000) / 1000));
  assert.equal(
    edges.filter((edge) => !statusOf.has(edge['depends_on_id'])).length,
    1,
    'a missing dependency',
  );
  assert.deepEqual([...new Set(tasks.map((task) => task['project_id']))], ['skycast']);
  for (const column of [
    'content',
    'long_description',
    'status',
    'priority',
    'completed',
    'created',
  ]) {
    for (const task of tasks) assert.notEqual(task[column], null, column);
  }
  await rm(base, { recursive: true, force: true });
});

test('a sample that is there is left as it is, and so is any other folder', async () => {
  const base = await mkdtemp(join(tmpdir(), 'todo2-sample-'));
  const dir = join(base, 'empty');
  await mkdir(dir);
  assert.equal(await makeSample(dir), true, 'an empty folder will do');
  {
    await using db = await nativeWriter(dir);
    await db.run(`UPDATE tasks SET status = 'Done'`);
  }
  assert.equal(await makeSample(dir), false);
  {
    await using db = await nativeWriter(dir);
    assert.deepEqual(await db.all('SELECT DISTINCT status FROM tasks'), [{ status: 'Done' }]);
  }
  const mine = join(base, 'mine');
  await mkdir(mine);
  await writeFile(join(mine, 'thesis.tex'), '');
  await assert.rejects(makeSample(mine), /thesis\.tex/);
  assert.deepEqual(await readdir(mine), ['thesis.tex']);
  await rm(base, { recursive: true, force: true });
});

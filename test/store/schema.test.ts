import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { SCHEMA, SCHEMA_VERSION } from '../../src/store/write/schema.ts';
import { createBacklog, nativeWriter } from '../support/fixture.ts';

test('an empty store has every table and migration that exarp-go expects, and can be made twice', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'todo2-schema-'));
  await createBacklog(dir, { tasks: [], sql: SCHEMA });
  await using db = await nativeWriter(dir);
  const tables = await db.all(
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`,
  );
  assert.deepEqual(tables.map((row) => row['name']).sort(), [
    'canonical_tags',
    'discovered_tags',
    'file_task_tags',
    'schema_migrations',
    'tag_frequency',
    'task_activities',
    'task_changes',
    'task_comments',
    'task_dependencies',
    'task_tag_suggestions',
    'task_tags',
    'tasks',
  ]);
  const migrations = await db.all(
    'SELECT version, description FROM schema_migrations ORDER BY version',
  );
  assert.equal(migrations.length, SCHEMA_VERSION);
  assert.deepEqual(migrations[1], { version: 2, description: 'add task locking fields' });
  assert.deepEqual(await db.all('PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
  const [partial] = await db.all(
    `SELECT sql FROM sqlite_schema WHERE name = 'idx_tasks_lock_until'`,
  );
  assert.match(JSON.stringify(partial), /WHERE \(lock_until > 0\)/);
  await rm(dir, { recursive: true, force: true });
});

test('an empty store has the indexes and the seed rows that exarp-go’s own migrations make', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'todo2-schema-'));
  await createBacklog(dir, { tasks: [], sql: SCHEMA });
  await using db = await nativeWriter(dir);
  const indexes = await db.all(
    `SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name IN
      ('discovered_tags', 'file_task_tags', 'task_tag_suggestions') AND sql IS NOT NULL ORDER BY name`,
  );
  assert.deepEqual(
    indexes.map((row) => row['name']),
    [
      'idx_discovered_tags_file',
      'idx_discovered_tags_source',
      'idx_discovered_tags_tag',
      'idx_file_task_tags_file',
      'idx_file_task_tags_tag',
      'idx_file_task_tags_task',
      'idx_task_tag_suggestions_tag',
      'idx_task_tag_suggestions_task',
    ],
  );
  const [rows] = await db.all(
    `SELECT (SELECT COUNT(*) FROM canonical_tags) AS canonical, (SELECT COUNT(*) FROM tag_frequency) AS counted,
      (SELECT new_tag || ' ' || category FROM canonical_tags WHERE old_tag = 'hot-reload') AS one,
      (SELECT SUM(is_canonical) FROM tag_frequency) AS marked`,
  );
  assert.deepEqual(rows, { canonical: 85, counted: 24, one: 'performance scorecard', marked: 24 });
  await rm(dir, { recursive: true, force: true });
});

test('deleting a task takes its tags and dependencies along, and a task cannot depend on itself', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'todo2-schema-'));
  await createBacklog(dir, {
    tasks: [
      { id: 'T-1', tags: ['x'] },
      { id: 'T-2', deps: ['T-1', 'T-404'] },
    ],
  });
  await using db = await nativeWriter(dir);
  await db.exec('PRAGMA foreign_keys = ON');
  await assert.rejects(db.run(`INSERT INTO task_dependencies VALUES ('T-1', 'T-1')`), /CHECK/);
  assert.deepEqual(await db.all('SELECT DISTINCT project_id FROM tasks'), [
    { project_id: basename(dir) },
  ]);
  assert.equal(await db.run('DELETE FROM tasks WHERE id = ?', 'T-1'), 1);
  assert.deepEqual(await db.all('SELECT * FROM task_tags'), []);
  assert.deepEqual(await db.all('SELECT depends_on_id FROM task_dependencies'), [
    { depends_on_id: 'T-404' },
  ]);
  await rm(dir, { recursive: true, force: true });
});

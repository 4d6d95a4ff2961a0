import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { Change } from '../../src/core/edit/change.ts';
import { taskId } from '../../src/core/task.ts';
import { openBacklog } from '../../src/store/read/backlog-source.ts';
import { readImportable } from '../../src/store/json/importable.ts';
import { StoreEdits } from '../../src/store/write/store-edits.ts';
import { creation } from '../support/edit-db.ts';
import { ready, until, WASM_FILE } from '../support/stores.ts';
import { createRig, type WriterRig } from '../support/writer-rig.ts';

const [A, B] = [taskId('T-1'), taskId('T-2')];
const JSON_TEXT =
  '\ufeff{ "todos" : [\n  {"id":"T-2", "x": 1.0},\n  {"id":"T-1","status":"Todo", "extra": [1, {"id":"T-1"}]},\n  {"id":"T-3"} ],\n "comments":[{"todoId":"T-1"}] }\n';
const WITHOUT =
  '\ufeff{ "todos" : [\n  {"id":"T-2", "x": 1.0},\n  {"id":"T-3"} ],\n "comments":[{"todoId":"T-1"}] }\n';

/** By then the writer has judged what others wrote. */
const SETTLED_MS = 400;

interface EditRig extends AsyncDisposable {
  readonly rig: WriterRig;
  readonly edits: StoreEdits;
  readonly source: ReturnType<typeof openBacklog>;
  readonly json: string;
  readonly log: string[];
}

async function createEditRig(): Promise<EditRig> {
  const rig = await createRig({
    tasks: [{ id: 'T-1' }, { id: 'T-2', deps: ['T-1'] }, { id: 'T-3' }],
  });
  const json = join(rig.dir, '.todo2', 'state.todo2.json');
  const source = openBacklog(rig.dir, { wasmFile: WASM_FILE });
  await source.refresh();
  const log: string[] = [];
  const edits = new StoreEdits({
    writer: rig.open(),
    source,
    json,
    log: (line) => log.push(line),
  });
  return {
    ...{ rig, edits, source, json, log },
    [Symbol.asyncDispose]: async () => {
      edits.dispose();
      source.dispose();
      await rig[Symbol.asyncDispose]();
    },
  };
}

const deleteT1: Change = { kind: 'delete', id: A, version: 1 };

describe('deleting beside exarp-go', () => {
  test('takes the task out of the JSON file too, and leaves every other byte of it', async () => {
    await using it = await createEditRig();
    writeFileSync(it.json, JSON_TEXT);
    assert.ok((await it.edits.apply([deleteT1])).ok);
    assert.equal(readFileSync(it.json, 'utf8'), WITHOUT);
    assert.deepEqual(
      (await it.rig.rows()).map((row) => row['id']),
      ['T-2', 'T-3'],
    );
    assert.deepEqual(await it.rig.other.all('SELECT * FROM task_dependencies'), []);
  });

  test('puts the entry back to the byte where the database refuses', async () => {
    await using it = await createEditRig();
    writeFileSync(it.json, JSON_TEXT);
    const both: Change[] = [deleteT1, { kind: 'delete', id: B, version: 99 }];
    const refused = await it.edits.apply(both);
    assert.equal(!refused.ok && refused.failure.kind, 'changedMeanwhile');
    assert.equal(readFileSync(it.json, 'utf8'), JSON_TEXT);
    assert.equal((await it.rig.rows()).length, 3);
  });

  test('never makes a JSON file, and deletes nothing while there is one that cannot be read', async () => {
    await using it = await createEditRig();
    assert.ok((await it.edits.apply([{ kind: 'delete', id: taskId('T-3'), version: 1 }])).ok);
    assert.equal(existsSync(it.json), false);
    writeFileSync(it.json, '{"todos": [');
    const refused = await it.edits.apply([deleteT1]);
    assert.equal(!refused.ok && refused.failure.kind, 'unreadable');
    assert.equal((await it.rig.rows()).length, 2);
  });
});

test('a new task that a sync of exarp-go deletes is inserted again as it was seen last, and a task we delete is not', async () => {
  await using it = await createEditRig();
  const id = taskId('T-1764129938123');
  assert.ok((await it.edits.apply([creation(id, { tags: ['a'], dependencies: [A] })])).ok);
  assert.ok(
    (await it.edits.apply([{ kind: 'setTitle', id, from: `Title of ${id}`, to: 'Said later' }])).ok,
  );
  await until(it.source, () => ready(it.source.state).byId.get(id)?.title === 'Said later');
  // A sync writes every task that it has read, and then deletes what it has not.
  await it.rig.other.run(
    "UPDATE tasks SET version = version + 1, metadata_format = 'protobuf' WHERE id <> ?",
    id,
  );
  // In one transaction, as by the cascade of exarp-go: nobody sees the task without its tags.
  await it.rig.other.run('BEGIN IMMEDIATE');
  for (const [table, column] of [
    ['task_tags', 'task_id'],
    ['task_dependencies', 'task_id'],
    ['tasks', 'id'],
  ])
    await it.rig.other.run(`DELETE FROM ${table} WHERE ${column} = ?`, id);
  await it.rig.other.run('COMMIT');
  const isAgain = (line: string): boolean => /our creation .* written again/.test(line);
  await until(it.source, () => it.rig.log.some(isAgain) && ready(it.source.state).byId.has(id));
  const again = ready(it.source.state).byId.get(id)!;
  assert.deepEqual([again.title, again.tags, again.dependencies], ['Said later', ['a'], [A]]);

  assert.ok((await it.edits.apply([{ kind: 'delete', id, version: again.version }])).ok);
  await wait(SETTLED_MS);
  assert.equal((await it.rig.rows()).length, 3);
});

test('a new task that somebody deletes stays deleted', async () => {
  await using it = await createEditRig();
  const id = taskId('T-1764129938123');
  await it.rig.other.run("UPDATE tasks SET metadata_format = 'protobuf'");
  assert.ok((await it.edits.apply([creation(id, {})])).ok);
  await it.rig.other.run('DELETE FROM tasks WHERE id = ?', id);
  await wait(SETTLED_MS);
  // Neither do the rewrites that follow bring it back.
  await it.rig.other.run('UPDATE tasks SET version = version + 1');
  await wait(SETTLED_MS);
  assert.equal((await it.rig.rows()).length, 3);
});

test('a status that an edit wrote is told, as one that a lock wrote is', async () => {
  await using rig = await createRig({ tasks: [{ id: 'T-1' }] });
  const writer = rig.open();
  assert.ok((await writer.apply([{ kind: 'setStatus', id: A, from: 'Todo', to: 'Blocked' }])).ok);
  assert.deepEqual(rig.written, ['T-1 Blocked']);
});

describe('a store where there is none', () => {
  const jsonTasks = `{"todos": [
    {"id": "T-1", "content": "One", "long_description": "text", "status": "completed", "priority": "urgent", "tags": ["a"],
     "created": "2026-01-05T09:00:00Z", "last_modified": "2026-01-06T09:00:00Z", "completed_at": "2026-01-07T09:00:00Z"},
    {"id": "PERF-2", "name": "Two", "dependencies": ["T-1", "T-404", "PERF-2"], "parent_id": "T-1", "metadata": {"k": [1]}, "project_id": "elsewhere"}]}`;

  test('is made with everything that exarp-go looks for, and takes the tasks of a JSON file along', async () => {
    await using rig = await createRig({ tasks: [] });
    await rig.other.close();
    const dir = join(rig.dir, 'fresh');
    const file = join(dir, '.todo2', 'todo2.db');
    const writer = rig.open({ file });
    const json = join(rig.dir, 'state.todo2.json');
    writeFileSync(json, jsonTasks);
    const importable = await readImportable(json, 'fresh');
    assert.ok(importable.ok);
    assert.deepEqual(await writer.initialise(importable.value), { ok: true, value: true });
    assert.deepEqual(
      await writer.initialise(importable.value),
      { ok: true, value: false },
      'once is enough',
    );

    const source = openBacklog(dir, { wasmFile: WASM_FILE });
    await source.refresh();
    const { tasks, notices } = ready(source.state);
    const { version: _v, ...one } = tasks[0]!;
    const { version: _w, ...expected } = importable.value[0]!;
    assert.deepEqual(one, {
      ...expected,
      rawStatus: 'Done',
      rawPriority: 'critical',
      projectId: 'fresh',
    });
    assert.deepEqual(
      [
        tasks[1]!.id,
        tasks[1]!.title,
        tasks[1]!.dependencies,
        tasks[1]!.parentId,
        tasks[1]!.metadata,
      ],
      ['PERF-2', 'Two', ['T-1'], 'T-1', { k: [1] }],
    );
    assert.deepEqual(notices, [{ kind: 'foreignProject', id: 'PERF-2', project: 'elsewhere' }]);
    source.dispose();
    assert.ok((await writer.claim(taskId('PERF-2'), 60_000)).ok, 'and can be worked with at once');
  });

  test('is added to a database without a table of tasks, and nothing else in it changes', async () => {
    await using rig = await createRig({
      tasks: [],
      schema: [
        'CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL DEFAULT 7, description TEXT)',
        `INSERT INTO schema_migrations VALUES (1, 7, 'theirs')`,
        'CREATE TABLE mine (x)',
        'INSERT INTO mine VALUES (1)',
      ],
    });
    const writer = rig.open();
    assert.deepEqual(await writer.initialise([]), { ok: true, value: true });
    const versions = await rig.other.all(
      'SELECT version, description FROM schema_migrations ORDER BY version',
    );
    assert.equal(versions.length, 8);
    assert.deepEqual(versions[0], { version: 1, description: 'theirs' });
    assert.deepEqual(await rig.other.all('SELECT x FROM mine'), [{ x: 1 }]);
    assert.deepEqual(await rig.other.all('PRAGMA journal_mode'), [{ journal_mode: 'wal' }]);
    assert.ok((await writer.apply([creation('T-1764129938123')])).ok);
  });

  test('is made whole or not at all', async () => {
    await using rig = await createRig({
      tasks: [],
      schema: ['CREATE TABLE task_tags (other TEXT)'],
    });
    const refused = await rig.open().initialise([]);
    assert.equal(!refused.ok && refused.failure.kind, 'writeFailed');
    assert.deepEqual(await rig.other.all(`SELECT name FROM sqlite_master WHERE type = 'table'`), [
      { name: 'task_tags' },
    ]);
  });
});

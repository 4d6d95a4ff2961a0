import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { taskId } from '../../src/core/task.ts';
import { openBacklog } from '../../src/store/read/backlog-source.ts';
import { StoreEdits } from '../../src/store/write/store-edits.ts';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { creation } from '../support/edit-db.ts';
import { WASM_FILE } from '../support/stores.ts';
import { until } from '../support/until.ts';
import { createRig, type WriterRig } from '../support/writer-rig.ts';

const [A, B] = [taskId('T-1'), taskId('T-2')];
const IDS = Array.from({ length: 12 }, (_, n) => `T-${n + 1}`);

/** A store that exarp-go writes to: it stores metadata in a form of its own. */
async function rigOf(): Promise<WriterRig> {
  const rig = await createRig({ tasks: IDS.map((id) => ({ id })) });
  await rig.other.run("UPDATE tasks SET metadata_format = 'protobuf' WHERE id = 'T-3'");
  return rig;
}

/** A rewrite by exarp-go: every row gets a version, and one row also what was read before. */
async function rewrite(rig: WriterRig, id: string, columns: string): Promise<void> {
  await rig.other.exec(
    `BEGIN IMMEDIATE; UPDATE tasks SET version = version + 1, metadata_format = 'protobuf';
      UPDATE tasks SET ${columns} WHERE id = '${id}'; COMMIT`,
  );
}

/** What a task depends on. */
async function onOf(rig: WriterRig, id: string): Promise<unknown> {
  const [row] = await rig.other.all(
    `SELECT group_concat(on_id, ' ') AS ids FROM
      (SELECT depends_on_id AS on_id FROM task_dependencies WHERE task_id = ? ORDER BY 1)`,
    id,
  );
  return row?.['ids'];
}

const isAgain = (rig: WriterRig): boolean => rig.log.some((line) => /written again/.test(line));

describe('what a rewrite of exarp-go undoes is written again', () => {
  test('the end of a task, with its report, and the log says so', async () => {
    await using rig = await rigOf();
    const writer = rig.open();
    assert.ok((await writer.claim(A, 60_000)).ok);
    const ending = { to: 'Review', overrules: false, comment: () => 'Done it' } as const;
    assert.ok((await writer.releaseWithResult(A, ending)).ok);
    await rewrite(rig, A, "status = 'In Progress'");
    await until(
      'status of A is Review again',
      async () => (await rig.row(A))['status'] === 'Review',
    );
    await until('the log says so', () =>
      rig.log.some((line) => /^T-1: another program undid our status/.test(line)),
    );
    await until('the JSON file is told, too', () => rig.written.at(-1) === 'T-1 Review');
  });

  test('a status, a title, tags and dependencies', async () => {
    await using rig = await rigOf();
    const writer = rig.open();
    assert.ok((await writer.setStatus(A, 'Todo', 'Done')).ok);
    const { title } = { title: (await rig.row(B))['content'] as string };
    assert.ok(
      (
        await writer.apply([
          { kind: 'setTitle', id: B, from: title, to: 'New title' },
          { kind: 'setTags', id: B, from: [], to: ['x'] },
          { kind: 'addDependency', id: B, on: taskId('T-3') },
        ])
      ).ok,
    );
    await rig.other.exec(
      `BEGIN IMMEDIATE; UPDATE tasks SET version = version + 1;
        UPDATE tasks SET status = 'Todo', completed = 0, completed_at = '' WHERE id = 'T-1';
        UPDATE tasks SET content = '${title}' WHERE id = 'T-2';
        DELETE FROM task_tags; DELETE FROM task_dependencies; COMMIT`,
    );
    await until('status of A is Done again', async () => (await rig.row(A))['status'] === 'Done');
    await until(
      'content of B is New title again',
      async () => (await rig.row(B))['content'] === 'New title',
    );
    assert.equal((await rig.row(A))['completed'], 1);
    assert.deepEqual(await rig.other.all('SELECT tag FROM task_tags'), [{ tag: 'x' }]);
    assert.deepEqual(await rig.other.all('SELECT depends_on_id AS id FROM task_dependencies'), [
      { id: 'T-3' },
    ]);
  });

  test('a deletion, where the row that is back is the deleted one in every word', async () => {
    await using rig = await rigOf();
    const writer = rig.open();
    const row = await rig.row(A);
    assert.ok((await writer.apply([{ kind: 'delete', id: A, version: 1 }])).ok);
    // It may well be the first row that a rewrite writes.
    await rig.other.run(
      `INSERT INTO tasks (id, content, long_description, status, priority, created) VALUES ('T-1', ?, ?, 'Todo', 'medium', '')`,
      row['content'] as string,
      row['long_description'] as string,
    );
    await new Promise((resolve) => setTimeout(resolve, 60));
    await rig.other.run('UPDATE tasks SET version = version + 1');
    await until(
      'what we wrote is there again',
      async () => (await rig.other.all("SELECT 1 FROM tasks WHERE id = 'T-1'")).length === 0,
    );
  });
});

test('a deletion, where a rewrite brings back words that the task had before', async () => {
  await using rig = await rigOf();
  const writer = rig.open();
  const { content: title, long_description: text } = await rig.row(A);
  const edit = { kind: 'setTitle', id: A, from: title as string, to: 'New title' } as const;
  assert.ok((await writer.apply([edit])).ok);
  const version = Number((await rig.row(A))['version']);
  assert.ok((await writer.apply([{ kind: 'delete', id: A, version }])).ok);
  await rig.other.exec('BEGIN IMMEDIATE');
  await rig.other.run(
    `INSERT INTO tasks (id, content, long_description, status, priority, created) VALUES ('T-1', ?, ?, 'Todo', 'medium', '')`,
    title as string,
    text as string,
  );
  await rig.other.exec('UPDATE tasks SET version = version + 1; COMMIT');
  await until(
    'it is gone again',
    async () => (await rig.other.all("SELECT 1 FROM tasks WHERE id = 'T-1'")).length === 0,
  );
});

describe('what several of our processes wrote is put together again', () => {
  test('a deletion of a task that another one has finished, in the midst of a rewrite', async () => {
    await using rig = await rigOf();
    const [one, other] = [rig.open(), rig.open({ holder: 'cursor-here-2' })];
    const [id, kept] = [taskId('T-1764129938123'), taskId('T-1764129938124')];
    assert.ok((await one.apply([creation(id, {}), creation(kept, {})])).ok);
    assert.ok((await one.setStatus(id, 'Todo', 'Review')).ok);
    assert.ok((await one.setStatus(kept, 'Todo', 'Review')).ok);
    const [row] = await rig.other.all('SELECT version FROM tasks WHERE id = ?', id);
    await rig.other.run("UPDATE tasks SET version = version + 1 WHERE id NOT LIKE 'T-17641%'");
    const deletion = { kind: 'delete', id, version: Number(row?.['version']) } as const;
    assert.ok((await other.apply([deletion])).ok);
    // The rewrite ends with what it has not read.
    await rig.other.exec(`PRAGMA foreign_keys = ON; DELETE FROM tasks WHERE id = '${kept}'`);
    const ids = async (): Promise<readonly unknown[]> =>
      (await rig.other.all("SELECT id FROM tasks WHERE id LIKE 'T-17641%'")).map(
        (each) => each['id'],
      );
    await until('the other one is there again', async () => (await ids()).includes(kept));
    assert.deepEqual(await ids(), [kept]);
  });

  test('a new task comes back as it was last seen, without the lock that its holder has released', async () => {
    await using rig = await rigOf();
    const [one, other] = [rig.open(), rig.open({ holder: 'cursor-here-2' })];
    const id = taskId('T-1764129938123');
    assert.ok((await one.apply([creation(id, {})])).ok);
    assert.ok((await other.claim(id, 60_000)).ok);
    await rig.other.run(
      "UPDATE tasks SET priority = 'high', version = version + 1 WHERE id = ?",
      id,
    );
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.ok((await other.release(id, 'Todo')).ok);
    await rig.other.exec(
      `PRAGMA foreign_keys = ON; BEGIN IMMEDIATE; UPDATE tasks SET version = version + 1;
        DELETE FROM tasks WHERE id = '${id}'; COMMIT`,
    );
    const row = async (): Promise<Readonly<Record<string, unknown>> | undefined> =>
      (await rig.other.all('SELECT status, priority, assignee FROM tasks WHERE id = ?', id))[0];
    await until('it is there again', async () => (await row()) !== undefined);
    assert.deepEqual(await row(), { status: 'Todo', priority: 'high', assignee: null });
  });

  test('dependencies, where the second was added after the first was undone', async () => {
    await using rig = await rigOf();
    const [one, other] = [rig.open(), rig.open({ holder: 'cursor-here-2' })];
    assert.ok((await one.apply([{ kind: 'addDependency', id: B, on: taskId('T-3') }])).ok);
    await rig.other.exec(
      `BEGIN IMMEDIATE; UPDATE tasks SET version = version + 1;
        DELETE FROM task_dependencies; COMMIT`,
    );
    assert.ok((await other.apply([{ kind: 'addDependency', id: B, on: taskId('T-4') }])).ok);
    const dependencies = async (): Promise<string> =>
      JSON.stringify(await rig.other.all('SELECT depends_on_id AS id FROM task_dependencies'));
    await until('both are there', async () => /T-3.*T-4/.test(await dependencies()));
  });

  test('dependencies, where a rewrite leaves a list that never was', async () => {
    await using rig = await rigOf();
    const writer = rig.open();
    await rig.other.run("INSERT INTO task_dependencies VALUES ('T-2', 'T-5'), ('T-2', 'T-6')");
    assert.ok((await writer.apply([{ kind: 'addDependency', id: B, on: taskId('T-3') }])).ok);
    const version = Number((await rig.row(taskId('T-6')))['version']);
    assert.ok((await writer.apply([{ kind: 'delete', id: taskId('T-6'), version }])).ok);
    // It had read T-5 and T-6, and writes what still exists of them.
    await rewrite(rig, 'T-2', "agent = 'exarp'");
    await rig.other.exec("DELETE FROM task_dependencies WHERE depends_on_id = 'T-3'");
    await until('it is there again', async () => (await onOf(rig, B)) === 'T-3 T-5');
  });

  test('dependencies, where another program added one to the list meanwhile', async () => {
    await using rig = await rigOf();
    const writer = rig.open();
    assert.ok((await writer.apply([{ kind: 'addDependency', id: B, on: taskId('T-3') }])).ok);
    await rig.other.exec(
      `BEGIN IMMEDIATE; INSERT INTO task_dependencies VALUES ('T-2', 'T-7');
        UPDATE tasks SET version = version + 1 WHERE id = 'T-2'; COMMIT`,
    );
    // Longer than what is written without a pause.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    assert.equal(await onOf(rig, B), 'T-3 T-7');
    await rewrite(rig, 'T-2', "agent = 'exarp'");
    await rig.other.exec("DELETE FROM task_dependencies WHERE depends_on_id = 'T-3'");
    await until('both are there', async () => (await onOf(rig, B)) === 'T-3 T-7');
  });

  test('dependencies, where one is on a task that comes back later than the other', async () => {
    await using rig = await rigOf();
    const writer = rig.open();
    const [three, four] = [taskId('T-3'), taskId('T-4')];
    for (const on of [three, four])
      assert.ok((await writer.apply([{ kind: 'addDependency', id: B, on }])).ok);
    const columns = 'id, content, status, priority, created';
    await rig.other.exec(
      `BEGIN IMMEDIATE; UPDATE tasks SET version = version + 1; DELETE FROM task_dependencies;
        DELETE FROM tasks WHERE id = 'T-4'; COMMIT`,
    );
    await until('the first is there again', async () => (await onOf(rig, B)) === 'T-3');
    // Longer than a rewrite counts for what it has deleted.
    await new Promise((resolve) => setTimeout(resolve, 3_600));
    await rig.other.exec(
      `INSERT INTO tasks (${columns}) VALUES ('T-4', 'T-4', 'Todo', 'medium', '')`,
    );
    await until('the second is, too', async () => (await onOf(rig, B)) === 'T-3 T-4');
  });

  test('tags, where another process wrote them once more as they were', async () => {
    await using rig = await rigOf();
    const [one, other] = [rig.open(), rig.open({ holder: 'cursor-here-2' })];
    assert.ok((await one.apply([{ kind: 'setTags', id: B, from: [], to: ['x'] }])).ok);
    assert.ok((await other.apply([{ kind: 'setTags', id: B, from: ['x'], to: ['x'] }])).ok);
    await rig.other.exec(
      `BEGIN IMMEDIATE; UPDATE tasks SET version = version + 1; DELETE FROM task_tags; COMMIT`,
    );
    await until(
      'the tag is there again',
      async () => (await rig.other.all('SELECT 1 FROM task_tags')).length === 1,
    );
  });

  test('a new task that one made and another finished, when a sync has not read it', async () => {
    await using rig = await rigOf();
    const [one, other] = [rig.open(), rig.open({ holder: 'cursor-here-2' })];
    const id = taskId('T-1764129938123');
    assert.ok((await one.apply([creation(id, {})])).ok);
    assert.ok((await other.claim(id, 60_000)).ok);
    const ending = { to: 'Review', overrules: false, comment: () => 'Done it' } as const;
    assert.ok((await other.releaseWithResult(id, ending)).ok);
    await rig.other.exec(
      `PRAGMA foreign_keys = ON; BEGIN IMMEDIATE; UPDATE tasks SET version = version + 1;
        DELETE FROM tasks WHERE id = '${id}'; COMMIT`,
    );
    const rules = { missing: 'satisfied', reviewOpensGate: false } as const;
    await until('it is in Review again', async () => {
      const next = await one.claimNext([id], rules, 60_000);
      assert.ok(!next.ok, 'it was handed out again');
      const [row] = await rig.other.all('SELECT status FROM tasks WHERE id = ?', id);
      return row?.['status'] === 'Review';
    });
  });
});

test('the end of work waits until it shows who has set the status', async () => {
  await using rig = await rigOf();
  const writer = rig.open();
  assert.ok((await writer.setStatus(A, 'Todo', 'Review')).ok);
  assert.ok((await writer.setStatus(A, 'Review', 'Todo')).ok);
  assert.ok((await writer.claim(A, 60_000)).ok);
  await rewrite(rig, A, "status = 'Review'");
  const ending = { to: 'Todo', overrules: false, comment: undefined } as const;
  const ended = await writer.releaseWithResult(A, ending);
  assert.equal(ended.ok && ended.value.status, 'Todo');
});

describe('what somebody really changed stays', () => {
  test('a status that exarp-go sets itself, although all rows are rewritten after it', async () => {
    await using rig = await rigOf();
    const writer = rig.open();
    assert.ok((await writer.setStatus(A, 'Todo', 'Done')).ok);
    // Its own write first, then that of all rows.
    await rig.other.run("UPDATE tasks SET status = 'Todo', version = version + 1 WHERE id = 'T-1'");
    await new Promise((resolve) => setTimeout(resolve, 500));
    await rewrite(rig, A, "status = 'Todo'");
    assert.ok((await writer.setStatus(B, 'Todo', 'Done')).ok);
    await rewrite(rig, B, "status = 'Todo'");
    await until('both are as we wrote them', () => isAgain(rig));
    await until('status of B is Done again', async () => (await rig.row(B))['status'] === 'Done');
    assert.equal((await rig.row(A))['status'], 'Todo');
  });

  test('a value that the task never had, and a change of one row alone', async () => {
    await using rig = await rigOf();
    const writer = rig.open();
    assert.ok((await writer.setStatus(A, 'Todo', 'Done')).ok);
    assert.ok((await writer.setStatus(B, 'Todo', 'Done')).ok);
    await rewrite(rig, A, "status = 'Blocked'");
    await new Promise((resolve) => setTimeout(resolve, 400));
    await rig.other.run("UPDATE tasks SET status = 'Todo', version = version + 1 WHERE id = 'T-2'");
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.deepEqual(
      [(await rig.row(A))['status'], (await rig.row(B))['status']],
      ['Blocked', 'Todo'],
    );
  });

  test('statuses that a program sets back without a new version', async () => {
    await using rig = await rigOf();
    const writer = rig.open();
    assert.ok((await writer.setStatus(A, 'Todo', 'Done')).ok);
    assert.ok((await writer.setStatus(B, 'Todo', 'Done')).ok);
    await rig.other.run("UPDATE tasks SET status = 'Todo'");
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.deepEqual(
      [(await rig.row(A))['status'], (await rig.row(B))['status']],
      ['Todo', 'Todo'],
    );
  });

  test('a status in a store that exarp-go does not write to, with a new version of all rows', async () => {
    await using rig = await createRig({ tasks: IDS.map((id) => ({ id })) });
    const writer = rig.open();
    assert.ok((await writer.setStatus(A, 'Todo', 'Done')).ok);
    await rig.other.run("UPDATE tasks SET status = 'Todo', version = version + 1");
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal((await rig.row(A))['status'], 'Todo');
    assert.ok((await writer.claim(A, 60_000)).ok);
  });

  test('a task with the id of a deleted one and another text', async () => {
    await using rig = await rigOf();
    const writer = rig.open();
    assert.ok((await writer.apply([{ kind: 'delete', id: A, version: 1 }])).ok);
    await rig.other.exec(
      `BEGIN IMMEDIATE; UPDATE tasks SET version = version + 1;
        INSERT INTO tasks (id, content, long_description, status, priority, created)
          VALUES ('T-1', 'Something else', '', 'Todo', 'medium', ''),
            ('T-77', 'Made late', '', 'Todo', 'medium', ''); COMMIT`,
    );
    assert.ok((await writer.setStatus(B, 'Todo', 'Done')).ok);
    await rewrite(rig, B, "status = 'Todo'");
    await until('both are as we wrote them', () => isAgain(rig));
    const rows = await rig.other.all("SELECT id FROM tasks WHERE id IN ('T-1', 'T-77')");
    assert.equal(rows.length, 2, 'in doubt a row stays');
  });
});

test('a write that is undone again and again is made again a few times, and then no more', async () => {
  await using rig = await rigOf();
  const writer = rig.open();
  assert.ok((await writer.setStatus(A, 'Todo', 'Done')).ok);
  for (let n = 0; n < 8; n++) {
    await rewrite(rig, A, "status = 'Todo'");
    await until('status of A is Done again', async () => (await rig.row(A))['status'] === 'Done');
  }
  await until('the log says so', () => /for the last time/.test(rig.log.at(-1) ?? ''));
  await rewrite(rig, A, "status = 'Todo'");
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal((await rig.row(A))['status'], 'Todo');
});

test('a finished task that a rewrite set back is not handed out again', async () => {
  // Its writer leaves at once, as exarp-go has not written here yet.
  await using rig = await createRig({ tasks: IDS.map((id) => ({ id })) });
  const [one, other] = [rig.open(), rig.open({ holder: 'cursor-here-2' })];
  assert.ok((await one.claim(A, 60_000)).ok);
  assert.ok((await one.release(A, 'Done')).ok);
  await one.close();
  await rewrite(rig, A, "status = 'Todo'");
  const rules = { missing: 'satisfied', reviewOpensGate: false } as const;
  const next = await other.claimNext([A], rules, 60_000);
  assert.equal(!next.ok && next.failure.kind, 'nothingReady');
  const direct = await other.claim(A, 60_000);
  assert.equal(!direct.ok && direct.failure.kind, 'changedMeanwhile');
  // An agent that reopens it on purpose can have it at once.
  assert.ok((await other.setStatus(A, 'Todo', 'Todo')).ok);
});

test('a finished task that a slow rewrite set back is not handed out before that reaches the older ones', async () => {
  const ids = Array.from({ length: 100 }, (_, n) => `T-${n + 101}`);
  await using rig = await createRig({ tasks: ids.map((id) => ({ id })) });
  const newest = taskId('T-200');
  const [one, other] = [rig.open(), rig.open({ holder: 'cursor-here-2' })];
  assert.ok((await one.claim(newest, 60_000)).ok);
  assert.ok((await one.release(newest, 'Done')).ok);
  await one.close();
  const before = (seconds: number): string => `CAST(strftime('%s', 'now') AS INTEGER) - ${seconds}`;
  await rig.other.exec(
    `UPDATE tasks SET version = version + 1, metadata_format = 'protobuf', updated_at = ${before(4)}
      WHERE id > 'T-180';
      UPDATE tasks SET status = 'Todo' WHERE id = '${newest}'`,
  );
  const direct = await other.claim(newest, 60_000);
  assert.equal(!direct.ok && direct.failure.kind, 'changedMeanwhile');
});

test('a finished task that a rewrite set back is not handed out, although a program of ours has edited it since', async () => {
  await using rig = await rigOf();
  const [one, other] = [rig.open(), rig.open({ holder: 'cursor-here-2' })];
  assert.ok((await one.claim(A, 60_000)).ok);
  assert.ok((await one.release(A, 'Done')).ok);
  await one.close();
  const from = (await rig.row(A))['long_description'] as string;
  assert.ok((await other.apply([{ kind: 'setDescription', id: A, from, to: 'New' }])).ok);
  await rewrite(rig, A, "status = 'Todo'");
  const rules = { missing: 'satisfied', reviewOpensGate: false } as const;
  const next = await other.claimNext([A], rules, 60_000);
  assert.equal(!next.ok && next.failure.kind, 'nothingReady');
});

test('adopting a row that an update has emptied gives back parent and metadata, as far as they are known', async () => {
  await using rig = await createRig({
    tasks: [
      { id: 'T-1', metadata: { planning_doc: 'docs/a.md' }, parentId: 'T-2' },
      { id: 'T-2' },
      { id: 'T-3' },
    ],
  });
  const json = join(rig.dir, '.todo2', 'state.todo2.json');
  const entry = { id: 'T-3', content: 'x', parent_id: 'T-2', metadata: { epic_id: 'T-2' } };
  writeFileSync(json, JSON.stringify({ todos: [entry] }));
  const source = openBacklog(rig.dir, { wasmFile: WASM_FILE });
  await source.refresh();
  const edits = new StoreEdits({
    ...{ writer: rig.open(), source, json, log: () => undefined },
  });
  await rig.other.run(
    "UPDATE tasks SET project_id = NULL, parent_id = NULL, metadata = '', version = version + 1 WHERE id <> 'T-2'",
  );
  await source.refresh();
  const project = 'quay';
  for (const id of ['T-1', 'T-3'])
    assert.ok(
      (await edits.apply([{ kind: 'setProject', id: taskId(id), from: undefined, to: project }]))
        .ok,
    );
  const [one, three] = [await rig.row('T-1'), await rig.row('T-3')];
  assert.deepEqual(
    [one['project_id'], one['parent_id'], one['metadata']],
    [project, 'T-2', '{"planning_doc":"docs/a.md"}'],
  );
  assert.deepEqual([three['parent_id'], three['metadata']], ['T-2', '{"epic_id":"T-2"}']);
  edits.dispose();
  source.dispose();
});

test('an older Review that a rewrite puts on a live claim does not end it, and a real one does', async () => {
  await using rig = await rigOf();
  const writer = rig.open();
  assert.ok((await writer.setStatus(A, 'Todo', 'Review')).ok);
  assert.ok((await writer.setStatus(A, 'Review', 'Todo')).ok);
  assert.ok((await writer.claim(A, 60_000)).ok);
  assert.ok((await writer.claim(B, 60_000)).ok);
  await rewrite(rig, A, "status = 'Review'");
  assert.deepEqual(await writer.release(A, 'Todo', { onlyMoved: true }), {
    ok: true,
    value: 'In Progress',
  });
  await until('A is In Progress', async () => (await rig.row(A))['status'] === 'In Progress');
  assert.equal((await rig.row(A))['assignee'], writer.holder);
  await rig.other.run("UPDATE tasks SET status = 'Review', version = version + 1 WHERE id = 'T-2'");
  await until('the Review of B is taken for a real one', async () => {
    const released = await writer.release(B, 'Todo', { onlyMoved: true });
    return released.ok && released.value === 'Review';
  });
  assert.equal((await rig.row(B))['assignee'], null);
});

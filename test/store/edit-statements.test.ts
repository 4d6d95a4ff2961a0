import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Change } from '../../src/core/edit/change.ts';
import { taskId } from '../../src/core/task.ts';
import type { EditContext } from '../../src/store/write/edit-row.ts';
import { formatRfc3339 } from '../../src/store/write/rfc3339.ts';
import { apply, applyResult, creation, editDb, everything } from '../support/edit-db.ts';
import { all, type Columns, locked, ME, NOW, NOW_S, THEM } from '../support/lock-db.ts';

const ID = taskId('T-1');
const AT = formatRfc3339(NOW);
const STAMPS = { last_modified: AT, updated_at: NOW_S, version: 8 };
const RAW: Columns = {
  ...{
    id: 'T-1',
    content: 'Old title',
    long_description: 'Old text',
    status: 'Todo',
    priority: 'P1',
    completed: 0,
  },
  ...{
    completed_at: '',
    metadata: '{"content_hash":"x","mine":1}',
    metadata_format: 'json',
    version: 7,
    host: 'h',
  },
  ...{ created: '2026-01-05T09:00:00Z', updated_at: 5, project_id: 'elsewhere' },
};
const OTHER: Columns = { ...RAW, id: 'T-2', content: 'Another' };

function store(columns: Columns = {}, statements: readonly string[] = []): EditContext {
  const editor = editDb([{ ...RAW, ...columns }, OTHER, { ...OTHER, id: 'T-3' }], statements);
  editor.db.exec(`INSERT INTO task_tags VALUES ('T-1', 'ui'), ('T-1', 'api'), ('T-2', 'ui')`);
  editor.db.exec(`INSERT INTO task_dependencies VALUES ('T-1', 'T-2'), ('T-3', 'T-1')`);
  return editor;
}

const row = (editor: EditContext, id = 'T-1'): Record<string, unknown> =>
  all(editor, `SELECT * FROM tasks WHERE id = '${id}'`)[0] ?? {};
const pairs = (editor: EditContext, table: string): string =>
  all(editor, `SELECT * FROM ${table} ORDER BY 1, 2`)
    .map((each) => Object.values(each).join('-'))
    .join(' ');

/** What is different after an edit, apart from the lines of history. */
function difference(editor: EditContext, ...changes: readonly Change[]): unknown {
  const before = everything(editor);
  assert.equal(apply(editor, ...changes), 'ok');
  const after = everything(editor);
  for (const [table, rows] of Object.entries(before)) {
    const others = (list: typeof rows): typeof rows =>
      list.filter((each) => each['id'] !== 'T-1' && each['task_id'] !== 'T-1');
    if (table !== 'task_changes' && table !== 'task_activities') {
      assert.deepEqual(
        others(after[table]!),
        others(rows),
        `rows of ${table} that are not its own`,
      );
    }
  }
  const [old, now] = [before['tasks']![0]!, after['tasks']![0]!];
  return Object.fromEntries(
    Object.keys(now).flatMap((name) => (now[name] === old[name] ? [] : [[name, now[name]]])),
  );
}

describe('an edit writes the columns that it is about, and no others', () => {
  const cases: readonly [name: string, change: Change, expected: object][] = [
    ['title', { kind: 'setTitle', id: ID, from: 'Old title', to: 'New' }, { content: 'New' }],
    [
      'description',
      { kind: 'setDescription', id: ID, from: 'Old text', to: 'a\nb' },
      { long_description: 'a\nb' },
    ],
    ['priority', { kind: 'setPriority', id: ID, from: 'P1', to: 'high' }, { priority: 'high' }],
    [
      'project',
      { kind: 'setProject', id: ID, from: 'elsewhere', to: 'shop' },
      { project_id: 'shop' },
    ],
    [
      'parent',
      { kind: 'setParent', id: ID, from: undefined, to: taskId('T-2') },
      { parent_id: 'T-2' },
    ],
    ['status', { kind: 'setStatus', id: ID, from: 'Todo', to: 'Blocked' }, { status: 'Blocked' }],
    [
      'status, when it is done',
      { kind: 'setStatus', id: ID, from: 'Todo', to: 'Done' },
      { status: 'Done', completed: 1, completed_at: AT },
    ],
    ['tags', { kind: 'setTags', id: ID, from: ['ui', 'api'], to: ['api', 'new'] }, {}],
    ['dependencies', { kind: 'removeDependency', id: ID, on: 'T-2' }, {}],
  ];
  for (const [name, change, expected] of cases) {
    test(name, () => assert.deepEqual(difference(store(), change), { ...expected, ...STAMPS }));
  }

  test('a task that is done keeps when it was, and one that is reopened loses it', () => {
    const done = store({ status: 'Done', completed: 1, completed_at: '2026-01-06T10:00:00Z' });
    assert.equal(apply(done, { kind: 'setStatus', id: ID, from: 'Done', to: 'Done' }), 'ok');
    assert.equal(row(done)['completed_at'], '2026-01-06T10:00:00Z');
    assert.equal(apply(done, { kind: 'setStatus', id: ID, from: 'Done', to: 'Todo' }), 'ok');
    assert.deepEqual([row(done)['completed_at'], row(done)['completed']], ['', 0]);
  });

  test('tags that stay are not written anew', () => {
    const editor = store();
    const rowid = (): unknown => all(editor, `SELECT rowid FROM task_tags WHERE tag = 'api'`)[0];
    const before = rowid();
    apply(editor, { kind: 'setTags', id: ID, from: ['ui', 'api'], to: ['api', 'new'] });
    assert.deepEqual(rowid(), before);
    assert.equal(pairs(editor, 'task_tags'), 'T-1-api T-1-new T-2-ui');
  });

  test('a row that is shown under its name gets a title of its own', () => {
    const editor = store({ content: null, name: 'Shown' });
    assert.equal(apply(editor, { kind: 'setTitle', id: ID, from: 'Shown', to: 'New' }), 'ok');
    assert.deepEqual([row(editor)['content'], row(editor)['name']], ['New', 'Shown']);
  });
});

describe('a change is made only while the store holds what was shown', () => {
  const stale: readonly Change[] = [
    { kind: 'delete', id: ID, version: 6 },
    { kind: 'setTitle', id: ID, from: 'Other', to: 'New' },
    { kind: 'setDescription', id: ID, from: '', to: 'New' },
    { kind: 'setStatus', id: ID, from: 'todo', to: 'Done' },
    { kind: 'setPriority', id: ID, from: 'high', to: 'low' },
    { kind: 'setTags', id: ID, from: ['ui'], to: [] },
    { kind: 'setParent', id: ID, from: taskId('T-2'), to: undefined },
    { kind: 'setProject', id: ID, from: undefined, to: 'shop' },
    { kind: 'removeOrphan', table: 'task_tags', id: 'T-1', value: 'ui' },
    { kind: 'removeOrphan', table: 'task_dependencies', id: 'T-1', value: 'T-2' },
    { kind: 'clearLock', id: ID, holder: THEM, until: NOW, reason: '' },
    creation('T-1'),
  ];
  for (const change of stale) {
    test(`${change.kind} is refused, and nothing is written`, () => {
      const editor = store();
      const before = everything(editor);
      assert.equal(
        apply(editor, { kind: 'setPriority', id: taskId('T-2'), from: 'P1', to: 'low' }, change),
        'changedMeanwhile',
      );
      assert.deepEqual(everything(editor), before);
    });
  }

  test('a task that is gone is said to be', () => {
    const gone = taskId('T-9');
    for (const change of [
      { kind: 'delete', id: gone, version: 1 },
      { kind: 'addDependency', id: gone, on: ID },
      { kind: 'addDependency', id: ID, on: gone },
      { kind: 'setParent', id: ID, from: undefined, to: gone },
      creation('T-8', { dependencies: [gone] }),
      creation('T-8', { parentId: gone }),
    ] satisfies Change[]) {
      const outcome = applyResult(store(), [change]);
      assert.deepEqual(outcome.ok ? 'ok' : outcome.failure, { kind: 'noSuchTask', id: gone });
    }
  });
});

describe('what somebody else holds', () => {
  const heldBy = (until: number | null): Columns => locked(THEM, until, { status: 'working' });
  const edits: readonly Change[] = [
    { kind: 'delete', id: ID, version: 7 },
    { kind: 'setTitle', id: ID, from: 'Old title', to: 'New' },
    { kind: 'setDescription', id: ID, from: 'Old text', to: '' },
    { kind: 'setStatus', id: ID, from: 'working', to: 'Done' },
    { kind: 'setPriority', id: ID, from: 'P1', to: 'low' },
    { kind: 'setTags', id: ID, from: ['ui', 'api'], to: [] },
    { kind: 'addDependency', id: ID, on: taskId('T-3') },
    { kind: 'removeDependency', id: ID, on: 'T-2' },
    { kind: 'setParent', id: ID, from: undefined, to: taskId('T-2') },
  ];
  for (const change of edits) {
    test(`${change.kind} waits until its lease is over`, () => {
      assert.equal(apply(store(heldBy(NOW_S + 9)), change), 'held');
      const cycle = change.kind === 'addDependency' ? 'wouldCycle' : 'ok';
      assert.equal(apply(store(heldBy(NOW_S - 9)), change), cycle);
    });
  }

  test('an assignment without an end hinders only what would take the task away', () => {
    const outcomes = edits.map((change) => `${change.kind} ${apply(store(heldBy(null)), change)}`);
    assert.deepEqual(
      outcomes.filter((outcome) => outcome.endsWith('unleased')),
      ['delete unleased', 'setStatus unleased'],
    );
  });

  test('its spelling, its project, what is NULL and what is no task’s are mended all the same', () => {
    const editor = store({ ...heldBy(NOW_S + 9), long_description: null });
    editor.db.exec(
      `PRAGMA foreign_keys = OFF; INSERT INTO task_dependencies VALUES ('T-1', 'T-99')`,
    );
    const changes: readonly Change[] = [
      { kind: 'setStatus', id: ID, from: 'working', to: 'In Progress' },
      { kind: 'setProject', id: ID, from: 'elsewhere', to: 'shop' },
      { kind: 'fillNull', id: ID, column: 'long_description' },
      { kind: 'removeOrphan', table: 'task_dependencies', id: 'T-1', value: 'T-99' },
    ];
    assert.equal(apply(editor, ...changes), 'ok');
    const after = row(editor);
    assert.deepEqual(
      [
        after['status'],
        after['project_id'],
        after['long_description'],
        after['assignee'],
        after['lock_until'],
      ],
      ['In Progress', 'shop', '', THEM, NOW_S + 9],
    );
    assert.equal(pairs(editor, 'task_dependencies'), 'T-1-T-2 T-3-T-1');
  });

  test('a lock in a table of agents’ locks counts as one', () => {
    const editor = store({}, [
      'CREATE TABLE task_agent_locks (task_id TEXT, agent_id TEXT, lock_until INTEGER)',
      `INSERT INTO task_agent_locks VALUES ('T-1', '${THEM}', ${NOW_S + 9})`,
    ]);
    assert.equal(apply(editor, edits[1]!), 'held');
  });

  test('a status that ends our own work takes our lock away, and only then', () => {
    for (const [to, holder] of [
      ['Done', null],
      ['In Progress', ME],
    ] as const) {
      const editor = store(locked(ME, NOW_S + 9, { status: 'working' }));
      assert.equal(apply(editor, { kind: 'setStatus', id: ID, from: 'working', to }), 'ok');
      assert.equal(row(editor)['assignee'], holder);
    }
  });
});

describe('dependencies', () => {
  const chain = (): EditContext => {
    const editor = editDb(
      ['T-1', 'T-2', 'T-3', 'T-4'].map((id) => ({ id, parent_id: id === 'T-4' ? 'T-3' : null })),
    );
    editor.db.exec(`INSERT INTO task_dependencies VALUES ('T-2', 'T-1'), ('T-3', 'T-2')`);
    return editor;
  };

  test('a circle is refused with the way round, over dependencies and parents alike', () => {
    const cases: readonly [change: Change, path: string][] = [
      [{ kind: 'addDependency', id: ID, on: ID }, 'T-1'],
      [{ kind: 'addDependency', id: ID, on: taskId('T-2') }, 'T-2 T-1'],
      [{ kind: 'addDependency', id: ID, on: taskId('T-4') }, 'T-4 T-3 T-2 T-1'],
      [{ kind: 'setParent', id: ID, from: undefined, to: taskId('T-3') }, 'T-3 T-2 T-1'],
      [{ kind: 'setParent', id: ID, from: undefined, to: ID }, 'T-1'],
    ];
    for (const [change, path] of cases) {
      const outcome = applyResult(chain(), [change]);
      assert.ok(!outcome.ok && outcome.failure.kind === 'wouldCycle', JSON.stringify(outcome));
      assert.equal(outcome.failure.path.join(' '), path);
    }
  });

  test('the rows count that are there when it is written, those of the same edit as well', () => {
    const editor = chain();
    const swap: readonly Change[] = [
      { kind: 'removeDependency', id: taskId('T-2'), on: 'T-1' },
      { kind: 'addDependency', id: ID, on: taskId('T-2') },
    ];
    assert.equal(apply(editor, ...swap), 'ok');
    assert.equal(pairs(editor, 'task_dependencies'), 'T-1-T-2 T-3-T-2');
    assert.equal(apply(editor, { kind: 'addDependency', id: taskId('T-2'), on: ID }), 'wouldCycle');
  });

  test('one that is there already, and one that is gone already, need nothing written', () => {
    const editor = chain();
    const before = everything(editor);
    assert.equal(
      apply(
        editor,
        { kind: 'addDependency', id: taskId('T-2'), on: ID },
        { kind: 'removeDependency', id: ID, on: 'T-3' },
      ),
      'ok',
    );
    assert.deepEqual(everything(editor), before);
  });

  test('a new task cannot depend on one that waits for its id already', () => {
    const editor = chain();
    editor.db.exec(
      `PRAGMA foreign_keys = OFF; INSERT INTO task_dependencies VALUES ('T-1', 'T-9')`,
    );
    assert.equal(apply(editor, creation('T-9', { dependencies: [taskId('T-2')] })), 'wouldCycle');
    assert.equal(apply(editor, creation('T-9')), 'ok');
  });
});

describe('a new task', () => {
  test('is a row as exarp-go would write it', () => {
    const editor = editDb([{ id: 'T-1' }]);
    const create = creation('T-1764129938123', {
      ...{ title: 'Build it', description: 'a\nb', priority: 'high', tags: ['b', 'a', 'a'] },
      ...{ dependencies: [ID], parentId: ID },
    });
    assert.equal(apply(editor, create), 'ok');
    assert.deepEqual(row(editor, 'T-1764129938123'), {
      ...{
        id: 'T-1764129938123',
        name: '',
        content: 'Build it',
        long_description: 'a\nb',
        status: 'Todo',
      },
      ...{
        priority: 'high',
        completed: 0,
        task_number: null,
        estimated_hours: null,
        actual_hours: null,
      },
      ...{
        created: AT,
        last_modified: AT,
        completed_at: '',
        project_id: 'shop',
        metadata: '',
        version: 1,
      },
      ...{
        created_at: NOW_S,
        updated_at: NOW_S,
        assignee: null,
        assigned_at: null,
        lock_until: null,
      },
      ...{ metadata_protobuf: null, metadata_format: 'json', parent_id: 'T-1', assigned_to: null },
      ...{ host: 'desk', agent: ME },
    });
    assert.equal(pairs(editor, 'task_tags'), 'T-1764129938123-a T-1764129938123-b');
    assert.equal(pairs(editor, 'task_dependencies'), 'T-1764129938123-T-1');
  });
});

describe('deleting', () => {
  test('takes along all that hangs on the task, in both directions, and nothing else', () => {
    for (const keys of ['ON', 'OFF']) {
      const editor = store();
      editor.db.exec(`PRAGMA foreign_keys = ${keys};
        INSERT INTO task_comments (id, task_id, comment_type, content, created) VALUES ('a', 'T-1', 'note', 'x', ''), ('b', 'T-2', 'note', 'y', '');
        INSERT INTO task_tag_suggestions (task_id, tag) VALUES ('T-1', 'x'), ('T-2', 'y')`);
      const before = everything(editor);
      assert.equal(apply(editor, { kind: 'delete', id: ID, version: 7 }), 'ok');
      const expected = Object.fromEntries(
        Object.entries(before).map(([table, rows]) => [
          table,
          rows.filter((each) => !Object.values(each).includes('T-1')),
        ]),
      );
      assert.deepEqual(everything(editor), expected);
    }
  });
});

describe('what is NULL', () => {
  const loose = (): EditContext => {
    const editor = editDb([]);
    editor.db
      .exec(`DROP TABLE tasks; CREATE TABLE tasks (id TEXT PRIMARY KEY, name TEXT, content TEXT, long_description TEXT,
      status TEXT, priority TEXT, completed INTEGER, version INTEGER)`);
    editor.db.exec(
      `INSERT INTO tasks (id, name, version) VALUES ('T-1', 'Named', 1), ('T-2', NULL, NULL)`,
    );
    return editor;
  };

  test('becomes what exarp-go would have written', () => {
    const editor = loose();
    for (const column of [
      'content',
      'long_description',
      'status',
      'priority',
      'completed',
    ] as const) {
      assert.equal(apply(editor, { kind: 'fillNull', id: ID, column }), 'ok');
      assert.equal(
        apply(editor, { kind: 'fillNull', id: ID, column }),
        'ok',
        'and stays from then on',
      );
    }
    assert.deepEqual(row(editor), {
      ...{
        id: 'T-1',
        name: 'Named',
        content: 'Named',
        long_description: '',
        status: 'Todo',
        priority: 'medium',
      },
      ...{ completed: 0, version: 6 },
    });
  });

  test('counts as nothing where a change says what was there', () => {
    const editor = loose();
    const id = taskId('T-2');
    const edits: readonly Change[] = [
      { kind: 'setTitle', id, from: '', to: 'New' },
      { kind: 'setStatus', id, from: '', to: 'Todo' },
      { kind: 'setPriority', id, from: '', to: 'low' },
    ];
    assert.equal(apply(editor, ...edits), 'ok');
    assert.equal(row(editor, 'T-2')['version'], 3);
  });
});

describe('a store that an older exarp-go made', () => {
  const oldest = (): EditContext => {
    const editor = editDb([]);
    editor.db
      .exec(`PRAGMA foreign_keys = OFF; DROP TABLE tasks; DROP TABLE task_changes; DROP TABLE task_activities;
      CREATE TABLE tasks (id TEXT PRIMARY KEY, name TEXT, content TEXT, long_description TEXT, status TEXT NOT NULL DEFAULT 'Todo',
        priority TEXT, created TEXT NOT NULL);
      INSERT INTO tasks (id, content, created) VALUES ('T-1', 'One', ''), ('T-2', 'Two', '')`);
    return editor;
  };

  test('takes every edit that it has the columns for', () => {
    const editor = oldest();
    const edits: readonly Change[] = [
      { kind: 'setTitle', id: ID, from: 'One', to: 'New' },
      { kind: 'setStatus', id: ID, from: 'Todo', to: 'Done' },
      { kind: 'setTags', id: ID, from: [], to: ['a'] },
      { kind: 'addDependency', id: ID, on: taskId('T-2') },
      creation('T-9', { tags: ['a'], dependencies: [ID] }),
      { kind: 'delete', id: taskId('T-2'), version: 0 },
    ];
    assert.equal(apply(editor, ...edits), 'ok');
    assert.deepEqual(
      all(editor, 'SELECT id, content, status FROM tasks ORDER BY id').map((each) =>
        Object.values(each).join(' '),
      ),
      ['T-1 New Done', 'T-9 Title of T-9 Todo'],
    );
    assert.equal(pairs(editor, 'task_dependencies'), 'T-9-T-1');
  });

  test('says which column it has not', () => {
    const cases: readonly [change: Change, lacks: string][] = [
      [{ kind: 'setParent', id: ID, from: undefined, to: taskId('T-2') }, 'parent_id'],
      [{ kind: 'setProject', id: ID, from: undefined, to: 'shop' }, 'project_id'],
    ];
    for (const [change, lacks] of cases) {
      assert.throws(
        () => apply(oldest(), change),
        new RegExp(`has no ${lacks}: an older exarp-go`),
      );
    }
    const editor = oldest();
    editor.db.exec('DROP TABLE task_tags');
    assert.throws(
      () => apply(editor, { kind: 'setTags', id: ID, from: [], to: ['a'] }),
      /"task_tags" has no tag/,
    );
  });
});

describe('the history of a task', () => {
  test('has a line for each changed field, and one for the task', () => {
    const editor = store();
    apply(
      editor,
      { kind: 'setTitle', id: ID, from: 'Old title', to: 'New' },
      { kind: 'setStatus', id: ID, from: 'Todo', to: 'Review' },
      { kind: 'setTags', id: ID, from: ['ui', 'api'], to: ['ui'] },
      creation('T-9'),
    );
    const changes = all(
      editor,
      'SELECT field, old_value, new_value, timestamp FROM task_changes ORDER BY id',
    );
    assert.deepEqual(
      changes.map((each) => Object.values(each).join(' ')),
      [
        `content "Old title" "New" ${AT}`,
        `status "Todo" "Review" ${AT}`,
        `tags ["api","ui"] ["ui"] ${AT}`,
      ],
    );
    const activities = all(editor, 'SELECT * FROM task_activities ORDER BY rowid');
    assert.deepEqual(
      activities.map((each) => `${String(each['activity_type'])} ${String(each['task_id'])}`),
      ['todo_updated T-1', 'status_changed T-1', 'todo_updated T-1', 'todo_created T-9'],
    );
    assert.deepEqual(JSON.parse(String(activities[1]!['details'])), {
      ...{ field: 'status', from: 'Todo', to: 'Review', by: ME },
    });
  });

  test('is left out where the tables are missing or of another kind', () => {
    const editor = store({}, [
      'DROP TABLE task_changes',
      'CREATE TABLE task_changes (task_id TEXT, field TEXT, old_value TEXT, new_value TEXT, timestamp TEXT, why TEXT NOT NULL)',
      'DROP TABLE task_activities',
    ]);
    assert.equal(apply(editor, { kind: 'setTitle', id: ID, from: 'Old title', to: 'New' }), 'ok');
    assert.equal(all(editor, 'SELECT * FROM task_changes').length, 0);
  });
});

test('statuses that were written are told, so that other copies can follow', () => {
  const editor = store(locked(THEM, NOW_S + 9));
  const outcome = applyResult(editor, [
    { kind: 'clearLock', id: ID, holder: THEM, until: (NOW_S + 9) * 1000, reason: 'gone' },
    { kind: 'setStatus', id: taskId('T-2'), from: 'Todo', to: 'Cancelled' },
    { kind: 'setTitle', id: ID, from: 'Old title', to: 'New' },
  ]);
  assert.deepEqual(outcome.ok && outcome.value.statuses, [
    { id: 'T-1', status: 'Todo' },
    { id: 'T-2', status: 'Cancelled' },
  ]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Task } from '../../../../src/core/task.ts';
import { findJsonFault } from '../../../../src/store/read/json-fault.ts';
import { findFileFault } from '../../../../src/store/read/file-fault.ts';
import { readJsonStore } from '../../../../src/store/read/json-reader.ts';
import type { StoreContent } from '../../../../src/store/read/store-content.ts';

const read = (text: string | Buffer): ReturnType<typeof readJsonStore> =>
  readJsonStore(typeof text === 'string' ? Buffer.from(text) : text, 'project');

function content(document: unknown): StoreContent {
  const result = read(JSON.stringify(document));
  if (!result.ok) throw new Error(result.failure.detail);
  return result.value;
}

const at = Date.UTC(2026, 0, 5, 9);
const date = '2026-01-05T09:00:00Z';
const aliases: readonly [
  entry: Record<string, unknown>,
  expected: Partial<Record<keyof Task, unknown>>,
][] = [
  [{ content: 'a' }, { title: 'a' }],
  [{ name: 'a' }, { title: 'a' }],
  [{ title: 'a' }, { title: 'a' }],
  [{ content: '', name: 'a', title: 'b' }, { title: 'a' }],
  [{ long_description: 'a' }, { description: 'a' }],
  [{ description: 'a' }, { description: 'a' }],
  [{ dependencies: ['T-2', 'T-2', 'T-3'] }, { dependencies: ['T-2', 'T-3'] }],
  [{ dependsOn: ['T-2'] }, { dependencies: ['T-2'] }],
  [{ depends_on: ['T-2'] }, { dependencies: ['T-2'] }],
  [{ longDescription: 'a' }, { description: 'a' }],
  [{ long_description: '', description: 'a' }, { description: 'a' }],
  [{ long_description: 'long', description: 'short' }, { description: 'long' }],
  [{ dependencies: [], dependsOn: ['T-2'] }, { dependencies: ['T-2'] }],
  [{ status: 'in_progress' }, { status: 'In Progress', rawStatus: 'in_progress' }],
  [{ status: 'COMPLETED' }, { status: 'Done' }],
  [{ status: null, completed: true }, { status: 'Done' }],
  [{ completed: 1 }, { status: 'Done' }],
  [{ completed: 0 }, { status: 'Todo' }],
  [{ priority: 'critical' }, { priority: 'critical' }],
  [{ priority: 1 }, { priority: 'other', rawPriority: '1' }],
  [{ parent: 'T-9' }, { parentId: 'T-9' }],
  [{ projectId: 'project' }, { projectId: 'project' }],
  [{ created: '', created_at: date }, { createdAt: at }],
  [{ last_modified: '', updated_at: date }, { modifiedAt: at }],
  [{ updated: '2026-01-05T10:00:00.123456789+01:00' }, { modifiedAt: at + 123 }],
  [{ completed_at: 'never' }, { completedAt: undefined }],
  [{ estimated_hours: '2' }, { estimatedHours: 2 }],
  [{ estimatedHours: -1 }, { estimatedHours: undefined }],
  [{ estimatedHours: 3, metadata: { estimatedHours: 5 } }, { estimatedHours: 3 }],
  [{ metadata: { a: { b: [1] } } }, { metadata: { a: { b: [1] } } }],
  [
    { host: 'a', agent: 'b', assigned_to: 'c', taskNumber: 7, lock_until: 9e12, assignee: 'd' },
    { lock: undefined },
  ],
  [
    {
      comments: [{ type: 'note', content: 'x' }],
      changes: [{ field: 'status' }],
      activities: 'odd',
    },
    { title: '' },
  ],
  [{ __proto__: null, constructor: 'x', toString: 'y' }, { title: '' }],
  [{ dependencies: [2, { id: 'T-3' }] }, { dependencies: ['2', 'T-3'] }],
  [
    { dependencies: null, tags: null, metadata: null },
    { dependencies: [], tags: [], metadata: {} },
  ],
  [{ tags: 'a, b' }, { tags: ['a', 'b'] }],
  [{ parent_id: 'T-9' }, { parentId: 'T-9' }],
  [{ parentId: 'T-9' }, { parentId: 'T-9' }],
  [{ project_id: 'project' }, { projectId: 'project' }],
  [{}, { projectId: undefined, status: 'Todo', priority: 'medium', version: 0, lock: undefined }],
  [
    { created: date, last_modified: date, completed_at: date },
    { createdAt: at, modifiedAt: at, completedAt: at },
  ],
  [
    { created_at: date, updated: date },
    { createdAt: at, modifiedAt: at },
  ],
  [
    { createdAt: date, lastModified: date, completedAt: date },
    { createdAt: at, modifiedAt: at, completedAt: at },
  ],
  [
    { createdAt: at, updatedAt: at / 1000 },
    { createdAt: at, modifiedAt: at },
  ],
  [
    { created: '1970-01-01T00:00:00Z', last_modified: '' },
    { createdAt: undefined, modifiedAt: undefined },
  ],
  [{ estimatedHours: 3 }, { estimatedHours: 3 }],
  [{ metadata: { estimatedHours: '1.5' } }, { estimatedHours: 1.5 }],
  [{ completed: true }, { status: 'Done' }],
  [{ completed: true, status: 'Review' }, { status: 'Review' }],
  [{ priority: 'P0' }, { priority: 'critical', rawPriority: 'P0' }],
  [{ assignee: 'a person', assigned_to: 'b' }, { lock: undefined }],
];
for (const [entry, expected] of aliases) {
  test(`a task of ${JSON.stringify(entry)} is understood`, () => {
    const { tasks, notices } = content({ todos: [{ id: 'T-1', ...entry }] });
    for (const [key, value] of Object.entries(expected))
      assert.deepEqual(tasks[0]![key as keyof Task], value, key);
    assert.deepEqual(notices, []);
  });
}

const shapes: readonly [
  name: string,
  text: string | Buffer,
  expected: number | [cause: string, detail: RegExp],
][] = [
  ['a list named tasks', '{"tasks": [{"id": "T-1"}]}', 1],
  ['a list alone', '[{"id": "T-1"}]', 1],
  ['an empty list as Go writes it', '{"todos": null}', 0],
  ['an empty object', '{}', 0],
  ['a byte order mark', '\ufeff{"todos": [{"id": "T-1"}]}', 1],
  ['no content', ' \n', ['empty', /no content/]],
  ['another kind of document', '{"version": 2}', ['malformed', /todos.*line 1, column 1/]],
  ['a list that is none', '{"todos": {"T-1": {}}}', ['malformed', /todos/]],
  [
    'UTF-16 with a mark',
    Buffer.from('\ufeff{"todos": []}', 'utf16le'),
    ['malformed', /UTF-16.*line 1, column 1/],
  ],
  ['UTF-16 without a mark', Buffer.from('{"todos": []}', 'utf16le'), ['malformed', /UTF-16/]],
  [
    'UTF-16, the big end first',
    Buffer.from('{"todos": []}', 'utf16le').swap16(),
    ['malformed', /UTF-16/],
  ],
  ['UTF-32', Buffer.from('{\0\0\0"\0\0\0'), ['malformed', /UTF-32/]],
  ['a number', '7', ['malformed', /todos.*line 1, column 1/]],
  ['a text', '"todos"', ['malformed', /todos/]],
  ['both names, the first empty', '{"todos": [], "tasks": [{"id": "T-1"}]}', 0],
  ['lists in lists without end', '['.repeat(100_000), ['truncated', /line 1, column 100001\)$/]],
  ['garbage behind the end', '{"todos": []}\n<<<<<<< HEAD', ['malformed', /line 2, column 1\)$/]],
  ['a comma too many', '{"todos": [\n  {"id": "T-1"},\n]}', ['malformed', /line 3, column 1\)$/]],
  ['a file that was cut off', '{"todos": [\n{"id": "T-1"', ['truncated', /line 2, column 13\)$/]],
  ['a text that was cut off', '{"todos": [\n{"id": "T-', ['truncated', /line 2/]],
];
for (const [name, text, expected] of shapes) {
  test(`a file with ${name} gets the right answer`, () => {
    const result = read(text);
    if (typeof expected === 'number')
      assert.equal(result.ok && result.value.tasks.length, expected);
    else {
      assert.equal(result.ok ? 'ok' : result.failure.cause, expected[0]);
      assert.match(result.ok ? '' : result.failure.detail, expected[1]);
    }
  });
}

test('an empty list under one name hides no list under another', () => {
  const { tasks } = content({ todos: null, tasks: [{ id: 'T-1' }] });
  assert.deepEqual(
    tasks.map(({ id }) => id),
    ['T-1'],
  );
});

test('a file of the original Todo2 extension is read whole, whatever else stands in it', () => {
  const { tasks, notices } = content({
    project: { id: 'p', name: 'Shop', createdAt: date },
    nextTaskNumber: 4,
    lastModified: date,
    todos: [
      {
        id: 'T-1',
        taskNumber: 1,
        name: 'Parse',
        longDescription: 'All of it',
        status: 'done',
        priority: 'high',
        tags: ['core'],
        dependsOn: [],
        estimatedHours: 2,
        created: date,
        lastModified: date,
        completedAt: date,
        comments: [
          {
            id: 'c1',
            todoId: 'T-1',
            type: 'result',
            content: 'x',
            created: date,
            lastModified: date,
          },
        ],
        changes: [{ field: 'status', oldValue: 'todo', newValue: 'done', timestamp: date }],
      },
      {
        id: 'T-2',
        taskNumber: 2,
        name: 'Draw',
        status: 'todo',
        tags: { not: 'a list' },
        dependsOn: ['T-1'],
      },
      { id: 'T-3', taskNumber: 3, name: 'Write', status: 'in_progress', dependsOn: ['T-2', 7] },
    ],
    comments: [{ id: 'c2', todoId: 'T-2', type: 'note', content: 'y' }],
    activities: [
      {
        id: 'a1',
        type: 'todo_created',
        todoId: 'T-1',
        todoName: 'Parse',
        timestamp: date,
        details: {},
      },
    ],
  });
  assert.deepEqual(
    tasks.map(
      ({
        id,
        title,
        description,
        status,
        dependencies,
        estimatedHours,
        modifiedAt,
        completedAt,
      }) => [
        ...[id, title, description, status, dependencies, estimatedHours, modifiedAt, completedAt],
      ],
    ),
    [
      ['T-1', 'Parse', 'All of it', 'Done', [], 2, at, at],
      ['T-2', 'Draw', '', 'Todo', ['T-1'], undefined, undefined, undefined],
      ['T-3', 'Write', '', 'In Progress', ['T-2', '7'], undefined, undefined, undefined],
    ],
  );
  assert.deepEqual(notices, [
    { kind: 'badEntry', position: 2, detail: 'tags is an object, not a list' },
  ]);
});

test('one bad entry hides no other, and each is said with its place', () => {
  const { tasks, notices } = content({
    todos: [
      null,
      { id: 'T-1', tags: 7, status: {} },
      'T-2',
      { content: 'no id' },
      { id: 'T-1' },
      { id: { a: 1 } },
      { id: 5 },
      [],
    ],
  });
  assert.deepEqual(
    tasks.map((task) => [task.id, task.status, task.tags]),
    [
      ['T-1', 'Todo', []],
      ['5', 'Todo', []],
    ],
  );
  assert.deepEqual(notices, [
    { kind: 'badEntry', position: 1, detail: 'is null, not an object' },
    {
      kind: 'badEntry',
      position: 2,
      detail: 'status is an object, not text; tags is a number, not a list',
    },
    { kind: 'badEntry', position: 3, detail: 'is text, not an object' },
    { kind: 'missingId', position: 4 },
    { kind: 'duplicateId', id: 'T-1', title: '', position: 5 },
    { kind: 'missingId', position: 6 },
    { kind: 'badEntry', position: 8, detail: 'is a list, not an object' },
  ]);
});

test('what is odd in an entry is said; a blank project is not, nor is any spelling of a status', () => {
  const { notices } = content({
    todos: [
      { id: 'a', status: 'in_progress' },
      { id: 'b', status: 'Frozen' },
      { id: 'c', project_id: 'other' },
      { id: 'd', project_id: '' },
      { id: 'e', metadata: 'text' },
    ],
  });
  assert.deepEqual(notices, [
    { kind: 'unknownStatus', id: 'b', text: 'Frozen' },
    { kind: 'foreignProject', id: 'c', project: 'other' },
    { kind: 'badMetadata', id: 'e', detail: 'not an object' },
  ]);
});

test('the place of a fault is found in whatever text is no JSON, and none in what is', () => {
  const text = fc.oneof(
    fc.json(),
    fc.string({ unit: fc.constantFrom(...Array.from('{}[],:"\\u0a1-.eE tfn\n')), maxLength: 12 }),
    fc.tuple(fc.json(), fc.nat(), fc.string({ maxLength: 2 })).map(([json, at, more]) => {
      const cut = at % (json.length + 1);
      return json.slice(0, cut) + more + json.slice(cut + more.length);
    }),
  );
  fc.assert(
    fc.property(text, (json) => {
      let valid = true;
      try {
        JSON.parse(json);
      } catch {
        valid = false;
      }
      const fault = findJsonFault(json);
      assert.equal(fault === undefined, valid, json);
      if (fault !== undefined) assert.ok(fault >= 0 && fault <= json.length);
    }),
    { seed: 20265, numRuns: 5_000 },
  );
});

test('whatever JSON a list holds, each entry is a task or has a notice, and nothing throws', () => {
  const entry = fc.oneof(
    fc.record(
      {
        id: fc.oneof(fc.string(), fc.jsonValue()),
        status: fc.jsonValue(),
        tags: fc.jsonValue(),
        dependencies: fc.jsonValue(),
        metadata: fc.jsonValue(),
        created: fc.jsonValue(),
      },
      { requiredKeys: [] },
    ),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 8 }), (todos) => {
      const { tasks, notices } = content({ todos });
      assert.ok(tasks.length + notices.length >= todos.length);
      assert.equal(new Set(tasks.map((task) => task.id)).size, tasks.length);
    }),
    { seed: 20263, numRuns: 300 },
  );
});

test('details are the description where no other stands', () => {
  const json = [
    { id: 'T-1', content: 'a', details: 'told in details' },
    { id: 'T-2', content: 'b', description: 'told', details: 'more' },
    { id: 'T-3', content: 'c', description: '', details: 'instead of nothing' },
  ];
  const descriptions = content(json).tasks.map(({ description }) => description);
  assert.deepEqual(descriptions, ['told in details', 'told', 'instead of nothing']);
});

test('a pointer of Git LFS in place of the file says what to run', () => {
  const pointer = Buffer.from(
    'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n',
  );
  for (const failure of [
    readJsonStore(pointer, 'project'),
    { ok: false, failure: findFileFault(pointer) },
  ]) {
    assert.match(JSON.stringify(failure), /"lfsPointer","detail":"run “git lfs pull”/);
  }
});

test('the notice of a repeated id gives the title of the task that is hidden', () => {
  const json = [
    { id: 'T-1', content: 'shown' },
    { id: 'T-1', content: 'hidden' },
  ];
  assert.deepEqual(content(json).notices, [
    { kind: 'duplicateId', id: 'T-1', title: 'hidden', position: 2 },
  ]);
});

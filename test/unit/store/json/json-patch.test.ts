import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { taskId } from '../../../../src/core/task.ts';
import { patchJsonStatus } from '../../../../src/store/json/json-patch.ts';
import { parseJson } from '../../../../src/store/read/parse-json.ts';
import { folderFor } from '../../../support/stores.ts';

const NOW = Date.UTC(2026, 2, 1, 12, 30, 15, 678);

function fileWith(t: TestContext, text: string | Buffer): string {
  const file = join(folderFor(t), 'state.todo2.json');
  writeFileSync(file, text);
  return file;
}

const stampOf = (file: string): unknown => {
  const { ino, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
  return { ino, mtimeNs, ctimeNs };
};

type To = Parameters<typeof patchJsonStatus>[2];
const cases: readonly [name: string, before: string, to: To, after: string][] = [
  [
    'only the values that change are exchanged, everything else stays to the byte',
    '\ufeff{\r\n\t"nextTaskNumber" : 1e3, "todos": [\r\n\t\t{"id":"T-2","status":"Todo"},{ "id" : "T-1",\r\n "x": [1.0, 12345678901234567890, {"id":"T-1","status":"deep"}], "é\\u00e9": "\\/", "status" : "Todo" } ],\r\n "activities": [{"id": "T-1"}]}\r\n\r\n',
    'Review',
    '\ufeff{\r\n\t"nextTaskNumber" : 1e3, "todos": [\r\n\t\t{"id":"T-2","status":"Todo"},{ "id" : "T-1",\r\n "x": [1.0, 12345678901234567890, {"id":"T-1","status":"deep"}], "é\\u00e9": "\\/", "status" : "Review" } ],\r\n "activities": [{"id": "T-1"}]}\r\n\r\n',
  ],
  [
    'done in the spelling of exarp-go',
    '{"todos": [{"id": "T-1", "status": "In Progress", "completed": false, "last_modified": "2026-01-05T09:00:00+02:00", "completed_at": ""}]}',
    'Done',
    '{"todos": [{"id": "T-1", "status": "Done", "completed": true, "last_modified": "2026-03-01T12:30:15Z", "completed_at": "2026-03-01T12:30:15Z"}]}',
  ],
  [
    'done in the spelling of the Todo2 extension',
    '{"todos": [{"id": "T-1", "status": "Review", "created": "2026-01-05T09:00:00.000Z", "lastModified": "2026-01-05T09:00:00.000Z", "completedAt": null}]}',
    'Done',
    '{"todos": [{"id": "T-1", "status": "Done", "created": "2026-01-05T09:00:00.000Z", "lastModified": "2026-03-01T12:30:15.678Z", "completedAt": "2026-03-01T12:30:15.678Z"}]}',
  ],
  [
    'a date of completion stays',
    '{"tasks": [{"id": "T-1", "status": "review", "completed_at": "2026-01-01T00:00:00Z"}]}',
    'Done',
    '{"tasks": [{"id": "T-1", "status": "Done", "completed_at": "2026-01-01T00:00:00Z"}]}',
  ],
  [
    'what is opened again is not completed',
    '[{"id": "T-1", "status": "Done", "completed": 1, "completed_at": "2026-01-01T00:00:00Z", "updated_at": 1767600000, "updatedAt": 1767600000000}]',
    'Todo',
    `[{"id": "T-1", "status": "Todo", "completed": 0, "completed_at": "", "updated_at": ${Math.floor(NOW / 1000)}, "updatedAt": ${NOW}}]`,
  ],
  [
    'an entry without a status gets one',
    '{"todos": [{"id": "T-1"}]}',
    'Done',
    '{"todos": [{"id": "T-1", "status": "Done"}]}',
  ],
  [
    'the last of two statuses is the one that counts',
    '{"todos": [{"status": "a", "id": "T-1", "status": "Todo"}]}',
    'Done',
    '{"todos": [{"status": "a", "id": "T-1", "status": "Done"}]}',
  ],
  [
    'the first of two entries with one id is the one that is shown, and the one that is changed',
    '{"todos": [{"id": "T-1", "status": "Todo"}, {"id": "T-1", "status": "Review"}]}',
    'Done',
    '{"todos": [{"id": "T-1", "status": "Done"}, {"id": "T-1", "status": "Review"}]}',
  ],
  [
    'an id is the same however it is escaped, and stays as it is',
    '{"todos": [{"id": "T\\u002d\\u0031", "st\\u0061tus": "To\\u0064o"}]}',
    'Done',
    '{"todos": [{"id": "T\\u002d\\u0031", "st\\u0061tus": "Done"}]}',
  ],
  [
    'tabs, Windows line ends and blank lines stay',
    '{\r\n\r\n\t"todos":\t[\r\n\t\t{\r\n\t\t\t"id":\t"T-1",\r\n\r\n\t\t\t"status":\t"Todo"\r\n\t\t}\r\n\t]\r\n}',
    'Done',
    '{\r\n\r\n\t"todos":\t[\r\n\t\t{\r\n\t\t\t"id":\t"T-1",\r\n\r\n\t\t\t"status":\t"Done"\r\n\t\t}\r\n\t]\r\n}',
  ],
  [
    'numbers, keys and comments that we do not know stay as they are written',
    '{"activities": [1.50, -0, 1E400], "todos": [{"comments": [{"id": "T-1", "content": "\\ud800"}], "id": "T-1", "status": "Todo", "x": 0.1e-7}]}',
    'Done',
    '{"activities": [1.50, -0, 1E400], "todos": [{"comments": [{"id": "T-1", "content": "\\ud800"}], "id": "T-1", "status": "Done", "x": 0.1e-7}]}',
  ],
  [
    'text that looks like JSON is text',
    '{"todos": [{"id": "x\\"}],{", "status": "Todo"}, {"id": "T-1", "status": "Todo"}]}',
    'Done',
    '{"todos": [{"id": "x\\"}],{", "status": "Todo"}, {"id": "T-1", "status": "Done"}]}',
  ],
];

for (const [name, before, to, after] of cases) {
  test(name, async (t) => {
    const file = fileWith(t, before);
    assert.deepEqual(await patchJsonStatus(file, taskId('T-1'), to, NOW), {
      ok: true,
      value: 'patched',
    });
    assert.equal(readFileSync(file, 'utf8'), after);
    JSON.parse(after.replace('\ufeff', ''));
  });
}

const untouched: readonly [name: string, text: string | Buffer, expected: unknown][] = [
  [
    'a file without the entry',
    '{"todos": [{"id": "T-2", "status": "Todo"}], "comments": [{"id": "T-1"}]}',
    { ok: true, value: 'noEntry' },
  ],
  [
    'a file that is in step',
    '{"todos": [{"id": "T-1", "status": "Done", "completed": true, "updated": "2026-01-01T00:00:00Z"}]}',
    { ok: true, value: 'unchanged' },
  ],
  [
    'a file with garbage behind the end',
    '{"todos": [{"id": "T-1", "status": "Todo"}]} x',
    'malformed',
  ],
  ['a file that was cut off', '{"todos": [{"id": "T-1", "status": "Todo"}', 'truncated'],
  ['an empty file', '', 'empty'],
  [
    'a file in Latin-1',
    Buffer.from('{"todos": [{"id": "T-1", "status": "Todo", "content": "\xe4"}]}', 'latin1'),
    'malformed',
  ],
];
for (const [name, text, expected] of untouched) {
  test(`${name} is left alone`, async (t) => {
    const file = fileWith(t, text);
    const before = stampOf(file);
    const result = await patchJsonStatus(file, taskId('T-1'), 'Done', NOW, undefined, parseJson);
    if (typeof expected === 'string') {
      assert.ok(!result.ok && result.failure.kind === 'unreadable');
      assert.deepEqual([result.failure.cause, result.failure.file], [expected, file]);
    } else assert.deepEqual(result, expected);
    assert.deepEqual(stampOf(file), before);
    assert.deepEqual(readFileSync(file), Buffer.from(text));
  });
}

test('a file that another program has emptied to write it is waited for', async (t) => {
  const file = fileWith(t, '');
  const patched = patchJsonStatus(file, taskId('T-1'), 'Done', NOW);
  await new Promise((resolve) => setTimeout(resolve, 20));
  writeFileSync(file, '{"todos": [{"id": "T-1", "status": "Todo"}]}');
  assert.ok((await patched).ok);
  assert.match(readFileSync(file, 'utf8'), /"Done"/);
});

test('a file that is not there is not made', async (t) => {
  const file = join(folderFor(t), 'state.todo2.json');
  assert.deepEqual(await patchJsonStatus(file, taskId('T-1'), 'Done', NOW), {
    ok: true,
    value: 'noFile',
  });
  assert.equal(existsSync(file), false);
});

test('a link stays a link, the mode stays, and nothing is left beside the file', async (t) => {
  const folder = folderFor(t);
  mkdirSync(join(folder, 'real'));
  const real = join(folder, 'real', 'state.json');
  writeFileSync(real, '{"todos": [{"id": "T-1", "status": "Todo"}]}');
  chmodSync(real, 0o640);
  symlinkSync(real, join(folder, 'link.json'));
  await patchJsonStatus(join(folder, 'link.json'), taskId('T-1'), 'Done', NOW);
  assert.ok(lstatSync(join(folder, 'link.json')).isSymbolicLink());
  assert.match(readFileSync(real, 'utf8'), /Done/);
  assert.equal(statSync(real).mode & 0o777, 0o640);
  assert.deepEqual(readdirSync(join(folder, 'real')), ['state.json']);
});

test('tasks that end at the same time do not undo each other', async (t) => {
  const ids = Array.from({ length: 12 }, (_, index) => taskId(`T-${index}`));
  const file = fileWith(t, JSON.stringify({ todos: ids.map((id) => ({ id, status: 'Todo' })) }));
  await Promise.all(ids.map((id) => patchJsonStatus(file, id, 'Done', NOW)));
  assert.equal(readFileSync(file, 'utf8').split('"Done"').length - 1, ids.length);
});

test('a file that is protected is left to whoever protected it', async (t) => {
  const text = '{"todos": [{"id": "T-1", "status": "Todo"}]}';
  const file = fileWith(t, text);
  chmodSync(file, 0o444);
  const result = await patchJsonStatus(file, taskId('T-1'), 'Done', NOW);
  assert.ok(!result.ok && result.failure.kind === 'writeFailed' && result.failure.file === file);
  assert.equal(readFileSync(file, 'utf8'), text);
});

test('a link that leads nowhere is a file that is not there', async (t) => {
  const link = join(folderFor(t), 'state.todo2.json');
  symlinkSync(join(link, '..', 'gone.json'), link);
  assert.deepEqual(await patchJsonStatus(link, taskId('T-1'), 'Done', NOW), {
    ok: true,
    value: 'noFile',
  });
  assert.ok(lstatSync(link).isSymbolicLink());
});

test('a folder in the place of the file is a failure with its name', async (t) => {
  const folder = folderFor(t);
  const result = await patchJsonStatus(folder, taskId('T-1'), 'Done', NOW);
  assert.ok(!result.ok && result.failure.kind === 'unreadable' && result.failure.file === folder);
});

test('a file that leads out of the folder is left alone, and the reason is told', async (t) => {
  const [root, outside] = [folderFor(t), folderFor(t)];
  const real = join(outside, 'state.todo2.json');
  writeFileSync(real, '[{"id": "T-1", "status": "Todo"}]');
  const link = join(root, 'state.todo2.json');
  symlinkSync(real, link);
  const done = await patchJsonStatus(link, taskId('T-1'), 'Done', NOW, root);
  assert.match(JSON.stringify(done), /leads out of the folder/);
  assert.equal(readFileSync(real, 'utf8'), '[{"id": "T-1", "status": "Todo"}]');
});

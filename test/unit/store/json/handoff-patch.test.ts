import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  appendEntry,
  removeEntry,
  setEntryStatus,
} from '../../../../src/store/json/handoff-patch.ts';

const parse = (text: string): { handoffs?: unknown[] } =>
  JSON.parse(text.replace('\ufeff', '')) as never;

const NEW = { id: 'n', blockers: ['b'], none: [] };

const appends: readonly [name: string, before: string, after: string | undefined][] = [
  [
    'as exarp-go writes it',
    '{\n  "handoffs": [\n    {\n      "id": "a"\n    }\n  ]\n}',
    '{\n  "handoffs": [\n    {\n      "id": "a"\n    },\n    {\n      "id": "n",\n      "blockers": [\n        "b"\n      ],\n      "none": []\n    }\n  ]\n}',
  ],
  [
    'with tabs, Windows line ends, keys of others and a byte order mark',
    '\ufeff{\r\n\t"v" : 1.0,\r\n\t"handoffs" : [\r\n\t\t{\r\n\t\t\t"id" : "\\u0061"\r\n\t\t}\r\n\t],\r\n\t"x": {"handoffs": [1]}\r\n}\r\n',
    '\ufeff{\r\n\t"v" : 1.0,\r\n\t"handoffs" : [\r\n\t\t{\r\n\t\t\t"id" : "\\u0061"\r\n\t\t},\r\n\t\t{\r\n\t\t\t"id": "n",\r\n\t\t\t"blockers": [\r\n\t\t\t\t"b"\r\n\t\t\t],\r\n\t\t\t"none": []\r\n\t\t}\r\n\t],\r\n\t"x": {"handoffs": [1]}\r\n}\r\n',
  ],
  [
    'on one line',
    '{"handoffs": [{"id": "a"}, {"id": "b"}]}',
    '{"handoffs": [{"id": "a"}, {"id": "b"}, {"id":"n","blockers":["b"],"none":[]}]}',
  ],
  [
    'with one entry per line',
    '{"handoffs": [\n  {"id": "a"}\n]}',
    '{"handoffs": [\n  {"id": "a"},\n  {"id":"n","blockers":["b"],"none":[]}\n]}',
  ],
  [
    'with an empty list',
    '{\n    "handoffs": []\n}',
    '{\n    "handoffs": [\n        {\n            "id": "n",\n            "blockers": [\n                "b"\n            ],\n            "none": []\n        }\n    ]\n}',
  ],
  ['with a null list', '{"handoffs":null}', '{"handoffs":[{"id":"n","blockers":["b"],"none":[]}]}'],
  ['without a list', '{"a": 1}', '{"a": 1,"handoffs": [{"id":"n","blockers":["b"],"none":[]}]}'],
  [
    'without anything',
    '{}',
    '{\n  "handoffs": [\n    {\n      "id": "n",\n      "blockers": [\n        "b"\n      ],\n      "none": []\n    }\n  ]\n}',
  ],
  [
    'with a list that stands twice: the last one counts',
    '{"handoffs": [1], "handoffs": [2]}',
    '{"handoffs": [1], "handoffs": [2,{"id":"n","blockers":["b"],"none":[]}]}',
  ],
  ['with something else in its place', '{"handoffs": "gone"}', undefined],
  ['that is a list', '[]', undefined],
];
for (const [name, before, after] of appends) {
  test(`a file ${name} gets one more entry in its own style`, () => {
    assert.equal(appendEntry(before, NEW), after);
    if (after !== undefined) assert.deepEqual(parse(after).handoffs?.at(-1), NEW);
  });
}

const statuses: readonly [
  name: string,
  before: string,
  to: 'open' | 'closed' | 'approved',
  after: string,
][] = [
  ['none yet', '{"id": "a", "x": 1e3}', 'closed', '{"id": "a", "x": 1e3, "status": "closed"}'],
  [
    'none yet, over several lines',
    '{\r\n\t"id" :\t"a"\r\n}',
    'approved',
    '{\r\n\t"id" :\t"a",\r\n\t"status" :\t"approved"\r\n}'.replace('"status" :', '"status":'),
  ],
  ['another', '{"status": "closed", "id": "a"}', 'approved', '{"status": "approved", "id": "a"}'],
  ['one that goes from the front', '{"status": "closed", "id": "a"}', 'open', '{"id": "a"}'],
  [
    'one that goes from the end',
    '{\n  "id": "a",\n  "status": "closed"\n}',
    'open',
    '{\n  "id": "a"\n}',
  ],
  ['one that goes and was alone', '{ "status": "closed" }', 'open', '{  }'],
  ['two of them', '{"status": "x", "id": "a", "status": "closed"}', 'open', '{"id": "a"}'],
  ['nothing at all', '{}', 'closed', '{"status": "closed"}'],
  ['none, as wanted', '{"id": "a"}', 'open', '{"id": "a"}'],
];
for (const [name, before, to, after] of statuses) {
  test(`an entry with the status of ${name} becomes ${to}, and the rest stays to the byte`, () => {
    const around = (entry: string): string =>
      `{ "k": [{"id": "a"}],\n "handoffs": [ {"id": "z"},${entry} ], "é": "\\/" }\n`;
    const entry = JSON.parse(before) as Record<string, unknown>;
    assert.equal(setEntryStatus(around(before), entry, to), around(after));
  });
}

test('an entry that was changed since is not found, so nothing is written over', () => {
  const text = '{"handoffs": [{"id": "a", "summary": "new"}]}';
  assert.equal(setEntryStatus(text, { id: 'a', summary: 'old' }, 'closed'), undefined);
  assert.equal(removeEntry(text, { id: 'a', summary: 'old' }), undefined);
});

test('an entry is taken out with its comma, from every place', () => {
  const of = (...ids: string[]): string =>
    `{"handoffs": [\n  ${ids.map((id) => `{"id": "${id}"}`).join(',\n  ')}\n]}`;
  assert.equal(removeEntry(of('a', 'b', 'c'), { id: 'a' }), of('b', 'c'));
  assert.equal(removeEntry(of('a', 'b', 'c'), { id: 'b' }), of('a', 'c'));
  assert.equal(removeEntry(of('a', 'b', 'c'), { id: 'c' }), of('a', 'b'));
  assert.deepEqual(parse(removeEntry(of('a'), { id: 'a' }) ?? ''), { handoffs: [] });
});

/** Any document with any entries, printed in any style. */
const document = fc
  .record({
    before: fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), {
      maxKeys: 2,
    }),
    entries: fc.array(
      fc.oneof(
        fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 }),
        fc.jsonValue(),
      ),
      {
        maxLength: 4,
      },
    ),
    after: fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 1 }), {
      maxKeys: 2,
    }),
    indent: fc.constantFrom<[string | number | undefined]>([undefined], [2], ['\t'], [4]),
    isWindows: fc.boolean(),
  })
  .map(({ before, entries, after, indent: [indent], isWindows }) => {
    const value = { ...before, handoffs: entries, ...after };
    const text = JSON.stringify(value, undefined, indent);
    return {
      text: isWindows ? text.replaceAll('\n', '\r\n') : text,
      value: JSON.parse(text) as { handoffs: unknown[] },
    };
  });

test('append, close, reopen and remove give back the very same bytes, whatever the file holds', () => {
  const entry = fc.dictionary(
    fc.string().filter((key) => key !== 'status'),
    fc.jsonValue({ maxDepth: 2 }),
    { minKeys: 1, maxKeys: 4 },
  );
  fc.assert(
    fc.property(document, entry, ({ text, value }, made) => {
      const own = { mine: 'only', ...(JSON.parse(JSON.stringify(made)) as object) };
      if (!Array.isArray(value.handoffs)) return;
      const appended = appendEntry(text, own);
      assert.ok(appended !== undefined);
      assert.deepEqual(parse(appended), { ...value, handoffs: [...value.handoffs, own] });
      const closed = setEntryStatus(appended, own, 'closed');
      assert.ok(closed !== undefined);
      assert.deepEqual(parse(closed), {
        ...value,
        handoffs: [...value.handoffs, { ...own, status: 'closed' }],
      });
      assert.equal(setEntryStatus(closed, { ...own, status: 'closed' }, 'open'), appended);
      const removed = removeEntry(appended, own);
      assert.ok(removed !== undefined);
      assert.deepEqual(parse(removed), value);
      if (value.handoffs.length > 0) assert.equal(removed, text);
    }),
    { seed: 20268, numRuns: 500 },
  );
});

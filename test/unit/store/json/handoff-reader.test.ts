import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  handoffToShow,
  handoffTitle,
  type Handoff,
  type HandoffsState,
} from '../../../../src/core/handoff.ts';
import { readHandoffs } from '../../../../src/store/json/handoff-reader.ts';

const read = (text: string): ReturnType<typeof readHandoffs> => readHandoffs(Buffer.from(text));

function handoffs(...entries: readonly unknown[]): readonly Handoff[] {
  const result = read(JSON.stringify({ handoffs: entries }));
  if (!result.ok) throw new Error(result.failure.detail);
  return result.value.handoffs;
}

const AT = Date.UTC(2026, 1, 3, 10, 30);

/** As exarp-go writes it. */
const NEW = {
  blockers: null,
  git_status: { branch: 'main', changed_files: ['a.go', 'b.go'], uncommitted_files: 2 },
  host: 'mac-studio',
  id: 'handoff-1770114600',
  next_steps: ['Write the tests', 'Release'],
  point_in_time_snapshot: 'H4sIAAAA',
  point_in_time_snapshot_format: 'gz+b64',
  point_in_time_snapshot_task_count: 7,
  status: 'closed',
  summary: 'The parser is done.',
  task_journal: [{ action: 'updated', id: 'T-1' }],
  tasks_in_progress: [{ content: 'Parse', id: 'T-1', status: 'In Progress' }],
  timestamp: '2026-02-03T11:30:00+01:00',
};

/** As its predecessor in Python wrote it. */
const OLD = {
  id: 'handoff-20260203-103000',
  timestamp: '2026-02-03T10:30:00.123456',
  host: 'linux-box',
  summary: 'Old style',
  tasks_in_progress: [{ id: 'T-2', name: 'Draw', priority: 'high' }],
  tasks_completed_today: [{ id: 'T-3', name: 'Fetch' }],
  tasks_completed: 4,
  tasks_unassigned: 2,
  warnings: ['3 commits are not pushed'],
  git_status: {
    branch: 'dev',
    uncommitted_files: 1,
    ahead_of_remote: 3,
    behind_remote: 0,
    needs_push: true,
  },
};

test('an entry of exarp-go is read whole, and keeps what we do not know', () => {
  const [handoff] = handoffs(NEW);
  assert.deepEqual(handoff, {
    key: 'handoff-1770114600',
    id: 'handoff-1770114600',
    at: AT,
    host: 'mac-studio',
    status: 'closed',
    rawStatus: 'closed',
    summary: 'The parser is done.',
    blockers: [],
    nextSteps: ['Write the tests', 'Release'],
    inProgress: [{ id: 'T-1', title: 'Parse', note: 'In Progress' }],
    completed: [],
    journal: [{ id: 'T-1', action: 'updated' }],
    runs: [],
    warnings: [],
    git: {
      branch: 'main',
      uncommittedFiles: 2,
      changedFiles: ['a.go', 'b.go'],
      ahead: undefined,
      behind: undefined,
    },
    entry: NEW,
  });
});

test('an entry of the old Python format is read whole', () => {
  const [handoff] = handoffs(OLD);
  assert.ok(handoff);
  assert.equal(handoff.at, AT + 123);
  assert.equal(handoff.status, 'open');
  assert.deepEqual(handoff.inProgress, [{ id: 'T-2', title: 'Draw', note: 'high' }]);
  assert.deepEqual(handoff.completed, [{ id: 'T-3', title: 'Fetch', note: '' }]);
  assert.deepEqual(handoff.warnings, ['3 commits are not pushed']);
  assert.deepEqual(handoff.git, {
    branch: 'dev',
    uncommittedFiles: 1,
    changedFiles: [],
    ahead: 3,
    behind: 0,
  });
});

const fields: readonly [entry: Record<string, unknown>, expected: Partial<Handoff>][] = [
  [
    {},
    {
      key: 'handoff',
      id: '',
      at: undefined,
      host: '',
      status: 'open',
      summary: '',
      git: undefined,
    },
  ],
  [{ status: '' }, { status: 'open' }],
  [{ status: 'Open' }, { status: 'open', rawStatus: 'Open' }],
  [{ status: 'approved' }, { status: 'approved' }],
  [{ status: 'parked' }, { status: 'other', rawStatus: 'parked' }],
  [
    { status: 7, summary: {}, host: ['x'] },
    { status: 'other', summary: '', host: '' },
  ],
  [{ blockers: 'one text' }, { blockers: ['one text'] }],
  [{ blockers: ['a', '', null, 3, {}] }, { blockers: ['a', '3'] }],
  [
    { next_steps: {}, tasks_in_progress: 'T-1', warnings: 4 },
    { nextSteps: [], inProgress: [], warnings: ['4'].slice(1) },
  ],
  [
    { tasks_in_progress: ['T-1', { id: 5, title: 'x' }, null, []] },
    {
      inProgress: [
        { id: 'T-1', title: '', note: '' },
        { id: '5', title: 'x', note: '' },
      ],
    },
  ],
  [
    { git_status: { uncommitted_files: ['a', 'b'], branch: '' } },
    {
      git: {
        branch: undefined,
        uncommittedFiles: 2,
        changedFiles: [],
        ahead: undefined,
        behind: undefined,
      },
    },
  ],
  [{ git_status: 'clean' }, { git: undefined }],
  [{ timestamp: 'yesterday' }, { at: undefined, key: 'yesterday' }],
  [{ timestamp: AT / 1000 }, { at: AT }],
];
for (const [entry, expected] of fields) {
  test(`a handoff of ${JSON.stringify(entry)} is understood`, () => {
    const [handoff] = handoffs(entry);
    for (const [key, value] of Object.entries(expected))
      assert.deepEqual(handoff?.[key as keyof Handoff], value, key);
  });
}

test('the newest comes first whatever order the file has, and those without a time last', () => {
  const entry = (id: string, timestamp?: string): unknown => ({ id, timestamp });
  const order = handoffs(
    entry('b', '2026-02-03T10:00:00Z'),
    entry('x'),
    entry('c', '2026-02-03T12:00:00+02:00'),
    entry('d', '2026-02-03T10:00:01Z'),
    entry('y'),
    entry('a', '2025-02-03T10:00:00Z'),
  );
  assert.deepEqual(
    order.map((handoff) => handoff.id),
    ['d', 'b', 'c', 'a', 'x', 'y'],
  );
});

test('two handoffs of one second, which share an id in exarp-go, have names of their own', () => {
  const keys = handoffs({ id: 'handoff-1' }, { id: 'handoff-1' }, {}, {}).map(
    (handoff) => handoff.key,
  );
  assert.equal(new Set(keys).size, 4);
});

test('one bad entry hides no other, and each is named with its place', () => {
  const result = read(
    '{"handoffs": [null, {"id": "a"}, "b", [1], {"id": "c", "tasks_in_progress": 5}]}',
  );
  assert.ok(result.ok);
  assert.deepEqual(
    result.value.handoffs.map((handoff) => handoff.id),
    ['a', 'c'],
  );
  assert.deepEqual(result.value.bad, [
    { position: 1, detail: 'is null' },
    { position: 3, detail: 'is not an object' },
    { position: 4, detail: 'is not an object' },
  ]);
});

const files: readonly [
  name: string,
  text: string | Buffer,
  expected: number | [cause: string, detail: RegExp],
][] = [
  ['no entries', '{"handoffs": []}', 0],
  ['a list as Go writes an empty one', '{"handoffs": null}', 0],
  ['no list', '{"other": 1}', 0],
  ['a byte order mark', '\ufeff{"handoffs": [{}]}', 1],
  ['a list that is none', '{"handoffs": {}}', ['malformed', /no list named "handoffs"/]],
  ['a list in the place of the document', '[{}]', ['malformed', /no list named "handoffs"/]],
  ['nothing in it', '', ['empty', /no content/]],
  ['a fault', '{"handoffs": [\n  {"id": oops}]}', ['malformed', /line 2, column 10/]],
  ['its end cut off', '{"handoffs": [\n  {"id": "a"', ['truncated', /line 2/]],
  ['UTF-16', Buffer.from('\ufeff{"handoffs": []}', 'utf16le'), ['malformed', /line 1, column 1/]],
];
for (const [name, text, expected] of files) {
  test(`a file with ${name} gets the right answer`, () => {
    const result = readHandoffs(Buffer.from(text as string));
    if (typeof expected === 'number')
      assert.equal(result.ok && result.value.handoffs.length, expected);
    else {
      assert.equal(result.ok ? 'ok' : result.failure.cause, expected[0]);
      assert.match(result.ok ? '' : result.failure.detail, expected[1]);
    }
  });
}

const HOUR = 3_600_000;
const one = (host: string, hoursAgo: number | undefined, status = ''): Record<string, unknown> => ({
  id: `${host}-${hoursAgo ?? 'never'}`,
  host,
  status,
  ...(hoursAgo === undefined ? {} : { timestamp: new Date(AT - hoursAgo * HOUR).toISOString() }),
});
const shown: readonly [
  name: string,
  entries: readonly Record<string, unknown>[],
  id: string | undefined,
][] = [
  ['none', [], undefined],
  ['a recent one of this host', [one('here', 47)], 'here-47'],
  ['an old one of this host', [one('here', 48)], undefined],
  ['an old one of another host', [one('there', 400)], 'there-400'],
  ['the newest of several', [one('there', 3), one('here', 2)], 'here-2'],
  ['a closed one', [one('there', 3, 'closed')], undefined],
  ['an approved one before an open one', [one('there', 3), one('there', 2, 'approved')], 'there-3'],
  ['one with a status that nobody knows', [one('there', 3, 'parked')], undefined],
  ['one without a time, of another host', [one('there', undefined)], 'there-never'],
  ['one without a time, of this host', [one('here', undefined)], undefined],
];
for (const [name, entries, id] of shown) {
  test(`of ${name} the tree shows ${id ?? 'nothing'}`, () => {
    const state: HandoffsState = { kind: 'read', handoffs: handoffs(...entries), bad: [] };
    assert.equal(handoffToShow(state, 'here', AT)?.id, id);
  });
}

test('a handoff without a summary is named after what it has', () => {
  const title = (entry: Record<string, unknown>): string => handoffTitle(handoffs(entry)[0]!);
  assert.equal(title({ summary: ' two\nlines ' }), 'two lines');
  assert.equal(title({ next_steps: ['go on'] }), 'go on');
  assert.equal(title({ id: 'handoff-1' }), 'handoff-1');
  assert.equal(title({}), 'Handoff without a summary');
});

test('whatever JSON a list holds, each entry is a handoff or is counted as bad, and nothing throws', () => {
  const keys = [...Object.keys(NEW), ...Object.keys(OLD)];
  const entry = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(fc.constantFrom(...keys), fc.jsonValue(), { maxKeys: 8 }),
  );
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 6 }), (entries) => {
      const result = read(JSON.stringify({ handoffs: entries }));
      assert.ok(result.ok);
      assert.equal(result.value.handoffs.length + result.value.bad.length, entries.length);
      assert.equal(
        new Set(result.value.handoffs.map((handoff) => handoff.key)).size,
        result.value.handoffs.length,
      );
    }),
    { seed: 20266, numRuns: 500 },
  );
});

test('whatever bytes a file holds, there is an answer and nothing throws', () => {
  const whole = JSON.stringify({ handoffs: [NEW, OLD] });
  fc.assert(
    fc.property(
      fc.nat(whole.length),
      fc.nat(20),
      fc.uint8Array({ maxLength: 8 }),
      (at, cutOut, more) => {
        const bytes = Buffer.from(whole);
        const mutated = Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at + cutOut)]);
        const result = readHandoffs(mutated);
        if (!result.ok) assert.notEqual(result.failure.detail, '');
      },
    ),
    { seed: 20267, numRuns: 2_000 },
  );
});

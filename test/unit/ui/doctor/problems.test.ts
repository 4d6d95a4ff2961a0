import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Backlog } from '../../../../src/core/backlog.ts';
import { Emitter } from '../../../../src/core/events.ts';
import { findEntries } from '../../../../src/store/json/json-places.ts';
import { problemsOf } from '../../../../src/ui/doctor/problems.ts';
import {
  type PlacedProblem,
  ProblemsPublisher,
} from '../../../../src/ui/doctor/problems-publisher.ts';
import { BROKEN, brokenBacklog } from '../../../support/broken.ts';
import { fakeBacklog, NOW } from '../../../support/fake-backlog.ts';
import type { Store } from '../../../support/doctor-fixtures.ts';

test('a problem is one line that names the task, the worst first', () => {
  const problems = problemsOf(brokenBacklog());
  assert.equal(problems.length, 22);
  for (const { message } of problems) assert.doesNotMatch(message, /\n/);
  // The last one is no finding: a configuration that cannot be read.
  const ranks = problems
    .slice(0, -1)
    .map(({ severity }) => ['error', 'warning', 'info'].indexOf(severity));
  assert.deepEqual(ranks, [...ranks].sort());
  assert.ok(
    problems.some(
      ({ message }) =>
        message ===
        'Statuses in another spelling: T-1790000000007, status “in progress” means In Progress. Run Doctor to fix: status “in progress” → In Progress.',
    ),
  );
});

test('what a problem says does not change as time passes', () => {
  let now = NOW;
  const clock = { now: () => now, after: () => ({ dispose: () => undefined }) };
  const backlog = brokenBacklog(BROKEN, { clock });
  const before = problemsOf(backlog);
  now += 59_000; // the first lease ends a second later
  assert.deepEqual(problemsOf(backlog), before);
});

test('of a backlog with very many findings 200 are shown, and how many more there are', () => {
  const rows = Array.from({ length: 260 }, (_, n) => ({
    id: `T-${1_000_000 + n}`,
    status: n === 259 ? 'Parked' : 'done',
  }));
  const problems = problemsOf(brokenBacklog({ rows }));
  assert.equal(problems.length, 201);
  assert.equal(
    problems.at(-1)?.message,
    '60 more findings in this backlog: run Todo2 Waves: Doctor.',
  );
});

test('very long text of a backlog is cut', () => {
  const [problem] = problemsOf(
    brokenBacklog({ rows: [{ id: 'T-1000001', status: 'x'.repeat(10_000) }] }),
  );
  assert.ok(problem !== undefined && problem.message.length <= 300);
});

/** A publisher over backlogs, and what the editor would show: file → messages. */
class Panel {
  readonly shown = new Map<string, readonly PlacedProblem[]>();
  readonly #changed = new Emitter<undefined>();
  all: readonly Backlog[];
  isWanted = true;
  sets = 0;
  /** Resolved by hand. */
  readonly reads: (() => void)[] = [];
  readonly publisher: ProblemsPublisher;

  constructor(...all: Backlog[]) {
    this.all = all;
    const backlogs = { onDidChange: this.#changed.event };
    this.publisher = new ProblemsPublisher({
      backlogs: Object.defineProperty(backlogs, 'all', {
        get: () => this.all,
      }) as typeof backlogs & { all: Backlog[] },
      isWanted: () => this.isWanted,
      findEntries: () =>
        new Promise((resolve) =>
          this.reads.push(() =>
            resolve({
              ofIds: new Map([['T-1000001', { line: 7, character: 10 }]]),
              ofEntries: [
                { line: 7, character: 10 },
                { line: 9, character: 10 },
              ],
            }),
          ),
        ),
      set: (file, problems) => {
        this.sets++;
        this.shown.set(file, problems);
      },
      delete: (file) => void this.shown.delete(file),
      reportBug: (error) => assert.fail(String(error)),
    });
  }

  async change(...all: Backlog[]): Promise<void> {
    this.all = all;
    this.#changed.fire(undefined);
    await Promise.resolve();
  }
}

const spelled = (status: string, source: 'sqlite' | 'json' = 'sqlite'): Store => ({
  rows: [{ id: 'T-1000001', status, dependencies: ['T-404'] }],
  source,
});
const DB = '/home/me/shop/.todo2/todo2.db';

test('problems stand at the file of the store, come once for each change, and go with the backlog', async () => {
  const panel = new Panel(brokenBacklog(spelled('done')));
  assert.equal(panel.shown.get(DB)?.length, 2);
  await panel.change(brokenBacklog(spelled('done')));
  assert.equal(panel.sets, 1);
  await panel.change(brokenBacklog(spelled('Done')));
  assert.deepEqual([panel.sets, panel.shown.get(DB)?.length], [2, 1]);
  await panel.change(fakeBacklog({ store: { kind: 'missing' } }));
  assert.equal(panel.shown.size, 0);
});

test('problems go when they are not wanted any more, and with the publisher', () => {
  const panel = new Panel(brokenBacklog(spelled('done')));
  panel.isWanted = false;
  panel.publisher.update();
  assert.equal(panel.shown.size, 0);
  panel.isWanted = true;
  panel.publisher.update();
  assert.equal(panel.shown.size, 1);
  panel.publisher.dispose();
  assert.equal(panel.shown.size, 0);
});

test('in a JSON file a problem stands at its entry, and a late answer never overwrites a newer one', async () => {
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const panel = new Panel(brokenBacklog(spelled('Parked', 'json')));
  await panel.change(brokenBacklog(spelled('Todo', 'json')));
  const [first, second] = panel.reads;
  second?.();
  await settle();
  first?.();
  await settle();
  assert.equal(panel.sets, 1);
  assert.deepEqual(
    panel.shown.get(DB)?.map(({ place }) => place),
    [{ line: 7, character: 10 }],
  );
});

const places: readonly [name: string, text: string, expected: string][] = [
  [
    'the id of each entry',
    '{\n "todos": [\n  {"name": "x", "id": "T-1"},\n  {\n   "id": 7\n  }\n ]\n}',
    'T-1@2:22 7@4:9',
  ],
  ['an entry without an id has no place', '{"todos": [{"name": "x"}, {"id": "T-2"}]}', 'T-2@0:33'],
  ['the first of two', '{"tasks": [{"id": "T-1"},\n{"id": "T-1"}]}', 'T-1@0:18'],
  ['a list alone', '[{"id": "T-1"}]', 'T-1@0:8'],
  ['text that is no JSON', '{"todos": [{"id": "T-1"', ''],
  ['entries that are no objects', '{"todos": [1, null, {"id": "T-1"}]}', 'T-1@0:27'],
];
for (const [name, text, expected] of places) {
  test(`places in a JSON file: ${name}`, () => {
    const found = [...findEntries(text).ofIds].map(
      ([id, { line, character }]) => `${id}@${line}:${character}`,
    );
    assert.equal(found.join(' '), expected);
  });
}

test('an id that is there again stands at the later entry, with an id that is free', async () => {
  const again = brokenBacklog({
    rows: [{ id: 'T-1000001' }, { id: 'T-1000001', title: 'Hidden' }],
    source: 'json',
  });
  const panel = new Panel(again);
  panel.reads[0]?.();
  await new Promise((resolve) => setImmediate(resolve));
  const [problem] = panel.shown.get(DB) ?? [];
  assert.deepEqual(problem?.place, { line: 9, character: 10 });
  assert.match(
    problem.message,
    /“Hidden” \(entry 2\) is hidden\. Give entry 2 of the file an id that no other has, such as T-1000003, and save it/,
  );
});

test('each entry of a JSON file has a place, one without an id too', () => {
  const text = '{"todos": [\n{"id": "T-1"},\n{"name": "x"},\n7,\n {"id": "T-1"}]}';
  assert.deepEqual(
    findEntries(text).ofEntries.map(({ line, character }) => `${line}:${character}`),
    ['1:7', '2:0', '3:0', '4:8'],
  );
});

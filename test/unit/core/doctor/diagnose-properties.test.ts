import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Finding, isFixable, safeChanges } from '../../../../src/core/doctor/finding.ts';
import { applyToTasks } from '../../../../src/core/edit/apply-to-tasks.ts';
import { lock } from '../../../support/backlog.ts';
import { ME, NOW } from '../../../support/fake-backlog.ts';
import {
  applyTo,
  findingsOn,
  type Orphan,
  PROJECT,
  read,
  type Row,
  type Store,
} from '../../../support/doctor-fixtures.ts';

const ids = ['T-1000001', 'T-1000002', 'T-1000003', 'T-1000004', 'T-7', 'AUTO-5', 'T-NaN'];
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const holders = fc.constantFrom(
  ME,
  'a-desk-200',
  'a-desk-300',
  'a-studio-300',
  'a-desk-x-200',
  'anna',
);
const ends = fc.constantFrom(NOW - 3_600_000, NOW, NOW + 60_000, undefined);
const words = fc.constantFrom<(string | null)[]>(
  ...['Todo', 'In Progress', 'Review', 'Done', 'Cancelled', 'Blocked'],
  ...['working', 'done', 'parked', '', null],
);

const row = (id: string): fc.Arbitrary<Row> =>
  fc
    .record({
      title: maybe(fc.constantFrom('One', ' one ', 'Two', null)),
      description: maybe(fc.constantFrom('', 'More')),
      status: maybe(words),
      priority: maybe(fc.constantFrom('P0', 'urgent', 'low', null)),
      dependencies: maybe(fc.uniqueArray(fc.constantFrom(...ids, 'T-404'), { maxLength: 3 })),
      parentId: maybe(fc.constantFrom(...ids)),
      project: maybe(fc.constantFrom(PROJECT, 'other', null)),
      lock: maybe(fc.tuple(holders, ends).map(([holder, until]) => lock(holder, until))),
      createdAt: maybe(fc.integer({ min: 1, max: 3 })),
    })
    .map((fields) => {
      const given = Object.entries(fields).filter(([, value]) => value !== undefined);
      return { id, ...(Object.fromEntries(given) as Omit<Row, 'id'>) };
    });

const orphan: fc.Arbitrary<Orphan> = fc.record({
  table: fc.constantFrom('task_tags', 'task_dependencies'),
  owner: fc.constantFrom('T-500', 'T-501'),
  value: fc.constantFrom('ui', 'T-1000001'),
});

const stores: fc.Arbitrary<Store> = fc.subarray(ids).chain((chosen) =>
  fc.record({
    rows: fc.tuple(...chosen.map(row)),
    orphans: fc.uniqueArray(orphan, { maxLength: 3, selector: (each) => JSON.stringify(each) }),
  }),
);

const options = { seed: 7, numRuns: 1500 };

test('all safe fixes can be made in one go, and then the doctor finds none of them', () => {
  fc.assert(
    fc.property(stores, (store) => {
      const before = findingsOn(store);
      const after = findingsOn(applyTo(store, safeChanges(before)));
      assert.deepEqual(
        after.filter(({ fix }) => fix.kind === 'changes' && fix.safe),
        [],
      );
    }),
    options,
  );
});

test('no fix is offered that would be refused', () => {
  fc.assert(
    fc.property(stores, (store) => {
      const { tasks } = read(store);
      const context = { project: PROJECT, isOurs: (holder: string) => holder === ME, now: NOW };
      const findings = findingsOn(store);
      const lists = findings.flatMap(({ fix }) =>
        fix.kind === 'changes' ? [fix.changes] : fix.kind === 'choices' ? fix.choices : [],
      );
      for (const changes of [...lists, safeChanges(findings)]) {
        const applied = applyToTasks(tasks, changes, context);
        assert.ok(applied.ok, JSON.stringify({ changes, applied }));
      }
    }),
    options,
  );
});

test('fixing one finding after the other, in any order and with any choice, comes to an end with nothing left to fix', () => {
  fc.assert(
    fc.property(stores, fc.infiniteStream(fc.nat()), (start, chance) => {
      const pick = <T>(list: readonly T[]): T => list[(chance.next().value ?? 0) % list.length]!;
      let store = start;
      for (let round = 0; ; round++) {
        const fixable = findingsOn(store).filter(isFixable);
        if (fixable.length === 0) return;
        assert.ok(round < 100, 'there is always something more to fix');
        const { fix } = pick(fixable);
        if (fix.kind === 'changes') store = applyTo(store, fix.changes);
        if (fix.kind === 'choices') store = applyTo(store, pick(fix.choices));
      }
    }),
    options,
  );
});

test('findings do not depend on the order in which tasks are stored', () => {
  fc.assert(
    fc.property(
      stores.chain((store) =>
        fc.tuple(
          fc.constant(store),
          fc.shuffledSubarray([...store.rows], { minLength: store.rows.length }),
        ),
      ),
      ([store, rows]) => assert.deepEqual(findingsOn({ ...store, rows }), findingsOn(store)),
    ),
    options,
  );
});

test('each finding has a key of its own', () => {
  fc.assert(
    fc.property(stores, (store) => {
      const keys = findingsOn(store).map(({ key }) => key);
      assert.equal(new Set(keys).size, keys.length);
    }),
    options,
  );
});

test('an owner on another host, or without a process, is never judged by a process here', () => {
  const isAboutDeath = ({ trouble }: Finding): boolean => trouble.kind === 'deadOwner';
  const foreign = fc.constantFrom(
    'a-studio-300',
    'a-desk-x-300',
    'a-x-desk-300',
    'anna',
    'desk-300',
    '300',
    'a-desk-',
  );
  fc.assert(
    fc.property(row('T-1000001'), foreign, ends, (one, holder, until) => {
      const store = { rows: [{ ...one, lock: lock(holder, until) }] };
      const asked: number[] = [];
      const isAlive = (pid: number): boolean => asked.push(pid) < 0;
      assert.deepEqual(findingsOn(store, { hostname: 'desk', isAlive }).filter(isAboutDeath), []);
      assert.deepEqual(asked, []);
    }),
    options,
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { staleAt } from '../../../../src/core/doctor/diagnose.ts';
import {
  type Finding,
  FINDING_KINDS,
  type FindingKind,
  safeChanges,
} from '../../../../src/core/doctor/finding.ts';
import type { Change } from '../../../../src/core/edit/change.ts';
import { lock } from '../../../support/backlog.ts';
import { ME, NOW } from '../../../support/fake-backlog.ts';
import {
  applyTo,
  findingsOn,
  read,
  type Row,
  type Store,
} from '../../../support/doctor-fixtures.ts';

const MINUTE = 60_000;
const soon = NOW + 20 * MINUTE;
const past = NOW - 2 * MINUTE;
const ALIVE = 'cursor-desk-200';
const DEAD = 'cursor-desk-300';
const ELSEWHERE = 'cursor-studio-300';

const a = 'T-1000001';
const b = 'T-1000002';
const c = 'T-1000003';

/** One change in a few words. */
function show(change: Change): string {
  switch (change.kind) {
    case 'setStatus':
    case 'setPriority':
      return `${change.id}: ${change.from} → ${change.to}`;
    case 'setProject':
      return `${change.id}: project ${change.from ?? 'none'} → ${change.to}`;
    case 'removeDependency':
      return `${change.id}: not < ${change.on}`;
    case 'setParent':
      return `${change.id}: not ^ ${change.from ?? ''}`;
    case 'fillNull':
      return `${change.id}: fill ${change.column}`;
    case 'clearLock':
      return `${change.id}: unlock`;
    case 'removeOrphan':
      return `${change.table} ${change.id} ${change.value}: away`;
    default:
      return change.kind;
  }
}

/**
 * A finding in one line: kind, tasks, then what is offered: `!` safe, `:` to be asked for, `?`
 * choices, `-` nothing.
 */
function line({ trouble, ids, fix }: Finding): string {
  const words = fix.kind === 'none' ? fix.reason : '';
  const offered =
    fix.kind === 'changes'
      ? fix.changes.map(show).join(' + ')
      : fix.kind === 'choices'
        ? fix.choices.map((changes) => changes.map(show).join(' + ')).join(' | ')
        : words;
  const mark = fix.kind === 'none' ? '-' : fix.kind === 'choices' ? '?' : fix.safe ? '!' : ':';
  return `${trouble.kind} ${ids.join(' ')} ${mark} ${offered}`
    .replace(/ {2,}/g, ' ')
    .replaceAll('T-100000', '');
}

const rows = (...list: readonly Row[]): Store => ({ rows: list });

// `replaceAll` above makes 1 of T-1000001.
const cases: readonly [name: string, store: Store, ...expected: string[]][] = [
  [
    'a backlog as it should be has no findings',
    rows({ id: a, status: 'Done' }, { id: b, dependencies: [a] }),
  ],
  [
    'two tasks that wait for each other can be parted on either side',
    rows({ id: a, dependencies: [b] }, { id: b, dependencies: [a] }),
    'cycle 1 2 ? 1: not < 2 | 2: not < 1',
  ],
  [
    'of a tangle with several circles a shortest one is shown, and each of its dependencies opens it',
    rows(
      { id: a, dependencies: [b] },
      { id: b, dependencies: [c] },
      { id: c, dependencies: [a, b] },
    ),
    'cycle 1 2 3 ? 1: not < 2 | 2: not < 3 | 3: not < 1',
  ],
  [
    'a circle through a finished task holds nobody up here and is told all the same',
    rows({ id: a, status: 'Done', dependencies: [b] }, { id: b, dependencies: [a] }),
    'cycle 1 2 ? 1: not < 2 | 2: not < 1',
  ],
  [
    'a dependency of a circle that somebody else works on is left to them',
    rows(
      { id: a, status: 'In Progress', dependencies: [b], lock: lock(ALIVE, soon) },
      { id: b, dependencies: [a] },
    ),
    'cycle 1 2 ? 2: not < 1',
  ],
  [
    'a task that waits for itself',
    rows({ id: a, dependencies: [a] }),
    'selfDependency 1 : 1: not < 1',
  ],
  ['a task that is its own parent', rows({ id: a, parentId: a }), 'selfDependency 1 : 1: not ^ 1'],
  [
    'a dependency on a task that is not there can go, and is not taken for settled by itself',
    rows({ id: a, dependencies: ['T-404'] }),
    'missingDependency 1 : 1: not < T-404',
  ],
  [
    'an id that is there twice',
    rows({ id: a }, { id: a }, { id: a }),
    'duplicateId 1 - notOursToGuess',
    'duplicateId 1 - notOursToGuess',
  ],
  [
    'two tasks that say the same, letter case and blanks aside: the newer one may be cancelled',
    rows(
      { id: a, title: 'Draw  bars', description: 'In\nCOLOUR', createdAt: 2 },
      { id: b, title: 'draw bars ', description: 'in colour', createdAt: 1 },
      { id: c, title: 'draw bars', description: 'without' },
    ),
    'duplicateContent 2 1 ? 1: Todo → Cancelled',
  ],
  [
    'what says the same as a finished task may be cancelled, whichever is older',
    rows({ id: a, title: 'x', createdAt: 1 }, { id: b, title: 'x', status: 'Done', createdAt: 2 }),
    'duplicateContent 2 1 ? 1: Todo → Cancelled',
  ],
  [
    'tasks alike of which none is open are nobody’s trouble, nor are cancelled ones',
    rows(
      { id: a, title: 'x', status: 'Done' },
      { id: b, title: 'x', status: 'Cancelled' },
      { id: c, title: 'x' },
    ),
    'duplicateContent 1 3 ? 3: Todo → Cancelled',
  ],
  ['an id of automation', rows({ id: 'AUTO-1' }), 'oddId AUTO-1 - idsStay'],
  [
    'an id that is no number',
    rows({ id: 'T-NaN' }, { id: 'T-undefined' }),
    'oddId T-NaN - idsStay',
    'oddId T-undefined - idsStay',
  ],
  ['an id of another scheme', rows({ id: 'PERF-001' }), 'oddId PERF-001 - idsStay'],
  [
    'ids of the old scheme are one finding',
    rows({ id: 'T-9' }, { id: 'T-10' }, { id: 'T-999999' }),
    'legacyIds T-9 T-10 T-999999 - idsStay',
  ],
  [
    'a status in another spelling',
    rows({ id: a, status: 'done' }),
    'statusSpelling 1 ! 1: done → Done',
  ],
  [
    'a spelling is corrected under whoever holds the task, since that changes nothing for them',
    rows({ id: a, status: 'in_progress', lock: lock(ALIVE, soon) }),
    'statusSpelling 1 ! 1: in_progress → In Progress',
  ],
  [
    'a status that nobody knows may become one of those',
    rows({ id: a, status: 'Parked' }),
    'unknownStatus 1 ? 1: Parked → Todo | 1: Parked → Review | 1: Parked → Done | 1: Parked → Blocked | 1: Parked → Cancelled',
  ],
  [
    'a status that nobody knows stays while somebody holds the task',
    rows({ id: a, status: 'Parked', lock: lock(ALIVE, soon) }),
    'unknownStatus 1 - held',
  ],
  [
    'a priority that exarp-go sorts last',
    rows({ id: a, priority: 'P0' }),
    'prioritySpelling 1 : 1: P0 → critical',
  ],
  [
    'a priority in capitals, none, and an unknown one sort as they should',
    rows({ id: a, priority: 'HIGH' }, { id: b, priority: '' }, { id: c, priority: 'someday' }),
  ],
  [
    'a row without a project',
    rows({ id: a, project: null }),
    'foreignProject 1 ! 1: project none → shop',
  ],
  [
    'a row of another project',
    rows({ id: a, project: 'me/shop' }),
    'foreignProject 1 : 1: project me/shop → shop',
  ],
  [
    'a row without a project that somebody holds is one that exarp-go has wiped',
    rows({ id: a, status: 'In Progress', project: null, lock: lock(ELSEWHERE, soon) }),
    'wipedProject 1 ! 1: project none → shop',
  ],
  [
    'NULL where exarp-go expects a value',
    rows({ id: a, title: null, status: null, priority: null }),
    'nullColumn 1 ! 1: fill content',
    'nullColumn 1 ! 1: fill priority',
    'nullColumn 1 ! 1: fill status',
  ],
  [
    'a status of NULL becomes one before it is changed',
    rows({ id: a, status: null, lock: lock(ME, soon) }),
    'nullColumn 1 ! 1: fill status',
    'lockedTodo 1 : 1: fill status + 1: Todo → In Progress',
  ],
  ['metadata that cannot be read', rows({ id: a, fault: 'bad' }), 'badMetadata 1 - notOursToGuess'],
  [
    'rows of tasks that are gone',
    {
      rows: [],
      orphans: [
        { table: 'task_tags', owner: a, value: 'ui' },
        { table: 'task_dependencies', owner: a, value: b },
      ],
    },
    'orphanRow ! task_dependencies 1 2: away',
    'orphanRow ! task_tags 1 ui: away',
  ],
  [
    'In Progress without a lock',
    rows({ id: a, status: 'In Progress' }),
    'unheldProgress 1 : 1: In Progress → Todo',
  ],
  [
    'Todo with a lock of ours',
    rows({ id: a, lock: lock(ME, soon) }),
    'lockedTodo 1 : 1: Todo → In Progress',
  ],
  [
    'Todo with a lock of others',
    rows({ id: a, lock: lock(ELSEWHERE, soon) }),
    'lockedTodo 1 ? 1: unlock',
  ],
  ...(['Done', 'Cancelled'] as const).map((status): [string, Store, string] => [
    `a lock on a task that is ${status}`,
    rows({ id: a, status, lock: lock(ELSEWHERE, soon) }),
    'lockedAfterwards 1 ? 1: unlock',
  ]),
  [
    'a lock in review may be the reviewer’s',
    rows({ id: a, status: 'Review', lock: lock(ALIVE, soon) }),
    'lockedAfterwards 1 ? 1: unlock',
  ],
  [
    'an assignment of finished work may be a record',
    rows({ id: a, status: 'Done', lock: lock('anna', undefined) }),
    'lockedAfterwards 1 ? 1: unlock',
  ],
  [
    'a dead owner',
    rows({ id: a, status: 'In Progress', lock: lock(DEAD, soon) }),
    'deadOwner 1 ? 1: unlock',
  ],
  [
    'a dead owner without an end',
    rows({ id: a, status: 'In Progress', lock: lock(DEAD, undefined) }),
    'deadOwner 1 ? 1: unlock',
  ],
  [
    'a dead owner whose lease has ended',
    rows({ id: a, status: 'In Progress', lock: lock(DEAD, past) }),
    'deadOwner 1 ! 1: unlock',
  ],
  [
    'a dead owner of a finished task',
    rows({ id: a, status: 'Done', lock: lock(DEAD, soon) }),
    'deadOwner 1 ? 1: unlock',
  ],
  [
    'a task that two hold at once',
    rows({ id: a, status: 'In Progress', lock: lock(ALIVE, soon), other: 'cursor' }),
    'twoHolders 1 - notOursToGuess',
  ],
  ['an owner who lives', rows({ id: a, status: 'In Progress', lock: lock(ALIVE, soon) })],
  [
    'an owner on another host, whatever lives here',
    rows({ id: a, status: 'In Progress', lock: lock(ELSEWHERE, soon) }),
  ],
  ['a holder without a process', rows({ id: a, status: 'In Progress', lock: lock('desk', soon) })],
  [
    'a lease that has ended',
    rows({ id: a, status: 'In Progress', lock: lock(ALIVE, past) }),
    'expiredLock 1 ? 1: unlock',
  ],
  [
    'a lease that ends at this very moment',
    rows({ id: a, status: 'In Progress', lock: lock(ALIVE, NOW) }),
    'expiredLock 1 ? 1: unlock',
  ],
  [
    'a lease that ended long ago',
    rows({ id: a, lock: lock(ELSEWHERE, NOW - 60 * MINUTE) }),
    'expiredLock 1 ? 1: unlock',
  ],
  [
    'an assignment without an end',
    rows({ id: a, status: 'In Progress', lock: lock('anna', undefined) }),
    'unleasedLock 1 ? 1: unlock',
  ],
  [
    'what this window holds is never an orphan, not even when its lease has ended',
    rows(
      { id: a, status: 'In Progress', lock: lock(ME, soon) },
      { id: b, status: 'In Progress', lock: lock(ME, past) },
      { id: c, status: 'Review', lock: lock(ME, soon) },
    ),
  ],
  [
    'a backlog that is only JSON has findings and no fixes, and In Progress is no orphan where there are no locks',
    {
      rows: [{ id: a, status: 'in progress', dependencies: ['T-404'], priority: 'P0' }],
      source: 'json',
    },
    'missingDependency 1 - jsonOnly',
  ],
];

for (const [name, store, ...expected] of cases) {
  test(name, () => assert.deepEqual(findingsOn(store).map(line), expected));
}

test('every kind of finding has a case, and its fixes are accepted', () => {
  const seen = new Set<FindingKind>();
  for (const [, store] of cases) {
    for (const { trouble, fix } of findingsOn(store)) {
      seen.add(trouble.kind);
      const lists =
        fix.kind === 'changes' ? [fix.changes] : fix.kind === 'choices' ? fix.choices : [];
      for (const changes of lists) applyTo(store, changes);
    }
  }
  assert.deepEqual([...seen].sort(), [...FINDING_KINDS].sort());
});

test('a process that the system does not tell of is not judged', () => {
  const store = rows({ id: a, status: 'In Progress', lock: lock(DEAD, soon) });
  assert.deepEqual(findingsOn(store, { hostname: 'desk', isAlive: () => undefined }), []);
});

test('only what is open is an error', () => {
  const severity = (status: string): string | undefined =>
    findingsOn(rows({ id: a, status, dependencies: [b] }, { id: b, dependencies: [a] }))[0]
      ?.severity;
  assert.deepEqual([severity('Todo'), severity('Done')], ['error', 'warning']);
});

test('a spelling is corrected before the lock is taken off, which writes over it', () => {
  const store = rows({ id: a, status: 'working', lock: lock(DEAD, past) });
  const safe = safeChanges(findingsOn(store));
  assert.deepEqual(safe.map(show), [`${a}: working → In Progress`, `${a}: unlock`]);
  assert.deepEqual(applyTo(store, safe).rows, [{ id: a, status: 'Todo' }]);
});

test('findings are looked for again when the next lease ends, and before long in any case', () => {
  const at = (...untils: number[]): number => {
    const snapshot = read(
      rows(...untils.map((until, n) => ({ id: `T-${n}`, lock: lock(ALIVE, NOW + until) }))),
    );
    return staleAt({ snapshot, isOurs: (holder) => holder === ME, now: NOW }) - NOW;
  };
  assert.equal(at(), 10_000);
  assert.equal(at(3_000, 7_000, -5), 3_000);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Backlog } from '../../../src/core/backlog.ts';
import type { RunEvent, TaskOutcome } from '../../../src/core/run/run-events.ts';
import { type Task, taskId } from '../../../src/core/task.ts';
import type { RowContent } from '../../../src/ui/row.ts';
import { backlogSummary, backlogTrouble, describeNode } from '../../../src/ui/tree-item.ts';
import { childrenOf, nodeKey, type TreeNode, type ViewName } from '../../../src/ui/tree-nodes.ts';
import { lock, task, tasks } from '../../support/backlog.ts';
import { fakeBacklog, ME, NOW, NO_AGENTS } from '../../support/fake-backlog.ts';
import {
  atWork,
  ended,
  failedWith,
  runAfter,
  runStarted,
  type RunStep,
} from '../../support/run-events.ts';

const MINUTE = 60_000;

/** Every row of a view, all expanded, with its depth. */
function rowsIn(
  view: ViewName,
  ...backlogs: Backlog[]
): { node: TreeNode; depth: number; content: RowContent }[] {
  const walk = (node: TreeNode | undefined, depth: number): ReturnType<typeof rowsIn> =>
    childrenOf(node, backlogs, view).flatMap((child) => [
      { node: child, depth, content: describeNode(child, NO_AGENTS) },
      ...walk(child, depth + 1),
    ]);
  return walk(undefined, 0);
}

const rows = (...backlogs: Backlog[]): ReturnType<typeof rowsIn> => rowsIn('waves', ...backlogs);

/**
 * The rows as text, but for the doctor's section, which the ids of these tests always have: see
 * doctor-ui.test.ts.
 */
function text(...backlogs: Backlog[]): string[] {
  const own = rows(...backlogs).filter(({ node }) => !/^(doctor|findings?)$/.test(node.kind));
  return own.map(
    ({ depth, content }) => `${'  '.repeat(depth)}${content.label} | ${content.description}`,
  );
}

function rowOf(backlog: Backlog, id: string): RowContent {
  const found = rows(backlog).find(({ node }) => node.kind === 'task' && node.taskId === id);
  assert.ok(found, `no row for ${id}`);
  return found.content;
}

test('the tree shows waves with their tasks, then what is blocked, then what is finished', () => {
  const backlog = fakeBacklog({
    tasks: tasks('T-1:high', 'T-2', 'T-3 < T-1', '+T-4', 'T-5 < T-6', 'T-6 < T-5'),
  });
  assert.deepEqual(text(backlog), [
    'Now · wave 0 | 2 ready',
    '  Title of T-1 | ↑ ready',
    '  Title of T-2 | ready',
    'Next · wave 1 | 1 waiting',
    '  Title of T-3 | waits for Title of T-1',
    'Finished | 1 done',
    '  Title of T-4 | Done',
    'In a Circle | 2 in no wave',
    '  Title of T-5 | in a circle of 2 tasks',
    '  Title of T-6 | in a circle of 2 tasks',
  ]);
});

test('the waves are now, next and later, and what was open stays open when they move up', () => {
  const shown = (backlog: Backlog): Record<string, string> =>
    Object.fromEntries(
      rows(backlog).flatMap(({ node, content }) =>
        node.kind === 'wave' ? [[content.label, nodeKey(node)]] : [],
      ),
    );
  const before = ['T-1', 'T-2 < T-1', 'T-3 < T-2', 'T-4 < T-3'];
  const backlog = fakeBacklog({ tasks: tasks(...before) });
  const then = shown(backlog);
  assert.deepEqual(Object.keys(then), [
    'Now · wave 0',
    'Next · wave 1',
    'Later · wave 2',
    'Later · wave 3',
  ]);
  const [wave] = childrenOf(undefined, [backlog]).slice(1);
  assert.ok(wave?.kind === 'wave' && wave.number === 1);
  const after = fakeBacklog({ tasks: tasks('+T-1', ...before.slice(1)) });
  Object.defineProperty(backlog, 'plan', { get: () => after.plan });
  const now = shown(backlog);
  assert.equal(now['Now · wave 0'], then['Next · wave 1']);
  assert.equal(now['Next · wave 1'], then['Later · wave 2']);
  assert.equal(wave.number, 0, 'a row that the editor has knows its number');
});

test('waves that swap some tasks keep their names, and a wave that is new has one of its own', () => {
  const backlog = fakeBacklog({ tasks: tasks('T-1', 'T-2', 'T-3 < T-1', 'T-4 < T-2') });
  const keys = (): readonly string[] =>
    childrenOf(undefined, [backlog]).flatMap((node) => (node.kind === 'wave' ? [node.key] : []));
  const before = keys();
  // T-3 comes up, and two new tasks make a wave of their own.
  const after = tasks('+T-1', 'T-2', 'T-3 < T-1', 'T-4 < T-2', 'T-5 < T-4', 'T-6 < T-4');
  const { plan } = fakeBacklog({ tasks: after });
  Object.defineProperty(backlog, 'plan', { get: () => plan });
  const now = keys();
  assert.deepEqual(now.slice(0, 2), before);
  assert.equal(new Set(now).size, 3);
});

test('tasks that are marked as blocked, and those in a circle, are two things', () => {
  const backlog = fakeBacklog({
    tasks: tasks('#T-1', 'T-2 < T-1', 'T-3 < T-4', 'T-4 < T-3', 'T-5 < T-404'),
    settings: { missingDependencies: 'blocked' },
  });
  assert.deepEqual(
    text(backlog).filter((line) => /T-1 \||T-2|Circle|Missing/.test(line)),
    [
      '  Title of T-1 | blocked',
      '  Title of T-2 | waits for Title of T-1 (blocked)',
      'In a Circle or Missing Something | 3 in no wave',
    ],
  );
});

test('a task that failed in a run that goes on is called that and not ready, and after the run, too', () => {
  const started = runStarted({ waves: [['T-1', 'T-2', 'T-3']], at: NOW });
  const failed = failedWith({ kind: 'exit' }, 1);
  const begun = [
    { kind: 'waveStarted' as const, wave: 0, at: NOW },
    ...atWork('T-1', 1, NOW),
    ended('T-1', failed, NOW),
    ended('T-2', { kind: 'stopped' }, NOW),
  ];
  const wave = (...steps: readonly RunStep[]): readonly string[] => {
    const run = runAfter(started, ...begun, ...steps);
    return text(fakeBacklog({ tasks: tasks('T-1', 'T-2', 'T-3'), runs: () => [run] })).slice(0, 2);
  };
  const failure = '  Title of T-1 | failed with exit code 1';
  assert.deepEqual(wave(), ['Now · wave 0 | 1 failed · 2 ready', failure]);
  const over = [ended('T-3', { kind: 'stopped' }, NOW), { kind: 'runEnded' as const, at: NOW }];
  assert.deepEqual(wave(...over), ['Now · wave 0 | 1 failed · 2 ready', failure]);
});

test('a task that waits says for what, by its title, and how that is', () => {
  const backlog = fakeBacklog({
    tasks: [
      task('T-12', {
        status: 'In Progress',
        lock: { holder: 'cursor-mac-811', since: NOW - 12 * MINUTE, until: NOW + 18 * MINUTE },
      }),
      task('T-14', { dependencies: ['T-12'] }),
    ],
  });
  assert.equal(rowOf(backlog, 'T-14').description, 'waits for Title of T-12 (at work)');
});

const held = (holder: string, minutes: number): Partial<Task> => ({
  status: 'In Progress',
  lock: lock(holder, NOW + minutes * MINUTE),
});

const states: readonly [
  name: string,
  fields: Parameters<typeof task>[1],
  icon: string,
  words: string,
][] = [
  ['a task that may start', {}, 'circle-large-outline', 'ready'],
  [
    'a task that another holds',
    held('claude-x-1', 20),
    'play-circle',
    'held by claude-x-1, 20 min left',
  ],
  [
    'a task that this window holds',
    held(ME, 20),
    'play-circle',
    'held by this window, 20 min left',
  ],
  [
    'a lock that has ended',
    held('claude-x-1', -3),
    'play-circle',
    'ready · lock of claude-x-1 expired 3 min ago',
  ],
  [
    'a lock that ends at this very moment',
    held('claude-x-1', 0),
    'play-circle',
    'ready · lock of claude-x-1 expired 0 s ago',
  ],
  [
    'an assignment without an end',
    { status: 'In Progress', lock: lock('claude-x-1', undefined) },
    'play-circle',
    'assigned to claude-x-1 with no expiry',
  ],
  [
    'In Progress without a lock',
    { status: 'In Progress' },
    'play-circle',
    'ready · In Progress without a lock',
  ],
  ['a task in review', { status: 'Review' }, 'eye', 'to review'],
  ['a task that somebody blocked', { status: 'Blocked' }, 'stop-circle', 'blocked'],
  [
    'a status that is not known',
    { status: 'Unknown', rawStatus: 'Parked' },
    'question',
    'has the unknown status “Parked”',
  ],
  ['a finished task', { status: 'Done' }, 'pass-filled', 'Done'],
  ['a cancelled task', { status: 'Cancelled' }, 'circle-slash', 'Cancelled'],
];
for (const [name, fields, icon, words] of states) {
  test(`${name} has the icon ${icon} and says “${words}”`, () => {
    const content = rowOf(fakeBacklog({ tasks: [task('T-1', fields)] }), 'T-1');
    assert.equal(content.icon.id, icon);
    assert.equal(content.description, words);
  });
}

const offers: readonly [name: string, fields: Parameters<typeof task>[1], flags: string][] = [
  [
    'a ready task can be run, claimed and finished',
    {},
    'task runnableTask claimable finishable editable',
  ],
  [
    'a task of others can be read, and asked for in vain',
    held('claude-x-1', 20),
    'task heldByOthers',
  ],
  [
    'a task that somebody left can be run, taken over, or rid of its lock',
    held('claude-x-1', -20),
    'task runnableTask leftByOthers takeable finishable reopenable editable',
  ],
  [
    'a finished task that somebody left can be rid of its lock',
    { ...held('claude-x-1', -20), status: 'Done' },
    'task leftByOthers reopenable editable',
  ],
  [
    'a task of mine can be run and released',
    held(ME, 20),
    'task runnableTask releasable finishable editable',
  ],
  [
    'a task in review can be approved or sent back',
    { status: 'Review' },
    'task reviewable finishable reopenable editable',
  ],
  ['a finished task can be sent back', { status: 'Done' }, 'task reopenable editable'],
  [
    'a task that waits cannot be run',
    { dependencies: ['T-0'] },
    'task claimable finishable editable',
  ],
];
for (const [name, fields, flags] of offers) {
  test(name, () => {
    const backlog = fakeBacklog({
      tasks: [task('T-0', { status: 'Blocked' }), task('T-1', fields)],
    });
    assert.equal(rowOf(backlog, 'T-1').flags.join(' '), flags);
  });
}

test('a task that I hold although it has to wait says both', () => {
  const backlog = fakeBacklog({
    tasks: [task('T-0'), task('T-1', { ...held(ME, 20), dependencies: ['T-0'] })],
  });
  assert.equal(
    rowOf(backlog, 'T-1').description,
    'held by this window, 20 min left · waits for Title of T-0',
  );
});

test('a dependency on a task that does not exist is reported where it does not hinder, and hinders where it is to', () => {
  const backlog = (missingDependencies: 'satisfied' | 'blocked'): Backlog =>
    fakeBacklog({ tasks: tasks('T-1 < T-404'), settings: { missingDependencies } });
  assert.equal(
    rowOf(backlog('satisfied'), 'T-1').description,
    'ready · depends on T-404, which does not exist',
  );
  assert.equal(
    text(backlog('blocked'))[1],
    '  Title of T-1 | depends on T-404, which does not exist',
  );
});

test('a screen reader hears title, id, priority, status, reason and lock', () => {
  const backlog = fakeBacklog({
    tasks: [task('T-1', { ...held('claude-x-1', 20), priority: 'critical' })],
  });
  assert.equal(
    rowOf(backlog, 'T-1').spoken,
    'Title of T-1, T-1, priority critical, In Progress, held by claude-x-1, 20 min left',
  );
});

test('the number that exarp-go gives a wave is in its tooltip where it is another', () => {
  const tooltips = (...lines: string[]): (string | undefined)[] =>
    rows(fakeBacklog({ tasks: tasks(...lines) })).flatMap(({ node, content }) =>
      node.kind === 'wave' ? [content.tooltip?.split('\n')[2]] : [],
    );
  assert.deepEqual(tooltips('+T-1', 'T-2 < T-1', 'T-3 < T-2'), [
    'exarp-go: wave 1',
    'exarp-go: wave 2',
  ]);
  assert.deepEqual(tooltips('+T-1', 'T-2 < T-1', 'T-3'), ['exarp-go: waves 0–1']);
  assert.deepEqual(tooltips('T-1'), [undefined]);
});

test('control characters of a title never reach a row', () => {
  const backlog = fakeBacklog({ tasks: [task('T-1', { title: 'a\u0007\nb\u202ec' })] });
  assert.equal(rowOf(backlog, 'T-1').label, 'a bc');
});

test('a task without a title is shown by its id', () => {
  assert.equal(rowOf(fakeBacklog({ tasks: [task('T-1', { title: ' ' })] }), 'T-1').label, 'T-1');
});

test('two backlogs have a row each, and one that cannot be read says so in its place', () => {
  const broken = fakeBacklog({
    root: '/b',
    store: {
      kind: 'unreadable',
      failure: {
        kind: 'unreadable',
        file: '/b/.todo2/todo2.db',
        cause: 'empty',
        detail: '0 bytes',
      },
      last: undefined,
    },
  });
  assert.deepEqual(text(fakeBacklog({ root: '/a', tasks: tasks('T-1') }), broken), [
    'a | 1 open · 1 ready',
    '  Now · wave 0 | 1 ready',
    '    Title of T-1 | ready',
    'b | ',
    '  Cannot be read | /b/.todo2/todo2.db is empty: 0 bytes',
  ]);
});

test('every row has a key of its own, also where two backlogs have the same ids', () => {
  const events = runEvents(failedWith({ kind: 'exit' }, 3));
  const backlogs = [
    fakeBacklog({
      root: '/a',
      tasks: [
        ...tasks('T-1', 'T-2 < T-1', '+T-3', 'T-4 < T-5', 'T-5 < T-4'),
        task('T-6', held('claude-x-1', 20)),
      ],
      events,
    }),
    fakeBacklog({
      root: '/b',
      tasks: tasks('T-1', 'T-2'),
      notices: [{ kind: 'missingId', position: 3 }],
    }),
  ];
  for (const view of ['waves', 'runs', 'locks'] as const) {
    const all = rowsIn(view, ...backlogs).map(({ node }) => node);
    assert.ok(all.length > 0, view);
    assert.equal(new Set(all.map(nodeKey)).size, all.length);
  }
});

function runEvents(outcome: TaskOutcome): [RunEvent, ...RunEvent[]] {
  const id = taskId('T-1');
  const at = NOW - 8000;
  return [
    runStarted({ waves: [['T-1']], at }),
    { kind: 'waveStarted', runId: 'r', wave: 0, at },
    { kind: 'taskStarting', runId: 'r', id, attemptNo: 1, tryNo: 1, at },
    { kind: 'taskClaimed', runId: 'r', id, holder: ME, at },
    { kind: 'taskStarted', runId: 'r', id, at },
    { kind: 'taskEnded', runId: 'r', id, outcome, at: NOW },
    { kind: 'waveEnded', runId: 'r', wave: 0, verify: undefined, at: NOW },
    { kind: 'runEnded', runId: 'r', at: NOW },
  ];
}

const outcomes: readonly [outcome: TaskOutcome, run: string, words: string][] = [
  [
    { kind: 'succeeded', status: 'Review', evidence: undefined },
    '1/1 succeeded · took 8 s',
    'ready',
  ],
  [
    failedWith({ kind: 'exit' }, 3),
    '0/1 succeeded · 1 failed · took 8 s',
    'failed with exit code 3',
  ],
  [
    failedWith({ kind: 'exit' }, undefined, 'SIGKILL'),
    '0/1 succeeded · 1 failed · took 8 s',
    'failed: ended by SIGKILL',
  ],
  [{ kind: 'stopped' }, '0/1 succeeded · 1 stopped · took 8 s', 'ready'],
  [
    { kind: 'lockLost', holder: 'claude-x-1' },
    '0/1 succeeded · 1 failed · took 8 s',
    'lock lost to claude-x-1',
  ],
];
for (const [outcome, run, words] of outcomes) {
  test(`an ended run tells “${run}”, and its task “${words}”`, () => {
    const backlog = fakeBacklog({ tasks: tasks('T-1'), events: runEvents(outcome) });
    const [first] = rowsIn('runs', backlog);
    assert.equal(
      `${first?.content.label} | ${first?.content.description}`,
      `Ended: Wave 0 | ${run}`,
    );
    assert.equal(text(backlog)[1], `  Title of T-1 | ${words}`);
  });
}

test('a run has a view of its own, and its task can be stopped but not run again', () => {
  const events = runEvents({ kind: 'stopped' }).slice(0, 5) as [RunEvent, ...RunEvent[]];
  const backlog = fakeBacklog({ tasks: [task('T-1', held(ME, 20))], events });
  assert.equal(text(backlog)[0], 'Now · wave 0 | 1 at work');
  assert.equal(rowsIn('runs', backlog)[0]?.content.label, 'Running: Wave 0');
  assert.equal(rowOf(backlog, 'T-1').flags.join(' '), 'task runningTask requeuableTask withLog');
  assert.equal(rowOf(backlog, 'T-1').description, '< 1 min · Claude Code');
});

test('every task of any backlog is in the tree exactly once', () => {
  const marks = ['', '+', '-', '~', '?', '#', '*'];
  const backlogs = fc.array(
    fc.record({
      mark: fc.constantFrom(...marks),
      dependencies: fc.array(fc.integer({ min: 0, max: 14 }), { maxLength: 3 }),
      parent: fc.option(fc.integer({ min: 0, max: 14 })),
    }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(
      backlogs,
      fc.constantFrom('open', 'exarp'),
      fc.constantFrom('satisfied', 'blocked'),
      (specs, numbering, missing) => {
        const lines = specs.map(({ mark, dependencies, parent }, n) =>
          [
            `${mark}T-${n}`,
            parent === null ? '' : `^T-${parent}`,
            ...(dependencies.length > 0 ? ['<', ...dependencies.map((d) => `T-${d}`)] : []),
          ]
            .filter(Boolean)
            .join(' '),
        );
        const backlog = fakeBacklog({
          tasks: tasks(...lines),
          settings: { waveNumbering: numbering, missingDependencies: missing },
        });
        const shown = rows(backlog).flatMap(({ node }) =>
          node.kind === 'task' ? [node.taskId] : [],
        );
        assert.deepEqual([...shown].sort(), specs.map((_, n) => `T-${n}`).sort());
      },
    ),
    { seed: 20, numRuns: 300 },
  );
});

test('a store that cannot be read any more is said above its old rows, with the one thing to do about it', () => {
  const cases = [
    [
      'truncated',
      'todo2.db is shorter than its own header says',
      'Try Again',
      'todo2Waves.refresh',
    ],
    ['notADatabase', 'todo2.db is not a SQLite database', 'Reveal File', 'todo2Waves.revealStore'],
    [
      'permission',
      'todo2.db cannot be read: permission denied',
      'Reveal File',
      'todo2Waves.revealStore',
    ],
    ['io', 'todo2.db could not be read', 'Show Log', 'todo2Waves.showLog'],
  ] as const;
  const good = fakeBacklog({ tasks: tasks('T-1') }).store;
  assert.ok(good.kind === 'ready');
  for (const [cause, description, title, command] of cases) {
    const failure = {
      kind: 'unreadable',
      file: '/home/me/shop/.todo2/todo2.db',
      cause,
      detail: 'why',
    } as const;
    const backlog = fakeBacklog({ store: { kind: 'unreadable', failure, last: good.snapshot } });
    const [first, second] = rows(backlog);
    assert.deepEqual([first?.content.label, first?.content.description], [title, description]);
    assert.deepEqual(first?.content.click, { title, command });
    assert.equal(second?.content.label, 'Now · wave 0');
  }
});

test('a store that takes long to read says so above its old rows', () => {
  const backlog = fakeBacklog({ tasks: tasks('T-1'), slowSince: NOW - 3_000 });
  assert.equal(rows(backlog)[0]?.content.description, 'reading takes long');
  assert.match(backlogTrouble(backlog) ?? '', /^Showing what was read at .* takes long/);
});

test('what somebody works on already does not count as ready', () => {
  const backlog = fakeBacklog({
    tasks: [...tasks('T-1', '?T-2'), task('T-3', held(ME, 20)), task('T-4', held('x', 20))],
  });
  assert.equal(backlogSummary(backlog), '4 open · 1 ready · 2 locked');
});

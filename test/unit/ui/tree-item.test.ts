import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Backlog } from '../../../src/core/backlog.ts';
import type { RunEvent, TaskOutcome } from '../../../src/core/run/run-events.ts';
import { type Task, taskId } from '../../../src/core/task.ts';
import type { RowContent } from '../../../src/ui/row.ts';
import { backlogTrouble, describeNode } from '../../../src/ui/tree-item.ts';
import { childrenOf, nodeKey, type TreeNode } from '../../../src/ui/tree-nodes.ts';
import { lock, task, tasks } from '../../support/backlog.ts';
import { fakeBacklog, ME, NOW, NO_AGENTS } from '../../support/fake-backlog.ts';
import { failedWith, runStarted } from '../../support/run-events.ts';
import { clockTime } from '../../../src/core/messages.ts';

const MINUTE = 60_000;

/** Every row of the tree, all expanded, with its depth. */
function rows(...backlogs: Backlog[]): { node: TreeNode; depth: number; content: RowContent }[] {
  const walk = (node: TreeNode | undefined, depth: number): ReturnType<typeof rows> =>
    childrenOf(node, backlogs).flatMap((child) => [
      { node: child, depth, content: describeNode(child, NO_AGENTS) },
      ...walk(child, depth + 1),
    ]);
  return walk(undefined, 0);
}

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
    'Wave 0 | 0/2 · 2 ready',
    '  Title of T-1 | ready · high · T-1',
    '  Title of T-2 | ready · T-2',
    'Wave 1 | 0/1 · 1 waiting',
    '  Title of T-3 | waits for T-1 (Todo) · T-3',
    'Blocked | 2 in no wave: cycles or missing dependencies',
    '  Title of T-5 | in a cycle: T-5 → T-6 → T-5 · T-5',
    '  Title of T-6 | in a cycle: T-5 → T-6 → T-5 · T-6',
    'Finished | 1 done',
    '  Title of T-4 | Done · T-4',
  ]);
});

test('a task that failed in a run that goes on is called that and not ready, until the run has ended', () => {
  const started = runStarted({ waves: [['T-1', 'T-2', 'T-3']], at: NOW });
  const { runId } = started;
  const failed = failedWith({ kind: 'exit' }, 1);
  const events = [
    started,
    { kind: 'waveStarted', runId, wave: 0, at: NOW },
    { kind: 'taskEnded', runId, id: taskId('T-1'), outcome: failed, at: NOW },
    { kind: 'taskEnded', runId, id: taskId('T-2'), outcome: { kind: 'stopped' }, at: NOW },
  ] as const;
  const over = [{ kind: 'taskEnded', runId, id: taskId('T-3'), outcome: failed, at: NOW }, { kind: 'runEnded', runId, at: NOW }] as const; // prettier-ignore
  const wave = (backlog: Backlog): string[] =>
    text(backlog).filter((line) => /Wave 0 \||of T-1/.test(line));
  const going = fakeBacklog({ tasks: tasks('T-1', 'T-2', 'T-3'), events: [...events] });
  const [row, first] = wave(going).filter((line) => !line.includes('succeeded')).slice(-2); // prettier-ignore
  assert.match(row!, /^Wave 0 \| 0\/3 · 2 ready · 1 failed/);
  assert.match(first!, /Title of T-1 \| .*exit code 1/);
  const ended = fakeBacklog({ tasks: tasks('T-1', 'T-2', 'T-3'), events: [...events, ...over] });
  assert.match(wave(ended).join('\n'), /Wave 0 \| 0\/3 · 3 ready\n {2}Title of T-1 \| ready/);
});

test('a task that waits says for whom, in which status, and who has it for how long', () => {
  const backlog = fakeBacklog({
    tasks: [
      task('T-12', {
        status: 'In Progress',
        lock: { holder: 'cursor-mac-811', since: NOW - 12 * MINUTE, until: NOW + 18 * MINUTE },
      }),
      task('T-14', { dependencies: ['T-12'] }),
    ],
  });
  assert.equal(
    rowOf(backlog, 'T-14').description,
    'waits for T-12 (In Progress, held by cursor-mac-811 for 12 min) · T-14',
  );
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
  ['a task in review', { status: 'Review' }, 'eye', 'waits for review'],
  ['a task that somebody blocked', { status: 'Blocked' }, 'error', 'is marked as Blocked'],
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
    assert.equal(content.description, `${words} · T-1`);
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
    'held by this window, 20 min left · waits for T-0 (Todo) · T-1',
  );
});

test('a dependency on a task that does not exist is reported where it does not hinder, and hinders where it is to', () => {
  const backlog = (missingDependencies: 'satisfied' | 'blocked'): Backlog =>
    fakeBacklog({ tasks: tasks('T-1 < T-404'), settings: { missingDependencies } });
  assert.equal(
    rowOf(backlog('satisfied'), 'T-1').description,
    'ready · depends on T-404, which does not exist · T-1',
  );
  assert.equal(
    text(backlog('blocked'))[1],
    '  Title of T-1 | depends on T-404, which does not exist · T-1',
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

test('the number that exarp-go gives a wave is shown where it is another', () => {
  const waves = (...lines: string[]): string[] =>
    text(fakeBacklog({ tasks: tasks(...lines) })).filter((row) => row.startsWith('Wave'));
  assert.deepEqual(waves('+T-1', 'T-2 < T-1', 'T-3 < T-2'), [
    'Wave 0 | 0/1 · 1 ready · exarp-go: wave 1',
    'Wave 1 | 0/1 · 1 waiting · exarp-go: wave 2',
  ]);
  assert.deepEqual(waves('+T-1', 'T-2 < T-1', 'T-3'), [
    'Wave 0 | 0/2 · 2 ready · exarp-go: waves 0–1',
  ]);
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
    '  Wave 0 | 0/1 · 1 ready',
    '    Title of T-1 | ready · T-1',
    'b | ',
    '  Cannot be read | /b/.todo2/todo2.db is empty: 0 bytes',
  ]);
});

test('every row has a key of its own, also where two backlogs have the same ids', () => {
  const events = runEvents(failedWith({ kind: 'exit' }, 3));
  const backlogs = [
    fakeBacklog({
      root: '/a',
      tasks: tasks('T-1', 'T-2 < T-1', '+T-3', 'T-4 < T-5', 'T-5 < T-4'),
      events,
    }),
    fakeBacklog({
      root: '/b',
      tasks: tasks('T-1', 'T-2'),
      notices: [{ kind: 'missingId', position: 3 }],
    }),
  ];
  const all = rows(...backlogs).map(({ node }) => node);
  assert.equal(new Set(all.map(nodeKey)).size, all.length);
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
    'succeeded, now Review',
  ],
  [
    failedWith({ kind: 'exit' }, 3),
    '0/1 succeeded · 1 failed · took 8 s',
    'failed with exit code 3, back to Todo',
  ],
  [
    failedWith({ kind: 'exit' }, undefined, 'SIGKILL'),
    '0/1 succeeded · 1 failed · took 8 s',
    'failed: ended by SIGKILL, back to Todo',
  ],
  [{ kind: 'stopped' }, '0/1 succeeded · 1 stopped · took 8 s', 'stopped, back to Todo'],
  [
    { kind: 'lockLost', holder: 'claude-x-1' },
    '0/1 succeeded · 1 failed · took 8 s',
    'lock lost to claude-x-1; the agent was ended',
  ],
  [
    { kind: 'skipped', reason: { kind: 'dependencyFailed', id: taskId('T-0') } },
    '0/1 succeeded · 1 skipped · took 8 s',
    'skipped: T-0 did not succeed',
  ],
];
for (const [outcome, run, words] of outcomes) {
  test(`an ended run tells: ${words}`, () => {
    const backlog = fakeBacklog({ tasks: tasks('T-1'), events: runEvents(outcome) });
    const [first, second] = text(backlog);
    assert.equal(first, `Ended: Wave 0 | ${run}`);
    assert.equal(second, `  Title of T-1 | ${words} · T-1`);
  });
}

test('a run that goes on stands on top, and its task can be stopped but not run again', () => {
  const events = runEvents({ kind: 'stopped' }).slice(0, 5) as [RunEvent, ...RunEvent[]];
  const backlog = fakeBacklog({ tasks: [task('T-1', held(ME, 20))], events });
  assert.equal(text(backlog)[0], 'Running: Wave 0 | 0/1 succeeded · 1 running');
  assert.equal(rowOf(backlog, 'T-1').flags.join(' '), 'task runningTask');
  assert.equal(rowOf(backlog, 'T-1').description, `running since ${clockTime(NOW - 8000)} · T-1`);
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
    assert.equal(second?.content.label, 'Wave 0');
  }
});

test('a store that takes long to read says so above its old rows', () => {
  const backlog = fakeBacklog({ tasks: tasks('T-1'), slowSince: NOW - 3_000 });
  assert.equal(rows(backlog)[0]?.content.description, 'reading takes long');
  assert.match(backlogTrouble(backlog) ?? '', /^Showing what was read at .* takes long/);
});

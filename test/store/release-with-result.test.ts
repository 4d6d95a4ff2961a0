import assert from 'node:assert/strict';
import test from 'node:test';
import type { Ending } from '../../src/core/run/attempt/task-work.ts';
import { taskId } from '../../src/core/task.ts';
import { type EndOfWork, releaseWithResult } from '../../src/store/write/release-with-result.ts';
import {
  all,
  lockDb,
  lockOf,
  locked,
  ME,
  NOW,
  NOW_S,
  THEM,
  type Columns,
} from '../support/lock-db.ts';

const ID = taskId('T-1');
const HELD: Omit<EndOfWork, keyof Ending> = {
  id: ID,
  acceptsMoved: false,
  commentType: 'result',
  again: false,
};
const MINE = locked(ME, NOW_S + 60);
const REVIEW: Ending = { to: 'Review', overrules: false, comment: (status) => `now ${status}` };
const FAILED: Ending = { ...REVIEW, to: 'Todo' };
const CONTRADICTED: Ending = { ...FAILED, overrules: true };

/** A row, how its work ends, and what is left of it; `claimedAt` in ms before now. */
const cases: readonly [
  name: string,
  row: Columns,
  ending: Ending,
  agoMs: number,
  expected: string,
][] = [
  ['work that ended well', MINE, REVIEW, 1000, 'Review free, now Review'],
  ['work that failed', MINE, FAILED, 1000, 'Todo free, now Todo'],
  [
    'a claim that was undone a moment ago',
    { ...MINE, status: 'Todo' },
    REVIEW,
    1000,
    'Review free, now Review',
  ],
  [
    'a task that was put back later',
    { ...MINE, status: 'Todo' },
    REVIEW,
    120_000,
    'Todo free, now Todo',
  ],
  [
    'a task that was put aside',
    { ...MINE, status: 'Blocked' },
    REVIEW,
    1000,
    'Blocked free, now Blocked',
  ],
  [
    'Done against the evidence',
    { ...MINE, status: 'Done' },
    CONTRADICTED,
    1000,
    'Todo free, now Todo',
  ],
  [
    'called off, and against the evidence',
    { ...MINE, status: 'Cancelled' },
    CONTRADICTED,
    1000,
    'Cancelled free, now Cancelled',
  ],
  ['Done by a failure', { ...MINE, status: 'Done' }, FAILED, 1000, 'Done free, now Done'],
  [
    'somebody else’s task',
    locked(THEM, NOW_S + 60),
    REVIEW,
    1000,
    `In Progress ${THEM} 60, lockLost`,
  ],
  ['nobody’s task', { status: 'Todo' }, REVIEW, 1000, 'Todo free, lockLost'],
];

for (const [name, row, ending, agoMs, expected] of cases) {
  test(`the end of work on ${name}`, () => {
    const since = 'assignee' in row ? { assigned_at: Math.floor((NOW - agoMs) / 1000) } : {};
    const context = lockDb([{ id: 'T-1', ...row, ...since }]);
    const finished = releaseWithResult(context, { ...ending, ...HELD });
    const comments = all(context, 'SELECT content FROM task_comments').map(
      ({ content }) => content,
    );
    const said = finished.ok ? comments : [finished.failure.kind, ...comments];
    assert.equal([lockOf(context, 'T-1'), ...said].join(', '), expected);
  });
}

test('a result is one that exarp-go reads: its type, its id, its date', () => {
  const context = lockDb([{ id: 'T-1', ...MINE }]);
  releaseWithResult(context, { ...REVIEW, ...HELD });
  const comment = all(context, 'SELECT * FROM task_comments')[0]!;
  assert.match(String(comment['id']), new RegExp(`^T-1-C-${NOW}\\d{6}$`));
  assert.equal(comment['comment_type'], 'result');
  assert.equal(Date.parse(String(comment['created'])), NOW_S * 1000);
  assert.equal(comment['last_modified'], comment['created']);
});

/**
 * A task that another program moved on and freed, how the work on it ends, and what is left of it.
 */
const moved: readonly [
  name: string,
  status: string,
  ending: Ending,
  acceptsMoved: boolean,
  expected: string,
][] = [
  ['Review', 'Review', REVIEW, true, 'Review free, Review, now Review'],
  ['Done', 'Done', REVIEW, true, 'Done free, Done, now Done'],
  ['Done against the evidence', 'Done', CONTRADICTED, true, 'Todo free, Todo, now Todo'],
  ['Todo, which is nobody’s any more', 'Todo', REVIEW, true, 'Todo free, lockLost'],
  ['Done where only a lock of ours counts', 'Done', REVIEW, false, 'Done free, lockLost'],
];
for (const [name, status, ending, acceptsMoved, expected] of moved) {
  test(`the end of work on a task that was freed meanwhile: ${name}`, () => {
    const context = lockDb([{ id: 'T-1', status }]);
    const released = releaseWithResult(context, { ...ending, ...HELD, acceptsMoved });
    const comments = all(context, 'SELECT content FROM task_comments').map(
      ({ content }) => content,
    );
    const said = released.ok ? released.value.status : released.failure.kind;
    assert.equal([lockOf(context, 'T-1'), said, ...comments].join(', '), expected);
  });
}

test('a repetition of a try that came through writes nothing again, whatever status it left', () => {
  for (const status of ['In Progress', 'Blocked', 'Done']) {
    const context = lockDb([{ id: 'T-1', ...MINE, status }]);
    const first = releaseWithResult(context, { ...REVIEW, ...HELD });
    const second = releaseWithResult(context, { ...REVIEW, ...HELD, again: true });
    assert(first.ok && second.ok);
    assert.equal(second.value.status, first.value.status);
    assert.equal(all(context, 'SELECT * FROM task_comments').length, 1);
  }
});

for (const [name, statements] of [
  ['no table of comments', ['DROP TABLE task_comments']],
  [
    'a table of another kind',
    ['DROP TABLE task_comments', 'CREATE TABLE task_comments (id TEXT, body TEXT NOT NULL)'],
  ],
  [
    'a table that wants more',
    [
      'ALTER TABLE task_comments RENAME TO old',
      'CREATE TABLE task_comments AS SELECT * FROM old',
      `DROP TABLE task_comments`,
      `CREATE TABLE task_comments (id, task_id, comment_type, content, created, author TEXT NOT NULL)`,
    ],
  ],
  [
    'a rule that refuses',
    [`CREATE TRIGGER no BEFORE INSERT ON task_comments BEGIN SELECT RAISE(ABORT, 'no'); END`],
  ],
] as const) {
  test(`${name} is no hindrance: the status is written, the comment is not`, () => {
    const context = lockDb([{ id: 'T-1', ...MINE }], statements);
    const finished = releaseWithResult(context, { ...REVIEW, ...HELD });
    assert(finished.ok);
    assert.equal(finished.value.comment, 'noTable');
    assert.equal(lockOf(context, 'T-1'), 'Review free');
  });
}

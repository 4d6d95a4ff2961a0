import assert from 'node:assert/strict';
import test from 'node:test';
import type { Ending } from '../../src/core/run/attempt/task-work.ts';
import { taskId } from '../../src/core/task.ts';
import { finishWork } from '../../src/store/write/finish-work.ts';
import { all, lockDb, lockOf, locked, ME, NOW, NOW_S, THEM, type Columns } from '../support/lock-db.ts';

const ID = taskId('T-1');
const MINE = locked(ME, NOW_S + 60);
const REVIEW: Ending = { to: 'Review', overrules: false, comment: (status) => `now ${status}` };
const FAILED: Ending = { ...REVIEW, to: 'Todo' };
const CONTRADICTED: Ending = { ...FAILED, overrules: true };

/** A row, how its work ends, and what is left of it; `claimedAt` in ms before now. */
const cases: readonly [name: string, row: Columns, ending: Ending, agoMs: number, expected: string][] = [
  ['work that ended well', MINE, REVIEW, 1000, 'Review free, now Review'],
  ['work that failed', MINE, FAILED, 1000, 'Todo free, now Todo'],
  ['a claim that was undone a moment ago', { ...MINE, status: 'Todo' }, REVIEW, 1000, 'Review free, now Review'],
  ['a task that was put back later', { ...MINE, status: 'Todo' }, REVIEW, 120_000, 'Todo free, now Todo'],
  ['a task that was put aside', { ...MINE, status: 'Blocked' }, REVIEW, 1000, 'Blocked free, now Blocked'],
  ['Done against the evidence', { ...MINE, status: 'Done' }, CONTRADICTED, 1000, 'Todo free, now Todo'],
  [
    'called off, and against the evidence',
    { ...MINE, status: 'Cancelled' },
    CONTRADICTED,
    1000,
    'Cancelled free, now Cancelled',
  ],
  ['Done by a failure', { ...MINE, status: 'Done' }, FAILED, 1000, 'Done free, now Done'],
  ['somebody else’s task', locked(THEM, NOW_S + 60), REVIEW, 1000, `In Progress ${THEM} 60, lockLost`],
  ['nobody’s task', { status: 'Todo' }, REVIEW, 1000, 'Todo free, lockLost'],
];

for (const [name, row, ending, agoMs, expected] of cases) {
  test(`the end of work on ${name}`, () => {
    const context = lockDb([{ id: 'T-1', ...row }]);
    const finished = finishWork(context, { id: ID, ending, claimedAt: NOW - agoMs });
    const comments = all(context, 'SELECT content FROM task_comments').map(({ content }) => content);
    const said = finished.ok ? comments : [finished.failure.kind, ...comments];
    assert.equal([lockOf(context, 'T-1'), ...said].join(', '), expected);
  });
}

test('a result is one that exarp-go reads: its type, its id, its date', () => {
  const context = lockDb([{ id: 'T-1', ...MINE }]);
  finishWork(context, { id: ID, ending: REVIEW, claimedAt: NOW });
  const comment = all(context, 'SELECT * FROM task_comments')[0]!;
  assert.match(String(comment['id']), new RegExp(`^T-1-C-${NOW}\\d{6}$`));
  assert.equal(comment['comment_type'], 'result');
  assert.equal(Date.parse(String(comment['created'])), NOW_S * 1000);
  assert.equal(comment['last_modified'], comment['created']);
});

for (const [name, statements] of [
  ['no table of comments', ['DROP TABLE task_comments']],
  ['a table of another kind', ['DROP TABLE task_comments', 'CREATE TABLE task_comments (id TEXT, body TEXT NOT NULL)']],
  [
    'a table that wants more',
    [
      'ALTER TABLE task_comments RENAME TO old',
      'CREATE TABLE task_comments AS SELECT * FROM old',
      `DROP TABLE task_comments`,
      `CREATE TABLE task_comments (id, task_id, comment_type, content, created, author TEXT NOT NULL)`,
    ],
  ],
  ['a rule that refuses', [`CREATE TRIGGER no BEFORE INSERT ON task_comments BEGIN SELECT RAISE(ABORT, 'no'); END`]],
] as const) {
  test(`${name} is no hindrance: the status is written, the comment is not`, () => {
    const context = lockDb([{ id: 'T-1', ...MINE }], statements);
    const finished = finishWork(context, { id: ID, ending: REVIEW, claimedAt: NOW });
    assert(finished.ok);
    assert.equal(finished.value.comment, 'noTable');
    assert.equal(lockOf(context, 'T-1'), 'Review free');
  });
}

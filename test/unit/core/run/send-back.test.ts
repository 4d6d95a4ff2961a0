import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sendBackText, sendsBack, sentBackIn } from '../../../../src/core/run/send-back.ts';
import { taskId } from '../../../../src/core/task.ts';
import { runAfter, runStarted } from '../../../support/run-events.ts';

test('a text has the comment first, then each comment on lines with its place and quote', () => {
  const lines = [
    { path: 'src/a.ts', line: 3, quote: 'if (x) {\n  y();', text: 'Turn it round' },
    { path: 'b\nc', line: 1, quote: '', text: ' Twice \r\nplease ' },
  ];
  assert.equal(
    sendBackText(' All of it\n', lines),
    'All of it\n\nsrc/a.ts:3\n> if (x) {\n>   y();\nTurn it round\n\nb c:1\n> \nTwice \nplease',
  );
  assert.equal(
    sendBackText(' ', lines.slice(0, 1)),
    'src/a.ts:3\n> if (x) {\n>   y();\nTurn it round',
  );
  assert.equal(sendBackText('\u202ereversed\0', []), 'reversed');
});

test('work was sent back to the latest run that goes on after that run, not to one that resumes it', () => {
  const [one, two] = [taskId('T-1'), taskId('T-2')];
  const start = (runId: string, ids: readonly string[], at: number, after?: string) =>
    runAfter({
      ...runStarted({ runId, waves: [ids], at, ...(after && { resumes: after }) }),
      ...(after && {
        followUps: [[one, { text: 'x', after: { runId: after, attemptNo: 1 } }] as const],
      }),
    });
  const resumed = runAfter(runStarted({ runId: 'r', waves: [['T-1']], at: 9, resumes: 'a' }));
  const [later, sent, mixed] = [
    start('c', ['T-1'], 3, 'a'),
    start('b', ['T-1'], 2, 'a'),
    start('d', ['T-1', 'T-2'], 4, 'x'),
  ];
  const all = [later, sent, mixed, resumed];
  assert.equal(sentBackIn(all, 'a', one)?.runId, 'c');
  assert.equal(sentBackIn(all, 'a', two), undefined);
  assert.equal(sentBackIn(all, 'r', one), undefined);
  assert.deepEqual(
    all.map((run) => [sendsBack(run, 'a'), sendsBack(run, 'x')]),
    [
      [true, false],
      [true, false],
      [false, false],
      [false, false],
    ],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainFailure } from '../../../src/ui/messages.ts';
import { summariseLocks } from '../../../src/ui/lock-summary.ts';
import { taskDocument, taskTooltip } from '../../../src/ui/task-document.ts';
import type { TaskOutcome } from '../../../src/core/run/run-events.ts';
import { taskId } from '../../../src/core/task.ts';
import { lock, task, tasks } from '../../support/backlog.ts';
import { fakeBacklog, ME, NOW } from '../../support/fake-backlog.ts';
import { atWork, ended, runAfter, runStarted } from '../../support/run-events.ts';
import { plain, duration } from '../../../src/core/text.ts';

const MINUTE = 60_000;

test('the details of a task say what it is, why it waits, what it needs and who needs it', () => {
  const backlog = fakeBacklog({
    tasks: [
      task('T-1', { status: 'Done' }),
      task('T-2', { status: 'In Progress', lock: lock('cursor-mac-811', NOW + 18 * MINUTE) }),
      task('T-3', {
        description: 'Draw *it*.',
        dependencies: ['T-1', 'T-2', 'T-404'],
        tags: ['ui'],
        metadata: { planning_doc: 'docs/x.md' },
      }),
      task('T-4', { dependencies: ['T-3'] }),
    ],
  });
  const text = taskDocument(backlog, backlog.task(taskId('T-3'))!);
  for (const part of [
    '# Title of T-3',
    'T-3 · **Todo** · medium priority · wave 1 · exarp-go: wave 1'.replace(
      ' · exarp-go: wave 1',
      '',
    ),
    'Tags: ui',
    '- waits for T-2 (In Progress, held by cursor-mac-811 for 42 min)',
    'Draw *it*.',
    '- ✓ T-1 Title of T-1 (Done)',
    '- ○ T-2 Title of T-2 (In Progress, held by cursor-mac-811 for 42 min)',
    '- T-404: does not exist',
    '- ○ T-4 Title of T-4 (Todo)',
    '"planning_doc": "docs/x.md"',
    '- File: /home/me/shop/.todo2/todo2.db',
  ]) {
    assert.ok(text.includes(part), `${part} is not in\n${text}`);
  }
});

test('the details of a task say how the work on it ended last, whoever wrote what in it', () => {
  const end: TaskOutcome = {
    kind: 'succeeded',
    status: 'Review',
    evidence: {
      ...{ startedAt: NOW - MINUTE, endedAt: NOW, files: ['quay.ts'], logFile: undefined },
      verify: { command: 'npm test', passed: true, exitCode: 0, durationMs: 2_000, tail: '' },
      ...{ summary: 'Built <b>the quay</b>', sessionId: undefined },
      remarks: ['Denied: [Write](command:x)'],
    },
  };
  const run = runAfter(
    runStarted({ waves: [['T-1', 'T-2']], at: NOW - MINUTE, title: 'All' }),
    ...atWork('T-1', 1, NOW - MINUTE),
    ended('T-1', end, NOW),
  );
  const backlog = fakeBacklog({
    tasks: tasks('T-1', 'T-2'),
    runs: () => [run],
  });
  const text = taskDocument(backlog, backlog.task(taskId('T-1'))!);
  const [, work = ''] = text.split('## Latest work\n\n');
  assert.match(work, /^- .*succeeded/i);
  assert.match(work, /Verify: .*npm test.*passed/);
  assert.match(work, /Files: quay\.ts/);
  assert.match(work, /```+text\nBuilt <b>the quay<\/b>\n```/);
  assert.ok(!work.includes('[Write](command:x)'), 'a link is inert');
  const other = taskDocument(backlog, backlog.task(taskId('T-2'))!);
  assert.ok(!other.includes('## Latest work'));
});

test('each reason why a task waits is named once, whatever the tasks are called', () => {
  const reasonsOf = (...given: Parameters<typeof task>[]): string[] => {
    const backlog = fakeBacklog({ tasks: given.map(([id, fields]) => task(id, fields)) });
    const text = taskDocument(backlog, backlog.task(taskId('T-1'))!);
    const [, after = ''] = text.split('## Why not now\n\n');
    return after.split('\n\n')[0]!.split('\n');
  };
  const bicycle = ['T-bicycle', {}] as const;
  const [first, ...others] = reasonsOf(
    ['T-1', { dependencies: ['T-2', 'T-bicycle'] }],
    ['T-2', { dependencies: ['T-1'] }],
    [...bicycle],
  );
  assert.match(first!, /^- in a cycle: /);
  assert.deepEqual(others, ['- waits for T-2 (Todo)', '- waits for T-bicycle (Todo)']);
  const behind = reasonsOf(
    ['T-1', { dependencies: ['T-2', 'T-bicycle'] }],
    ['T-2', { dependencies: ['T-2b'] }],
    ['T-2b', { dependencies: ['T-2'] }],
    [...bicycle],
  );
  assert.equal(behind.length, 3);
  assert.match(behind[0]!, /^- waits for a cycle: /);
});

const hostile = [
  '<img src=x onerror=alert(1)>',
  '![x](https://evil.example/pixel.png)',
  '[run](command:workbench.action.quit)',
  '<script>alert(1)</script>',
];
for (const text of hostile) {
  test(`a title or description of ${text} stays text in details and tooltips`, () => {
    const backlog = fakeBacklog({
      tasks: [task('T-1', { title: text, description: text, tags: [text] })],
    });
    const one = backlog.task(taskId('T-1'))!;
    for (const page of [taskDocument(backlog, one), taskTooltip(backlog, one)]) {
      assert.doesNotMatch(page, /<(img|script)/);
      assert.doesNotMatch(page, /(?<!\\)!\[/);
      assert.doesNotMatch(page, /(?<!\\)\]\(command:/);
    }
  });
}

test('metadata cannot close the block that it is shown in', () => {
  const backlog = fakeBacklog({ tasks: [task('T-1', { metadata: { note: '```\n# free' } })] });
  assert.match(taskDocument(backlog, backlog.task(taskId('T-1'))!), /\n````json\n/);
});

test('a tooltip shows the beginning of a long description', () => {
  const backlog = fakeBacklog({ tasks: [task('T-1', { description: 'word '.repeat(1000) })] });
  assert.ok(taskTooltip(backlog, backlog.task(taskId('T-1'))!).length < 1000);
});

const lengths: readonly [ms: number, text: string][] = [
  [-5, '0 s'],
  [420, '0.4 s'],
  [3_000, '3 s'],
  [9_960, '10 s'],
  [59_000, '59 s'],
  [90_000, '2 min'],
  [12 * MINUTE, '12 min'],
  [60 * MINUTE, '1 h'],
  [65 * MINUTE, '1 h 5 min'],
  [119.7 * MINUTE, '2 h'],
  [72 * 60 * MINUTE, '3 days'],
];
for (const [ms, text] of lengths) {
  test(`${ms} ms are ${text}`, () => assert.equal(duration(ms), text));
}

test('a claim that somebody else holds says who and until when', () => {
  const { message } = explainFailure(
    { kind: 'held', id: taskId('T-1'), holder: 'cursor-mac-811', until: NOW + 18 * MINUTE },
    NOW,
  );
  assert.match(message, /^T-1 is held by cursor-mac-811 until .+ \(18 min left\)\.$/);
});

test('the status bar counts my locks and the time of the one that ends first', () => {
  const backlog = fakeBacklog({
    tasks: [
      task('T-1', { lock: lock(ME, NOW + 29 * MINUTE) }),
      task('T-2', { lock: lock(ME, NOW + 12 * MINUTE) }),
      task('T-3', { lock: lock('claude-x-1', NOW + MINUTE) }),
      task('T-4', { lock: lock(ME, NOW) }),
    ],
  });
  assert.equal(summariseLocks([backlog])?.text, '$(lock) 2 · 12 min');
  assert.equal(summariseLocks([fakeBacklog({ tasks: tasks('T-1') })])?.text, '$(unlock) 0');
  assert.equal(summariseLocks([fakeBacklog({ store: { kind: 'missing' } })]), undefined);
});

test('backlog text makes no icon and no link in messages and pick lists', () => {
  assert.equal(plain('$(alert) [a](command:b)'), '$\u200b(alert) [a]\u200b(command:b)');
});

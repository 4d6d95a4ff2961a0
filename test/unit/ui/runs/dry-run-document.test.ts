import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail, ok } from '../../../../src/core/result.ts';
import { taskId } from '../../../../src/core/task.ts';
import { dryRunDocument } from '../../../../src/ui/runs/dry-run-document.ts';
import { task, tasks } from '../../../support/backlog.ts';
import { dryReport, dryStep } from '../../../support/dry-report.ts';
import { NOW } from '../../../support/fake-backlog.ts';
import { assertGolden } from '../../../support/golden.ts';

const context = { titleOf: (id: string) => (id === 'T-4' ? 'Ship it' : undefined), now: NOW };

test('a dry run tells order, waits, commands, prompts, what is left out, and how long it takes', async () => {
  const [first, second, third] = tasks('T-1', 'T-2', 'T-3 < T-1');
  const report = dryReport({
    title: 'All waves',
    cap: 2,
    steps: [
      dryStep(first!),
      dryStep(second!, {
        startsAtMs: 300_000,
        waited: [{ kind: 'sharesFiles', with: taskId('T-1'), files: ['src/a.ts'] }],
        agent: { agent: 'codex', model: 'gpt-5', agentMode: 'unattended' },
        preview: fail({ kind: 'noAgent', tried: ['codex'] }),
      }),
      dryStep(third!, { wave: 1, startsAtMs: 600_000 }),
    ],
    skipped: [{ id: taskId('T-4'), reason: { kind: 'dependencyFailed', id: taskId('T-9') } }],
    basis: '3 tasks on earlier attempts at the same task',
  });
  await assertGolden('dry-run.md', dryRunDocument(report, context));
});

test('one with nothing to run still says what is left out', () => {
  const skipped = [{ id: taskId('T-4'), reason: { kind: 'gone' } as const }];
  const text = dryRunDocument(dryReport({ skipped, estimates: [] }), context);
  assert.match(text, /\n0 tasks would be run/);
  assert.match(text, /- Ship it \(T-4\): it is not in the backlog any more/);
  assert.doesNotMatch(text, /## (?:Order|Commands|Prompts|How long)/);
});

test('no text of a backlog, an agent or a path gets out of its place', () => {
  const nasty = '```\n# Out\n<img src=x> [a](command:rm) ![p](http://e/x) | $(flame) `x`';
  const step = dryStep(task('T-1', { title: nasty }), {
    preview: ok({ command: ['/bin/a', nasty], promptFile: nasty, prompt: nasty + '\n````\nmore' }),
    agent: { agent: nasty, model: nasty, agentMode: 'unattended' },
    waited: [{ kind: 'held', holder: nasty }],
  });
  const text = dryRunDocument(dryReport({ title: nasty, steps: [step] }), {
    ...context,
    titleOf: () => nasty,
  });
  const outside = text.replace(/^(`{3,})text\n[\s\S]*?\n\1$/gm, '');
  assert.notEqual(outside, text);
  assert.doesNotMatch(outside, /^# Out|<img|(?<!\\)\]\(|`{3}|\$\(/m);
  // Every row of the table has as many cells as its head.
  const rows = outside.split('\n').filter((line) => line.startsWith('|'));
  const cells = (row: string): number => row.replace(/\\\|/g, '').split('|').length;
  const order = rows.filter((row) => row.includes('Task') || row.includes('(T-1)'));
  assert.deepEqual(new Set(order.map(cells)).size, 1);
});

test('prompts beyond the fiftieth are counted', () => {
  const steps = Array.from({ length: 60 }, (_, n) => dryStep(task(`T-${n}`)));
  const text = dryRunDocument(dryReport({ steps }), context);
  assert.equal(text.match(/^### /gm)?.length, 50);
  assert.match(text, /… and 10 more prompts\.\n$/);
});

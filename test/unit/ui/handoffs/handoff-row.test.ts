import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_HANDOFFS, type Handoff, type HandoffsState } from '../../../../src/core/handoff.ts';
import { writeHandoffPrompt } from '../../../../src/core/handoff-prompt.ts';
import { readHandoffs } from '../../../../src/store/json/handoff-reader.ts';
import { handoffDocument } from '../../../../src/ui/handoffs/handoff-document.ts';
import { whenWords } from '../../../../src/ui/handoffs/handoff-row.ts';
import { describeNode } from '../../../../src/ui/tree-item.ts';
import { childrenOf, nodeKey } from '../../../../src/ui/tree-nodes.ts';
import { task, tasks } from '../../../support/backlog.ts';
import { fakeBacklog, HOST, NOW, NO_AGENTS } from '../../../support/fake-backlog.ts';
import { assertGolden } from '../../../support/golden.ts';

function state(...entries: readonly Record<string, unknown>[]): HandoffsState {
  const read = readHandoffs(Buffer.from(JSON.stringify({ handoffs: entries })));
  return read.ok ? read.value : assert.fail(read.failure.detail);
}

function one(entry: Record<string, unknown>): Handoff {
  const found = state(entry);
  return (found.kind === 'read' ? found.handoffs[0] : undefined) ?? assert.fail('none');
}

const HOUR = 3_600_000;
const ago = (hours: number): string => new Date(NOW - hours * HOUR).toISOString();

/** Everything that a file may try, in every field. */
const NASTY = {
  id: 'handoff-1',
  timestamp: '2026-01-05T09:30:00Z',
  host: 'build $(flame) <b>box</b>',
  summary:
    'Parser done.\n\n# A heading\n\n![x](https://evil.example/p.png) <script>alert(1)</script> [go](command:rm) [ok](https://example.org)',
  blockers: ['No [access](command:x)', '| table |'],
  next_steps: ['Run `npm test`', '```\nescape'],
  tasks_in_progress: [
    { id: 'T-1', content: 'Draw *it*', status: 'In Progress' },
    { id: 'T-9', content: 'Gone [x](command:y)', status: 'In Progress' },
  ],
  git_status: {
    branch: 'feature/<x>',
    uncommitted_files: 12,
    changed_files: ['src/a_b.ts', '![x](y)'],
  },
  task_journal: [{ id: 'T-1', action: 'claimed' }],
  runs: [
    {
      id: 'r1',
      title: 'Wave 0 [x](command:z)',
      status: 'ended',
      result: '1/2 succeeded, 1 failed',
    },
    7,
  ],
  warnings: ['<img src=x>'],
  point_in_time_snapshot: 'A'.repeat(1_000),
  point_in_time_snapshot_task_count: 7,
  review: { by: '```', note: 'kept' },
};

test('the document of a handoff says everything, and nothing in it acts', async () => {
  const backlog = fakeBacklog({ tasks: [task('T-1', { status: 'Done', title: 'Draw it' })] });
  const handoff = one(NASTY);
  // The time is in the reader's own zone and language.
  const text = handoffDocument(backlog, handoff).replace(whenWords(handoff.at, NOW), 'WHEN');
  await assertGolden('handoff.md', text);
});

test('the prompt to resume calls what the file says data, in a fence that it cannot close', async () => {
  const backlog = fakeBacklog({ tasks: [task('T-1', { status: 'Done', title: 'Draw it' })] });
  const found = (id: string) => backlog.snapshot?.tasks.find((each) => each.id === id);
  await assertGolden('handoff-prompt.md', writeHandoffPrompt(one(NASTY), '/home/me/shop', found));
});

function rows(handoffs: HandoffsState): string[] {
  const backlog = fakeBacklog({ tasks: tasks('T-1'), handoffs });
  return childrenOf(undefined, [backlog]).map((node) => {
    const { label, description } = describeNode(node, NO_AGENTS);
    return `${label} | ${description}`;
  });
}

test('the newest open handoff has a quiet row above the waves', () => {
  const [first, second] = rows(
    state(
      { id: 'a', host: 'laptop', timestamp: ago(30), summary: 'Older' },
      { id: 'b', host: 'laptop', timestamp: ago(20), summary: 'Two\nlines' },
      { id: 'c', host: 'laptop', timestamp: ago(10), status: 'closed' },
    ),
  );
  assert.equal(first, `Handoff from laptop | Two lines · ${whenWords(NOW - 20 * HOUR, NOW)}`);
  assert.match(second ?? '', /^Now · wave 0/);
});

test('a handoff of this host does not name it, and has no row after two days', () => {
  assert.match(
    rows(state({ id: 'a', host: HOST, timestamp: ago(1), summary: 'Mine' }))[0] ?? '',
    /^Handoff \| Mine · /,
  );
  assert.match(rows(state({ id: 'a', host: HOST, timestamp: ago(50) }))[0] ?? '', /^Now · wave 0/);
  assert.match(rows(NO_HANDOFFS)[0] ?? '', /^Now · wave 0/);
});

test('a file that cannot be read has a row that names it', () => {
  const failure = {
    kind: 'unreadable',
    file: '/x/.todo2/handoffs.json',
    cause: 'malformed',
    detail: 'unexpected "oops" (line 2, column 4)',
  } as const;
  assert.equal(
    rows({ kind: 'unreadable', failure })[0],
    'handoffs.json cannot be read | unexpected "oops" (line 2, column 4) · /x/.todo2/handoffs.json',
  );
});

test('an open handoff can be closed from its row, one that was closed meanwhile cannot', () => {
  const backlog = fakeBacklog({
    tasks: tasks('T-1'),
    handoffs: state({ id: 'a', timestamp: ago(1) }, { id: 'b', status: 'closed' }),
  });
  const [node] = childrenOf(undefined, [backlog]);
  assert.ok(node?.kind === 'handoff');
  assert.match(nodeKey(node), /\|handoff\|a$/);
  assert.deepEqual(describeNode(node, NO_AGENTS).flags, ['handoff', 'openHandoff']);
  assert.deepEqual(describeNode({ ...node, key: 'b' }, NO_AGENTS).flags, ['handoff']);
  assert.equal(describeNode({ ...node, key: 'c' }, NO_AGENTS).label, 'No longer there');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { list, object, problemsWith } from '../../../../src/agent-api/schema.ts';
import { batchJson } from '../../../../src/core/batch/batch-json.ts';
import type { BatchResult } from '../../../../src/core/batch/batch-result.ts';
import { type Batch, BATCHES, runBatch, TOOLS } from '../../../../src/core/batch/batch.ts';
import { findAlike } from '../../../../src/core/batch/duplicates.ts';
import { findAlignment } from '../../../../src/core/batch/alignment.ts';
import { inferProgress } from '../../../../src/core/batch/progress.ts';
import type { BatchTool, DocsScan, Workspace } from '../../../../src/core/batch/tool.ts';
import type { Change } from '../../../../src/core/edit/change.ts';
import { fail, ok } from '../../../../src/core/result.ts';
import type { Task } from '../../../../src/core/task.ts';
import { batchDocument } from '../../../../src/ui/batch-document.ts';
import { describeNode } from '../../../../src/ui/tree-item.ts';
import { childrenOf } from '../../../../src/ui/tree-nodes.ts';
import { lock, task, tasks } from '../../../support/backlog.ts';
import { type FakeBacklog, fakeBacklog, NO_AGENTS, NOW } from '../../../support/fake-backlog.ts';
import { assertGolden } from '../../../support/golden.ts';

const DAY = 86_400_000;

const NO_DOCS: DocsScan = { documents: 3, isCut: false, hasReadme: true, empty: [], broken: [] };

function workspace(more: Partial<Workspace> = {}): Workspace {
  return {
    scanDocs: () => Promise.resolve(NO_DOCS),
    readGoals: () => Promise.resolve(undefined),
    readPlans: () => Promise.resolve([]),
    commits: () => Promise.resolve([]),
    readWorkflows: () => Promise.resolve({ texts: [], unread: [] }),
    exarp: {
      call: () => Promise.reject(new Error('Internal error: no batch of ours calls exarp-go')),
    },
    ...more,
  };
}

function named(action: string): Batch {
  const batch = BATCHES.find((each) => each.action === action);
  assert.ok(batch);
  return batch;
}

async function run(
  batch: Batch,
  spec: FakeBacklog,
  more: Partial<Workspace> = {},
  signal = new AbortController().signal,
) {
  const backlog = fakeBacklog(spec);
  const result = await runBatch(batch, {
    backlog,
    workspace: workspace(more),
    maxParallel: 3,
    signal,
  });
  assert.ok(result);
  return result;
}

function summaryOf(result: BatchResult, id: string): string {
  const step = result.steps.find((each) => each.id === id);
  assert.ok(step?.status === 'succeeded', `${id} ended well`);
  return [step.result.summary, ...step.result.lines].join('\n');
}

const TEXT = { type: 'string' } as const;
const NUMBER = { type: 'integer' } as const;
const IDS = list(TEXT);

/** As exarp-go's `automation` answers; numbers are rounded before they are checked. */
const AUTOMATION = object(
  {
    ...{ action: TEXT, status: TEXT },
    results: object(
      {
        ...{
          timestamp: TEXT,
          action: TEXT,
          tasks_succeeded: IDS,
          tasks_failed: IDS,
          duration_seconds: NUMBER,
        },
        tasks_run: list(
          object(
            {
              ...{
                task_id: TEXT,
                task_name: TEXT,
                status: TEXT,
                duration: NUMBER,
                error: TEXT,
                summary: TEXT,
              },
              output: { type: 'object', additionalProperties: TEXT },
            },
            ['task_id', 'task_name', 'status', 'duration', 'error', 'summary'],
          ),
        ),
        conflicts: object(
          {
            task_overlap: list(
              object({ task_id: TEXT, dep_task_id: TEXT }, ['task_id', 'dep_task_id']),
            ),
            file: list(object({ task_ids: IDS, files: IDS }, ['task_ids', 'files'])),
          },
          ['task_overlap', 'file'],
        ),
        summary: object(
          {
            ...{ total_tasks: NUMBER, succeeded: NUMBER, failed: NUMBER, success_rate: NUMBER },
            duration_seconds: NUMBER,
          },
          ['total_tasks', 'succeeded', 'failed', 'success_rate', 'duration_seconds'],
        ),
      },
      [
        'timestamp',
        'action',
        'tasks_run',
        'tasks_succeeded',
        'tasks_failed',
        'summary',
        'duration_seconds',
      ],
    ),
  },
  ['action', 'status', 'results'],
);

function problemsIn(result: BatchResult): readonly string[] {
  // What a tool puts out is its own; that it is an object is all that is promised.
  const json: unknown = JSON.parse(
    JSON.stringify(batchJson(result), (key, value: unknown) =>
      key === 'output' ? {} : typeof value === 'number' ? Math.round(value) : value,
    ),
  );
  return problemsWith(AUTOMATION, json);
}

const SHOP: readonly Task[] = [
  task('T-1', {
    title: 'Sell apples in the shop window',
    status: 'In Progress',
    lock: lock('claude-desk-300', NOW - 60_000),
  }),
  task('T-2', { title: 'Sell apples in the window shop', dependencies: ['T-1', 'T-404'] }),
  task('T-3', { title: 'Paint | the door', tags: ['stale'], dependencies: ['T-5'] }),
  task('T-4', { title: 'Count the pears', modifiedAt: NOW - 100 * DAY, tags: ['Fruits', 'fruit'] }),
  task('T-5', { title: 'Order paint', status: 'Done' }),
];

test('the steps are those of exarp-go, in its order', () => {
  const steps = ({ stages }: Batch): string =>
    stages.map((stage) => stage.map(({ id }) => id).join(' + ')).join(' | ');
  assert.equal(
    steps(named('daily')),
    'conflict_detection | dead_agent_cleanup | analyze_alignment + task_analysis_duplicates + health_docs | dependency_health + lock_health | handoff_check | task_progress_inference | stale_task_cleanup',
  );
  assert.equal(
    steps(named('nightly')),
    'memory_maint + task_analysis_tags + health_server | stale_lock_check | dead_agent_cleanup',
  );
  assert.equal(
    steps(named('sprint')),
    'dead_agent_cleanup | analyze_alignment + task_analysis_hierarchy + report_overview | sprint_backlog_order',
  );
  assert.equal(new Set(TOOLS.map(({ id }) => id)).size, TOOLS.length);
});

test('of all tools of ours one changes the backlog: it gives back the locks of gone processes', async () => {
  const writing: string[] = [];
  for (const tool of TOOLS) {
    const spec: FakeBacklog = {
      tasks: SHOP,
      apply: () => {
        writing.push(tool.id);
        return Promise.resolve(ok(undefined));
      },
    };
    const { steps } = await run({ ...named('daily'), stages: [[tool]] }, spec);
    assert.equal(steps[0]?.status, 'succeeded', tool.id);
  }
  assert.deepEqual(writing, ['dead_agent_cleanup']);
});

test('a daily batch says what it found, and its report is as the golden file has it', async () => {
  const applied: Change[] = [];
  const result = await run(
    named('daily'),
    {
      tasks: SHOP,
      apply: (changes) => {
        applied.push(...changes);
        return Promise.resolve(ok(undefined));
      },
    },
    {
      readGoals: () =>
        Promise.resolve({
          file: 'GOALS.md',
          text: '# Goals\n## Sell apples\nIn the shop window.\n## Fly\n',
        }),
      readPlans: () => Promise.resolve([{ file: '.cursor/plans/shop.plan.md', text: '- [x] **Sell** (T-1)\n- [ ] **Order** (T-5)\n- [ ] **Gone** (T-9)\n' }]), // prettier-ignore
      commits: () => Promise.resolve([{ subject: 'Begin with T-2', at: NOW }]),
      scanDocs: () => Promise.resolve({ ...NO_DOCS, broken: [{ file: 'README.md', line: 4, target: 'no.md', why: 'missing' }] }), // prettier-ignore
    },
  );
  assert.equal(result.status, 'success');
  assert.deepEqual(applied.map(({ kind, id }) => `${kind} ${id}`), ['clearLock T-1']); // prettier-ignore
  await assertGolden('batch-daily.md', batchDocument('shop', result));
  assert.deepEqual(problemsIn(result), []);
});

for (const action of ['nightly', 'sprint']) {
  test(`a ${action} batch ends well on an empty backlog and on a full one`, async () => {
    for (const backlog of [[], SHOP]) {
      const result = await run(named(action), {
        tasks: backlog,
        apply: () => Promise.resolve(ok(undefined)),
      });
      assert.deepEqual(result.steps.map(({ status }) => status).filter((status) => status !== 'succeeded'), []); // prettier-ignore
      assert.deepEqual(problemsIn(result), []);
    }
  });
}

test('only locks whose process is gone and whose lease has ended are given back', async () => {
  const applied: string[] = [];
  const result = await run(named('nightly'), {
    tasks: [
      task('T-1', { status: 'In Progress', lock: lock('claude-desk-300', NOW - 1) }),
      task('T-2', { status: 'In Progress', lock: lock('claude-desk-301', NOW + 60_000) }),
      task('T-3', { status: 'In Progress', lock: lock('claude-desk-302', NOW - 1) }),
      task('T-4', { status: 'In Progress', lock: lock('claude-far-300', NOW - 1) }),
      task('T-5', { status: 'In Progress', lock: lock('claude-desk-303', NOW - 1) }),
    ],
    alive: [302],
    apply: ([change]) => {
      applied.push(change?.id ?? '');
      const gone = change?.kind === 'clearLock' && change.id === 'T-5';
      return Promise.resolve(
        gone ? fail({ kind: 'changedMeanwhile', id: change.id, rawStatus: 'Todo' }) : ok(undefined),
      );
    },
  });
  assert.deepEqual(applied, ['T-1', 'T-5']);
  assert.match(
    summaryOf(result, 'dead_agent_cleanup'),
    /^1 lock of processes that are gone released, 2 left alone/,
  );
});

test('no further lock is given back once the batch is cancelled', async () => {
  const stop = new AbortController();
  const applied: string[] = [];
  const result = await run(
    named('nightly'),
    {
      tasks: [1, 2, 3].map((n) =>
        task(`T-${n}`, { status: 'In Progress', lock: lock(`claude-desk-30${n}`, NOW - 1) }),
      ),
      apply: ([change]) => {
        applied.push(change?.id ?? '');
        if (applied.length === 2) stop.abort();
        return Promise.resolve(ok(undefined));
      },
    },
    {},
    stop.signal,
  );
  assert.equal(result.status, 'cancelled');
  await new Promise(setImmediate); // what was at work is not waited for
  assert.deepEqual(applied, ['T-1', 'T-2']);
});

test('a batch tells how many steps have ended and which are at work', async () => {
  const told: string[] = [];
  const backlog = fakeBacklog({ tasks: SHOP, apply: () => Promise.resolve(ok(undefined)) });
  await runBatch(named('daily'), {
    ...{ backlog, workspace: workspace(), maxParallel: 3, signal: new AbortController().signal },
    onProgress: (ended, total, atWork) => told.push(`${ended}/${total} ${atWork.length}`),
  });
  assert.equal(told[0], '0/10 1');
  assert.equal(told.at(-1), '10/10 0');
  assert.ok(told.includes('2/10 3'), 'the third stage has three tools at work at once');
});

test('a step that fails leaves the others alone, and the batch says so', async () => {
  const result = await run(named('daily'), { tasks: SHOP, apply: () => Promise.resolve(ok(undefined)) }, {
    scanDocs: () => Promise.reject(new Error('the disk is gone')),
  }); // prettier-ignore
  assert.equal(result.status, 'partial');
  const json = batchJson(result);
  assert.deepEqual(json.results.tasks_failed, ['health_docs']);
  assert.equal(json.status, 'partial');
  assert.equal(
    json.results.tasks_run.find((step) => step.task_id === 'health_docs')?.error,
    'the disk is gone',
  );
  assert.equal(json.results.tasks_succeeded.length, 9);
});

test('a batch that is cancelled says so, and begins nothing further', async () => {
  const stop = new AbortController();
  const begun: string[] = [];
  const tool = (id: string, act: () => void): BatchTool => ({
    ...{ id, title: id, writes: false },
    run: () => {
      begun.push(id);
      act();
      return { summary: id, lines: [], output: {}, wantsLook: false };
    },
  });
  const stages = [
    [tool('a', () => undefined)],
    [tool('b', () => stop.abort())],
    [tool('c', () => undefined)],
  ];
  const result = await run({ action: 'own', title: 'Own', stages }, {}, {}, stop.signal);
  assert.equal(result.status, 'cancelled');
  assert.deepEqual(begun, ['a', 'b']);
  assert.deepEqual(result.steps.map(({ id, status }) => `${id} ${status}`).at(-1), 'c cancelled');
});

test('the tree has a row for the last batch and one for each of its steps', async () => {
  const backlog = fakeBacklog({ tasks: SHOP });
  const kinds = () => childrenOf(undefined, [backlog]).map(({ kind }) => kind);
  assert.ok(!kinds().includes('batch'));
  backlog.noteBatch(
    await run(named('sprint'), { tasks: SHOP, apply: () => Promise.resolve(ok(undefined)) }),
  );
  const node = childrenOf(undefined, [backlog]).find(({ kind }) => kind === 'batch');
  assert.ok(node);
  assert.match(describeNode(node, NO_AGENTS).label, /^Sprint$/);
  const steps = childrenOf(node, [backlog]).map((each) => describeNode(each, NO_AGENTS).label);
  assert.deepEqual(steps.at(-1), 'What comes next');
});

test('tasks that say the same in other words order or letters are found, others are not', () => {
  const alike = (titles: readonly string[]) =>
    findAlike(titles.map((title, n) => task(`T-${n}`, { title }))).map(({ ids }) => ids.join(' '));
  assert.deepEqual(
    alike(['Read the config file', 'read the CONFIG file!', 'Write the config file']),
    ['T-0 T-1'],
  );
  assert.deepEqual(
    alike(['one two three four five six seven', 'seven six five four three two one', 'eight']),
    ['T-0 T-1'],
  );
  assert.deepEqual(alike(['a', 'b', '', '']), []);
});

test('alike tasks are those that a comparison of all pairs finds', () => {
  let seed = 7;
  const next = (n: number): number => (seed = (seed * 48_271) % 2_147_483_647) % n;
  const vocabulary = Array.from({ length: 30 }, (_, n) => `word${n}`);
  const backlog = Array.from({ length: 300 }, (_, n) => {
    const start = next(6) * 5;
    const words = vocabulary.slice(start, start + 8).filter(() => next(12) > 0);
    return task(`T-${n}`, { title: words.join(' ') });
  });
  const sets = backlog.map(({ title }) => new Set(title.split(' ')));
  const leader = backlog.map((_, n) => n);
  const find = (n: number): number => (leader[n] === n ? n : find(leader[n] ?? n));
  for (const [a, one] of sets.entries()) {
    for (const [b, other] of sets.entries()) {
      const both = [...one].filter((word) => other.has(word)).length;
      if (a < b && Math.min(one.size, other.size) > 2 && both / (one.size + other.size - both) >= 0.85) leader[find(b)] = find(a); // prettier-ignore
    }
  }
  const groups = new Map<number, string[]>();
  for (const n of backlog.keys()) groups.set(find(n), [...(groups.get(find(n)) ?? []), `T-${n}`]);
  const expected = [...groups.values()].filter((ids) => ids.length > 1).map((ids) => ids.sort().join(' ')).sort(); // prettier-ignore
  assert.deepEqual(findAlike(backlog).map(({ ids }) => [...ids].sort().join(' ')).sort(), expected); // prettier-ignore
  assert.ok(expected.length > 3);
});

test('thousands of tasks with the same words are held against each other', () => {
  const backlog = Array.from({ length: 20_000 }, (_, n) =>
    task(`T-${n}`, { title: `Update the part number ${n} of module ${n % 7}` }),
  );
  const alike = findAlike(backlog);
  assert.ok(alike.every(({ ids }) => ids.length > 1));
});

test('goals are served by keywords or by two words, and plans are held against the backlog', () => {
  const backlog = [...tasks('T-1', '+T-2', 'T-3')].map((each) =>
    each.id === 'T-3' ? { ...each, tags: ['#speed'] } : each,
  );
  const goals = {
    file: 'GOALS.md',
    text: '## Fast\nKeywords: speed, cache\n## Title only\nof something\n',
  };
  const plans = [
    {
      file: 'a.plan.md',
      text: '- [x] **One** (T-1)\r\n- [ ] **Two** (T-2)\r\n- [ ] **Nine** (T-9)\r\n',
    },
  ];
  const found = findAlignment(backlog, goals, plans);
  assert.deepEqual(found.goals?.goals.map(({ title, tasks: n }) => `${title} ${n}`), ['Fast 1', 'Title only 0']); // prettier-ignore
  assert.deepEqual(found.plans.map(({ id, kind }) => `${id} ${kind}`), ['T-1 doneInPlan', 'T-2 doneInBacklog', 'T-9 notInBacklog']); // prettier-ignore
});

test('progress is inferred from commits, children and silence, and never beyond Review', () => {
  const backlog = [
    task('T-1'),
    task('T-2'),
    task('T-3', { status: 'In Progress', modifiedAt: NOW - DAY }),
    task('T-4'),
    task('T-5', { status: 'Done', parentId: 'T-4' }),
    task('T-12'),
  ];
  const commits = [
    { subject: 'Fix T-1: the door', at: NOW },
    { subject: 'Begin T-2', at: NOW },
  ];
  const found = inferProgress(backlog, {
    commits,
    runs: [],
    plans: [],
    now: NOW,
    staleMs: 3_600_000,
  });
  assert.deepEqual(
    found.map(({ id, from, to }) => `${id} ${from} ${to}`),
    ['T-1 Todo Review', 'T-2 Todo In Progress', 'T-3 In Progress Todo', 'T-4 Todo Review'],
  );
});

test('no text of others gets out of its place in the report', async () => {
  const nasty = '```\n# Out\n<img src=x> [a](command:rm) ![p](http://e/x) | $(flame) `x`';
  const result = await run(
    named('daily'),
    { tasks: [task(nasty, { title: nasty, tags: ['stale'], dependencies: [nasty, 'gone'] })] },
    {
      scanDocs: () =>
        Promise.resolve({
          ...NO_DOCS,
          broken: [{ file: nasty, line: 1, target: nasty, why: 'outside' }],
        }),
      readGoals: () => Promise.resolve({ file: nasty, text: `## ${nasty}\n## Other` }),
    },
  );
  const text = batchDocument(nasty, { ...result, title: nasty });
  const outside = text.replace(/^(`{3,})json\n[\s\S]*?\n\1$/gm, '');
  assert.doesNotMatch(outside, /^# Out|<img|(?<!\\)\]\(|`{3}|\$\(/m);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import {
  MAX_TODOS,
  writeMainPlan,
  type MainPlanInput,
} from '../../../../src/core/plan/main-plan.ts';
import { isPlanOf, readPlan } from '../../../../src/core/plan/read-plan.ts';
import { splitFrontmatter } from '../../../../src/core/plan/read-frontmatter.ts';
import { writeSubagentsPlan } from '../../../../src/core/plan/subagents-plan.ts';
import { taskId } from '../../../../src/core/task.ts';
import type { Plan } from '../../../../src/core/waves/waves.ts';
import { assertGolden } from '../../../support/golden.ts';
import { task } from '../../../support/backlog.ts';
import { inCycle, planOf } from '../../../support/plans.ts';

interface Front {
  readonly name: string;
  readonly overview: string;
  readonly todos: readonly {
    readonly id: string;
    readonly content: string;
    readonly status: string;
  }[];
  readonly waves?: readonly (readonly string[])[];
  readonly [key: string]: unknown;
}

function frontOf(text: string): Front {
  const { yaml } = splitFrontmatter(text);
  assert.ok(yaml !== undefined, 'has frontmatter');
  return parse(yaml) as Front;
}

function write(plan: Plan, more: Partial<MainPlanInput> = {}): string {
  return writeMainPlan({
    title: 'Harbour',
    rootName: 'harbour',
    plan,
    date: '2026-11-23',
    ...more,
  });
}

function subagents(plan: Plan): string {
  const result = writeSubagentsPlan({ title: 'Harbour', rootName: 'harbour', plan });
  assert.ok(result.ok);
  return result.value;
}

const HARBOUR = planOf(
  [
    [
      task('T-1', {
        title: 'Lay the keel',
        priority: 'critical',
        status: 'In Progress',
        description: '**Oak.**\n\nTwo | pieces.',
      }),
      task('T-2', {
        title: 'Order sails: "red" ones',
        priority: 'high',
        metadata: { planning_doc: 'docs/sails.md' },
      }),
      task('T-3', {
        title: 'Find a crew (T-99)',
        metadata: {
          discovered_from: 'docs/crew.md',
          planning_links:
            '{"planning_doc":"docs/plan.md","related_docs":["docs/crew.md","docs/pay.md"]}',
        },
      }),
      task('T-10', { title: 'Paint the name', priority: 'low', status: 'Review' }),
    ],
    [
      task('T-4', { title: 'Plank the hull', dependencies: ['T-1'] }),
      task('T-5', { title: 'Cut the sails', dependencies: ['T-2'] }),
    ],
    [
      task('T-6', {
        title: 'Launch',
        dependencies: ['T-4', 'T-5', 'T-404'],
        priority: 'other',
        rawPriority: 'P9',
      }),
    ],
  ],
  {
    settled: [task('T-7', { status: 'Done' })],
    blocked: [
      inCycle(task('T-8', { title: 'Chicken', dependencies: ['T-9'] }), ['T-8', 'T-9']),
      inCycle(task('T-9', { title: 'Egg', dependencies: ['T-8'] }), ['T-8', 'T-9']),
      {
        task: task('T-11', { title: 'Breakfast' }),
        reason: { kind: 'behindCycle', members: ['T-8', 'T-9'].map(taskId) },
      },
    ],
    cycles: [['T-8', 'T-9'].map(taskId)],
    missing: new Map([[taskId('T-6'), [taskId('T-404')]]]),
  },
);

test('the documents of a small backlog are as the golden files have them', async () => {
  await assertGolden('harbour.plan.md', write(HARBOUR));
  await assertGolden('harbour-subagents.plan.md', subagents(HARBOUR));
  await assertGolden(
    'harbour-exarp.plan.md',
    write({ ...HARBOUR, options: { ...HARBOUR.options, numbering: 'exarp', maxTasksPerWave: 4 } }),
  );
  await assertGolden('nothing-open.plan.md', write(planOf([]), { title: '' }));
});

test('a plan has the keys that exarp-go knows, in its order, each wave on one line', () => {
  const text = write(HARBOUR);
  const front = frontOf(text);
  assert.deepEqual(Object.keys(front), [
    'name',
    'overview',
    'todos',
    'waves',
    'isProject',
    'status',
    'last_updated',
    'tag_hints',
    'referenced_by',
    'agents',
  ]);
  assert.match(text, /^ {2}- \["T-1", "T-2", "T-3", "T-10"\]$/m);
  assert.deepEqual(front.waves, [['T-1', 'T-2', 'T-3', 'T-10'], ['T-4', 'T-5'], ['T-6']]);
  assert.equal(front.name, 'Harbour Plan');
  assert.equal(front['last_updated'], '2026-11-23');
  assert.match(text, /^last_updated: "2026-11-23"$/m);
  assert.deepEqual(front.todos[0], { id: 'T-1', content: 'Lay the keel', status: 'in_progress' });
});

test('without waves there is no key for them', () => {
  assert.ok(!('waves' in frontOf(write(planOf([])))));
  assert.deepEqual(frontOf(write(planOf([]))).todos, []);
});

test('the headings stand in the order that exarp-go repairs by, apart by rules', () => {
  const { body } = splitFrontmatter(write(HARBOUR));
  assert.deepEqual(body.match(/^#{1,3} .*$/gm), [
    '# Harbour Plan',
    '## Agents',
    '## Scope',
    '## 1. Technical Foundation',
    '## 2. Backlog Tasks',
    '## 3. Iterative Milestones',
    '## 4. Recommended Execution Order',
    '### Waves (same wave = can run in parallel)',
    '### In no wave',
    '## 5. Open Questions',
    '## 6. Out-of-Scope / Deferred',
    '## 7. Key Files / Implementation Notes',
    '## 8. References',
  ]);
  assert.equal(body.match(/\n\n---\n\n/g)?.length, 9);
});

test('todos are all tasks of the first two waves, up to the bound', () => {
  const wave = (from: number, n: number) =>
    Array.from({ length: n }, (_, i) => task(`T-${from + i}`));
  const some = frontOf(write(planOf([wave(0, 30), wave(100, 30), wave(200, 30)])));
  assert.equal(some.todos.length, 60);
  const many = write(planOf([wave(0, MAX_TODOS + 1)]));
  assert.equal(frontOf(many).todos.length, MAX_TODOS);
  assert.equal(frontOf(many).waves?.[0]?.length, MAX_TODOS + 1);
  assert.match(many, /The first 500 of 501 are listed\./);
});

// exarp-go's own expressions, as its parsers have them (plan_sync.go, plan_waves.go).
const CHECKBOX = /^\s*-\s*\[\s*([ xX])\s*\]\s*(?:\*\*[^*]+\*\*|.+?)\s*\(\s*([A-Za-z0-9_-]+)\s*\)/;
const WAVE_LINE = /^- \*\*Wave (\d+)(?::\*\*|\*\* \(parallel\):) (.+)$/;
const FRONTMATTER = /^---\r?\n([^]*?)\r?\n---\r?\n/;

function wavesInBody(text: string): readonly (readonly string[])[] {
  return text.split('\n').flatMap((line) => {
    const match = WAVE_LINE.exec(line);
    return match === null ? [] : [match[2]!.split(', ')];
  });
}

function milestonesIn(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => CHECKBOX.exec(line)?.[2] ?? []);
}

const HOSTILE = [
  'quotes "double" and \'single\' \\" and \\\\',
  'key: value # no comment',
  'a | b || c',
  'one\ntwo\r\nthree',
  '---',
  '\n---\n# Heading\n## 5. Open Questions\n',
  `${'x'.repeat(118)}👩‍👩‍👧‍👦 family`,
  '</script><script>alert(1)</script><img src=x onerror=alert(1)>',
  '${x} $1 $(zap) $`',
  '`code` ``` ~~~ **bold** _it_ [link](command:x) ![img](https://example.com/x.png)',
  'Fix this (T-2) ( T-2 ) - [x] **done** (T-2)',
  'null \u0000 esc \u001b[31m bell \u0007 lone \ud800 bom \ufeff end \uffff',
  '\u202eright to left',
  '&lt;b&gt; &amp; &#60;i&#62;',
  '<!-- comment',
  '- [x] 1. > # list',
  '',
  'null',
  '2026-11-23',
  '*a* & b: [c, d] {e} !tag @at %x ?y',
];

test('a hostile title stays text: todos keep their ids, tables their columns, and sections their number', () => {
  for (const title of HOSTILE) {
    const tasks = ['T-1', 'T-3'].map((id) => task(id, { title, description: title }));
    const text = write(planOf([tasks]), { title: `x/${title}` });
    const front = frontOf(text);
    assert.deepEqual(
      front.todos.map(({ id }) => id),
      ['T-1', 'T-3'],
      title,
    );
    assert.ok(
      front.todos.every(
        ({ content }) => Array.from(content).length <= 120 && !content.includes('\n'),
      ),
    );
    assert.match(text, FRONTMATTER);
    assert.deepEqual(wavesInBody(text), [['T-1', 'T-3']]);
    if (title !== '') assert.deepEqual(milestonesIn(text), ['T-1', 'T-3'], title);
    assert.equal(text.match(/^## \d\./gm)?.length, 8, title);
    for (const line of text.split('\n').filter((each) => each.startsWith('| **T-'))) {
      assert.equal(line.match(/(?<!\\)\|/g)?.length, 4, line);
    }
    // Comments of ours apart, nothing opens a tag.
    assert.doesNotMatch(
      text.replace(/<!-- todo2-waves: as generated, [0-9a-f]{8} -->/g, ''),
      /^(?!content:|overview:| {4}content:|name:).*<[a-z!/?]/im,
      title,
    );
    assert.equal(Buffer.from(text).toString(), text, 'is UTF-8');
  }
});

test('the last character before the cut is whole', () => {
  const content = frontOf(write(planOf([[task('T-1', { title: HOSTILE[6]! })]]))).todos[0]?.content;
  assert.equal(content, `${'x'.repeat(118)}…`);
});

test('ids of any kind come back from the frontmatter, and none is read as another in the body', () => {
  const ids = [
    'T-1',
    '123',
    'true',
    '2026-11-23',
    'a, b',
    'x) (T-1',
    '- [x] y',
    'T-A_1',
    '__x__',
    "it's",
    '1.',
    '---',
    'é',
    `long\nlong\n\n${'z'.repeat(60)}`,
  ];
  const plan = planOf([ids.map((id) => task(id))]);
  const text = write(plan);
  assert.deepEqual(frontOf(text).waves, [ids]);
  assert.deepEqual(
    frontOf(text).todos.map((todo) => todo.id),
    ids,
  );
  assert.equal(wavesInBody(text)[0]?.length, ids.length);
  assert.equal(text.match(/^ {2}- \[".*"\]$/gm)?.length, 1, 'one line for the wave');
  assert.equal(milestonesIn(text).filter((id) => id === 'T-1').length, 1);
  assert.match(subagents(plan), /^\*\*Task IDs \(14 tasks\):\*\*\n\nT-1, 123, true, /m);
});

test('whatever the tasks are, the frontmatter reads back as what went in', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(...HOSTILE),
  );
  const id = fc.string({ minLength: 1, unit: 'grapheme' });
  const tasks = fc.uniqueArray(fc.record({ id, title: text, description: text }), {
    selector: (each) => each.id,
    maxLength: 12,
  });
  fc.assert(
    fc.property(tasks, fc.nat(12), text, (given, at, title) => {
      const all = given.map(({ id, ...fields }) => task(id, fields));
      const plan = planOf([all.slice(0, at), all.slice(at)].filter((wave) => wave.length > 0));
      const written = write(plan, { title });
      const front = frontOf(written);
      assert.deepEqual(
        front.waves ?? [],
        plan.waves.map((wave) => wave.tasks.map((each) => each.id)),
      );
      assert.deepEqual(
        front.todos.map((todo) => todo.id),
        all.map((each) => each.id),
      );
      assert.deepEqual(
        wavesInBody(written).map((wave) => wave.length),
        plan.waves.map((wave) => wave.tasks.length),
      );
      assert.equal(write(plan, { title, existing: written }), written);
    }),
    { seed: 6, numRuns: 300 },
  );
});

test('writing over its own output gives the same text, from CRLF too', () => {
  const text = write(HARBOUR);
  assert.equal(write(HARBOUR, { existing: text }), text);
  assert.equal(write(HARBOUR, { existing: `\ufeff${text.replaceAll('\n', '\r\n')}` }), text);
});

test('what a person wrote in sections 5 to 8 stays word for word, and only that', () => {
  const mine = (text: string) =>
    text
      .replace('- None known.', '- Who pays?\n\n```\n## 6. not a heading\n```')
      .replace(
        /(## 7\. [^\n]*\n\n)[^]*(?=## 8\.)/,
        '$1My own **notes** <b>here</b>.\n\n### Mine\n\nMore.\n\n',
      )
      .concat('\n## 9. Afterthoughts\n\nDone late.\n');
  const before = mine(write(planOf([[task('T-1')]])));
  for (const existing of [before, before.replaceAll('\n', '\r\n')]) {
    const after = write(HARBOUR, { existing });
    assert.ok(after.includes('- Who pays?\n\n```\n## 6. not a heading\n```\n'));
    assert.ok(
      after.includes(
        '\n\nMy own **notes** <b>here</b>.\n\n### Mine\n\nMore.\n\n## 8. References\n',
      ),
    );
    assert.ok(after.endsWith('\n## 9. Afterthoughts\n\nDone late.\n'));
    assert.ok(
      after.includes('(Paint the name) — low priority'),
      'section 6, untouched, is written anew',
    );
    assert.equal(after.match(/^## 5\./gm)?.length, 1);
    assert.equal(write(HARBOUR, { existing: after }), after);
  }
});

test('sections of a plan that exarp-go wrote, or an editor stripped, are taken for a person’s', () => {
  const existing =
    '# Old\n\n## 4. Recommended Execution Order\n\n- gone\n\n---\n\n## 5. Open Questions\n\n- From before\n\n---\n\n## 8. References\n\nSee there.';
  const after = write(HARBOUR, { existing });
  assert.ok(after.includes('## 5. Open Questions\n\n- From before\n\n---\n\n## 6. Out-of-Scope'));
  assert.ok(after.endsWith('## 8. References\n\nSee there.\n'));
  assert.ok(!after.includes('- gone'));
});

test('a fence that nobody closed makes no section come twice', () => {
  const existing = write(HARBOUR).replace(
    '## 6. Out-of-Scope / Deferred\n',
    '## 6. Out-of-Scope / Deferred\n\n```\nopen\n',
  );
  const once = write(HARBOUR, { existing });
  assert.equal(once.match(/^## [5-8]\./gm)?.length, 4);
  assert.equal(write(HARBOUR, { existing: once }), once);
});

test('keys of the frontmatter that are not ours are kept', () => {
  const existing = write(HARBOUR).replace(
    'isProject: true',
    'isProject: false\nowner: "a: b"\nlinks: { x: [1, 2] }',
  );
  const front = frontOf(write(HARBOUR, { existing }));
  assert.equal(front['owner'], 'a: b');
  assert.deepEqual(front['links'], { x: [1, 2] });
  assert.equal(front['isProject'], true);
  for (const broken of [
    '---\n: : [\n---\n# x\n',
    '---\na: *nothing\n---\n',
    '---\njust text\n---\n',
    '---\n---\n',
  ]) {
    assert.equal(write(HARBOUR, { existing: broken }), write(HARBOUR), broken);
  }
});

const NONE = (): boolean => false;

test('a plan is told from other documents by the two headings that exarp-go looks for', () => {
  assert.ok(isPlanOf(readPlan(write(HARBOUR).replaceAll('\n', '\r\n')), NONE));
  assert.ok(!isPlanOf(readPlan(subagents(HARBOUR)), NONE));
  assert.ok(!isPlanOf(readPlan('# Notes\n'), NONE));
});

test('the subagents plan launches only what an agent may take up, and hides nothing', () => {
  const text = subagents(HARBOUR);
  assert.match(text, /^\*\*Task IDs \(3 tasks\):\*\*\n\nT-1, T-2, T-3\n\n\| Task /m);
  assert.match(text, /^\*\*Not to be launched, a person decides:\*\* T-10 \(Review\)$/m);
  assert.match(text, /## In no wave\n[^]*\*\*T-8\*\*[^]*\*\*T-9\*\*[^]*\*\*T-11\*\*/);
  const front = parse(splitFrontmatter(text).yaml ?? '') as Record<string, unknown>;
  assert.deepEqual(Object.keys(front), ['name', 'overview', 'isProject', 'status']);
  assert.equal(front['name'], 'Parallel Execution (Subagents) — Waves 0–2');
  assert.ok(!text.includes('Practical note'));
  assert.match(
    subagents(planOf([Array.from({ length: 21 }, (_, i) => task(`T-${i}`))])),
    /\*\*Practical note:\*\* 21 subagents/,
  );
  assert.match(
    subagents(planOf([[task('T-1')]])),
    /^name: Parallel Execution \(Subagents\) — Wave 0$/m,
  );
});

test('a plan without a task for an agent has nothing to run', () => {
  for (const plan of [planOf([]), planOf([[task('T-1', { status: 'Review' })]])]) {
    assert.deepEqual(writeSubagentsPlan({ title: 'x', rootName: 'x', plan }), {
      ok: false,
      failure: { kind: 'nothingToRun' },
    });
  }
});

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { splitFrontmatter } from '../../../../src/core/plan/read-frontmatter.ts';
import { writeMainPlan, type MainPlanInput } from '../../../../src/core/plan/main-plan.ts';
import { isPlanOf, readPlan, type PlanDamage } from '../../../../src/core/plan/read-plan.ts';
import { dateOf, repairPlan, undoneDamage } from '../../../../src/core/plan/repair-plan.ts';
import { task } from '../../../support/backlog.ts';
import { oneOf, type Random, randomFrom } from '../../../support/random.ts';
import { planOf } from '../../../support/plans.ts';

const FOLDER = join(import.meta.dirname, '../../../golden/plans');
const recorded = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');

const PLAN = planOf([
  Array.from({ length: 12 }, (_, i) => task(`T-${i + 1}`)),
  [task('T-20', { dependencies: ['T-1'] })],
  [task('T-30', { dependencies: ['T-20'] })],
]);
const INPUT: MainPlanInput = {
  title: 'Harbour',
  rootName: 'harbour',
  plan: PLAN,
  date: '2026-11-23',
};

const kinds = (damage: readonly PlanDamage[]): string => damage.map(({ kind }) => kind).join(' ');

// What exarp-go's repair needs of a file before it does anything (report_plan_generate.go).
const EXARP_REPAIRABLE =
  /^---\n[^]*?\n---\n[^]*^## 3\. Iterative Milestones$[^]*^## 4\. Recommended Execution Order$/m;

const DAMAGED: readonly [file: string, damage: string][] = [
  ['exarp.plan.md', 'doubleEscapes'],
  ['unquoted-name.plan.md', 'brokenFrontmatter doubleEscapes'],
  ['crlf-bom.plan.md', 'byteOrderMark carriageReturns doubleEscapes'],
  ['no-frontmatter.plan.md', 'noFrontmatter'],
  ['stripped.plan.md', 'missingKeys'],
  ['notes-piled-up.plan.md', 'doubleEscapes'],
  ['no-milestones.plan.md', 'doubleEscapes missingHeading'],
];

test('each recorded plan of exarp-go is read whatever was done to it, and says what that was', () => {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.plan.md'));
  assert.deepEqual(names.sort(), DAMAGED.map(([file]) => file).sort());
  for (const [file, damage] of DAMAGED) {
    const read = readPlan(recorded(file));
    assert.equal(kinds(read.damage), damage, file);
    assert.deepEqual(read.waves, [['T-1', 'T-2'], ['T-3']], file);
    assert.ok(
      isPlanOf(read, (id) => id === 'T-1'),
      file,
    );
    if (file === 'no-milestones.plan.md') continue;
    assert.deepEqual(
      read.marks,
      [
        { id: 'T-1', isChecked: true },
        { id: 'T-2', isChecked: false },
        { id: 'T-3', isChecked: false },
      ],
      file,
    );
  }
});

test('a repaired plan has all keys and todos, what exarp-go looks for, and the person’s own words', () => {
  for (const [file] of DAMAGED) {
    const text = repairPlan({ ...INPUT, existing: recorded(file) });
    const read = readPlan(text);
    assert.deepEqual(read.damage, [], file);
    assert.match(text, EXARP_REPAIRABLE, file);
    assert.equal(read.todos.length, 13, file);
    assert.equal(
      (parse(splitFrontmatter(text).yaml ?? '') as { isProject: boolean }).isProject,
      true,
      file,
    );
    for (const own of [
      '- Who pays for the *iron*?',
      '- quay.dwg',
      '- The old map',
      '- **Stack:** oak and iron',
    ]) {
      assert.ok(text.includes(own), `${file}: ${own}`);
    }
    assert.equal(text.match(/^## \d\./gm)?.length, 8, file);
    assert.equal(text.match(/_Regenerate with/g)?.length, 1, file);
    assert.ok(!text.includes('\r') && !text.startsWith('\ufeff'), file);
    assert.equal(dateOf(text), '2026-02-03', `${file} keeps its date`);
    if (file !== 'no-milestones.plan.md')
      assert.match(text, /^- \[x\] \*\*Title of T-1\*\* \(T-1\)/m, file);
    assert.equal(
      repairPlan({ ...INPUT, existing: text }),
      text,
      `${file}: a second repair changes nothing`,
    );
  }
});

test('a plan with nothing wrong comes back as it is, whatever its tasks are', () => {
  const text = fc.string({ unit: 'grapheme' });
  const tasks = fc.uniqueArray(
    fc.record({ id: fc.string({ minLength: 1, unit: 'grapheme' }), title: text }),
    {
      selector: ({ id }) => id,
      maxLength: 10,
    },
  );
  fc.assert(
    fc.property(tasks, fc.nat(10), text, (given, at, title) => {
      const all = given.map(({ id, ...fields }) => task(id, fields));
      const plan = planOf([all.slice(0, at), all.slice(at)].filter((wave) => wave.length > 0));
      const input = { ...INPUT, title, plan };
      const written = writeMainPlan(input);
      const read = readPlan(written);
      assert.deepEqual(
        read.waves ?? [],
        plan.waves.map((wave) => wave.tasks.map(({ id }) => id)),
      );
      assert.deepEqual(
        read.todos.map(({ id }) => id),
        all.map(({ id }) => id),
      );
      assert.equal(repairPlan({ ...input, existing: written }), written);
    }),
    { seed: 12, numRuns: 200 },
  );
});

test('check boxes that somebody set stay, also of a task that is listed no longer', () => {
  const first = writeMainPlan({ ...INPUT, plan: planOf([[task('T-1'), task('T-2')]]) });
  const marked = first.replace('- [ ] **Title of T-2**', '- [x] **Title of T-2**');
  assert.notEqual(marked, first);
  const later = planOf([[task('T-1')], [task('T-5')], [task('T-2')]]);
  const after = writeMainPlan({ ...INPUT, plan: later, existing: marked });
  assert.match(
    after,
    /^- \[ \] \*\*Title of T-1\*\* \(T-1\)\n- \[ \] .*\(T-5\)\n- \[x\] \*\*Title of T-2\*\* \(T-2\)$/m,
  );
  assert.equal(writeMainPlan({ ...INPUT, plan: later, existing: after }), after);
  const gone = writeMainPlan({ ...INPUT, plan: planOf([[task('T-1')]]), existing: marked });
  assert.doesNotMatch(gone, /T-2/);
});

test('foreign keys of the frontmatter stay word for word, and so does every comment', () => {
  const mine = [
    '# above all',
    'owner:   "a: b"   # who',
    'links:',
    '    - { x: [1,2] } # in the list',
    '    # between',
    '    - |',
    '      block',
    '      text',
  ].join('\n');
  const fresh = writeMainPlan(INPUT);
  const existing = fresh
    .replace('isProject: true\n', `# before isProject\nisProject: true\n${mine}\n`)
    .replace('status: draft\n', 'status: draft # mine\n')
    .replace('    content: "Title of T-2"\n', '    # about T-2\n    content: "Title of T-2"\n');
  const once = writeMainPlan({ ...INPUT, existing });
  for (const line of mine.split('\n')) assert.ok(once.includes(`\n${line}\n`), line);
  for (const comment of ['# before isProject', '# mine', '# about T-2'])
    assert.ok(once.includes(comment), comment);
  assert.equal(writeMainPlan({ ...INPUT, existing: once }), once);
  const { yaml } = splitFrontmatter(once);
  const front = parse(yaml ?? '') as Record<string, unknown>;
  assert.deepEqual([front['owner'], front['isProject']], ['a: b', true]);
  assert.deepEqual(front['links'], [{ x: [1, 2] }, 'block\ntext\n']);
});

test('a foreign key that repeats what a key of ours had keeps its value', () => {
  const existing = writeMainPlan(INPUT).replace(
    'status: draft\n',
    'status: &word draft\nstate: *word\nestimate: 5\n5: five\n',
  );
  for (const write of [writeMainPlan, repairPlan]) {
    const text = write({ ...INPUT, existing });
    const front = parse(splitFrontmatter(text).yaml ?? '') as Record<string, unknown>;
    assert.deepEqual([front['state'], front['estimate'], front['5']], ['draft', 5, 'five']);
    assert.deepEqual(readPlan(text).damage, []);
    assert.equal(write({ ...INPUT, existing: text }), text);
  }
});

test('a text that is no plan is not taken for one', () => {
  for (const text of ['', '# Notes\n', '---\nname: x\n---\n- [ ] buy milk\n', '{"a": 1}'])
    assert.ok(!isPlanOf(readPlan(text), () => true));
});

const CURSOR = `---
name: harbour
overview: Refactor the login
todos:
  - id: split-login
    content: Split the login form
    status: in_progress
  - id: add-tests
    content: Phase 2: tests
    status: pending
isProject: false
---
# Refactor the login

Some notes.
`;

test('a plan that an editor made of a chat is not ours, whatever its todos are called', () => {
  assert.ok(!isPlanOf(readPlan(CURSOR), (id) => id.startsWith('T-')));
});

test('todos that somebody added to a plan stay when it is written anew or repaired', () => {
  const once = writeMainPlan(INPUT);
  const added = once.replace(
    'todos:\n',
    'todos:\n  - id: split-login\n    content: Split it\n    status: in_progress\n',
  );
  const mixed =
    added === once
      ? once.replace(
          'todos: []',
          'todos:\n  - id: split-login\n    content: Split it\n    status: in_progress',
        )
      : added;
  assert.notEqual(mixed, once);
  const broken = mixed.replace('## 3. Iterative Milestones', '## 3. Something');
  for (const text of [
    writeMainPlan({ ...INPUT, existing: mixed }),
    repairPlan({ ...INPUT, existing: broken }),
  ]) {
    const kept = readPlan(text).todos.filter(({ id }) => id === 'split-login');
    assert.deepEqual(kept, [{ id: 'split-login', content: 'Split it', status: 'in_progress' }]);
  }
  const again = writeMainPlan({ ...INPUT, existing: mixed });
  assert.equal(writeMainPlan({ ...INPUT, existing: again }), again);
});

test('quotes that are escaped twice are told where a repair changes them, and only there', () => {
  const told = (existing: string, input = INPUT): string =>
    kinds(undoneDamage(readPlan(existing), repairPlan({ ...input, existing })));
  assert.equal(told(recorded('exarp.plan.md')), 'doubleEscapes');
  const title = 'Print \\"a\\" \\\\';
  const input = { ...INPUT, plan: planOf([[task('T-1', { title })]]) };
  const written = writeMainPlan(input);
  assert.equal(readPlan(written).todos[0]?.content, title);
  assert.equal(told(written.replace('isProject: true\n', ''), input), 'missingKeys');
  // A key of another author is none of exarp-go's.
  const foreign = writeMainPlan(INPUT).replace('isProject: true\n', 'a: "\\\\\\""\n');
  assert.equal(kinds(readPlan(foreign).damage), 'missingKeys');
});

const HARD = ['"', "'", '\\', '\\"', '\\\\', '\\n', '\n', '\t', '\r', ': ', ' #', '# ', '- ', '---', '---\n', '{', '}', '[', ']', '(', ')', '(T-2)', '|', '>', '*', '**', '_', '`', '```', '~~~', '&', '&amp;', '&a', '*a', '!', '%', '@', ',', '<', '<!--', '-->', 'ä', '日本', '😀', '\u2028', '\u0085', '\ufeff', '\u0000', '\u001b[1m', 'a', 'word ', ' ', '5', 'true', '## 3. Iterative Milestones', '## 5. A', '_note_', 'last_updated: "2020-01-01"']; // prettier-ignore

function hardText(random: Random): string {
  return Array.from({ length: 1 + random(7) }, () => oneOf(random, HARD)).join('');
}

/** A text in double quotes, as every parser of YAML reads it. */
function inQuotes(text: string): string {
  return JSON.stringify(text.replace(/[\u007f-\u009f\u2028\ufeff]/g, '?'));
}

test('a plan that is written and repaired in any order says the same, with no escape more', () => {
  for (let seed = 1; seed <= 150; seed++) {
    const random = randomFrom(seed);
    const tasks = Array.from({ length: 1 + random(5) }, (_, n) =>
      task(`T-${n + 1}`, {
        title: hardText(random),
        description: hardText(random),
        metadata: random(2) === 0 ? {} : { planning_doc: hardText(random) },
      }),
    );
    const at = random(tasks.length + 1);
    const waves = [tasks.slice(0, at), tasks.slice(at)].filter((wave) => wave.length > 0);
    const input = { ...INPUT, title: hardText(random), plan: planOf(waves) };
    const [content, owner] = [inQuotes(hardText(random)), inQuotes(hardText(random))];
    const todo = `  - id: mine\n    content: ${content}\n    status: pending\n`;
    let text = writeMainPlan(input)
      .replace(/\ntodos:(?: \[\])?\n/, () => `\ntodos:\n${todo}`)
      .replace('isProject: true\n', () => `isProject: true\nowner: ${owner}\nodd: 'it''s \\"'\n`);
    const steps = Array.from({ length: 4 }, () => oneOf(random, [writeMainPlan, repairPlan]));
    const first = steps.indexOf(writeMainPlan);
    steps.forEach((step, n) => {
      const before = text;
      text = step({ ...input, existing: before });
      const what = `seed ${seed}, step ${n}`;
      const read = readPlan(text);
      const mine = read.todos.find(({ id }) => id === 'mine');
      assert.equal(mine?.content, JSON.parse(content), what);
      assert.equal(read.frontmatter?.map?.values.get('owner'), JSON.parse(owner), what);
      if (n > 0 && (n > first || first === -1)) assert.equal(text, before, what);
    });
  }
});

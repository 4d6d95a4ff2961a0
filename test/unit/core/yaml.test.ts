import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPlan } from '../../../src/core/plan/read-plan.ts';
import { BATCH_YAML, CONFIG_YAML, PLAN_YAML, readYaml } from '../../../src/core/yaml.ts';

const KINDS = { PLAN_YAML, BATCH_YAML, CONFIG_YAML };

const TOO_MUCH: readonly [name: string, text: string, why: RegExp][] = [
  ['more characters', `a: ${'x'.repeat(3_000_000)}`, /longer than/],
  [
    'more keys',
    Array.from({ length: 10_001 }, (_, n) => `k${n}: 1`).join('\n'),
    /keys|longer|signs/,
  ],
  ['deep lists', '['.repeat(20_000), /deeper|signs/],
  ['deeper lists than the limit', `a: ${'['.repeat(90)}${']'.repeat(90)}`, /nested deeper than/],
  ['aliases', `a: &a 1\nb:\n${'  - *a\n'.repeat(200)}`, /aliases/],
  ['brackets that nobody opened', '}'.repeat(30_000), /signs|Unexpected/],
  ['an alias before its anchor', 'a: 1\nb: *x\nc: &x 2\n', /alias/],
  ['a repeated key', 'a: 1\nb: 2\na: 3\n', /“a” is there twice/],
];

for (const [kind, limits] of Object.entries(KINDS)) {
  for (const [name, text, why] of TOO_MUCH) {
    test(`${kind} with ${name} is refused in words`, () => {
      const { problems } = readYaml(text, limits);
      assert.match(problems.map((each) => each.text).join('; '), why);
    });
  }
}

test('YAML within the limits is read, and invalid YAML says where', () => {
  assert.deepEqual(readYaml('a: [1, {b: 2}]', CONFIG_YAML).document?.toJS(), { a: [1, { b: 2 }] });
  const { problems } = readYaml('a: 1\nb: @x\n', CONFIG_YAML);
  assert.deepEqual(readYaml('&k a: &l [1]\nb: *l\nc: *k\n', CONFIG_YAML).problems, []);
  assert.deepEqual([problems[0]?.isSyntax, problems[0]?.offset], [true, 8]);
});

test('a list of a hundred thousand ids is within the limits of a plan', () => {
  const ids = Array.from({ length: 100_000 }, (_, n) => `"T-${1_764_000_000 + n}"`).join(', ');
  const { waves } = readPlan(`---\nname: A\nwaves:\n  - [${ids}]\n---\n`);
  assert.equal(waves?.[0]?.length, 100_000);
});

for (const content of [
  'Phase 0: split',
  '@x',
  '- x',
  '[T-1] x',
  '*b*',
  '%T',
  'a #b',
  '{x',
  '`code`',
  'a:',
  '? x',
  '! x',
])
  test(`a todo with the bare text ${content} is mended, and the others are read`, () => {
    const plan = `---\nname: My: plan\ntodos:\n  - id: a\n    content: ${content}\n    status: pending\n  - content: Other\n    id: b\n    status: completed\n---\n`;
    assert.deepEqual(readPlan(plan).todos, [
      { id: 'a', content, status: 'pending' },
      { id: 'b', content: 'Other', status: 'completed' },
    ]);
    assert.equal(
      readPlan(plan).damage.some(({ kind }) => kind === 'brokenFrontmatter'),
      true,
    );
  });

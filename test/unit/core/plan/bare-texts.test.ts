import assert from 'node:assert/strict';
import test from 'node:test';
import { readPlan } from '../../../../src/core/plan/read-plan.ts';

/** What people and editors write as the text of a todo, without quotes around it. */
const TEXTS: readonly string[] = [
  'Phase 0: split',
  '@x',
  '- x',
  '[T-1] x',
  '*b*',
  '**bold** words',
  '%T',
  '`a` b',
  "'a' b",
  '"a" b',
  '"a": b',
  '"never closed',
  "'never closed",
  '| x',
  '{a} b',
  'x: y # z',
];

for (const text of TEXTS) {
  test(`one todo with a bare text leaves all of a plan readable: ${text}`, () => {
    const entry = (id: string, content: string): string =>
      `  - id: ${id}\n    content: ${content}\n    status: pending\n`;
    const plan = `---\nname: a\ntodos:\n${entry('T-1', text)}${entry('T-2', 'ok')}---\n`;
    const { todos, damage } = readPlan(plan);
    assert.deepEqual(
      todos.map(({ id, content }) => [id, content]),
      [
        ['T-1', text],
        ['T-2', 'ok'],
      ],
    );
    assert(damage.some(({ kind }) => kind === 'brokenFrontmatter'));
  });
}

test('a text in quotes that goes on in the next line stays as it is', () => {
  const plan = '---\nname: a: b\ntodos:\n  - id: T-1\n    content: "one\n      two"\n---\n';
  assert.equal(readPlan(plan).todos[0]?.content, 'one two');
});

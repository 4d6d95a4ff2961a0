import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMilestone } from '../../../../src/core/plan/milestone.ts';
import { oneOf, randomFrom } from '../../../support/random.ts';

/** As exarp-go writes it down; it takes time cubic in some lines, so only short ones are tried. */
const EXARP =
  /^\s*-\s*\[\s*([ xX])\s*\]\s*(?:(?:\*\*.+?\*\*|.+?)\s*\(\s*([A-Za-z0-9_-]+)\s*\)|([A-Za-z0-9_-]+)\s*$)/;

const CASES: readonly [line: string, expected: string | undefined][] = [
  ['- [ ] **Title** (T-1)', 'open T-1'],
  ['- [x] **Title** (T-1) — docs/a.md', 'checked T-1'],
  ['  -  [ X ]  **Of (T-1)** ( T-2 )', 'checked T-2'],
  ['- [ ] Of (T-1) and (T-2)', 'open T-1'],
  ['- [ ] T-3  ', 'open T-3'],
  ['- [ ] (T-4)', 'open T-4'],
  ['- [ ](T-4)', undefined],
  ['- [] **Title** (T-1)', undefined],
  ['- [ ] **Title** (no id)', undefined],
];

for (const [line, expected] of CASES) {
  test(`${line} is ${expected ?? 'no milestone'}`, () => {
    const found = readMilestone(line);
    assert.equal(found && `${found.isChecked ? 'checked' : 'open'} ${found.id}`, expected);
    if (found) assert.equal(line.slice(found.start).startsWith(found.id), true);
  });
}

test('a milestone is what exarp-go takes for one, whatever the line', () => {
  const random = randomFrom(7);
  const parts = [
    '- [ ] ',
    '- [x]',
    '-',
    '[',
    ' ',
    ']',
    '**',
    '*',
    '(',
    ')',
    'T-1',
    'T-2',
    'a b',
    'x',
    ' — ',
  ];
  for (let n = 0; n < 30_000; n++) {
    const length = random(9);
    const line = Array.from({ length }, () => oneOf(random, parts)).join('');
    const match = EXARP.exec(line);
    const expected = match && { id: match[2] ?? match[3], isChecked: match[1] !== ' ' };
    const found = readMilestone(line);
    assert.deepEqual(found ? { id: found.id, isChecked: found.isChecked } : null, expected, line);
  }
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { SIGNS } from '../../../media/board/signs.ts';
import { elapsed } from '../../../media/board/words.ts';

const require = createRequire(import.meta.url);

test('every sign is the one of that name in the font', () => {
  const css = readFileSync(require.resolve('@vscode/codicons/dist/codicon.css'), 'utf8');
  for (const [name, code] of Object.entries(SIGNS))
    assert.match(
      css,
      new RegExp(`\\.codicon-${name}:before \\{ content: "\\\\${code.toString(16)}"`),
    );
});

const TIMES: readonly [ms: number, shown: string][] = [
  [-5, '0:00'],
  [65_000, '1:05'],
  [3_599_999, '59:59'],
  [3_840_000, '1 h 04 min'],
  [50 * 3_600_000, '2 d 2 h'],
];
for (const [ms, shown] of TIMES)
  test(`${ms} ms at work are shown as ${shown}`, () => assert.equal(elapsed(ms), shown));

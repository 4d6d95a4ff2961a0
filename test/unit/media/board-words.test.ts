import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { SIGNS } from '../../../media/board/signs.ts';
import { elapsed } from '../../../media/board/words.ts';

const require = createRequire(import.meta.url);

test('every sign is a drawing of one colour by the name that the editor has for it', () => {
  const icons = join(dirname(require.resolve('@vscode/codicons/package.json')), 'src/icons');
  for (const name of SIGNS) {
    const drawing = readFileSync(join(icons, `${name}.svg`), 'utf8');
    assert.match(drawing, /^<svg [^>]*viewBox="0 0 /, name);
    // What is no filled path would be lost.
    assert.deepEqual([...new Set(drawing.match(/(?<=<)\w+/g))], ['svg', 'path'], name);
    assert.doesNotMatch(drawing, /stroke|transform/, name);
  }
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

import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { filesOf } from '../../../src/core/named-files.ts';

const exact = { foldCase: false };

const cases: readonly [name: string, description: string, files: string][] = [
  [
    'bullets as exarp-go reads them',
    '- Update: src/a.ts\n - Create: docs/b.md # new\n- Delete: c',
    'src/a.ts docs/b.md c',
  ],
  [
    'other bullets, verbs and marks',
    '* Modify: `src/a.ts`\n+ **Edit**: src/b.ts\n- remove: src/c.ts',
    'src/a.ts src/b.ts src/c.ts',
  ],
  [
    'a list on one line',
    'Files: src/a.ts, src/b.ts and Makefile.am',
    'src/a.ts src/b.ts Makefile.am',
  ],
  [
    'a list of bullets',
    '## Files\n- src/a.ts: the parser\n- `src/b.ts`\n\n- src/c.ts\nText\n- src/d.ts',
    'src/a.ts src/b.ts src/c.ts',
  ],
  ['files to change', '**Files to change:** src/a.ts', 'src/a.ts'],
  [
    'paths in backticks',
    'Let `src/core` and `a.json` alone, not `npm test` or `x`',
    'src/core a.json',
  ],
  [
    'each once, however it is spelled',
    '- Update: ./src//a.ts\n`src/a.ts` `src\\a.ts` `src/a.ts:12`',
    'src/a.ts',
  ],
  [
    'nothing absolute, nothing that leads out',
    '- Update: /etc/passwd\n- Update: ../b\n- Update: C:\\x.ts\n`~/x.ts` `a/../../b.ts`',
    '',
  ],
  [
    'no addresses, calls, options or versions',
    '`https://a.example/b.ts` `f(x).y` `--out=a/b` `1.2.3` `@scope/name`',
    '',
  ],
  ['no words with a slash in plain text', 'either/or, and e.g. that', ''],
  ['Windows line ends', 'Files:\r\n- src/a.ts\r\n- src/b.ts\r\n', 'src/a.ts src/b.ts'],
  [
    'a name of an object in every language',
    '- Update: constructor\n- Update: __proto__',
    'constructor __proto__',
  ],
];

for (const [name, description, files] of cases) {
  test(`files of a description: ${name}`, () => {
    assert.equal(filesOf(description, exact).join(' '), files);
  });
}

test('where the file system does not tell cases apart, neither do we', () => {
  assert.deepEqual(filesOf('- Update: Src/A.ts\n`src/a.TS`', { foldCase: true }), ['src/a.ts']);
  assert.deepEqual(filesOf('- Update: Src/A.ts\n`src/a.TS`', exact), ['Src/A.ts', 'src/a.TS']);
});

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.array(fc.constantFrom('- ', 'Update: ', 'Files:', '`', '/', '\\', '..', '.', 'a', ' ', '\n', '*', '#', ':', ',', '\0', '~', 'C:')).map((parts) => parts.join('')), // prettier-ignore
);

test('whatever a description says, its files are relative, clean and inside', () => {
  fc.assert(
    fc.property(hostile, fc.boolean(), (description, foldCase) => {
      const files = filesOf(description, { foldCase });
      assert.equal(new Set(files).size, files.length);
      for (const file of files) {
        assert(file !== '' && !file.startsWith('/') && !/[\\:\0]/.test(file), file);
        assert(!file.split('/').some((part) => part === '..' || part === '.' || part === ''), file);
        if (foldCase) assert.equal(file, file.toLowerCase());
      }
    }),
    { numRuns: 2000, seed: 11 },
  );
});

for (const [name, piece] of [
  ['blanks', ' '],
  ['stars', '*'],
  ['backticks', '`'],
  ['bullets', '- '],
  ['marks', '- Update: ((((((((('],
  ['dots', 'a.'],
  ['lists', 'Files: '],
  ['short lines', '- a/b\n'],
] as const) {
  test(`a megabyte of ${name} names no file that is not there`, () => {
    const text = piece.repeat(1_000_000 / piece.length);
    for (const whole of [text, `${text}\n${text}`, `- Update: ${text}x`, `Files:\n${text}`]) {
      assert.ok(filesOf(whole, exact).length <= 1, piece);
    }
  });
}

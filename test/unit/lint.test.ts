import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Linter } from 'eslint';
import tseslint from 'typescript-eslint';

/** The rules for `src` that need no types, as `npm run lint` has them. */
const { default: config } = (await import(pathToFileURL(resolve('eslint.config.mjs')).href)) as {
  default: readonly Linter.Config[];
};
const OURS = config.filter(
  ({ files }) => files?.includes('src/**/*.ts') === true && !files.includes('test/**/*.ts'),
);

function refusals(code: string, filename = 'src/store/planted.ts'): readonly string[] {
  const parser = { files: ['**/*.ts'], languageOptions: { parser: tseslint.parser } };
  const found = new Linter().verify(code, [parser, ...OURS], { filename });
  return found.map(({ ruleId, message }) => `${ruleId ?? ''}: ${message}`);
}

const PLANTED: readonly [code: string, refused: RegExp][] = [
  [`import { readFile } from 'node:fs/promises';`, /Use readWhole of src\/disk\/read-whole\.ts/],
  [`import { readFileSync } from 'node:fs';`, /Use readWhole of src\/disk\/read-whole\.ts/],
  [`import * as fs from 'fs';`, /Use readWhole of src\/disk\/read-whole\.ts/],
  [`import fs from 'node:fs/promises';`, /Use readWhole of src\/disk\/read-whole\.ts/],
  [
    `export const a = /^\\s*-\\s*(?:.+?)\\s*\\((\\w+)\\)$/;`,
    /regexp\/no-super-linear-backtracking/,
  ],
  [`export const a = (b: string) => b.replace(/ +$/, '');`, /regexp\/no-super-linear-move/],
];

for (const [code, refused] of PLANTED) {
  test(`the linter refuses ${code}`, () => {
    const all = refusals(code);
    assert.ok(
      all.some((each) => refused.test(each)),
      JSON.stringify(all),
    );
  });
}

test('the linter has nothing against linear patterns and the writing of files', () => {
  assert.deepEqual(refusals(`import { writeFile } from 'node:fs/promises';`), []);
  assert.deepEqual(refusals('export const a = /^- \\[([ x])\\] (\\w+)$/;'), []);
});

const OF_THE_BOARD = config.filter(({ files }) => files?.join() === 'media/**/*.{ts,tsx}');

function refusalsOnTheBoard(code: string): readonly string[] {
  const parser = {
    files: ['**/*.tsx'],
    languageOptions: { parser: tseslint.parser, parserOptions: { ecmaFeatures: { jsx: true } } },
  };
  return new Linter()
    .verify(code, [parser, ...OF_THE_BOARD], { filename: 'media/board/planted.tsx' })
    .map(({ message }) => message);
}

for (const code of [
  'place.innerHTML = text;',
  `place['outerHTML'] = text;`,
  `place.insertAdjacentHTML('beforeend', text);`,
  'document.write(text);',
  'const a = <p dangerouslySetInnerHTML={{ __html: text }} />;',
  `new DOMParser().parseFromString(text, 'text/html');`,
])
  test(`the linter refuses on the board ${code}`, () => {
    assert.match(refusalsOnTheBoard(code).join(), /put text into text nodes/);
  });

test('the linter has nothing against text nodes on the board', () => {
  assert.deepEqual(refusalsOnTheBoard('const a = <p title={text}>{text}</p>;'), []);
});

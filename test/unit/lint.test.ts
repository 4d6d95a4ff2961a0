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
const OURS = config.filter(({ files }) => files?.length === 1 && files[0] === 'src/**/*.ts');

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

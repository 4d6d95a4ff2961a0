import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import type { ICruiseResult } from 'dependency-cruiser';

/** What is planted: the file that imports, how it does so, and the rule that has to refuse it. */
const PLANTED: readonly [file: string, line: string, rule: string][] = [
  ...['ui', 'agent-api', 'agent-process', 'store', 'git'].flatMap(
    (room): [string, string, string][] => [
      [`src/core/plan/knows-${room}.ts`, `import '../../${room}/a.ts';`, 'core-knows-no-room'],
      ...['ui', 'agent-api', 'agent-process', 'store', 'git']
        .filter((other) => other !== room)
        .map((other): [string, string, string] => [
          `src/${room}/knows-${other}.ts`,
          `import type { A } from '../${other}/a.ts'; export type B = A;`,
          `${room}-knows-core-alone`,
        ]),
      [`src/${room}/knows-wire.ts`, `import '../wire/a.ts';`, 'wire-is-for-programs'],
      [
        `src/${room}/knows-program.ts`,
        `export const later = () => import('../program.ts');`,
        'programs-are-roots',
      ],
    ],
  ),
  [
    'src/core/plan/knows-wire.ts',
    `export type { A } from '../../wire/a.ts';`,
    'wire-is-for-programs',
  ],
  [
    'src/core/knows-wire-late.ts',
    `export const later = () => import('../wire/a.ts');`,
    'wire-is-for-programs',
  ],
  ['src/core/knows-program.ts', `export type A = import('../program.ts').A;`, 'programs-are-roots'],
  ['src/wire/knows-program.ts', `import '../program.ts';`, 'programs-are-roots'],
  ['src/other-program.ts', `import './program.ts';`, 'programs-are-roots'],
  ['src/core/plan/knows-disk.ts', `import '../../disk/a.ts';`, 'core-knows-no-room'],
  ['src/disk/knows-store.ts', `import '../store/a.ts';`, 'disk-knows-core-alone'],
  ['src/disk/knows-editor.ts', `import 'vscode';`, 'editor-stays-above'],
  [
    'src/core/knows-late.ts',
    `export const later = () => import('../ui/a.ts');`,
    'core-knows-no-room',
  ],
  ['src/core/knows-required.ts', `require('../store/a.ts');`, 'core-knows-no-room'],
  ['src/core/knows-node.ts', `import 'node:fs';`, 'core-is-plain'],
  ['src/core/knows-old-node.ts', `import 'fs';`, 'core-is-plain'],
  ['src/core/knows-package.ts', `import 'sql.js';`, 'core-has-two-packages'],
  [
    'src/core/knows-editor.ts',
    `import type { Uri } from 'vscode'; export type A = Uri;`,
    'editor-stays-above',
  ],
  ['src/store/knows-editor.ts', `import 'vscode';`, 'editor-stays-above'],
  ['src/git/knows-editor.ts', `import 'vscode';`, 'editor-stays-above'],
  [
    'src/ui/knows-sqlite.ts',
    `export const later = () => import('node:sqlite');`,
    'sqlite-stays-in-store',
  ],
  ['src/agent-process/knows-sql.ts', `import 'sql.js';`, 'sqlite-stays-in-store'],
  ['src/core/knows-test.ts', `import '../../test/a.ts';`, 'tests-stay-out'],
  ['src/ui/knows-board-page.ts', `import '../../media/board/a.ts';`, 'board-stays-in-its-page'],
  ['media/board/knows-ui.ts', `import '../../src/ui/a.ts';`, 'board-draws-alone'],
  [
    'media/board/knows-waves.tsx',
    `import type { B } from '../../src/core/plan/b.ts'; export type A = B;`,
    'board-draws-alone',
  ],
  ['media/board/knows-node.ts', `import 'node:fs';`, 'board-draws-alone'],
  ['media/board/knows-package.ts', `import 'yaml';`, 'board-draws-alone'],
  ['media/board/knows-test.ts', `import '../../test/a.ts';`, 'tests-stay-out'],
  ['src/core/round-1.ts', `import type { R } from './round-2.ts'; export type Q = R;`, 'no-circle'],
];

/** The other half of the circle, which is reported once. */
const OTHER_HALF = [
  'src/core/round-2.ts',
  `import type { Q } from './round-1.ts'; export type R = Q;`,
] as const;

/** These are allowed. */
const FINE: readonly [file: string, line: string][] = [
  [
    'src/program.ts',
    `import './wire/a.ts'; import './ui/a.ts'; import 'node:fs'; import 'vscode'; export type A = 1;`,
  ],
  [
    'src/wire/a.ts',
    `import '../ui/a.ts'; import '../store/a.ts'; import 'sql.js'; export type A = 1;`,
  ],
  ...['ui', 'agent-api', 'agent-process'].map((room): [string, string] => [
    `src/${room}/a.ts`,
    `import '../core/a.ts'; import '../disk/a.ts'; import 'node:fs'; import 'vscode'; export type A = 1;`,
  ]),
  [
    'src/store/a.ts',
    `import '../core/a.ts'; import '../disk/a.ts'; import 'sql.js'; import 'node:sqlite'; export type A = 1;`,
  ],
  ['src/disk/a.ts', `import '../core/a.ts'; import 'node:fs'; export type A = 1;`],
  [
    'src/git/a.ts',
    `import '../core/a.ts'; import '../disk/a.ts'; import 'node:fs'; export type A = 1;`,
  ],
  ['src/core/a.ts', `import 'p-limit'; import 'yaml'; import './plan/b.ts'; export type A = 1;`],
  ['src/core/plan/b.ts', `export type A = 1;`],
  ['src/core/board/a.ts', `export type A = 1;`],
  [
    'media/board/a.ts',
    `import 'preact/hooks'; import './b.tsx'; import '../../src/core/board/a.ts'; export type A = 1;`,
  ],
  ['media/board/b.tsx', `export type A = 1;`],
  ['test/a.ts', `export type A = 1;`],
];

let root: string;
let found: ICruiseResult;

before(() => {
  root = mkdtempSync(join(tmpdir(), 'todo2-layers-'));
  symlinkSync(resolve('node_modules'), join(root, 'node_modules'), 'junction');
  for (const name of ['tsconfig.json', '.dependency-cruiser.mjs'])
    copyFileSync(name, join(root, name));
  for (const [file, line] of [...PLANTED, OTHER_HALF, ...FINE]) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), `${line}\nexport {};\n`);
  }
  const cruiser = resolve('node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [
    cruiser,
    '--config',
    '.dependency-cruiser.mjs',
    '--output-type',
    'json',
    'src',
    'media',
  ];
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    maxBuffer: 64 * 1024 * 1024,
  });
  assert.notEqual(stdout.length, 0, stderr.toString());
  found = JSON.parse(stdout.toString()) as ICruiseResult;
});
after(() => rmSync(root, { recursive: true, force: true }));

const refusalsOf = (file: string) => found.summary.violations.filter(({ from }) => from === file);

for (const [file, line, rule] of PLANTED) {
  test(`${file} is refused: ${line}`, () => {
    const refusal = refusalsOf(file).find((violation) => violation.rule.name === rule);
    assert.ok(refusal !== undefined, JSON.stringify(refusalsOf(file)));
  });
}

test('every rule is planted once at least, and says what to do instead', () => {
  const rules = found.summary.ruleSetUsed?.forbidden ?? [];
  const planted = new Set(PLANTED.map(([, , rule]) => rule));
  for (const { name, comment } of rules) {
    assert.match(comment ?? '', /Move|Take/, name);
    assert.ok(planted.has(name ?? ''), name);
  }
});

test('what the arrows allow is not refused', () => {
  for (const [file] of FINE) assert.deepEqual(refusalsOf(file), [], file);
});

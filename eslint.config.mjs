import tseslint from 'typescript-eslint';

const layer = (files, forbidden) => ({
  files: [`src/${files}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: forbidden.map(([regex, instead]) => ({ regex, message: instead })),
      },
    ],
  },
});

const VSCODE = [
  '^vscode$',
  'Only ui, agent-process, agent-api, wire and extension.ts may see the editor: take a port from core/ports.ts instead.',
];
const NODE = ['^node:', 'core is plain TypeScript: take a port from core/ports.ts and implement it in store or agent-process.'];
const SQLITE = ['^(sql\\.js|node:sqlite)', 'Only store reads or writes a database: ask a port from core/ports.ts.'];
const outside = (...rooms) => [
  `^(\\.\\./)+(${[...rooms, 'extension'].join('|')})(/|\\.ts)`,
  'This room does not know that one: pass what is needed through core/ports.ts and wire it in extension.ts.',
];

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', 'out/', 'sample/', 'test/editor/server-*/**'] },
  {
    files: ['src/**/*.ts', 'test/**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportAllDeclaration', message: 'No barrels: import from where it is written.' },
      ],
    },
  },
  layer('core', [VSCODE, NODE, SQLITE, outside('store', 'agent-process', 'agent-api', 'ui', 'wire')]),
  layer('store', [VSCODE, outside('agent-process', 'agent-api', 'ui', 'wire')]),
  layer('agent-process', [SQLITE, outside('store', 'agent-api', 'ui', 'wire')]),
  layer('agent-api', [SQLITE, outside('store', 'agent-process', 'ui', 'wire')]),
  layer('ui', [SQLITE, outside('store', 'agent-process', 'agent-api', 'wire')]),
  {
    files: ['src/core/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', 'process', 'Buffer', 'setTimeout', 'setInterval', 'require', '__dirname'],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['test', 'it', 'describe', 'suite'] },
          ],
        },
      ],
      '@typescript-eslint/no-non-null-assertion': 'off',
      // A stand-in for something that takes its time need not take any.
      '@typescript-eslint/require-await': 'off',
    },
  },
);

import regexp from 'eslint-plugin-regexp';
import tseslint from 'typescript-eslint';

/** `readFile` trusts what it is given: a link, a pipe, a device, a file without an end. */
const READ_WHOLE =
  'It follows links, waits for pipes and has no limit. Use readWhole of src/disk/read-whole.ts, with a limit and a root.';
const NO_READ_FILE = ['node:fs', 'fs', 'node:fs/promises', 'fs/promises'].map((name) => ({
  name,
  importNames: ['readFile', 'readFileSync', 'createReadStream', 'promises', 'default'],
  message: READ_WHOLE,
}));

// Which room may import which is in .dependency-cruiser.mjs, and `npm run lint` holds both.
const NO_BARRELS = [
  {
    selector: 'ExportAllDeclaration',
    message: 'No barrels: import from where it is written.',
  },
];

/** What takes text for HTML: the text of a backlog or an agent would be run. */
const NO_HTML = [
  'innerHTML',
  'outerHTML',
  'srcdoc',
  'insertAdjacentHTML',
  'setHTMLUnsafe',
  'createContextualFragment',
  'parseFromString',
  'write',
  'writeln',
  'dangerouslySetInnerHTML',
].map((name) => ({
  selector: `:matches(Identifier, JSXIdentifier)[name="${name}"], Literal[value="${name}"]`,
  message:
    'Text of a backlog or an agent may be in it. Make elements, and put text into text nodes.',
}));

export default tseslint.config(
  {
    ignores: [
      'node_modules/',
      'dist/',
      'out/',
      'sample/',
      'test/editor/server-*/**',
      'test/agents/installed/**',
    ],
  },
  {
    files: ['src/**/*.ts', 'media/**/*.{ts,tsx}', 'test/**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      'no-restricted-syntax': ['error', ...NO_BARRELS],
    },
  },
  {
    // Text from outside meets nearly every pattern, so each takes time linear in it.
    files: ['src/**/*.ts', 'media/**/*.{ts,tsx}'],
    plugins: { regexp },
    rules: {
      'no-restricted-imports': ['error', { paths: NO_READ_FILE }],
      'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
      'regexp/no-super-linear-move': ['error', { report: 'potential', ignoreSticky: true }],
    },
  },
  {
    files: ['media/**/*.{ts,tsx}'],
    rules: {
      'no-restricted-syntax': ['error', ...NO_BARRELS, ...NO_HTML],
    },
  },
  {
    files: ['src/core/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        'process',
        'Buffer',
        'setTimeout',
        'setInterval',
        'require',
        '__dirname',
      ],
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

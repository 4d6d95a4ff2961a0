import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { test } from 'node:test';

/** The only files that may make foreign text safe. */
const HOMES: ReadonlySet<string> = new Set(['src/core/text.ts', 'src/core/markdown.ts']);

/** What each rule looks for in a file as a whole, and what to use instead. */
const RULES: readonly (readonly [name: string, pattern: RegExp, instead: string])[] = [
  [
    'escapes Markdown',
    /\.replace(?:All)?\([^;]{0,200}?['"`]\\\\\$&/g,
    'inline, inlineName or inlineId',
  ],
  ['escapes HTML', /&(?:lt|gt|amp|#36);/g, 'inline'],
  [
    'builds a fence or inline code',
    /(['"])`+\1\s*\.(?:repeat|padStart|padEnd)\(/g,
    'fenced, fenceFor or code',
  ],
  ['builds a fence', /['"]```|`\\`\\`\\`/g, 'fenced or fenceFor'],
  ['counts backticks', /\/(?:\(\?:)?`(?:\+|\{\d)/g, 'fenced, fenceFor or code'],
  ['truncates text', /\}…`|\+\s*(['"`])…\1|\.slice\([^)]*\)[^;,\n]{0,80}…['"`]/g, 'cut'],
  [
    'has its own messageOf',
    /instanceof Error\s*\?\s*\(?\w+\.(?:message|stack)/g,
    'messageOf or stackOf',
  ],
  ['has its own messageOf', /function (?:messageOf|stackOf)\b/g, 'messageOf or stackOf'],
  ['has its own duration', /function duration\b/g, 'duration'],
];

/**
 * Each place where a file does what only `src/core/text.ts` and `src/core/markdown.ts` may do, as
 * `file:line says what`.
 */
function violations(file: string, text: string): readonly string[] {
  if (HOMES.has(file)) return [];
  return RULES.flatMap(([what, pattern, instead]) =>
    Array.from(text.matchAll(pattern), ({ index }) => {
      const line = text.slice(0, index).split('\n').length;
      return `${file}:${line} ${what}: use ${instead} of core/text.ts or core/markdown.ts`;
    }),
  );
}

test('foreign text is made safe in core/text.ts and core/markdown.ts alone', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join('src', name).split(sep).join('/'));
  assert.ok(files.length > 300 && [...HOMES].every((home) => files.includes(home)));
  assert.deepEqual(
    files.flatMap((file) => violations(file, readFileSync(file, 'utf8'))),
    [],
  );
});

const PLANTED: readonly (readonly [what: string, line: string])[] = [
  ['escapes Markdown', String.raw`return text.replace(/[\\*_]/g, '\\$&');`],
  ['escapes HTML', `return text.replaceAll('<', '&lt;');`],
  ['builds a fence or inline code', "const ticks = '`'.repeat(longest + 1);"],
  ['builds a fence', "return '```json\\n' + text;"],
  [
    'counts backticks',
    'for (const [run] of text.matchAll(/`+/g)) longest = Math.max(longest, run.length);',
  ],
  ['truncates text', 'return text.length > 80 ? `${text.slice(0, 79)}…` : text;'],
  ['truncates text', "return text.slice(0, 79).trimEnd() + '…';"],
  [
    'has its own messageOf',
    'const detail = error instanceof Error ? error.message : String(error);',
  ],
  [
    'has its own messageOf',
    'log(error instanceof Error ? (error.stack ?? error.message) : String(error));',
  ],
  ['has its own duration', 'function duration(ms: number): string {'],
];

test('the check names the file and the line of each planted copy, and lets the two homes be', () => {
  for (const [what, line] of PLANTED) {
    const text = `const before = 1;\n${line}\n`;
    const [found = ''] = violations('src/ui/planted.ts', text);
    assert.ok(found.startsWith(`src/ui/planted.ts:2 ${what}: `), `${line}\n${found}`);
    assert.deepEqual(violations('src/core/markdown.ts', text), []);
  }
});

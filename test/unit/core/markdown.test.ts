import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findCriticalPath } from '../../../src/core/plan/critical-path.ts';
import {
  code,
  fenced,
  inertMarkdown,
  inline,
  inlineId,
  mermaidLabel,
} from '../../../src/core/markdown.ts';
import { mainPlanFile, planSlug, SUBAGENTS_PLAN_FILE } from '../../../src/core/plan/slug.ts';
import { cut, oneLine } from '../../../src/core/text.ts';
import { taskId } from '../../../src/core/task.ts';
import { task } from '../../support/backlog.ts';
import { planOf } from '../../support/plans.ts';

const slugs: readonly [title: string, slug: string][] = [
  ['Todo2 Waves', 'Todo2-Waves'],
  ['github.com/team/My App', 'My-App'],
  ['fix: it', 'fix--it'],
  ['', 'plan'],
  ['   ', 'plan'],
  ['..', 'plan'],
  ['../../etc/passwd', 'passwd'],
  ['a/..', 'plan'],
  ['a/b/', 'b'],
  ['..\\..\\windows', '-.-windows'],
  ['.hidden', 'hidden'],
  ['a<b>c"d|e?f*g', 'a-b-c-d-e-f-g'],
  ['CON', 'plan-CON'],
  ['nul.txt', 'plan-nul.txt'],
  ['Console', 'Console'],
  ['x\u0000y\u001b', 'xy'],
  ['line\nbreak', 'line-break'],
  ['v1.2...', 'v1.2'],
  ['Größe 日本', 'Größe-日本'],
  ['Parallel Execution subagents', 'Parallel-Execution-subagents-main'],
];

test('a title becomes a file name that every system takes', () => {
  for (const [title, slug] of slugs) assert.equal(planSlug(title), slug, JSON.stringify(title));
});

test('no title leads out of the folder, past the length of a name, or onto the subagents plan', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme', maxLength: 400 })),
      (title) => {
        const file = mainPlanFile(title);
        assert.match(file, /^[^/\\:*?"<>|\p{Cc}.][^/\\:*?"<>|\p{Cc}]*\.plan\.md$/u);
        assert.ok(!file.includes('..') && Buffer.byteLength(file) <= 200);
        assert.notEqual(file.toLowerCase(), SUBAGENTS_PLAN_FILE);
      },
    ),
    { seed: 1, numRuns: 500 },
  );
  assert.ok(Buffer.byteLength(planSlug('👩‍👩‍👧‍👦'.repeat(100))) <= 180);
});

const inlines: readonly [text: string, escaped: string][] = [
  ['snake_case and 2 * 3', 'snake_case and 2 \\* 3'],
  ['_it_ **b** `c` ~~d~~', '\\_it\\_ \\*\\*b\\*\\* \\`c\\` \\~\\~d\\~\\~'],
  ['a|b \\| c', 'a\\|b \\\\\\| c'],
  ['![x](http://y) [l](command:z)', '!\\[x\\](http://y) \\[l\\](command:z)'],
  ['<b>&lt;&amp;&', '&lt;b&gt;&amp;lt;&amp;amp;&'],
  ['# head', '\\# head'],
  ['- item', '\\- item'],
  ['1. first', '1\\. first'],
  ['2) second', '2\\) second'],
  ['---', '\\---'],
  ['> quote', '&gt; quote'],
  ['$(zap) ${x}', '&#36;(zap) &#36;{x}'],
  [' a\r\n\tb\u2028c ', 'a b c'],
  ['a\u202eb\u0000c', 'abc'],
];

test('inline text means only itself', () => {
  for (const [text, escaped] of inlines) assert.equal(inline(text), escaped, text);
});

test('a plain id stays as it is, and every other is one entry of a list', () => {
  assert.equal(inlineId(taskId('T-20251126032538-40')), 'T-20251126032538-40');
  assert.equal(inlineId(taskId('MODE_002')), 'MODE_002');
  assert.equal(inlineId(taskId('a, b')), 'a&#44; b');
  assert.equal(inlineId(taskId('x) (T-1)')), 'x) \\(T-1\\)');
});

test('a diagram label cannot end its node or its line', () => {
  assert.equal(mermaidLabel('T-1'), 'T-1');
  assert.equal(mermaidLabel('end'), '"end"');
  assert.equal(mermaidLabel('a"]\nclick x "b" <i>'), '"a#34;#93; click x #34;b#34; #60;i#62;"');
});

const J = '\u2060';
const descriptions: readonly [text: string, inert: string][] = [
  [
    '# Head\r\n\r\n- item\n  - sub\n\n```ts\na < b && c > d\n```',
    '# Head\n\n- item\n  - sub\n\n```ts\na < b && c > d\n```',
  ],
  ['<script>x</script><!-- c -->', `<${J}script>x<${J}/script><${J}!-- c -->`],
  ['![a](https://x/y.png) ![r]', `!${J}[a](https://x/y.png) !${J}[r]`],
  [
    '[docs](docs/a.md#x) [web](https://a.b/c) [m](mailto:a@b)',
    '[docs](docs/a.md#x) [web](https://a.b/c) [m](mailto:a@b)',
  ],
  ['[x](command:evil)', `[x]${J}(command:evil)`],
  ['[x]( \n  command:evil)', `[x]${J}( \n  command:evil)`],
  ['> [x](\n> command:evil)', `> [x]${J}(\n> command:evil)`],
  ['[x](&#99;ommand:evil)', `[x]${J}(&#99;ommand:evil)`],
  ['[x](command&colon;evil)', `[x]${J}(command&colon;evil)`],
  ['[x](c\\ommand:evil)', `[x]${J}(c\\ommand:evil)`],
  ['[x](<command:evil>)', `[x]${J}(<${J}command:evil>)`],
  ['[x][y]\n\n[y]: command:evil', `[x][y]\n\n[y]${J}: command:evil`],
  ['[y]:\n  vscode://evil', `[y]${J}:\n  vscode://evil`],
  ['[x](//evil/x)', `[x]${J}(//evil/x)`],
  ['[x]()', '[x]()'],
  ['run `$(zap)`', `run \`$${J}(zap)\``],
  ['&lt;img src=x&gt; &#60;b', `&${J}lt;img src=x&gt; &${J}#60;b`],
  ['```mermaid\nA@{ img: "https://x" }\n```', `\`\`\`${J}mermaid\nA@{ img: "https://x" }\n\`\`\``],
  ['a\u0000\u001bb\u202e', 'ab'],
];

test('a description keeps its form and loses what loads, runs or hides', () => {
  for (const [text, inert] of descriptions)
    assert.equal(inertMarkdown(text), inert, JSON.stringify(text));
});

test('making a description inert twice is making it so once', () => {
  const piece = fc.constantFrom(
    '<',
    '!',
    '[',
    ']',
    '(',
    ')',
    ':',
    '&lt;',
    '$',
    '`',
    '~',
    'mermaid',
    'command',
    '/',
    '\n',
    ' ',
    'x',
    '>',
    J,
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const once = inertMarkdown(pieces.join(''));
      assert.equal(inertMarkdown(once), once);
      assert.doesNotMatch(once, /<[a-z!/?]|!\[|\]\(\s*command:|\]:\s*command:/i);
    }),
    { seed: 2, numRuns: 500 },
  );
});

test('text is cut by what a reader takes for one character', () => {
  assert.equal(cut('abc', 3), 'abc');
  assert.equal(cut('abcd', 3), 'ab…');
  assert.equal(cut('👍👍👍', 3), '👍👍👍');
  assert.equal(cut('a👩‍👩‍👧‍👦bcdefg', 5), 'a…');
  assert.equal(cut('👩‍👩‍👧‍👦x', 4), '👩‍👩…');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 2, max: 20 }), (text, max) => {
      const result = cut(text, max);
      assert.ok(Array.from(result).length <= max);
      assert.ok(result === text || (result.endsWith('…') && text.startsWith(result.slice(0, -1))));
      assert.doesNotMatch(oneLine(result), /[\n\r\u0000]/);
    }),
    { seed: 3 },
  );
});

function path(...waves: Parameters<typeof planOf>): string {
  return findCriticalPath(planOf(...waves))
    .map((each) => each.id)
    .join(' ');
}

test('the critical path is the longest chain of open tasks, the lowest ids where there are several', () => {
  assert.equal(path([]), '');
  assert.equal(path([[task('T-2'), task('T-1')]]), 'T-1');
  assert.equal(
    path([
      [task('T-10'), task('T-9')],
      [
        task('T-3', { dependencies: ['T-10', 'T-9', 'T-404'] }),
        task('T-4', { dependencies: ['T-9'] }),
      ],
    ]),
    'T-9 T-3',
  );
  assert.equal(
    path([
      [task('T-5')],
      [task('T-1', { dependencies: ['T-5'] })],
      [task('T-2', { parentId: 'T-1' })],
    ]),
    'T-5 T-1 T-2',
  );
});

test('a chain of fifty thousand tasks is followed to its end', () => {
  const waves = Array.from({ length: 50_000 }, (_, i) => [
    task(`T-${i}`, { dependencies: i === 0 ? [] : [`T-${i - 1}`] }),
  ]);
  assert.equal(findCriticalPath(planOf(waves)).length, 50_000);
});

test('a code block cannot name a diagram by way of an entity', () => {
  for (const fence of ['```', '~~~~', ':::']) {
    const text = inertMarkdown(`${fence}&#109;ermaid\ngraph TD\n${fence}`);
    assert.ok(!text.startsWith(`${fence}&`), text);
  }
});

test('no text ends the block or the code that it is shown in', () => {
  const ticks = fc.string({
    unit: fc.constantFrom('`', '``', '````', 'a', ' ', '\n', '\r', '\u202e', '\x1b'),
  });
  fc.assert(
    fc.property(ticks, (text) => {
      const [first = '', ...rest] = fenced(text, 'json').split('\n');
      const fence = first.slice(0, -'json'.length);
      assert.match(fence, /^`{3,}$/);
      assert.equal(rest.pop(), fence);
      assert.ok(rest.every((line) => !line.includes(fence)));
      assert.doesNotMatch(rest.join('\n'), /[\r\u202e\x1b]/);
      const shown = code(text);
      const [opening = ''] = /^`+/.exec(shown) ?? [];
      const inside = shown.slice(opening.length, -opening.length);
      assert.ok(shown.endsWith(opening) && !inside.split(/[^`]+/).includes(opening), shown);
    }),
    { seed: 20_261_201 },
  );
});

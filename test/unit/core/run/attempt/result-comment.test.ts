import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Evidence } from '../../../../../src/core/run/evidence.ts';
import { formatResult } from '../../../../../src/core/run/attempt/result-comment.ts';

const EVIDENCE: Evidence = {
  ...{ startedAt: Date.parse('2026-01-01T10:00:00Z'), endedAt: Date.parse('2026-01-01T10:12:30Z') },
  verify: { command: 'npm test', passed: false, exitCode: 2, durationMs: 8100, tail: '1 failed\n' },
  files: ['src/a.ts', 'odd `name`.md'],
  ...{
    summary: 'All is well.\n```\n# Not a heading',
    logFile: '.todo2/waves/runs/r/1.log',
    sessionId: 's-1',
  },
};

test('a result tells the outcome, the evidence, and last what the agent said', () => {
  const end = { kind: 'failed', exitCode: 0, signal: undefined, evidence: EVIDENCE } as const;
  const comment = formatResult(
    { ...end, cause: { kind: 'verify', result: EVIDENCE.verify! } },
    'Claude Code',
  );
  assert.equal(
    comment,
    `**Failed**: the command that verifies it did not pass · Claude Code

- Took 13 min, until 2026-01-01T10:12:30.000Z
- Verified by \`npm test\`: failed with exit code 2 after 8.1 s
- Log: \`.todo2/waves/runs/r/1.log\`
- Session of the agent: \`s-1\`
- Files changed (2):
  - \`src/a.ts\`
  - \`\`odd \`name\`.md\`\`

The end of what verifying it printed:

\`\`\`text
1 failed
\`\`\`

What the agent said last:

\`\`\`\`text
All is well.
\`\`\`
# Not a heading
\`\`\`\`
`,
  );
});

test('what an agent was not allowed to do stands with its result', () => {
  const remarks = ['could not run: npm test (2); a setting allows it', '<b>x</b>'];
  const evidence = { ...EVIDENCE, verify: undefined, remarks };
  const comment = formatResult({ kind: 'succeeded', status: 'Review', evidence }, 'x');
  assert.match(comment, /^- could not run: npm test \(2\); a setting allows it$/m);
  assert.doesNotMatch(comment, /<b>/);
});

test('nothing that an agent says gets out of its fence', () => {
  const words = fc
    .array(fc.constantFrom('`', '``', '```', '~~~', '\n', '\r\n', 'x', '**Succeeded**', '<!--'))
    .map((all) => all.join(''));
  fc.assert(
    fc.property(words, (summary) => {
      const evidence = { ...EVIDENCE, verify: undefined, files: [], summary };
      const lines = formatResult({ kind: 'succeeded', status: 'Review', evidence }, 'x')
        .trimEnd()
        .split('\n');
      const open = lines.findIndex((line) => /^`{3,}text$/.test(line));
      const ticks = lines[open]!.replace('text', '');
      const closing = lines.findIndex(
        (line, i) => i > open && /^`{3,}\s*$/.test(line) && line.trim().length >= ticks.length,
      );
      assert.equal(closing, lines.length - 1);
    }),
  );
});

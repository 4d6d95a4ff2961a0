import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  createReader,
  isAgentOutput,
  type AgentOutput,
} from '../../../../src/agent-process/output/agent-output.ts';
import type { OutputReader } from '../../../../src/agent-process/output/output-reader.ts';
import { judge, type Verdict } from '../../../../src/agent-process/output/verdict.ts';
import { waitIn } from '../../../../src/agent-process/output/wait-time.ts';

const NOW = Date.parse('2026-11-25T03:00:00Z');
const FORMATS = [
  'text',
  'aider',
  'streamJson',
  'codex',
  'gemini',
  'copilot',
  'opencode',
  'simulated',
] as const;
const SEED = 20_261_123;

interface Reading {
  readonly text: string;
  readonly reader: OutputReader;
}

/** What a reader makes of these lines: texts as they are, anything else as JSON. */
function read(output: AgentOutput, ...lines: readonly unknown[]): Reading {
  const reader = createReader(output, () => NOW);
  const whole = lines
    .map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`)
    .join('');
  const text = reader.read(new TextEncoder().encode(whole)) + reader.end();
  return { text, reader };
}

/** The verdict on an agent that ended by itself and changed no file. */
function verdictOf({ facts }: OutputReader, exitCode = 0): Verdict {
  const exit = { agent: 'custom', phase: 'ended', exitCode, signal: undefined } as const;
  return judge({ ...facts, ...exit, resumes: false, files: [] });
}

/** Why it failed, whatever its exit code. */
function complaintOf(reader: OutputReader): string | undefined {
  const verdict = verdictOf(reader);
  return verdict.kind === 'failed' ? verdict.reason : undefined;
}

/** That work was refused for now, where it ended badly too. */
function rateLimitOf(reader: OutputReader): Extract<Verdict, { kind: 'rateLimited' }> | undefined {
  const verdict = verdictOf(reader, 1);
  return verdict.kind === 'rateLimited' ? verdict : undefined;
}

const say = (text: string, more: object = {}) => ({
  type: 'assistant',
  message: { content: [{ type: 'text', text }] },
  ...more,
});
const good = {
  type: 'result',
  subtype: 'success',
  is_error: false,
  result: 'Done.',
  session_id: 's-1',
};

test('events of Claude Code are shown as what the agent says and does', () => {
  const { text, reader } = read(
    'streamJson',
    { type: 'system', subtype: 'init', model: 'large', session_id: 's-1' },
    say('I will look.'),
    {
      type: 'assistant',
      message: { content: [{ type: 'tool_use', name: 'Bash', input: { command: 'npm test' } }] },
    },
    { type: 'user', message: { content: [{ type: 'tool_result', content: 'a long answer' }] } },
    say('Done.'),
    good,
  );
  assert.equal(text, 'Model: large\nI will look.\n→ Bash npm test\nDone.\n');
  assert.deepEqual(
    [complaintOf(reader), reader.sessionId, reader.lastSaid],
    [undefined, 's-1', 'Done.'],
  );
});

test('what Cursor writes in pieces is shown once', () => {
  const piece = (text: string) => say(text, { timestamp_ms: 1 });
  const { text, reader } = read(
    'streamJson',
    ...['I will ', 'look', '.'].map(piece),
    say('I will look.', { timestamp_ms: 2, model_call_id: 'c' }),
    {
      type: 'tool_call',
      subtype: 'started',
      tool_call: { readToolCall: { args: { path: 'src/a.ts' } } },
    },
    { type: 'tool_call', subtype: 'completed', tool_call: { readToolCall: { result: {} } } },
    ...['All ', 'done.'].map(piece),
    say('All done.'),
    { ...good, result: 'I will look.All done.' },
  );
  assert.equal(text, 'I will look.\n→ read src/a.ts\nAll done.\n');
  assert.equal(reader.lastSaid, 'All done.');
});

test('events of Codex are shown as what the agent says and does', () => {
  const item = (type: string, more: object) => ({
    type: 'item.completed',
    item: { id: 'i', type, ...more },
  });
  const { text, reader } = read(
    'codex',
    { type: 'thread.started', thread_id: '0199a213-81c0-7800-8aa1-bbab2a035a53' },
    { type: 'turn.started' },
    item('reasoning', { text: 'hm' }),
    { type: 'item.started', item: { type: 'command_execution', command: 'bash -lc ls' } },
    item('command_execution', { command: 'bash -lc ls', aggregated_output: 'a\nb', exit_code: 0 }),
    item('file_change', { changes: [{ path: 'src/a.ts', kind: 'update' }], status: 'completed' }),
    item('agent_message', { text: 'Done.' }),
    { type: 'turn.completed', usage: { input_tokens: 1 } },
  );
  assert.equal(text, '→ run bash -lc ls\n→ update src/a.ts\nDone.\n');
  assert.equal(reader.sessionId, '0199a213-81c0-7800-8aa1-bbab2a035a53');
  assert.deepEqual([complaintOf(reader), reader.lastSaid], [undefined, 'Done.']);
});

test('an error of Codex that it got over is none, and a turn that failed is one', () => {
  const error = { type: 'error', message: 'Reconnecting... 1/5' };
  const message = { type: 'item.completed', item: { type: 'agent_message', text: 'ok' } };
  assert.equal(
    complaintOf(read('codex', error, message, { type: 'turn.completed' }).reader),
    undefined,
  );
  const failed = read('codex', error, {
    type: 'turn.failed',
    error: { message: 'stream disconnected' },
  });
  assert.equal(complaintOf(failed.reader), 'stream disconnected');
});

test('events of Gemini are shown as what the agent says and does', () => {
  const { text, reader } = read(
    'gemini',
    { type: 'init', session_id: 'g-1', model: 'pro' },
    { type: 'message', role: 'user', content: 'the prompt' },
    { type: 'message', role: 'assistant', content: 'I will ', delta: true },
    { type: 'message', role: 'assistant', content: 'look.', delta: true },
    { type: 'tool_use', tool_name: 'read_file', tool_id: 't', parameters: { file_path: 'a.ts' } },
    { type: 'tool_result', tool_id: 't', status: 'success', output: 'long' },
    { type: 'message', role: 'assistant', content: 'Done.', delta: true },
    { type: 'result', status: 'success', stats: {} },
  );
  assert.equal(text, 'Model: pro\nI will look.\n→ read_file a.ts\nDone.\n');
  assert.deepEqual(
    [complaintOf(reader), reader.sessionId, reader.lastSaid],
    [undefined, 'g-1', 'Done.'],
  );
});

test('events of Copilot are shown as what the agent says and does', () => {
  const { text, reader } = read(
    'copilot',
    { type: 'session.start', data: { sessionId: 'c-1', selectedModel: 'm' } },
    { type: 'assistant.turn_start', data: {} },
    { type: 'assistant.message_delta', data: { deltaContent: 'I will look.' } },
    { type: 'assistant.message', data: { content: 'I will look.', toolRequests: [] } },
    { type: 'tool.execution_start', data: { toolName: 'view', arguments: { path: 'a.ts' } } },
    { type: 'tool.execution_complete', data: { success: true } },
    { type: 'assistant.message', data: { content: 'Done.' } },
    { type: 'result', sessionId: 'c-1', exitCode: 0 },
  );
  assert.equal(text, 'Model: m\nI will look.\n→ view a.ts\nDone.\n');
  assert.deepEqual(
    [complaintOf(reader), reader.sessionId, reader.lastSaid],
    [undefined, 'c-1', 'Done.'],
  );
});

test('events of opencode are shown as what the agent says and does', () => {
  const event = (type: string, more: object) => ({
    type,
    timestamp: 1,
    sessionID: 'ses_1',
    ...more,
  });
  const { text, reader } = read(
    'opencode',
    event('step_start', { part: {} }),
    event('tool_use', {
      part: { tool: 'bash', state: { status: 'completed', input: { command: 'ls' } } },
    }),
    event('text', { part: { text: 'Done.' } }),
    event('step_finish', { part: { reason: 'stop' } }),
  );
  assert.equal(text, '→ bash ls\nDone.\n');
  assert.deepEqual(
    [complaintOf(reader), reader.sessionId, reader.lastSaid],
    [undefined, 'ses_1', 'Done.'],
  );
  const error = event('error', { error: { name: 'APIError', data: { message: 'no credit' } } });
  assert.equal(complaintOf(read('opencode', error).reader), 'no credit');
});

const lastWords: readonly [
  name: string,
  output: AgentOutput,
  lines: unknown[],
  complaint: RegExp | undefined,
][] = [
  ['a success', 'streamJson', [good], undefined],
  [
    'an error named success',
    'streamJson',
    [{ ...good, is_error: true, result: 'Oh no' }],
    /^Oh no$/,
  ],
  [
    'a limit',
    'streamJson',
    [{ type: 'result', subtype: 'error_max_turns', is_error: false }],
    /limit of turns/,
  ],
  [
    'an error in a field of its own',
    'streamJson',
    [{ ...good, is_error: true, result: undefined, error: { message: 'x' } }],
    /^x$/,
  ],
  [
    'an error without a word',
    'streamJson',
    [{ type: 'result', is_error: true }],
    /^no reason given$/,
  ],
  ['no last word', 'streamJson', [say('I am about to')], /without saying how it went/],
  ['nothing at all', 'streamJson', [], /without saying how it went/],
  ['no end of its turn', 'codex', [{ type: 'turn.started' }], /without saying how it went/],
  ['a later success', 'streamJson', [{ ...good, is_error: true }, good], undefined],
  [
    'an error of Gemini',
    'gemini',
    [{ type: 'result', status: 'error', error: { type: 'T', message: 'm' } }],
    /^m$/,
  ],
  [
    'a warning of Gemini',
    'gemini',
    [
      { type: 'error', severity: 'warning', message: 'w' },
      { type: 'message', role: 'assistant', content: 'ok' },
      { type: 'result', status: 'success' },
    ],
    undefined,
  ],
  ['an error of Copilot', 'copilot', [{ type: 'session.error', data: { message: 'm' } }], /^m$/],
  [
    'an error that Copilot got over',
    'copilot',
    [
      { type: 'session.error', data: { message: 'm' } },
      { type: 'assistant.message', data: { content: 'ok' } },
    ],
    undefined,
  ],
  ['text', 'text', ['Error: it cannot be done'], undefined],
  [
    'an error of Aider, which ends with 0',
    'aider',
    ['litellm.BadRequestError: no such model', ''],
    /BadRequestError/,
  ],
  ['the same words in a text', 'text', ['litellm.BadRequestError: no such model'], undefined],
];

for (const [name, output, lines, complaint] of lastWords) {
  test(`the last word of an agent is heard: ${name}`, () => {
    const said = complaintOf(read(output, ...lines).reader);
    if (complaint === undefined) assert.equal(said, undefined);
    else assert.match(said ?? '', complaint);
  });
}

const locked: readonly [output: AgentOutput, lines: unknown[], advice: RegExp][] = [
  [
    'streamJson',
    [{ ...good, is_error: true, result: 'Not logged in · Please run /login' }],
    /log in with it once/,
  ],
  ['streamJson', ['⚠ Workspace Trust Required', '', 'Pass --trust'], /trust it there/],
  [
    'streamJson',
    ["Error: Authentication required. Please run 'agent login' first"],
    /could not authenticate/,
  ],
  [
    'gemini',
    [
      {
        type: 'result',
        status: 'error',
        error: { message: 'Please set an Auth method in settings.json' },
      },
    ],
    /could not authenticate/,
  ],
  [
    'codex',
    ['Not inside a trusted directory and --skip-git-repo-check was not specified.'],
    /git repositor/,
  ],
  [
    'gemini',
    ['Please set an Auth method in your settings.json or specify GEMINI_API_KEY'],
    /could not authenticate/,
  ],
  [
    'streamJson',
    [
      {
        ...good,
        is_error: true,
        result: undefined,
        error: { message: 'No auth type is selected.' },
      },
    ],
    /could not authenticate/,
  ],
  ['copilot', ['Error: No authentication information found.'], /could not authenticate/],
  ['text', ['Working', 'Error: not logged in.'], /log in with it once/],
];

for (const [output, lines, advice] of locked) {
  test(`an agent that is not let in says what to do (${output}: ${JSON.stringify(lines[0]).slice(0, 50)})`, () => {
    assert.match(complaintOf(read(output, ...lines).reader) ?? '', advice);
  });
}

test('a good answer about logins is no failure', () => {
  const answer = 'Users who are not logged in are now sent to the page where they log in.';
  assert.equal(complaintOf(read('text', answer).reader), undefined);
  assert.equal(
    complaintOf(
      read('streamJson', 'Not logged in. Please run mcp login.', say(answer), good).reader,
    ),
    undefined,
  );
});

const refused: readonly [text: string, waitMs: number | undefined][] = [
  ['429 Too Many Requests: rate limit reached, retry after 2 s', 2000],
  ['Error: Rate limit exceeded. Please try again in 1m30s.', 90_000],
  ['rate_limit_error: retry-after: 30', 30_000],
  ['API Error: 529 {"type":"overloaded_error","message":"Overloaded"}', undefined],
  ['Error code: 429', undefined],
  ['Claude AI usage limit reached|1795579200', 3_600_000],
  ["You've hit your limit · resets 5pm (UTC)", 14 * 3_600_000],
  ['5-hour limit reached ∙ resets 3:30am (Europe/Berlin)', 23.5 * 3_600_000],
  ["You've hit your usage limit. Try again in 3 hours 25 minutes.", 205 * 60_000],
  ['You exceeded your current quota, retryDelay: "7.5s"', 7500],
  ['RESOURCE_EXHAUSTED: Your quota will reset after 1h2m3s.', 3_723_000],
  ['Too many requests; try again at 2026-11-25T03:10:00Z', 600_000],
  ['Rate limit. Try again in 99999999 days', undefined],
];

for (const [text, waitMs] of refused) {
  test(`a refusal is known, and for how long: ${text}`, () => {
    for (const { reader } of [
      read('text', 'Working on it', text),
      read('streamJson', { ...good, is_error: true, result: text }),
      read('codex', { type: 'turn.failed', error: { message: text } }),
      read('opencode', { type: 'error', error: { data: { message: text } } }),
      read('gemini', text),
    ]) {
      const found = rateLimitOf(reader);
      assert(found !== undefined);
      assert.equal(waitIn(found.words, NOW), waitMs);
    }
  });
}

for (const text of [
  'The test failed',
  'exit 1',
  'Line 429 is too long',
  'port 5290 in use',
  'Quota of pages: 12',
  '',
]) {
  test(`no refusal: ${JSON.stringify(text)}`, () => {
    assert.equal(rateLimitOf(read('text', text).reader), undefined);
    assert.equal(
      rateLimitOf(read('streamJson', { ...good, is_error: true, result: text }).reader),
      undefined,
    );
  });
}

test('a good answer that speaks of rate limits is no refusal, nor is one that was long ago', () => {
  assert.equal(
    rateLimitOf(read('streamJson', { ...good, result: 'I added a rate limit.' }).reader),
    undefined,
  );
  const later = Array.from({ length: 20 }, (_, i) => `step ${i}`);
  assert.equal(rateLimitOf(read('text', 'I will add a rate limit', ...later).reader), undefined);
  const failed = { ...good, is_error: true, result: 'The tests fail' };
  assert.equal(
    rateLimitOf(read('streamJson', say('I add a rate limit.'), say('Hm.'), failed).reader),
    undefined,
  );
});

test('the refusal that Claude Code tells in an event of its own counts until it resets', () => {
  const event = (status: string) => ({
    type: 'rate_limit_event',
    rate_limit_info: { status, resetsAt: NOW / 1000 + 60 },
  });
  const bad = { ...good, is_error: true, result: 'no' };
  assert.equal(
    rateLimitOf(read('streamJson', event('rejected'), bad).reader)?.retryAfterMs,
    60_000,
  );
  assert.equal(rateLimitOf(read('streamJson', event('allowed'), bad).reader), undefined);
  assert.equal(rateLimitOf(read('streamJson', event('rejected'), good).reader), undefined);
});

test('what an agent does now is one plain line of at most 80 characters', () => {
  const command = `echo \u001b]0;x\u0007 ${'y'.repeat(300)}`;
  const { reader } = read('streamJson', {
    type: 'assistant',
    message: { content: [{ type: 'tool_use', name: 'Bash', input: { command } }] },
  });
  assert.match(reader.activity ?? '', /^→ Bash echo \]0;x y+…$/);
  assert.equal(reader.activity?.length, 80);
  assert.equal(read('streamJson', say('First.\nThen   this.\n')).reader.activity, 'Then this.');
  assert.equal(read('text', '10%\r20%\r\u001b[32m30%\u001b[0m').reader.activity, '30%');
});

test('a session that is no plain word is not kept', () => {
  for (const session_id of ['--help', '../x', 'a b', 'a\n', '', 7, 'x'.repeat(200)]) {
    assert.equal(read('streamJson', { ...good, session_id }).reader.sessionId, undefined);
  }
});

test('what is no event is shown as it is, and a kind that we do not know by its name', () => {
  const { text } = read(
    'streamJson',
    'Warning: old version',
    '{ broken',
    '{"no":"type"}',
    { type: 'brand_new', x: 1 },
    '',
  );
  assert.equal(text, 'Warning: old version\n{ broken\n{"no":"type"}\n[brand_new]\n');
});

/** Pieces of which hostile output is made. */
const piece = fc.oneof(
  fc.constantFrom(
    '\x1b',
    '\x9b',
    '\x9d',
    '\x90',
    '\x07',
    '\x1b\\',
    '\x1b]52;c;eA==\x07',
    '\x1b]8;;http://x\x07',
    '\x1b[31m',
  ),
  fc.constantFrom(
    '\x1bP+q\x1b\\',
    '\x1b[6n',
    '\x1b[2J',
    '\x1b[>4;2m',
    '\x1bc',
    '\x1b(0',
    '\x9b6n',
    '\x1b[1;31',
    'm',
    '\n',
    '\r\n',
  ),
  fc.string({ unit: 'binary', maxLength: 5 }),
);
const hostile = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''));

test('whatever an agent writes as text, a terminal is shown text and colours and nothing more', () => {
  fc.assert(
    fc.property(hostile, fc.nat({ max: 7 }), (text, size) => {
      const reader = createReader('text');
      const bytes = new TextEncoder().encode(text);
      let shown = '';
      for (let i = 0; i < bytes.length; i += size + 1)
        shown += reader.read(bytes.subarray(i, i + size + 1));
      shown += reader.end();
      assert.doesNotMatch(shown.replace(/\x1b\[[\d;:]*m/g, ''), /[^\P{Cc}\n\r\t\b]/u);
      assert.equal(shown, read('text', text).text.slice(0, -1), 'however it is cut');
    }),
    { seed: SEED, numRuns: 500 },
  );
});

const filtered: readonly [name: string, text: string, shown: string][] = [
  [
    'colours stay',
    'a\x1b[1;31mb\x1b[0mc\x1b[38:2::1:2:3md',
    'a\x1b[1;31mb\x1b[0mc\x1b[38:2::1:2:3md',
  ],
  ['titles go', 'a\x1b]0;title\x07b', 'ab'],
  ['the clipboard stays as it is', 'a\x1b]52;c;cm0gLXJm\x1b\\b', 'ab'],
  ['links become their text', '\x1b]8;;https://x\x07link\x1b]8;;\x07', 'link'],
  ['nobody is asked where the cursor is', 'a\x1b[6nb\x9b6nc\x1b[cd', 'abcd'],
  ['device strings go', 'a\x1bP$qm\x1b\\b\x90x\x9cc', 'abc'],
  ['what is said in eight bits goes too', 'a\x9d0;x\x9cb\x9e?\x9cc\x9b2Jd', 'abcd'],
  ['a key mode is no colour', 'a\x1b[>4;2mb', 'ab'],
  ['progress that is drawn over stays', '1%\r2%\b3', '1%\r2%\b3'],
  ['the bell and the shift keys go', 'a\x07\x0e\x0fb', 'ab'],
  ['a string that is never ended swallows no more than its line', 'a\x1b]0;x\nb', 'a\nb'],
  ['characters of other languages stay', 'Grüße 漢字 🏳️‍🌈', 'Grüße 漢字 🏳️‍🌈'],
];

for (const [name, text, shown] of filtered) {
  test(`of what an agent writes ${name}`, () =>
    assert.equal(read('text', text).text, `${shown}\n`));
}

test('a string without an end does not swallow an output without line ends', () => {
  assert(read('text', `\x1b]0;${'x'.repeat(10_000)}END`).text.endsWith('END\n'));
});

test('no text in an event reaches a terminal as anything but text', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      for (const lines of [
        [say(text), { ...good, result: text, model: text }],
        [
          {
            type: 'assistant',
            message: { content: [{ type: 'tool_use', name: text, input: { command: text } }] },
          },
        ],
        [{ type: 'system', subtype: 'init', model: text }, { type: text }],
        [say(text, { timestamp_ms: 1 }), { type: 'result', is_error: true, result: text }],
        [`{${text}`, text],
      ]) {
        const { text: shown, reader } = read('streamJson', ...lines);
        assert.doesNotMatch(shown, /[^\P{Cc}\n\t]/u);
        assert.doesNotMatch(
          `${complaintOf(reader) ?? ''}${reader.lastSaid ?? ''}`,
          /[^\P{Cc}\n\t]/u,
        );
        assert.doesNotMatch(reader.activity ?? '', /\p{Cc}/u);
      }
      const more: readonly [AgentOutput, unknown][] = [
        ['codex', { type: 'item.completed', item: { type: 'agent_message', text } }],
        ['codex', { type: 'turn.failed', error: { message: text } }],
        ['gemini', { type: 'message', role: 'assistant', content: text, delta: true }],
        ['copilot', { type: 'assistant.message', data: { content: text } }],
        ['opencode', { type: 'tool_use', part: { tool: text, state: { input: { x: text } } } }],
      ];
      for (const [output, line] of more)
        assert.doesNotMatch(read(output, line).text, /[^\P{Cc}\n\t]/u);
    }),
    { seed: SEED, numRuns: 300 },
  );
});

test('no event, however odd, breaks a reader, and what is cut anywhere reads the same', () => {
  const types = [
    'assistant',
    'tool_call',
    'result',
    'system',
    'user',
    'item.completed',
    'item.started',
    'turn.failed',
  ];
  const more = [
    'error',
    'message',
    'tool_use',
    'init',
    'session.start',
    'tool.execution_start',
    'text',
    'rate_limit_event',
  ];
  const odd = fc.record({
    type: fc.constantFrom(...types, ...more, 'x'),
    subtype: fc.jsonValue(),
    message: fc.oneof(fc.jsonValue(), fc.record({ content: fc.array(fc.jsonValue()) })),
    tool_call: fc.jsonValue(),
    result: fc.jsonValue(),
    item: fc.oneof(
      fc.jsonValue(),
      fc.record({ type: fc.constantFrom('file_change', 'error'), changes: fc.jsonValue() }),
    ),
    data: fc.jsonValue(),
    part: fc.jsonValue(),
    error: fc.jsonValue(),
    rate_limit_info: fc.jsonValue(),
  });
  fc.assert(
    fc.property(
      fc.array(fc.oneof(odd, fc.json())),
      fc.constantFrom(...FORMATS),
      fc.nat({ max: 40 }),
      (lines, output, size) => {
        const whole = read(output, ...lines);
        const reader = createReader(output, () => NOW);
        const text = lines
          .map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`)
          .join('');
        const bytes = new TextEncoder().encode(text);
        let shown = '';
        for (let i = 0; i < bytes.length; i += size + 1)
          shown += reader.read(bytes.subarray(i, i + size + 1));
        assert.equal(shown + reader.end(), whole.text);
        for (const key of ['facts', 'sessionId', 'lastSaid', 'activity', 'denied'] as const) {
          assert.deepEqual(reader[key], whole.reader[key]);
        }
      },
    ),
    { seed: SEED, numRuns: 500 },
  );
});

test('a line without an end is shown before it fills the memory', () => {
  const reader = createReader('streamJson');
  const shown = reader.read(new TextEncoder().encode('x'.repeat(3 * 1024 * 1024)));
  assert.equal(shown.length, 3 * 1024 * 1024);
});

test('long hostile output is read to its end, whatever its format', () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  for (const output of FORMATS) {
    for (const unit of [
      '\x1b[1;',
      'retry after 1 ',
      'rate limit ',
      '{"type":"',
      '\r',
      'quota ',
      ' \n',
    ]) {
      const reader = createReader(output);
      reader.read(bytes(unit.repeat(100_000)));
      reader.end();
      assert.equal(typeof verdictOf(reader, 1).kind, 'string');
    }
  }
});

test('only the formats that there are can be named', () => {
  for (const output of FORMATS) assert(isAgentOutput(output));
  for (const other of ['xml', '', 7, null, undefined, 'constructor', {}])
    assert(!isAgentOutput(other));
});

test('an agent whose output may be plain text does what its last line says', () => {
  const reader = createReader('simulated');
  reader.read(Buffer.from('Simulated agent, at work on: X\n[1/6] Reading\n[2/6] Looking ahead\n'));
  assert.equal(reader.activity, '[2/6] Looking ahead');
});

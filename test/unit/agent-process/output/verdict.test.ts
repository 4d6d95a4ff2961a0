import assert from 'node:assert/strict';
import test from 'node:test';
import { deniedLine } from '../../../../src/agent-process/output/denied-line.ts';
import { isApiError } from '../../../../src/agent-process/output/api-error.ts';
import {
  judge,
  judgeUnseen,
  type Verdict,
  type VerdictFacts,
} from '../../../../src/agent-process/output/verdict.ts';
import { waitIn } from '../../../../src/agent-process/output/wait-time.ts';

const NOW = Date.parse('2026-01-10T12:00:00Z');

/** An agent that ends with events and a last word, without a word and with 0. */
const SILENT: VerdictFacts = {
  agent: 'claude',
  phase: 'ended',
  exitCode: 0,
  signal: undefined,
  resumes: false,
  files: [],
  result: { error: undefined },
  endsWithResult: true,
  lastSaid: undefined,
  error: undefined,
  refused: undefined,
  stray: [],
  hasWorked: false,
};
const told = (text: string, status?: number) => ({ text, status });
const said = (lastSaid: string): Partial<VerdictFacts> => ({ lastSaid, hasWorked: true });
const failed = (text: string, status?: number): Partial<VerdictFacts> => ({
  exitCode: 1,
  result: { error: told(text, status) },
});
const text = (exitCode: number, ...stray: string[]): Partial<VerdictFacts> => ({
  exitCode,
  stray,
  agent: 'custom',
  result: undefined,
  endsWithResult: false,
  lastSaid: stray.length === 0 ? undefined : stray.join('\n'),
  hasWorked: stray.length > 0,
});

const LOGIN = /^The agent could not authenticate/;
type Expected =
  | 'succeeded'
  | 'tooLong'
  | readonly ['failed' | 'noSession', RegExp | undefined]
  | readonly ['rateLimited', number | undefined];

/** What is known of an agent, and how its work is judged. */
const CASES: readonly (readonly [name: string, facts: Partial<VerdictFacts>, Expected])[] = [
  // A good end needs a sign of work.
  ['a last word', said('Done.'), 'succeeded'],
  ['no word, and a changed file', { files: ['a.ts'] }, 'succeeded'],
  [
    'no word and no file',
    {},
    ['failed', /^It ended without an answer and without a changed file\.$/],
  ],
  [
    'no word and no file, with a line on stderr',
    { stray: ['no model is set', '---'] },
    [
      'failed',
      /^It ended without an answer and without a changed file \(its last line: no model is set\)$/,
    ],
  ],
  ['a blank word', said(' \n'), ['failed', /without an answer/]],
  ['no event at all', { result: undefined }, ['failed', /without saying how it went/]],
  ['a text and exit code 0', text(0, 'I did it.'), 'succeeded'],
  ['no text and exit code 0', text(0), ['failed', /without an answer/]],

  // The error of an API is none, whatever the flags say.
  ['401 as a success', { lastSaid: '[API Error: 401 bad key]' }, ['failed', LOGIN]],
  ['403 as a success', { lastSaid: '[API Error: 403 no such model for you]' }, ['failed', LOGIN]],
  ['429 as a success', { lastSaid: '[API Error: 429 slow]' }, ['rateLimited', undefined]],
  ['529 as a success', { lastSaid: 'API Error: 529 {"type":"x"}' }, ['rateLimited', undefined]],
  ['400 as a success', { lastSaid: '[API Error: 400 no]' }, ['failed', /^\[API Error: 400 no\]$/]],
  [
    'an API error beside a changed file',
    { lastSaid: '[API Error: 500 oh]', files: ['a.ts'], hasWorked: true },
    ['failed', /500 oh/],
  ],
  ['an answer about API errors', said('I handle the API Error: 429 now.'), 'succeeded'],

  // The status of an answer counts before its words.
  ['a status of 429 in other words', failed('Slow down', 429), ['rateLimited', undefined]],
  ['a status of 401 in other words', failed('Who are you?', 401), ['failed', LOGIN]],
  ['403 for a quota', failed('Quota exceeded for today', 403), ['rateLimited', undefined]],
  ['401 that speaks of limits', failed('No rate limit for you', 401), ['failed', LOGIN]],
  [
    'a status within JSON',
    failed('{"error":{"message":"later","resets_in_seconds":60},"status_code":429}'),
    ['rateLimited', 60_000],
  ],
  ['a status of 400', failed('{"error":{"message":"bad"}}', 400), ['failed', /^bad$/]],

  // Limits, and those that are none.
  [
    'a limit with a date',
    failed("You've hit your weekly limit · resets Jan 13 at 4:30am (UTC)", 429),
    ['rateLimited', 232_200_000],
  ],
  ['a limit of turns', failed('It reached its limit of turns'), ['failed', /limit of turns/]],
  ['at capacity', failed('The selected model is at capacity.'), ['rateLimited', undefined]],
  ['high demand', failed('We are experiencing high demand.'), ['rateLimited', undefined]],
  [
    'a refusal in an event',
    { ...failed('no'), refused: { retryAfterMs: 9, detail: 'limit', words: '' } },
    ['rateLimited', 9],
  ],
  [
    'a refusal that it got over',
    { ...said('Done.'), refused: { retryAfterMs: 9, detail: 'limit', words: '' } },
    'succeeded',
  ],
  [
    'a refusal as the last message, and an error of few words',
    { ...failed('exit'), ...said('Too many requests, retry after 5 s') },
    ['rateLimited', 5000],
  ],
  ['a limit in a text', text(1, 'Working', 'Error: 429'), ['rateLimited', undefined]],
  ['a text about limits that ended badly', text(1, 'I add a limit'), ['failed', undefined]],
  ['exit code 75', text(75), ['rateLimited', undefined]],
  ['exit code 75 with a time', text(75, 'rate limit, retry after 2 s'), ['rateLimited', 2000]],

  // Reasons, the most telling first.
  ['an error that its result passes over', { ...said('Done.'), error: told('boom') }, 'succeeded'],
  [
    'a bare error result after an error event',
    { ...failed(''), error: told('The model returned nothing') },
    ['failed', /^The model returned nothing$/],
  ],
  ['a bare error', failed(''), ['failed', /^no reason given$/]],
  ['an exit code with a meaning', { ...text(53), agent: 'gemini' }, ['failed', /limit of turns/]],
  ['an exit code for logins', { ...text(41), agent: 'gemini' }, ['failed', LOGIN]],
  ['a status mod 256: 429', { ...text(173), agent: 'gemini' }, ['rateLimited', undefined]],
  ['a status mod 256: 401', { ...text(145), agent: 'gemini' }, ['failed', LOGIN]],
  ['a status mod 256: 400', { ...text(144), agent: 'gemini' }, ['failed', /status 400/]],
  ['a limit of settings', { ...text(55), agent: 'qwen' }, ['failed', /limit of its own settings/]],
  ['the same code of another agent', text(55), ['failed', undefined]],
  ['a signal as an exit code', text(143), ['failed', /SIGTERM/]],
  [
    'a signal',
    { exitCode: undefined, signal: 'SIGKILL', result: undefined },
    ['failed', undefined],
  ],
  [
    'the last line beside the events',
    { exitCode: 1, result: undefined, stray: ['Error: no such folder', '}'] },
    ['failed', /^Error: no such folder$/],
  ],
  [
    'a login asked for beside the events',
    { exitCode: 1, result: undefined, stray: ['Please set an Auth method in settings.json'] },
    ['failed', LOGIN],
  ],
  [
    'arguments that it does not take',
    {
      exitCode: 2,
      result: undefined,
      stray: ["error: unexpected argument '--x' found", 'Usage: y'],
    },
    ['failed', /does not take the arguments.*unexpected argument '--x'/],
  ],

  [
    'an invalid argument of a request, which is none of ours',
    failed('[API Error: 400 unexpected argument "x" in the request]', 400),
    ['failed', /^\[API Error: 400/],
  ],
  [
    'a command with an unknown option among its work',
    { ...text(1, 'npm: unknown option --x'), agent: 'custom' },
    ['failed', undefined],
  ],

  [
    'an error beside the events of an agent that did nothing, with its details after it',
    {
      ...{ agent: 'opencode', exitCode: 1, result: undefined, endsWithResult: false },
      stray: ['Starting', 'Error: Unexpected error', 'Failed query: CREATE TABLE x', 'params:'],
    },
    ['failed', /^Error: Unexpected error$/],
  ],
  [
    'a last line beside the events of an agent that did nothing',
    {
      ...{ agent: 'opencode', exitCode: 1, result: undefined, endsWithResult: false },
      stray: ['Starting', 'The disk is full', ''],
    },
    ['failed', /^The disk is full$/],
  ],

  // Sessions that cannot be resumed.
  [
    'a session that is not there',
    { ...failed('No conversation found with session ID: x'), resumes: true },
    ['noSession', /No conversation found/],
  ],
  [
    'a session that is not there, told beside the events',
    {
      exitCode: 42,
      result: undefined,
      stray: ['Error resuming session: x'],
      resumes: true,
      agent: 'gemini',
    },
    ['noSession', undefined],
  ],
  ['a resumed session without a word', { resumes: true }, ['noSession', /without an answer/]],
  [
    'a resumed session that worked',
    { ...failed('boom'), resumes: true, hasWorked: true },
    ['failed', /boom/],
  ],
  [
    'a resumed session at a limit',
    { ...failed('x', 429), resumes: true },
    ['rateLimited', undefined],
  ],
  ['a resumed session without a login', { ...failed('x', 401), resumes: true }, ['failed', LOGIN]],

  // Ends that are not its own.
  [
    'it stayed after a good last word',
    { ...said('Done.'), phase: 'lingered', exitCode: 143 },
    'succeeded',
  ],
  [
    'it stayed after a bad last word',
    { ...failed('boom'), phase: 'lingered', exitCode: 0 },
    ['failed', /boom/],
  ],
  ['it took too long', { ...said('Hm.'), phase: 'tooLong', exitCode: undefined }, 'tooLong'],
  [
    'it waited for its provider until it took too long',
    { phase: 'tooLong', result: undefined, error: told('429 Too Many Requests, retry after 60 s') },
    ['rateLimited', 60_000],
  ],
];

for (const [name, facts, expected] of CASES) {
  test(`the verdict on an agent: ${name}`, () => {
    const verdict = judge({ ...SILENT, ...facts });
    if (typeof expected === 'string') assert.equal(verdict.kind, expected);
    else assertVerdict(verdict, expected);
  });
}

function assertVerdict(verdict: Verdict, [kind, detail]: Exclude<Expected, string>): void {
  assert.equal(verdict.kind, kind, JSON.stringify(verdict));
  if (verdict.kind === 'rateLimited')
    assert.equal(verdict.retryAfterMs ?? waitIn(verdict.words, NOW), detail);
  else if (detail instanceof RegExp && 'reason' in verdict)
    assert.match(verdict.reason ?? '', detail);
  else if (kind === 'failed') assert.deepEqual(verdict, { kind: 'failed', reason: undefined });
}

test('an agent that nobody saw is judged by its exit alone', () => {
  const exit = { agent: 'claude', signal: undefined };
  assert.deepEqual(judgeUnseen({ ...exit, exitCode: 0 }), { kind: 'succeeded' });
  assert.deepEqual(judgeUnseen({ ...exit, exitCode: 1 }), { kind: 'failed', reason: undefined });
  assert.equal(judgeUnseen({ ...exit, exitCode: 75 }).kind, 'rateLimited');
});

for (const [answer, isError] of [
  ['API Error: 401 {"type":"error"}', true],
  ['[API Error: terminated]', true],
  ['[API Error: later.]\nPlease wait and try again later.', true],
  ['API Error (Request timed out.)', true],
  ['Failed to authenticate. API Error: 401 bad', true],
  ['Invalid API key · Please run /login', true],
  ['Credit balance is too low', true],
  ['unexpected status 403 Forbidden: no', true],
  ['{"error":{"message":"x"}}', true],
  ['503 Service Unavailable', true],
  ["You've hit your limit · resets 3pm", true],
  ['API errors are now handled.', false],
  ['The API Error: 401 of the login page is fixed.', false],
  ['404 pages have a title now.', false],
  ['404 Not Found', false],
  ['{"files": ["error.ts"]}', false],
  ['Done.', false],
  ['', false],
] as const) {
  test(`${isError ? 'nothing but the error of an API' : 'an answer'}: ${JSON.stringify(answer)}`, () => {
    assert.equal(isApiError(answer), isError);
  });
}

test('what an agent was not allowed to do is named with its number and what would allow it', () => {
  assert.deepEqual(deniedLine('claude', []), []);
  assert.deepEqual(deniedLine('claude', ['npm test', 'npm run x', 'npm test']), [
    'could not run: npm test (2), npm run x; permissions.allow in .claude/settings.json allows it',
  ]);
  assert.match(
    deniedLine('custom', 'a b c d e f g'.split(' '))[0] ?? '',
    /^could not run: a, b, c, d, e, 2 more$/,
  );
});

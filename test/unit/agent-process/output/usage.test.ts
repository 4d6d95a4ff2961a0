import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import {
  createReader,
  type AgentOutput,
} from '../../../../src/agent-process/output/agent-output.ts';
import type { OutputReader } from '../../../../src/agent-process/output/output-reader.ts';
import { UsageMeter } from '../../../../src/agent-process/output/usage-meter.ts';
import type { Usage } from '../../../../src/core/run/usage.ts';

const FOLDER = new URL('../../../golden/agent-streams/', import.meta.url);

function readerOf(output: AgentOutput, bytes: Uint8Array | string): OutputReader {
  const reader = createReader(output);
  reader.read(typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes);
  reader.end();
  return reader;
}

function used(inputTokens: number, outputTokens: number, costUsd?: number): Usage {
  return { inputTokens, outputTokens, costUsd };
}

const lines = (...events: readonly object[]): string =>
  events.map((event) => `${JSON.stringify(event)}\n`).join('');

const RECORDED: readonly [string, AgentOutput, Usage | undefined][] = [
  ['claude-answer', 'streamJson', used(10, 2, 0.00009999999999999999)],
  // Two calls of the model, of which the result has the sum.
  ['claude-edit', 'streamJson', used(20, 4, 0.00019999999999999998)],
  ['claude-resumed', 'streamJson', used(10, 2, 0.00009999999999999999)],
  ['claude-401', 'streamJson', undefined],
  ['real-claude-200', 'streamJson', used(1, 2, 0.000054999999999999995)],
  ['codex-answer', 'codex', used(10, 2)],
  ['codex-edit', 'codex', used(20, 4)],
  ['codex-401', 'codex', undefined],
  ['gemini-answer', 'gemini', used(10, 2)],
  ['gemini-edit', 'gemini', used(20, 4)],
  ['gemini-429', 'gemini', undefined],
  ['qwen-answer', 'streamJson', used(20, 4)],
  ['qwen-edit', 'streamJson', used(20, 4)],
  ['real-qwen-200', 'streamJson', used(2, 2)],
  ['opencode-answer', 'opencode', used(10, 2, 0)],
  // Each step tells its own.
  ['opencode-edit', 'opencode', used(20, 4, 0)],
  // Its requests are counted, no tokens.
  ['copilot-edit', 'copilot', undefined],
];

for (const [name, output, expected] of RECORDED) {
  test(`what an agent used is read from its stream: ${name}`, () => {
    const reader = readerOf(output, readFileSync(new URL(`${name}.jsonl`, FOLDER)));
    assert.deepEqual(reader.usage, expected);
  });
}

test('the usage that Codex and Qwen Code tell is that of the whole session, no other is', () => {
  const isOfSession = (name: string, output: AgentOutput): boolean =>
    readerOf(output, readFileSync(new URL(`${name}.jsonl`, FOLDER))).isUsageOfSession;
  assert(isOfSession('codex-resumed', 'codex'));
  assert(isOfSession('qwen-resumed', 'streamJson'));
  assert(!isOfSession('claude-resumed', 'streamJson'));
  assert(!isOfSession('gemini-resumed', 'gemini'));
  assert(!isOfSession('opencode-resumed', 'opencode'));
});

test('tokens from a cache count once, as each format has them', () => {
  const claude = { input_tokens: 5, cache_read_input_tokens: 100, output_tokens: 7 };
  const cached = { ...claude, cache_creation_input_tokens: 20 };
  const result = { type: 'result', subtype: 'success', result: 'Done.' };
  const of = (output: AgentOutput, event: object): Usage | undefined =>
    readerOf(output, lines(event)).usage;
  assert.deepEqual(of('streamJson', { ...result, usage: cached }), used(125, 7));
  const model = {
    ...{ inputTokens: 5, outputTokens: 7 },
    ...{ cacheReadInputTokens: 100, cacheCreationInputTokens: 20 },
  };
  const modelUsage = { a: model, b: { inputTokens: 1, outputTokens: 1 } };
  assert.deepEqual(
    of('streamJson', { ...result, usage: cached, modelUsage, total_cost_usd: 0.5 }),
    used(126, 8, 0.5),
  );
  // In the total of Qwen Code they are counted already.
  const qwen = { input_tokens: 105, cache_read_input_tokens: 100, output_tokens: 7 };
  assert.deepEqual(
    of('streamJson', { ...result, usage: { ...qwen, total_tokens: 112 } }),
    used(105, 7),
  );
  const codex = { input_tokens: 105, cached_input_tokens: 100, output_tokens: 7 };
  assert.deepEqual(
    of('codex', { type: 'turn.completed', usage: { ...codex, reasoning_output_tokens: 3 } }),
    used(105, 7),
  );
  const stats = { input_tokens: 105, input: 5, cached: 100, output_tokens: 4, total_tokens: 112 };
  // Thoughts are in the total alone.
  assert.deepEqual(of('gemini', { type: 'result', status: 'success', stats }), used(105, 7));
  const tokens = { input: 5, output: 4, reasoning: 3, cache: { read: 90, write: 10 } };
  assert.deepEqual(
    of('opencode', { type: 'step_finish', part: { tokens, cost: 0.25 } }),
    used(105, 7, 0.25),
  );
});

test('a message that comes in several parts counts once, and its result takes its place', () => {
  const part = (id: string, text: string) => ({
    type: 'assistant',
    message: {
      id,
      content: [{ type: 'text', text }],
      usage: { input_tokens: 10, output_tokens: 2 },
    },
  });
  const told = [part('a', 'One.'), part('a', 'Two.'), part('b', 'Three.')];
  // Ended before it had a last word.
  assert.deepEqual(readerOf('streamJson', lines(...told)).usage, used(20, 4));
  const usage = { input_tokens: 30, output_tokens: 9 };
  const result = { type: 'result', subtype: 'success', result: 'Three.', usage };
  assert.deepEqual(readerOf('streamJson', lines(...told, result)).usage, used(30, 9));
  // A later turn: its total is that of both.
  const later = { ...result, usage: { input_tokens: 50, output_tokens: 12 } };
  const all = lines(...told, result, part('c', 'Four.'), later);
  assert.deepEqual(readerOf('streamJson', all).usage, used(50, 12));
});

test('an agent that was cut off and tells a total of nothing has used what its steps did', () => {
  const message = { id: 'a', content: [], usage: { input_tokens: 10, output_tokens: 2 } };
  const nothing = { input_tokens: 0, output_tokens: 0, cache_read_input_tokens: 0 };
  const result = { type: 'result', subtype: 'error', is_error: true, usage: nothing };
  const told = lines({ type: 'assistant', message }, { ...result, total_cost_usd: 0 });
  assert.deepEqual(readerOf('streamJson', told).usage, used(10, 2));
});

test('usage that cannot be true does not count, and text is never usage', () => {
  const usage = { input_tokens: -5, output_tokens: '7', cache_read_input_tokens: 1e300 };
  const result = { type: 'result', subtype: 'success', result: 'x', usage, total_cost_usd: NaN };
  assert.equal(readerOf('streamJson', lines(result)).usage, undefined);
  assert.equal(
    readerOf('streamJson', lines({ ...result, usage: [], modelUsage: 3 })).usage,
    undefined,
  );
  const parts = { ...usage, input_tokens: 10.5, cache_creation_input_tokens: 7 };
  assert.deepEqual(readerOf('streamJson', lines({ ...result, usage: parts })).usage, {
    ...{ inputTokens: 7, outputTokens: undefined, costUsd: undefined },
  });
  assert.equal(readerOf('text', 'usage: 5 tokens').usage, undefined);
});

test('more steps than are remembered are added up all the same', () => {
  const meter = new UsageMeter();
  for (let i = 0; i < 25_000; i++) meter.note({ of: 'step', id: `m${i}`, usage: used(1, 1) });
  assert.deepEqual(meter.usage, used(25_000, 25_000));
});

const TOLD: readonly (readonly [name: string, usage: object, Usage])[] = [
  ['a cost alone', { total_cost_usd: 0.5 }, used(10, 4, 0.5)],
  [
    'a cost beside empty counts',
    { total_cost_usd: 0.5, usage: { input_tokens: 0, output_tokens: 0 } },
    used(10, 4, 0.5),
  ],
  [
    'counts as Cursor writes them',
    { usage: { inputTokens: 3, outputTokens: 5, cacheReadTokens: 20, cacheWriteTokens: 1 } },
    used(24, 5),
  ],
];

for (const [name, usage, expected] of TOLD) {
  test(`a result tells its usage after its steps did: ${name}`, () => {
    const step = { id: 'a', usage: { input_tokens: 10, output_tokens: 4 }, content: [] };
    const events = lines({ type: 'assistant', message: step }, { type: 'result', ...usage });
    assert.deepEqual(readerOf('streamJson', events).usage, expected);
  });
}

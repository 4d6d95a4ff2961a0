import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { createReader } from '../../../../src/agent-process/output/agent-output.ts';
import { LongLine } from '../../../../src/agent-process/output/long-line.ts';

const MB = 1024 * 1024;

/** What is kept of a line that comes in pieces of this many characters. */
function kept(line: string, size = 64 * 1024): string {
  const long = new LongLine();
  for (let at = 0; at < line.length; at += size) long.add(line.slice(at, at + size));
  return long.end();
}

function read(...lines: readonly unknown[]) {
  const reader = createReader('streamJson');
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  const bytes = new TextEncoder().encode(text);
  let shown = '';
  for (let at = 0; at < bytes.length; at += 64 * 1024)
    shown += reader.read(bytes.subarray(at, at + 64 * 1024));
  return { shown: shown + reader.end(), reader };
}

test('a picture in an answer of a tool is neither shown nor taken for text', () => {
  const data = 'A'.repeat(3 * MB);
  const picture = { type: 'image', source: { type: 'base64', data } };
  const { shown, reader } = read(
    { type: 'user', message: { content: [{ type: 'tool_result', content: [picture] }] } },
    { type: 'result', subtype: 'success', is_error: false, result: 'Done.' },
  );
  assert.equal(shown, 'Done.\n');
  assert.deepEqual(reader.facts.stray, []);
});

test('a result that is very long is heard', () => {
  const result = { type: 'result', subtype: 'success', is_error: false, session_id: 's-1' };
  const { reader } = read({ ...result, result: 'x'.repeat(3 * MB) });
  assert.deepEqual(reader.facts.result, { error: undefined });
  assert.equal(reader.sessionId, 's-1');
  assert.match(reader.lastSaid ?? '', /^x+… \[the rest is left out: it is too long\]$/);
});

test('a line of very many short texts is heard by its outermost fields', () => {
  const many = Array.from({ length: 400_000 }, (_, i) => `text ${i}`);
  const line = { type: 'result', many, is_error: true, result: 'It went wrong' };
  assert.equal(read(line).reader.facts.result?.error?.text, 'It went wrong');
});

test('a long line that is no event is left out with a note', () => {
  const reader = createReader('streamJson');
  const shown = reader.read(new TextEncoder().encode(`{ ${'x'.repeat(2 * MB)}\nafter\n`));
  assert.equal(shown, '[a long line is left out here]\nafter\n');
});

test('what is kept of JSON is JSON, wherever it is cut', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('\\', '"', '\u0007', '😀', '\\u0041'),
  );
  const long = fc
    .tuple(text, fc.integer({ min: 30_000, max: 34_000 }))
    .map(([piece, length]) => (piece === '' ? 'y' : piece).repeat(length).slice(0, length));
  const value = fc.record({
    type: text,
    a: long,
    b: fc.array(fc.oneof(text, long)),
    c: fc.jsonValue(),
  });
  fc.assert(
    fc.property(value, fc.integer({ min: 1000, max: 40_000 }), (object, size) => {
      const read = JSON.parse(kept(JSON.stringify(object), size)) as typeof object;
      assert.equal(read.type, object.type);
      assert.deepEqual(read.c, JSON.parse(JSON.stringify(object.c)));
      assert.equal(read.b.length, object.b.length);
    }),
    { seed: 20_261_128, numRuns: 100 },
  );
});

import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { createReader } from '../../src/run/agent-output.ts';
import { AgentTerminal, toPlainLine } from '../../src/run/agent-terminal.ts';

/** A terminal that was opened, unless told otherwise, and everything that it did. */
function terminal(open = true) {
  const did: string[] = [];
  const written: string[] = [];
  const pty = new AgentTerminal({
    name: 'T-1',
    onStop: () => void did.push('stop'),
    onClosed: () => void did.push('closed'),
  });
  pty.onDidWrite((text) => void written.push(text));
  pty.onDidClose(() => void did.push('close'));
  pty.onDidChangeName((name) => void did.push(name));
  if (open) pty.open();
  return { pty, did, text: () => written.join('') };
}

const lines: readonly [name: string, pieces: string[], shown: string][] = [
  ['a line feed gets its carriage return', ['a\nb\n'], 'a\r\nb\r\n'],
  ['a line that ends well is left alone', ['a\r\nb'], 'a\r\nb'],
  ['a pair that comes in two pieces is one pair', ['a\r', '\nb'], 'a\r\nb'],
  ['a progress line that goes back stays', ['10%\r', '20%\r', '\n'], '10%\r20%\r\n'],
  ['empty lines stay', ['\n\n'], '\r\n\r\n'],
];

for (const [name, pieces, shown] of lines) {
  test(`in the terminal ${name}`, () => {
    const { pty, text } = terminal();
    for (const piece of pieces) pty.write(piece);
    assert.equal(text(), shown);
  });
}

test('however output is cut into pieces, the terminal shows the same', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('\r', '\n', 'a', '')), (pieces) => {
      const [whole, cut] = [terminal(), terminal()];
      whole.pty.write(pieces.join(''));
      for (const piece of pieces) cut.pty.write(piece);
      assert.equal(cut.text(), whole.text());
    }),
    { seed: 20_261_123 },
  );
});

test('what is written before the terminal is there appears when it opens', () => {
  const { pty, text } = terminal(false);
  pty.write('early\n');
  assert.equal(text(), '');
  pty.open();
  pty.write('late\n');
  assert.equal(text(), 'early\r\nlate\r\n');
});

test('what is held back is bounded: the latest lines are kept, and it is said that others are not', () => {
  const { pty, text } = terminal(false);
  for (let i = 0; i < 100_000; i++) pty.write(`line ${i}\n`);
  pty.open();
  assert(text().length < 500_000);
  assert.match(text(), /^\[Earlier output is only in the log\.\]\r\nline \d+\r\n/);
  assert(text().endsWith('line 99999\r\n'));
});

test('Ctrl+C stops the agent, other keys do nothing', () => {
  const { pty, did } = terminal();
  pty.handleInput('x');
  assert.deepEqual(did, []);
  pty.handleInput('\x03');
  assert.deepEqual(did, ['stop']);
});

test('closing the terminal of an agent at work stops the agent', () => {
  const { pty, did } = terminal();
  pty.close();
  assert.deepEqual(did, ['stop', 'closed']);
});

test('after the end the terminal stays until a key is pressed, and closing it stops nothing', () => {
  const { pty, did, text } = terminal();
  pty.end('✓ Ended', '✓');
  assert(text().includes('✓ Ended\r\n'));
  assert.deepEqual(did, ['✓ T-1']);
  // An arrow, and what a terminal answers when it is asked for its attributes.
  pty.handleInput('\x1b[A');
  pty.handleInput('\x1b[?1;2c');
  assert.deepEqual(did, ['✓ T-1']);
  pty.handleInput('x');
  pty.close();
  assert.deepEqual(did, ['✓ T-1', 'close', 'closed']);
});

test('untrusted text becomes one line that no terminal obeys', () => {
  assert.equal(toPlainLine('a\x1b[2J\x07\nb\t\u009b31mc\u202ed'), 'a[2J b 31mcd');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => assert.doesNotMatch(toPlainLine(text), /[\p{Cc}\n\u202e]/u)),
    { seed: 20_261_123 },
  );
});

test('text that is cut within characters is read whole', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat({ max: 5 }), (text, size) => {
      const reader = createReader('text');
      const bytes = new TextEncoder().encode(text);
      let read = '';
      for (let i = 0; i < bytes.length; i += size + 1) read += reader.read(bytes.subarray(i, i + size + 1));
      assert.equal(read + reader.end(), new TextDecoder().decode(bytes));
    }),
    { seed: 20_261_123 },
  );
});

function readEvents(...events: unknown[]): { readonly text: string; readonly complaint: string | undefined } {
  const reader = createReader('streamJson');
  const lines = events.map((event) => (typeof event === 'string' ? event : JSON.stringify(event))).join('\n');
  const text = reader.read(new TextEncoder().encode(lines)) + reader.end();
  return { text, complaint: reader.complaint };
}

const say = (text: string) => ({ type: 'assistant', message: { content: [{ type: 'text', text }] } });

test('events are shown as what the agent says and does', () => {
  const { text, complaint } = readEvents(
    { type: 'system', subtype: 'init', model: 'large' },
    say('I will look.'),
    { type: 'assistant', message: { content: [{ type: 'tool_use', name: 'Bash', input: { command: 'npm test' } }] } },
    { type: 'user', message: { content: [{ type: 'tool_result', content: 'a long answer' }] } },
    { type: 'tool_call', subtype: 'started', tool_call: { readToolCall: { args: { path: 'src/a.ts' } } } },
    { type: 'tool_call', subtype: 'completed', tool_call: { readToolCall: { result: {} } } },
    say('Done.'),
    { type: 'result', subtype: 'success', is_error: false, result: 'Done.' },
  );
  assert.equal(text, 'Model: large\nI will look.\n→ Bash npm test\n→ read src/a.ts\nDone.\n');
  assert.equal(complaint, undefined);
});

for (const [name, result, complaint] of [
  [
    'an error under the name of success',
    { subtype: 'success', is_error: true, result: 'Not logged in' },
    'Not logged in',
  ],
  ['a limit that was reached', { subtype: 'error_max_turns', is_error: false }, 'error_max_turns'],
  ['an error without a word', { is_error: true }, 'no reason given'],
  ['a success', { subtype: 'success', is_error: false, result: 'x' }, undefined],
] as const) {
  test(`the last word of an agent is heard: ${name}`, () => {
    assert.equal(readEvents({ type: 'result', ...result }).complaint, complaint);
  });
}

test('what is no event is shown as it is, and a kind we do not know by its name', () => {
  const { text } = readEvents(
    'Warning: old version',
    '{ broken',
    '{"no":"type"}',
    { type: 'brand_new', secret: 1 },
    '',
  );
  assert.equal(text, 'Warning: old version\n{ broken\n{"no":"type"}\n[brand_new]\n');
});

test('no event, however odd, breaks the reader', () => {
  const odd = fc.record({
    type: fc.constantFrom('assistant', 'tool_call', 'result', 'system', 'user', 'x'),
    subtype: fc.jsonValue(),
    message: fc.oneof(fc.jsonValue(), fc.record({ content: fc.array(fc.jsonValue()) })),
    tool_call: fc.jsonValue(),
    result: fc.jsonValue(),
  });
  fc.assert(
    fc.property(fc.array(fc.oneof(odd, fc.json())), (events) =>
      assert.equal(typeof readEvents(...events).text, 'string'),
    ),
    { seed: 20_261_123 },
  );
});

test('a line without an end is shown before it fills the memory', () => {
  const reader = createReader('streamJson');
  const shown = reader.read(new TextEncoder().encode('x'.repeat(3 * 1024 * 1024)));
  assert.equal(shown.length, 3 * 1024 * 1024);
});

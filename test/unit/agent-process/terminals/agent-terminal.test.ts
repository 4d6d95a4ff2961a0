import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { AgentTerminal } from '../../../../src/agent-process/terminals/agent-terminal.ts';
import { HandClock } from '../../../support/hand-clock.ts';
import { cut, oneLine, plain } from '../../../../src/core/text.ts';

/** A terminal that was opened, unless told otherwise, and everything that it did. */
function terminal(open = true) {
  const clock = new HandClock();
  const did: string[] = [];
  const written: string[] = [];
  const pty = new AgentTerminal({
    name: 'T-1',
    clock,
    onStop: () => void did.push('stop'),
    onClosed: () => void did.push('closed'),
  });
  pty.onDidWrite((text) => void written.push(text));
  pty.onDidClose(() => void did.push('close'));
  pty.onDidChangeName((name) => void did.push(name));
  if (open) pty.open();
  return { pty, clock, did, text: () => written.join('') };
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

test('closing the terminal of an agent at work stops nothing', () => {
  const { pty, did } = terminal();
  pty.close();
  assert.deepEqual(did, ['closed']);
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

test('the name tells the end also where it came before the terminal was open, and is told again to an editor that forgot it', async () => {
  const { pty, clock, did } = terminal(false);
  pty.end('✗ Ended', '✗');
  assert.deepEqual(did, []);
  pty.open();
  assert.deepEqual(did, ['✗ T-1']);
  await clock.turn(1000);
  assert.deepEqual(did, ['✗ T-1', '✗ T-1']);
  const other = terminal();
  other.pty.end('✓ Ended', '✓');
  other.pty.close();
  assert.equal(other.clock.waiting, 0);
});

test('untrusted text becomes one line that no terminal obeys', () => {
  assert.equal(oneLine('a\x1b[2J\x07\nb\t\u009b31mc\u202ed'), 'a[2J b 31mcd');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) =>
      assert.doesNotMatch(oneLine(text), /[\p{Cc}\n\u202e]/u),
    ),
    { seed: 20_261_123 },
  );
});

test('untrusted text in a name draws no icon and makes no link, and is cut between characters', () => {
  assert.equal(plain(cut('$(flame) [x](command:y)', 40)), '$\u200b(flame) [x]\u200b(command:y)');
  assert.equal(plain(cut('🎂🎂🎂🎂', 3)), '🎂🎂…');
  assert.equal(plain(cut('abc', 3)), 'abc');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const label = plain(cut(`${text}$(${text}](${text}`, 40));
      assert.doesNotMatch(label, /\$\(|\]\(|[\p{Cc}\u202e]/u);
    }),
    { seed: 20_261_125 },
  );
});

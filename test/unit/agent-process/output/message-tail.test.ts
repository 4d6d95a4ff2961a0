import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageTail, tailOf } from '../../../../src/agent-process/output/message-tail.ts';
import { oneOf, randomFrom } from '../../../support/random.ts';

const MAX = 16_000;

test('of a message in pieces the end is kept as of the whole, whatever blanks are in it', () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = randomFrom(seed);
    const tail = new MessageTail();
    let whole = '';
    for (let n = 0; n < 60; n++) {
      const most = oneOf(random, [1, 10, 3_000, 30_000, 100_000]);
      const piece = oneOf(random, ['a', ' ', '\n', ' b', 'ä\n']).repeat(random(most));
      tail.add(piece);
      whole += piece;
      assert.equal(tail.text, whole.slice(-MAX), `seed ${seed}`);
      assert.equal(tail.trimmed, whole.trim().slice(-MAX), `seed ${seed}`);
      assert.equal(tail.trimmed, tailOf(whole));
      assert.deepEqual([tail.isEmpty, tail.endsLine], [whole === '', whole.endsWith('\n')]);
    }
  }
});

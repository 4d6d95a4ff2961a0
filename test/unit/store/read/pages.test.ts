import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differingPages, type Pages } from '../../../../src/store/read/pages.ts';
import { randomFrom } from '../../../support/random.ts';

const PAGE = 512;

function pagesOf(...fillings: readonly number[]): Pages {
  const bytes = Buffer.concat(fillings.map((each) => Buffer.alloc(PAGE, each)));
  return { bytes, pageSize: PAGE, usableSize: PAGE, pageCount: fillings.length };
}

test('pages that differ are given as they were, new ones as zeros, and no more than half of many', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = randomFrom(seed);
    const before = Array.from({ length: 1 + random(40) }, () => random(3));
    const change = 1 + random(8);
    const after = before.map((each) => (random(change) === 0 ? random(3) : each));
    for (let more = random(2) * random(30); more > 0; more--) after.push(random(3));
    const wanted = after.flatMap((each, n) =>
      each === before[n] ? [] : [[n + 1, before[n] ?? 0]],
    );
    const isTooMuch = wanted.length > 16 && wanted.length > after.length / 2;
    const found = differingPages(pagesOf(...before), pagesOf(...after));
    const read = found && [...found].map(([number, bytes]) => [number, bytes[0]]);
    assert.deepEqual(read, isTooMuch ? undefined : wanted, `seed ${seed}`);
    for (const bytes of found?.values() ?? []) assert.equal(bytes.length, PAGE);
  }
});

test('a database that says it has very many new pages is not looked through', () => {
  const claims: Pages = {
    get bytes(): Buffer {
      return assert.fail('no page is needed');
    },
    ...{ pageSize: PAGE, usableSize: PAGE, pageCount: 2_000_000 },
  };
  assert.equal(differingPages(pagesOf(1, 2), claims), undefined);
});

test('a database that has become shorter, or whose pages are of another size, is not compared', () => {
  const three = pagesOf(1, 2, 3);
  assert.equal(differingPages(three, pagesOf(1, 2)), undefined);
  assert.equal(differingPages(three, { ...three, usableSize: PAGE - 8 }), undefined);
  assert.equal(differingPages(three, { ...three, pageSize: PAGE / 2, pageCount: 6 }), undefined);
});

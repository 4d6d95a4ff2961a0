/** A whole number from 0 to below the one given. */
export type Random = (below: number) => number;

/** mulberry32, so that a seed gives the same numbers on every machine. */
export function randomFrom(seed: number): Random {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** One of these. */
export function oneOf<T>(random: Random, these: readonly T[]): T {
  const one = these[random(these.length)];
  if (one === undefined) throw new Error('Internal error: one of nothing');
  return one;
}

/** The same things in an order of chance. */
export function shuffled<T>(random: Random, things: readonly T[]): T[] {
  const order = [...things];
  for (let at = order.length - 1; at > 0; at--) {
    const other = random(at + 1);
    [order[at], order[other]] = [order[other]!, order[at]!];
  }
  return order;
}

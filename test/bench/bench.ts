/** One line of a result; times are medians in ms, of runs of both sides by turns in one process. */
export interface Row {
  readonly what: string;
  readonly size: number;
  /** Of both numbers, where they are no times. */
  readonly unit?: 'MB';
  readonly ours: number;
  /** What ours is held against. */
  readonly reference: string;
  readonly referenceMs: number;
  /** What we want to reach, for the reader. */
  readonly aim?: string;
}

/**
 * What a file `<name>.bench.ts` exports. One that needs SQLite imports it inside `run`, so that it
 * loads without it.
 */
export interface Bench {
  readonly title: string;
  readonly needs?: 'sqlite';
  run(): Promise<readonly Row[]>;
}

/**
 * Runs both sides by turns, so that whatever else the machine does hits both alike, and answers
 * their medians in ms. The first `warmUp` rounds do not count. What was there before is collected
 * first, as far as `--expose-gc` allows, but not between runs: a forced collection gives pages back
 * to the system, and fetching them anew would be most of a short run.
 */
export async function compare(
  sides: { readonly ours: () => unknown; readonly reference: () => unknown },
  { runs = 15, warmUp = 5 }: { readonly runs?: number; readonly warmUp?: number } = {},
): Promise<Pick<Row, 'ours' | 'referenceMs'>> {
  const ours: number[] = [];
  const reference: number[] = [];
  globalThis.gc?.();
  for (let round = 0; round < warmUp + runs; round++) {
    const times = [await time(sides.ours), await time(sides.reference)] as const;
    if (round < warmUp) continue;
    ours.push(times[0]);
    reference.push(times[1]);
  }
  return { ours: median(ours), referenceMs: median(reference) };
}

/** The middle one, or the mean of the two in the middle. */
export function median(times: readonly number[]): number {
  if (times.length === 0) throw new Error('Internal error: the median of nothing');
  const sorted = times.toSorted((a, b) => a - b);
  const [low, high] = [
    sorted[Math.floor((sorted.length - 1) / 2)]!,
    sorted[Math.floor(sorted.length / 2)]!,
  ];
  return (low + high) / 2;
}

/**
 * A generator of numbers in [0, 1) that gives the same ones for the same seed on every machine
 * (mulberry32).
 */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function time(side: () => unknown): Promise<number> {
  const start = performance.now();
  const done = side();
  // Awaiting only what is a promise keeps a turn of the event loop out of the time of what is not.
  if (done instanceof Promise) await done;
  return performance.now() - start;
}

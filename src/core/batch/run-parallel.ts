import pLimit from 'p-limit';
import { whenAborted } from '../abort.ts';

/**
 * Work that runs in parallel with others. `run` should stop soon after `signal` aborts; what it
 * throws is its failure.
 */
export interface Tool<T> {
  readonly name: string;
  readonly run: (signal: AbortSignal) => Promise<T> | T;
}

/** The result of one tool. `seconds` is how long it ran, 0 for one that never started. */
export type ToolRun<T> = { readonly name: string; readonly seconds: number } & (
  | { readonly status: 'succeeded'; readonly result: T }
  | { readonly status: 'failed'; readonly error: unknown }
  | { readonly status: 'cancelled' }
);

export interface ParallelOptions<T> {
  /** At most so many run at a time; less than one, or no number, counts as one. */
  readonly maxParallel: number;
  readonly signal: AbortSignal;
  /** Epoch ms. */
  readonly now: () => number;
  readonly onStarted?: (index: number) => void;
  readonly onEnded?: (index: number, run: ToolRun<T>) => void;
}

/**
 * Runs all of these, at most `maxParallel` at a time, and returns their results in the order given.
 * A failure stops no other. After `signal` aborts, none starts and running ones are not awaited: a
 * tool that ignores the signal must not delay the caller. Never rejects.
 */
export async function runParallel<T>(
  tools: readonly Tool<T>[],
  options: ParallelOptions<T>,
): Promise<readonly ToolRun<T>[]> {
  const { maxParallel, signal } = options;
  const limit = pLimit(
    maxParallel >= 1 ? Math.min(Math.floor(maxParallel), Number.MAX_SAFE_INTEGER) : 1,
  );
  // One listener for all: a signal warns of a leak from the eleventh on.
  const cancelled = whenAborted(signal);
  try {
    return await Promise.all(
      tools.map((tool, index) =>
        limit(async () => {
          if (signal.aborted)
            return ended<T>(index, { name: tool.name, seconds: 0, status: 'cancelled' }, options);
          options.onStarted?.(index);
          return ended(index, await runOne(tool, options, cancelled.promise), options);
        }),
      ),
    );
  } finally {
    cancelled.dispose();
  }
}

function ended<T>(index: number, run: ToolRun<T>, { onEnded }: ParallelOptions<T>): ToolRun<T> {
  onEnded?.(index, run);
  return run;
}

async function runOne<T>(
  { name, run }: Tool<T>,
  { signal, now }: ParallelOptions<T>,
  cancelled: Promise<undefined>,
): Promise<ToolRun<T>> {
  const startedAt = now();
  // A clock may be set back meanwhile.
  const seconds = (): number => Math.max(0, now() - startedAt) / 1000;
  try {
    const result = await Promise.race([
      Promise.resolve(run(signal)).then((value) => ({ value })),
      cancelled,
    ]);
    if (result === undefined) return { name, seconds: seconds(), status: 'cancelled' };
    return { name, seconds: seconds(), status: 'succeeded', result: result.value };
  } catch (error) {
    // What a tool throws after the abort is no failure.
    if (signal.aborted) return { name, seconds: seconds(), status: 'cancelled' };
    return { name, seconds: seconds(), status: 'failed', error };
  }
}

/** The longest time that a timer takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Aborts after so long; 0: never. */
export function startLimit(ms: number): { readonly signal: AbortSignal; clear(): void } {
  const limit = new AbortController();
  const timer = ms > 0 ? setTimeout(() => limit.abort(), Math.min(ms, MAX_TIMER_MS)) : undefined;
  return { signal: limit.signal, clear: () => clearTimeout(timer) };
}

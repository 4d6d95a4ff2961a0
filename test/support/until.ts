import { setTimeout as pause } from 'node:timers/promises';

/**
 * How long anything may take before it counts as not coming, in ms. Nothing waits for this long
 * that goes well: a machine that does ten other things may still take most of it.
 */
export const PATIENCE_MS = 60_000;

/**
 * Looks until it is so, for what no event tells: changes by other processes, what the editor has
 * drawn. Fails with `what` once it counts as not coming.
 */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  withinMs = PATIENCE_MS,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`Not within ${withinMs / 1000} s: ${what}`);
    await pause(20);
  }
}

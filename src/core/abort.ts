import type { Disposable } from './events.ts';

/**
 * True for a signal that has aborted. After a wait the compiler would take the property itself for
 * what it was before.
 */
export function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** Calls once when a signal aborts, at once where it has, unless disposed before. */
export function onAbort(signal: AbortSignal, act: () => void): Disposable {
  if (signal.aborted) act();
  signal.addEventListener('abort', act, { once: true });
  return { dispose: () => signal.removeEventListener('abort', act) };
}

/** Resolves when a signal aborts; never, where it is disposed before. */
export function whenAborted(
  signal: AbortSignal,
): Disposable & { readonly promise: Promise<undefined> } {
  let end: (value: undefined) => void = () => undefined;
  const promise = new Promise<undefined>((resolve) => (end = resolve));
  return { ...onAbort(signal, () => end(undefined)), promise };
}

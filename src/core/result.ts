/** What came of something that a user or the world can make fail. Bugs throw instead. */
export type Result<T, F> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: F };

export function ok<T>(value: T): Result<T, never> {
  return { ok: true, value };
}

/** The result with another value; a failure stays as it is. */
export function mapOk<T, U, F>(result: Result<T, F>, change: (value: T) => U): Result<U, F> {
  return result.ok ? ok(change(result.value)) : result;
}

export function fail<F>(failure: F): Result<never, F> {
  return { ok: false, failure };
}

import assert from 'node:assert/strict';
import type { Failure } from '../../src/core/failure.ts';
import type { Result } from '../../src/core/result.ts';

/** The value that was asked for. */
export async function got<T>(asked: Promise<Result<T, Failure>>): Promise<T> {
  const result = await asked;
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

/** Why Git, or what is built on it, refused. */
export async function detailOf(asked: Promise<Result<unknown, Failure>>): Promise<string> {
  const result = await asked;
  assert.ok(!result.ok && result.failure.kind === 'isolation', JSON.stringify(result));
  return result.failure.detail;
}

/* eslint-disable @typescript-eslint/no-non-null-assertion --
   Every index below is a position in the list at hand; a check per access would only cost time. */
import { compareIds } from './task.ts';

const NO_DIGITS = Infinity;
/** Below this a key is the id's number itself; from here on different numbers may share a key. */
const EXACT_BELOW = 1e15;
const TOO_LONG = 1e300;
const MAX_HEAD = 15;
/** The powers of ten that a double holds exactly; with an inexact one, keys of different lengths could change places. */
const POWERS = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
const ZERO = 48;

/**
 * The positions of `ids` in the order of `compareIds`.
 *
 * One number per id is compared first, and the text only where two numbers are equal: sorting 100,000 ids by `compareIds`
 * alone would run millions of regular expressions.
 */
export function orderOfIds(ids: readonly string[]): Int32Array {
  const keys = new Float64Array(ids.length);
  for (let i = 0; i < ids.length; i++) keys[i] = keyOf(ids[i]!);
  const order = new Int32Array(ids.length);
  let sorted = true;
  for (let i = 0; i < ids.length; i++) {
    order[i] = i;
    if (i > 0 && !(keys[i - 1]! < keys[i]!)) sorted = false;
  }
  if (sorted) return order;
  return order.sort((a, b) => {
    const x = keys[a]!;
    const y = keys[b]!;
    if (x !== y) return x < y ? -1 : 1;
    return compareText(x, ids[a]!, ids[b]!);
  });
}

function compareText(key: number, a: string, b: string): number {
  // Equal keys are equal numbers, or no numbers at all, unless they are too long for a key to tell.
  if (key >= EXACT_BELOW && key !== NO_DIGITS) return compareIds(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A number that is never smaller for an id that comes later. */
function keyOf(id: string): number {
  let at = 0;
  while (at < id.length && !isDigit(id.charCodeAt(at))) at++;
  if (at === id.length) return NO_DIGITS;
  while (id.charCodeAt(at) === ZERO) at++;
  let head = 0;
  let digits = 0;
  for (; at < id.length && isDigit(id.charCodeAt(at)); at++, digits++) {
    if (digits < MAX_HEAD) head = head * 10 + id.charCodeAt(at) - ZERO;
  }
  if (digits <= MAX_HEAD) return head;
  const power = POWERS[digits - MAX_HEAD];
  return power === undefined ? TOO_LONG : head * power;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= ZERO + 9;
}

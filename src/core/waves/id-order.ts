/* eslint-disable @typescript-eslint/no-non-null-assertion --
   Every index below is a position in the list at hand; a check per access would only cost time. */
import { compareIds } from '../task.ts';

const NO_DIGITS = Infinity;
/** Below this a key is the id's number itself; from here on different numbers may share a key. */
const EXACT_BELOW = 1e15;
const TOO_LONG = 1e300;
const MAX_HEAD = 15;
/**
 * The powers of ten that a double holds exactly; an inexact one could swap keys of different
 * lengths.
 */
const POWERS = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
const ZERO = 48;

/**
 * The positions of `ids` in the order of `compareIds`.
 *
 * One number per id is compared first, and the text only where two numbers are equal: sorting
 * 100,000 ids by `compareIds` alone would run millions of regular expressions.
 */
export function orderOfIds(ids: readonly string[]): Int32Array {
  const size = ids.length;
  const keys = new Float64Array(size);
  const order = new Int32Array(size);
  let [isSorted, isExact, least, most] = [true, true, Infinity, 0];
  for (let i = 0; i < size; i++) {
    const key = keyOf(ids[i]!);
    keys[i] = key;
    order[i] = i;
    if (i > 0 && !(keys[i - 1]! < key)) isSorted = false;
    if (key >= EXACT_BELOW) isExact = false;
    if (key < least) least = key;
    if (key > most) most = key;
  }
  if (isSorted) return order;
  if (isExact && (most - least + 1) * size <= Number.MAX_SAFE_INTEGER)
    sortPacked(order, keys, least);
  else order.sort((a, b) => compareKeys(keys[a]!, keys[b]!));
  settleTies(order, keys, ids);
  return order;
}

/** Sorts by key and position packed into one number, which needs no comparison callback. */
function sortPacked(order: Int32Array, keys: Float64Array, least: number): void {
  const size = keys.length;
  const packed = new Float64Array(size);
  for (let i = 0; i < size; i++) packed[i] = (keys[i]! - least) * size + i;
  packed.sort();
  for (let i = 0; i < size; i++) order[i] = packed[i]! % size;
}

/** Orders positions with the same key, which are adjacent here, by their text. */
function settleTies(order: Int32Array, keys: Float64Array, ids: readonly string[]): void {
  let end: number;
  for (let start = 0; start < order.length; start = end) {
    const key = keys[order[start]!]!;
    end = start + 1;
    while (end < order.length && keys[order[end]!] === key) end++;
    if (end > start + 1)
      order.subarray(start, end).sort((a, b) => compareText(key, ids[a]!, ids[b]!));
  }
}

function compareKeys(x: number, y: number): number {
  return x < y ? -1 : x > y ? 1 : 0;
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

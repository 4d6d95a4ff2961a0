/** The range of a `Date`, in ms from 1970. */
const FARTHEST_MS = 8.64e15;
/** Numbers above this are ms: as seconds it is the year 5138. */
const SECONDS_LIMIT = 1e11;

const PLAIN = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:\d\d)$/;
const RFC3339 =
  /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d(?:[.,]\d+)?))?)?\s*(Z|[+-]\d\d:?\d\d)?$/i;

/**
 * Epoch ms of a date as exarp-go and the Todo2 extension write it: RFC 3339 in any precision, or a
 * number of seconds or ms. Undefined for an invalid date, and for what exarp-go treats as unknown:
 * empty, a leading 0, or 1970-01-01. Without an offset the date is UTC, so that every machine reads
 * the same.
 */
export function readDate(value: unknown): number | undefined {
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || value <= 0) return undefined;
    return inRange(Math.abs(value) > SECONDS_LIMIT ? value : value * 1000);
  }
  if (typeof value !== 'string' || value === '') return undefined;
  return value === last.text ? last.at : (last = { text: value, at: parseDate(value) }).at;
}

/** A cache of one: a task that was never changed has the same date in two columns. */
let last: { readonly text: string; readonly at: number | undefined } = { text: '', at: undefined };

function parseDate(value: string): number | undefined {
  const text = value.trim();
  if (text.startsWith('0') || text.startsWith('1970-01-01')) return undefined;
  if (/^\d{9,13}$/.test(text)) return readDate(Number(text));
  // The format that exarp-go writes, which the language itself parses.
  if (PLAIN.test(text)) return numberOr(Date.parse(text));
  const parts = RFC3339.exec(text);
  if (parts === null) return undefined;
  const [, day, minutes = '00:00', seconds = '00', offset = 'Z'] = parts;
  const zone =
    offset.length === 5 ? `${offset.slice(0, 3)}:${offset.slice(3)}` : offset.toUpperCase();
  return numberOr(Date.parse(`${day ?? ''}T${minutes}:${seconds.replace(',', '.')}${zone}`));
}

function numberOr(at: number): number | undefined {
  return Number.isNaN(at) ? undefined : Math.floor(at);
}

/** Epoch ms of a lock column, in unix seconds; undefined where it is not a number. */
export function readSeconds(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof seconds === 'number' && !Number.isNaN(seconds) ? clamp(seconds * 1000) : undefined;
}

/**
 * Epoch ms of a time in a table of agent locks: unix seconds, ms where it is a number above 1e11,
 * or a date as text.
 */
export function readMoment(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || Number.isNaN(number)) return readDate(value);
  return clamp(number > SECONDS_LIMIT ? number : number * 1000);
}

function inRange(ms: number): number | undefined {
  return Math.abs(ms) <= FARTHEST_MS ? Math.floor(ms) : undefined;
}

/** An end beyond the range of a date is still an end. */
function clamp(ms: number): number {
  return Math.max(-FARTHEST_MS, Math.min(FARTHEST_MS, Math.floor(ms)));
}

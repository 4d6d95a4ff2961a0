import { dateIn, waitUntil } from './written-date.ts';

/** Months; a longer time is no answer of a machine. */
const MAX_WAIT_MS = 35 * 24 * 3_600_000;
const MAX_LINE = 2000;

/** The first wait that a line of these words asks for; see `findWait`. */
export function waitIn(words: string, now: number): number | undefined {
  const waits = words.split('\n').map((line) => findWait(line, now));
  return waits.find((ms) => ms !== undefined);
}

/**
 * How long a text asks to wait, in ms from `now` (epoch ms): a duration or a moment, in the words
 * and fields that providers use. Undefined where it names none.
 */
export function findWait(text: string, now: number): number | undefined {
  const line = inDigits(text.slice(0, MAX_LINE));
  const ms = durationIn(line) ?? waitUntil(epochIn(line) ?? dateIn(line, now), now);
  if (ms === undefined || !Number.isFinite(ms) || ms > MAX_WAIT_MS) return undefined;
  return Math.round(ms);
}

const NUMBERS = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];

/** `an hour`, `two days`, `half an hour` and `PT1H30M` with digits and units. */
function inDigits(line: string): string {
  return line
    .replace(/\bhalf an hour\b/gi, '30 minutes')
    .replace(
      /\b([a-z]{1,5}) (?=(?:second|minute|hour|day|week|month)s?\b)/gi,
      (whole, word: string) => {
        const name = word.toLowerCase();
        const number = /^an?$/.test(name) ? 1 : NUMBERS.indexOf(name) + 1;
        return number === 0 ? whole : `${number} `;
      },
    )
    .replace(/\bP(?:(\d{1,3}D))?T(?=[\d.]{1,12}[HMS])/g, '$1');
}

/** `ms` per unit; a bare number is in seconds, as in the header `retry-after`. */
const UNITS: readonly (readonly [name: RegExp, ms: number])[] = [
  [/^(?:ms|milli)/i, 1],
  [/^mo/i, 30 * 86_400_000],
  [/^m/i, 60_000],
  [/^h/i, 3_600_000],
  [/^d/i, 86_400_000],
  [/^w/i, 7 * 86_400_000],
];

const UNIT = [
  'milliseconds?|millis|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h',
  'days?|d|weeks?|w|months?',
].join('|');
const ABOUT = '(?:about |approximately |around |another |~)?';
/** What is between the name of a field and its value, in JSON within JSON too. */
const IS = `\\\\?["']?\\s*[:=]\\s*\\\\?["']?`;
const MAYBE_IS = `\\\\?["']?\\s*(?:[:=]\\s*)?\\\\?["']?`;
const RESET = `(?<!p)reset[\\w-]{0,30}${IS}`;

const AHEAD = 'retry(?:ing)?|again|resets?|renews?|refresh(?:es)?|available|back|wait';
/** `try again in 1m30s`, `Please wait 20 seconds`, `resets after 2 hours and 5 minutes`. */
const SAID = new RegExp(
  `\\b(?:(?:${AHEAD})(?: [a-z]{1,12}){0,2}? (?:in|after|for)|wait)` +
    `[\\s:]+["']?${ABOUT}(\\d[^\\n]{0,60})`,
  'i',
);

/** `x-ratelimit-reset-tokens: 6m0s`, `"quotaResetDelay":"2h5m"`, `secondsUntilReset: 90`. */
const RESET_FIELD = new RegExp(`${RESET}(\\d{1,9}(?!\\d|-|\\/|:\\d\\d)[^\\n]{0,60})`, 'i');

/** `00:45:10`, hours first, and no time of a day. */
const COUNTDOWN = /^(\d{1,3}):(\d\d):(\d\d)\b(?!\s*(?:[ap]\.?m|UTC|GMT|Z|[+-]\d|\())/i;
const TIME_OF_DAY = /^\d{1,2}(?::\d\d|\s*[ap]\.?m\b)/i;

/** `retry-after: 30`, `"resets_in_seconds":13872`, `retryDelay: "7.5s"`, `retry_after_ms=500`. */
const FIELD = new RegExp(
  '\\b(?:retry[-_ ]?(?:after|in|delay)|(?:quota[-_ ]?)?resets?[-_ ]?(?:in|after))' +
    `(?:[-_ ]?(${UNIT}))?${MAYBE_IS}${ABOUT}(\\d[^\\n]{0,60})`,
  'i',
);

/** `1,234 seconds`, `, and 1.5h`, or the `6m` of `6m0s`. */
const PART = new RegExp(
  '^[\\s,]*(?:and\\s+)?(\\d{1,3}(?:,\\d{3})+|\\d+(?:\\.\\d+)?)\\s*' +
    `(?:(${UNIT})(?![a-z])|(ms|s|m|h|d|w)(?=\\d))?`,
  'i',
);

const UNIT_AFTER = new RegExp(`^\\d+ (?:${UNIT})(?![a-z])`, 'i');

function durationIn(line: string): number | undefined {
  const [field = '', unit, amount] = FIELD.exec(line) ?? [];
  const amounts = [amount, RESET_FIELD.exec(line)?.[1], SAID.exec(line)?.[1]];
  for (const text of amounts) {
    const [, hours, minutes, seconds] = COUNTDOWN.exec(text ?? '') ?? [];
    if (seconds !== undefined)
      return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  }
  // A date or a time of the day is no duration.
  const said = amounts.find(
    (text) => text !== undefined && !/^\d{4}[-/]\d|^\d{9}/.test(text) && !TIME_OF_DAY.test(text),
  );
  if (said === undefined) return undefined;
  // `Retry after 3 attempts`: of what it counts, nothing is known.
  const isField = /[:=]/.test(field) || said === amounts[1];
  if (!isField && unit === undefined && /^\d+ \p{L}/u.test(said) && !UNIT_AFTER.test(said))
    return undefined;
  let total = 0;
  let rest = said;
  for (let parts = 0; parts < 5; parts++) {
    const [whole, number, ...units] = PART.exec(rest) ?? [];
    const name = units.find(Boolean) ?? (parts === 0 ? unit : undefined);
    // A bare number is the whole of it.
    if (whole === undefined || (name === undefined && parts > 0)) break;
    total +=
      Number((number ?? '').replaceAll(',', '')) *
      (UNITS.find(([pattern]) => pattern.test(name ?? ''))?.[1] ?? 1000);
    rest = rest.slice(whole.length);
  }
  return total;
}

/** `limit reached|1764039600`, `"resets_at":1764039600`, `resetsAt: 1764039600000`. */
const EPOCH = new RegExp(
  `(?:limit reached\\||\\b(?:resets?|retry)[-_ ]?at${MAYBE_IS}|${RESET})(\\d{13}|\\d{10})\\b`,
  'i',
);

/** Epoch ms. */
function epochIn(line: string): number | undefined {
  const found = EPOCH.exec(line)?.[1];
  if (found === undefined) return undefined;
  return found.length === 13 ? Number(found) : Number(found) * 1000;
}

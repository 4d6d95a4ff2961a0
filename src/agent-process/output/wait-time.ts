/** Months; a longer time is no answer of a machine. */
const MAX_WAIT_MS = 35 * 24 * 3_600_000;
/** A moment that has just passed: the wait is over. */
const JUST_PASSED_MS = 60_000;
const MAX_LINE = 2000;

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

function waitUntil(moment: number | undefined, now: number): number | undefined {
  if (moment === undefined || moment - now < -JUST_PASSED_MS) return undefined;
  return Math.max(0, moment - now);
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

const UNIT =
  'milliseconds?|millis|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w|months?';
const ABOUT = '(?:about |approximately |around |another |~)?';

/** `try again in 1m30s`, `Please wait 20 seconds`, `resets after 2 hours and 5 minutes`. */
const SAID = new RegExp(
  '\\b(?:(?:retry(?:ing)?|again|resets?|reset|renews?|refresh(?:es)?|available|back|wait)' +
    `(?: [a-z]{1,12}){0,2}? (?:in|after|for)|wait)[\\s:]+["']?${ABOUT}(\\d[^\\n]{0,60})`,
  'i',
);

/** `x-ratelimit-reset-tokens: 6m0s`, `"quotaResetDelay":"2h5m"`, `secondsUntilReset: 90`. */
const RESET_FIELD = new RegExp(
  `(?<!p)reset[\\w-]{0,30}\\\\?["']?\\s*[:=]\\s*\\\\?["']?(\\d{1,9}(?!\\d|-|\\/|:\\d\\d)[^\\n]{0,60})`,
  'i',
);

/** `00:45:10`, hours first, and no time of a day. */
const COUNTDOWN = /^(\d{1,3}):(\d\d):(\d\d)\b(?!\s*(?:[ap]\.?m|UTC|GMT|Z|[+-]\d|\())/i;
const TIME_OF_DAY = /^\d{1,2}(?::\d\d|\s*[ap]\.?m\b)/i;

/** `retry-after: 30`, `"resets_in_seconds":13872`, `retryDelay: "7.5s"`, `retry_after_ms=500`. */
const FIELD = new RegExp(
  '\\b(?:retry[-_ ]?(?:after|in|delay)|(?:quota[-_ ]?)?resets?[-_ ]?(?:in|after))' +
    `(?:[-_ ]?(${UNIT}))?\\\\?["']?\\s*(?:[:=]\\s*)?\\\\?["']?${ABOUT}(\\d[^\\n]{0,60})`,
  'i',
);

const PART = new RegExp(
  `^[\\s,]*(?:and\\s+)?(\\d{1,3}(?:,\\d{3})+|\\d+(?:\\.\\d+)?)\\s*(?:(${UNIT})(?![a-z])|(ms|s|m|h|d|w)(?=\\d))?`,
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

/** `limit reached|1764039600`, `"resets_at":1764039600`, `resetsAt: 1764039600000`; epoch ms. */
function epochIn(line: string): number | undefined {
  const found =
    /(?:limit reached\||\b(?:resets?|retry)[-_ ]?at\\?["']?\s*(?:[:=]\s*)?\\?["']?|(?<!p)reset[\w-]{0,30}\\?["']?\s*[:=]\s*\\?["']?)(\d{13}|\d{10})\b/i.exec(
      line,
    )?.[1];
  if (found === undefined) return undefined;
  return found.length === 13 ? Number(found) : Number(found) * 1000;
}

/** A date and a time of day as they are written, of which parts may be left out. */
interface Written {
  readonly year?: number | undefined;
  /** From 1. */
  readonly month?: number | undefined;
  readonly day?: number | undefined;
  /** 0 is Sunday. */
  readonly weekday?: number | undefined;
  /** From today. */
  readonly inDays?: number | undefined;
  /** The day and the month may be the other way round. */
  readonly maySwap?: boolean | undefined;
  /** Of the day, in minutes. */
  readonly minutes: number;
  /** Undefined: that of this computer. */
  readonly zone: string | undefined;
}

const AHEAD =
  /\b(?:again|until|available|renews?|refresh(?:es)?|back|retry)\b|(?<!p)reset(?:s|ting)?(?:[_-]?(?:at|on|time(?:stamp)?|tokens|requests))?\b/i;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const MONTH =
  '(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)' +
  '(?:uary|ruary|ch|il|e|y|ust|t(?:ember)?|ober|ember)?(?![a-z])\\.?';
const WEEKDAY = '(sun|mon|tue|wed|thu|fri|sat)(?:day|s|sday|nesday|rs|rsday|urday)?(?![a-z])';
const DAY = '(\\d{1,2})(?:st|nd|rd|th)?';
const TIME =
  '(?:,|\\s|\\bat\\b|\\bon\\b|(?<=\\d)T)*(\\d{1,2})(?::(\\d\\d))?(?::(\\d\\d)(?:\\.\\d+)?)?(?:\\s*([ap])\\.?(?:m\\b)?\\.?)?';
const HOUR_MS = 3_600_000;
/** Zones by the short names that `Intl` does not know, or takes for those of other places. */
const SHORT_ZONES: Readonly<Record<string, string>> = {
  PST: 'America/Los_Angeles',
  PDT: 'America/Los_Angeles',
  PT: 'America/Los_Angeles',
  PACIFIC: 'America/Los_Angeles',
  MST: 'America/Denver',
  MDT: 'America/Denver',
  MT: 'America/Denver',
  MOUNTAIN: 'America/Denver',
  CST: 'America/Chicago',
  CDT: 'America/Chicago',
  CT: 'America/Chicago',
  CENTRAL: 'America/Chicago',
  EST: 'America/New_York',
  EDT: 'America/New_York',
  ET: 'America/New_York',
  EASTERN: 'America/New_York',
  WET: 'Europe/Lisbon',
  WEST: 'Europe/Lisbon',
  CET: 'Europe/Berlin',
  CEST: 'Europe/Berlin',
  EET: 'Europe/Helsinki',
  EEST: 'Europe/Helsinki',
  MSK: 'Europe/Moscow',
  BST: 'Europe/London',
  IST: 'Asia/Kolkata',
  SGT: 'Asia/Singapore',
  HKT: 'Asia/Hong_Kong',
  KST: 'Asia/Seoul',
  JST: 'Asia/Tokyo',
  AEST: 'Australia/Sydney',
  AEDT: 'Australia/Sydney',
  NZST: 'Pacific/Auckland',
  NZDT: 'Pacific/Auckland',
  Z: 'UTC',
  GMT: 'UTC',
};
const ZONE =
  `\\s*\\(?((?:(?:UTC|${Object.keys(SHORT_ZONES).join('|')})(?![a-z])` +
  '|[A-Z][A-Za-z_]+(?:\\/[A-Za-z_+-]+\\d{0,2}){1,2})?(?:[+-]\\d\\d?:?(?:\\d\\d)?)?)\\b';

const DATES: readonly (readonly [
  pattern: RegExp,
  read: (match: readonly (string | undefined)[]) => Partial<Written>,
  /** Where the time of day begins among the groups. */
  time: number,
])[] = [
  [
    new RegExp(`(\\d{4})-(\\d\\d)-(\\d\\d)(?:${TIME}${ZONE})?`),
    ([, year, month, day]) => ({ year: Number(year), month: Number(month), day: Number(day) }),
    4,
  ],
  [
    new RegExp(`\\b(\\d{4})/(\\d{1,2})/(\\d{1,2})\\b(?:${TIME}${ZONE})?`),
    ([, year, month, day]) => ({ year: Number(year), month: Number(month), day: Number(day) }),
    4,
  ],
  [
    new RegExp(`\\b(\\d{1,2})/(\\d{1,2})/(\\d{4})\\b(?:${TIME}${ZONE})?`, 'i'),
    ([, one, other, year]) => ({
      ...{ month: Number(one), day: Number(other), year: Number(year) },
      maySwap: true,
    }),
    4,
  ],
  [
    new RegExp(`\\b(\\d{1,2})\\.(\\d{1,2})\\.(\\d{4})\\b(?:${TIME}${ZONE})?`, 'i'),
    ([, day, month, year]) => ({ day: Number(day), month: Number(month), year: Number(year) }),
    4,
  ],
  [
    new RegExp(`\\b${MONTH} ${DAY}\\b(?:,? (\\d{4})\\b)?(?:${TIME}${ZONE})?`, 'i'),
    ([, month, day, year]) => ({ month: monthOf(month), day: Number(day), year: numberOf(year) }),
    4,
  ],
  [
    new RegExp(`\\b${DAY}\\.?(?: of)? ${MONTH}(?:,? (\\d{4})\\b)?(?:${TIME}${ZONE})?`, 'i'),
    ([, day, month, year]) => ({ month: monthOf(month), day: Number(day), year: numberOf(year) }),
    4,
  ],
  [
    new RegExp(`\\b${WEEKDAY}\\.?,?(?:${TIME}${ZONE})?`, 'i'),
    ([, weekday]) => ({ weekday: DAYS.indexOf((weekday ?? '').toLowerCase()) }),
    2,
  ],
  [
    new RegExp(`\\b(today|tomorrow)\\b(?:${TIME}${ZONE})?`, 'i'),
    ([, day]) => ({ inDays: day?.toLowerCase() === 'tomorrow' ? 1 : 0 }),
    2,
  ],
  [
    new RegExp(`^(?:\\W{0,3}(?:daily|(?:each|every) day|after|by)\\b)?(?:${TIME}${ZONE})`, 'i'),
    () => ({}),
    1,
  ],
];

/** The moment that a line names after a word that looks ahead; epoch ms. */
function dateIn(line: string, now: number): number | undefined {
  const ahead = AHEAD.exec(line);
  if (ahead === null) return undefined;
  const text = line
    .slice(ahead.index + ahead[0].length)
    .slice(0, 120)
    .replace(/\bmidnight\b/i, '12am')
    .replace(/\bnoon\b/i, '12pm');
  for (const [pattern, read, at] of DATES) {
    const match = pattern.exec(text);
    if (match === null) continue;
    const date = read(match);
    const [hour, minute, second, half, zone] = match.slice(at);
    const isTime = hour !== undefined && (minute !== undefined || half !== undefined);
    // A time of day is told by its minutes or its half of the day; else it is any number.
    if (!isTime && Object.keys(date).length === 0) return undefined;
    const minutes = isTime ? minutesOf(Number(hour), Number(minute ?? 0), half) : 0;
    if (minutes === undefined) return undefined;
    const written = {
      ...date,
      minutes: minutes + Number(second ?? 0) / 60,
      zone: zone === '' ? undefined : zone,
    };
    const moment = momentOf(written, now);
    const { maySwap = false, month, day } = date;
    if (maySwap && (month === undefined || month > 12 || waitUntil(moment, now) === undefined))
      return momentOf({ ...written, month: day, day: month }, now);
    return moment;
  }
  return undefined;
}

function minutesOf(hour: number, minute: number, half: string | undefined): number | undefined {
  const isAfternoon = half?.toLowerCase() === 'p';
  const hours = half === undefined ? hour : (hour % 12) + (isAfternoon ? 12 : 0);
  return hours > 23 || minute > 59 ? undefined : hours * 60 + minute;
}

function monthOf(name: string | undefined): number {
  return MONTHS.indexOf((name ?? '').toLowerCase()) + 1;
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** The next moment that fits; what a year is not said of is the nearest. */
function momentOf(
  { year, month, day, weekday, inDays, minutes, zone }: Written,
  now: number,
): number {
  const today = new Date(now + offsetOf(now, zone));
  const at = (y: number, m: number, d: number): number => {
    const local = Date.UTC(y, m, d) + minutes * 60_000;
    const guess = local - offsetOf(local, zone);
    // The clocks may have been changed between the two.
    return local - offsetOf(guess, zone);
  };
  const [y, m, d] = [today.getUTCFullYear(), today.getUTCMonth(), today.getUTCDate()];
  if (month !== undefined && day !== undefined) {
    if (year !== undefined) return at(year, month - 1, day);
    const years = [y - 1, y, y + 1].map((one) => at(one, month - 1, day));
    return years.reduce((a, b) => (Math.abs(b - now) < Math.abs(a - now) ? b : a));
  }
  if (inDays !== undefined) return at(y, m, d + inDays);
  if (weekday !== undefined) {
    const days = (weekday - today.getUTCDay() + 7) % 7;
    const next = at(y, m, d + days);
    return next < now ? at(y, m, d + days + 7) : next;
  }
  const next = at(y, m, d);
  return next < now ? at(y, m, d + 1) : next;
}

/** By how much the clocks there are ahead of UTC at a moment, in ms. */
function offsetOf(moment: number, zone: string | undefined): number {
  const [, sign, hours, minutes = '0'] =
    /^(?:UTC|GMT)?([+-])(\d\d?):?(\d\d)?$/i.exec(zone ?? '') ?? [];
  if (sign !== undefined)
    return (sign === '-' ? -1 : 1) * (Number(hours) * HOUR_MS + Number(minutes) * 60_000);
  const name = zone === undefined ? undefined : (SHORT_ZONES[zone.toUpperCase()] ?? zone);
  const parts = partsIn(moment, name);
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0] = parts;
  return Date.UTC(year, month - 1, day, hour, minute) - Math.floor(moment / 60_000) * 60_000;
}

/** Year, month, day, hour and minute there; here where the zone is none that we know. */
function partsIn(moment: number, timeZone: string | undefined): readonly number[] {
  const format = (zone: string | undefined): readonly number[] => {
    const parts = new Intl.DateTimeFormat('en-GB', {
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      hourCycle: 'h23',
      ...(zone === undefined ? {} : { timeZone: zone }),
    }).formatToParts(moment);
    return (['year', 'month', 'day', 'hour', 'minute'] as const).map((type) =>
      Number(parts.find((part) => part.type === type)?.value),
    );
  };
  try {
    return format(timeZone);
  } catch {
    // A RangeError: no such zone.
    return format(undefined);
  }
}

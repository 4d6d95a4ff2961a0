/** A moment that has just passed: the wait is over. */
const JUST_PASSED_MS = 60_000;

/** From now (epoch ms) to a moment, in ms; 0 where it has just passed, undefined where long ago. */
export function waitUntil(moment: number | undefined, now: number): number | undefined {
  if (moment === undefined || moment - now < -JUST_PASSED_MS) return undefined;
  return Math.max(0, moment - now);
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

const AHEAD = new RegExp(
  '\\b(?:again|until|available|renews?|refresh(?:es)?|back|retry)\\b' +
    '|(?<!p)reset(?:s|ting)?(?:[_-]?(?:at|on|time(?:stamp)?|tokens|requests))?\\b',
  'i',
);
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const MONTH =
  `(${MONTHS.join('|')})` + '(?:uary|ruary|ch|il|e|y|ust|t(?:ember)?|ober|ember)?(?![a-z])\\.?';
const WEEKDAY = `(${DAYS.join('|')})(?:day|s|sday|nesday|rs|rsday|urday)?(?![a-z])`;
const DAY = '(\\d{1,2})(?:st|nd|rd|th)?';
const CLOCK = '(\\d{1,2})(?::(\\d\\d))?(?::(\\d\\d)(?:\\.\\d+)?)?';
const TIME = `(?:,|\\s|\\bat\\b|\\bon\\b|(?<=\\d)T)*${CLOCK}(?:\\s*([ap])\\.?(?:m\\b)?\\.?)?`;
const HOUR_MS = 3_600_000;
/** Zones with the short names that `Intl` does not know, or takes for those of other places. */
const ZONES: Readonly<Record<string, string>> = {
  'America/Los_Angeles': 'PST PDT PT PACIFIC',
  'America/Denver': 'MST MDT MT MOUNTAIN',
  'America/Chicago': 'CST CDT CT CENTRAL',
  'America/New_York': 'EST EDT ET EASTERN',
  'Europe/Lisbon': 'WET WEST',
  'Europe/Berlin': 'CET CEST',
  'Europe/Helsinki': 'EET EEST',
  'Europe/Moscow': 'MSK',
  'Europe/London': 'BST',
  'Asia/Kolkata': 'IST',
  'Asia/Singapore': 'SGT',
  'Asia/Hong_Kong': 'HKT',
  'Asia/Seoul': 'KST',
  'Asia/Tokyo': 'JST',
  'Australia/Sydney': 'AEST AEDT',
  'Pacific/Auckland': 'NZST NZDT',
  UTC: 'Z GMT',
};
const SHORT_ZONES: ReadonlyMap<string, string> = new Map(
  Object.entries(ZONES).flatMap(([zone, names]) =>
    names.split(' ').map((name) => [name, zone] as const),
  ),
);
const ZONE =
  `\\s*\\(?((?:(?:UTC|${[...SHORT_ZONES.keys()].join('|')})(?![a-z])` +
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
    ([, month, day, year]) => ({
      month: Number(month),
      day: Number(day),
      year: Number(year),
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
export function dateIn(line: string, now: number): number | undefined {
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
  const name = zone === undefined ? undefined : (SHORT_ZONES.get(zone.toUpperCase()) ?? zone);
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

// Control characters, what YAML cannot print, and marks that reverse the reading order: none
// belongs in a line of text.
const UNPRINTABLE =
  /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/gu;
const LINE_BREAKS = /[\s\u0085\u2028\u2029]+/gu;

/**
 * Text on one line: breaks and runs of blanks become one space, characters that cannot be seen or
 * printed go.
 */
export function oneLine(text: string): string {
  return text.replace(LINE_BREAKS, ' ').replace(UNPRINTABLE, '').replace(/ {2,}/g, ' ').trim();
}

/**
 * Text on several lines, each ended by a line feed: tabs stay, all other characters that `oneLine`
 * drops go.
 */
export function cleanLines(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(UNPRINTABLE, (sign) => (sign === '\n' || sign === '\t' ? sign : ''));
}

/**
 * Text for quick picks, the status bar, messages and names of terminals. The editor draws `$(name)`
 * as an icon there, and `[text](target)` as a link in messages: a zero-width space keeps both from
 * being read as such.
 */
export function plain(text: string): string {
  return oneLine(text).replace(/\$\(/g, '$\u200b(').replace(/\]\(/g, ']\u200b(');
}

/**
 * Foreign text within a sentence of ours: one short line, without what could end a fence or a
 * quotation.
 */
export function named(text: string, max = 120): string {
  return cut(oneLine(text).replace(/[`"“”]/g, "'"), max);
}

/**
 * Text without any of these signs at its start and its end. By hand: a regular expression for the
 * end of a text looks at each run of signs anew from each of them.
 */
export function trimSigns(text: string, atStart: string, atEnd: string): string {
  let [start, end] = [0, text.length];
  while (start < end && atStart.includes(text.charAt(start))) start++;
  while (end > start && atEnd.includes(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}

const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' });

/**
 * At most `max` code points, an ellipsis being the last of them where something was cut; never cuts
 * through a character.
 */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  // Two UTF-16 units a code point at most: looking further would read long texts in vain.
  const points = Array.from(text.slice(0, 2 * max + 2));
  if (points.length <= max) return text;
  let kept = '';
  let length = 0;
  for (const { segment } of GRAPHEMES.segment(points.join(''))) {
    length += Array.from(segment).length;
    if (length > max - 1) break;
    kept += segment;
  }
  // One character of more parts than there is room for: better a part of it than nothing.
  if (kept === '') kept = points.slice(0, max - 1).join('');
  return `${kept.trimEnd()}…`;
}

/** `1 task`, `2 tasks`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/**
 * The first items of a list as a line each, and in a line that begins alike how many more there
 * are.
 */
export function firstLines<T>(
  list: readonly T[],
  most: number,
  lineOf: (item: T, index: number) => string,
  begin = '',
): readonly string[] {
  const lines = list.slice(0, most).map(lineOf);
  return list.length > most ? [...lines, `${begin}and ${list.length - most} more`] : lines;
}

/** The first items of a list in a row: “T-1, T-2 and 5 more”. */
export function firstOf<T>(list: readonly T[], most: number, nameOf: (item: T) => string): string {
  const names = list
    .slice(0, most)
    .map((item) => nameOf(item))
    .join(', ');
  return list.length > most ? `${names} and ${list.length - most} more` : names;
}

/**
 * A length of time in the two units that matter, such as “1.5 s”, “12 min” or “1 h 5 min”; a
 * negative one is “0 s”.
 */
export function duration(ms: number): string {
  // Tenths of a second only where they tell something.
  const seconds = ms < 10_000 ? Math.max(0, Math.round(ms / 100) / 10) : Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.round(hours / 24)} days`;
}

/**
 * A moment in epoch ms as RFC 3339 in UTC, in whole seconds; for any number, since a file may hold
 * any.
 */
export function utcTime(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? 'an unknown time' : `${date.toISOString().slice(0, 19)}Z`;
}

/** What was thrown, in its own words. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What was thrown, with the calls that led there: for a log. */
export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

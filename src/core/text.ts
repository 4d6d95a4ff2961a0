// Control characters, what YAML cannot print, and marks that reverse the reading order: none belongs in a line of text.
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/gu;
const LINE_BREAKS = /[\s\u0085\u2028\u2029]+/gu;

/** Text on one line: breaks and runs of blanks become one space, characters that cannot be seen or printed go. */
export function oneLine(text: string): string {
  return text.replace(LINE_BREAKS, ' ').replace(UNPRINTABLE, '').replace(/ {2,}/g, ' ').trim();
}

const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** At most `max` code points, an ellipsis being the last of them where something was cut; never cuts through a character. */
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

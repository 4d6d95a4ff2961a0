/** Years that take four digits, with a day to spare for every zone. */
const FIRST_AT = Date.parse('0001-01-02T00:00:00Z');
const LAST_AT = Date.UTC(9999, 11, 30);

/** Epoch ms as local time with its offset, to the second, as exarp-go writes dates. UTC is `Z`. */
export function formatRfc3339(at: number): string {
  // A stored number may be outside the range of a date, and is clamped.
  const date = new Date(Math.max(FIRST_AT, Math.min(LAST_AT, Number.isNaN(at) ? 0 : at)));
  const offset = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, 19);
  if (offset === 0) return `${local}Z`;
  const minutes = Math.abs(offset);
  return `${local}${offset < 0 ? '-' : '+'}${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

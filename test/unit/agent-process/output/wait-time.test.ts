import assert from 'node:assert/strict';
import test from 'node:test';
import { findWait } from '../../../../src/agent-process/output/wait-time.ts';

const NOW = Date.parse('2026-01-10T12:00:00Z'); // a Saturday
const S = 1000;
const H = 3_600_000;
const D = 24 * H;

/** Sentences and fields of providers, with how long they ask to wait, in ms. */
const WAITS: readonly (readonly [text: string, waitMs: number | undefined])[] = [
  ["You've hit your weekly limit · resets Jan 13 at 4:30am (UTC)", 2 * D + 16.5 * H],
  ["You've hit your weekly limit · resets Jan 13, 4:30am (America/New_York)", 2 * D + 21.5 * H],
  ['Your limit resets on Feb 1, 2026 at 12:00 AM UTC', 21.5 * D],
  ['Try again at Jan 13th, 2026 2:03 PM UTC.', 3 * D + 2.05 * H],
  ['It is available again on 13 January 2026 at 14:03 UTC', 3 * D + 2.05 * H],
  ['limit resets Dec 31 at 3pm (UTC)', undefined],
  ['resets Monday at 9am UTC', D + 21 * H],
  ['resets Mon 3:00 PM PST', 2 * D + 11 * H],
  ['resets Sat 11am (UTC)', 6 * D + 23 * H],
  ['resets 5pm (UTC)', 5 * H],
  ['5-hour limit reached ∙ resets 3:30am (Europe/Berlin)', 14.5 * H],
  ['limit will reset at 15:30 UTC', 3.5 * H],
  ['reset at 14:00+02:00', 0],
  ['try again at 2026-01-10T13:10:00Z', 70 * 60 * S],
  ['Try again at 2026-01-10 13:10 UTC', 70 * 60 * S],
  ['reset at 2026-01-10T13:10:00+02:00', undefined],
  ['Claude AI usage limit reached|1768064400', 5 * H],
  ['{"error":{"type":"usage_limit_reached","resets_at":1768064400}}', 5 * H],
  ['{\\"resets_at\\":1768064400000}', 5 * H],
  ['{"resets_in_seconds":13872}', 13_872 * S],
  ['{\\"resets_in_seconds\\":13872}', 13_872 * S],
  ['"retryDelay": "7.5s"', 7500],
  ['retry-after: 30', 30 * S],
  ['retry_after_ms=500', 500],
  ['x-ratelimit-reset-after: 6m0s', 360 * S],
  ['Please try again in 2h0m0s.', 2 * H],
  ['Please try again in 11.054s. Visit the site', 11_054],
  ["You've hit your usage limit. Try again in 3 hours 25 minutes.", 205 * 60 * S],
  ['Your quota will reset after 1h2m3s.', 3723 * S],
  ['Suggested retry after 7200s.', 2 * H],
  ['Please wait 20 seconds before the next request', 20 * S],
  ['Please wait for 2 minutes', 120 * S],
  ['resets in 4d 2h', 4 * D + 2 * H],
  ['Retry in 3 days', 3 * D],
  ['Retry in 1 week', 7 * D],
  ['Try again in 99999999 days', undefined],
  ['try again later', undefined],
  ['try again in a moment', undefined],
  ['Line 429: again 3 times', undefined],
  ['in 5 minutes the tests were done', undefined],
  ['', undefined],
];

for (const [text, waitMs] of WAITS) {
  test(`how long to wait: ${JSON.stringify(text)}`, () => {
    assert.equal(findWait(text, NOW), waitMs);
  });
}

test('a time without a zone is one of this computer', () => {
  const at = new Date(2026, 0, 10, 18, 45).getTime();
  const now = new Date(2026, 0, 10, 12, 0).getTime();
  assert.equal(findWait('resets 6:45pm', now), at - now);
  assert.equal(findWait('Try again at Jan 10th, 2026 6:45 PM.', now), at - now);
});

test('the nearest year counts, and a zone that nobody knows is that of this computer', () => {
  const now = Date.parse('2026-12-30T12:00:00Z');
  assert.equal(findWait('resets Jan 2 at 12pm (UTC)', now), 3 * D);
  const local = new Date(2026, 0, 10, 12, 0).getTime();
  assert.equal(findWait('resets 1pm (Nowhere/Land)', local), H);
});

test('the clocks are changed in between', () => {
  const now = Date.parse('2026-03-28T12:00:00Z');
  assert.equal(findWait('resets Mar 29 at 1pm (Europe/Berlin)', now), 23 * H);
});

test('no text takes long to be read', () => {
  for (const unit of ['retry after 1 ', 'resets Jan ', 'wait 1m', 'again at ', '1, ', 'resets_in'])
    assert.doesNotThrow(() => findWait(unit.repeat(100_000), NOW));
});

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
  ['retry-after: Sat, 10 Jan 2026 13:10:00 GMT', 4200 * S],
  ['X-RateLimit-Reset: 1768050000', 1 * H],
  ['"X-RateLimit-Reset":"1768050000000"', 1 * H],
  ['anthropic-ratelimit-unified-reset: 1768050000', 1 * H],
  ['anthropic-ratelimit-requests-reset: 2026-01-10T13:10:00Z', 4200 * S],
  ['x-ratelimit-reset-requests: 1s', 1 * S],
  ['x-ratelimit-reset-tokens: 6m0s', 360 * S],
  ['"resetTime": "2026-01-10T13:10:00Z"', 4200 * S],
  ['"quotaResetTimeStamp":"2026-01-10T13:10:00Z"', 4200 * S],
  ['"quotaResetDelay":"2h30m5.5s"', 9005500],
  ['"resetsAt":"2026-01-10T13:10:00.000Z"', 4200 * S],
  ['retryDelayMs: 51000', 51 * S],
  ['"retry_after_seconds":12', 12 * S],
  ['"retry_after": 12.5', 12500],
  ['"resets_in": 3600', 1 * H],
  ['reset_after_seconds=60', 60 * S],
  ['"secondsUntilReset": 90', 90 * S],
  ['resets in 2 hr 30 min', 2.5 * H],
  ['try again in 2 hours, 30 minutes, and 5 seconds', 9005 * S],
  ['try again in ~2 min', 120 * S],
  ['Retry after 1,234 seconds', 1234 * S],
  ['try again in 1.5h', 1.5 * H],
  ['try again in an hour', 1 * H],
  ['Try again in a minute.', 60 * S],
  ['try again in one hour', 1 * H],
  ['try again in half an hour', 0.5 * H],
  ['resets at midnight UTC', 12 * H],
  ['resets at midnight (America/Los_Angeles)', 20 * H],
  ['Your quota resets at midnight Pacific time', 20 * H],
  ['resets tomorrow at 9am UTC', 21 * H],
  ['resets tomorrow at 1pm UTC', 25 * H],
  ['resets today at 5pm UTC', 5 * H],
  ['resets at noon UTC', 0],
  ['resets on 1/21/2026, 2:30:00 PM UTC', 266.5 * H],
  ['resets 21/01/2026 14:30 UTC', 266.5 * H],
  ['resets 21.1.2026, 14:30:00 UTC', 266.5 * H],
  ['resets at 2026/01/10 13:10:00 UTC', 4200 * S],
  ['Try again at 1/10/2026, 2:30:00\u202fPM UTC', 2.5 * H],
  ['resets 3\u202fPM (UTC)', 3 * H],
  ['resets 3pm PT', 11 * H],
  ['resets 3 PM ET', 8 * H],
  ['resets 3 PM Pacific', 11 * H],
  ['resets 3 PM Eastern Time', 8 * H],
  ['resets 11pm (Asia/Kolkata)', 5.5 * H],
  ['resets 1am (Australia/Sydney)', 2 * H],
  ['resets 10pm KST', 1 * H],
  ['resets 1am AEDT', 2 * H],
  ['resets 4pm (America/Argentina/Buenos_Aires)', 7 * H],
  ['resets 3pm (Etc/GMT+1)', 4 * H],
  ['resets 1pm (UTC+0)', 1 * H],
  ['resets 10pm (UTC+8)', 2 * H],
  ['resets 5:30pm UTC-05:00', 10.5 * H],
  ['resets 2026-01-10 13:10:00 +0000 UTC', 4200 * S],
  ['2026-01-10T13:10:00+00:00 reset', undefined],
  ['until 15:30 UTC', 3.5 * H],
  ['available after 15:30 UTC', 3.5 * H],
  ['Try again after 3:05 PM UTC', 11100 * S],
  ['resets 12am (UTC)', 12 * H],
  ['resets 12:30 p.m. UTC', 0.5 * H],
  ['Resets at 3 p.m. (UTC)', 3 * H],
  ['resets Tue, Jan 13, 4:30 AM UTC', 64.5 * H],
  ['resets Tuesday, January 13, 2026 at 4:30 AM UTC', 64.5 * H],
  ['resets on the 13th of January at 4:30am UTC', 64.5 * H],
  ['resets 13. Jan 2026, 04:30 UTC', 64.5 * H],
  ['resets Jan 13 at 04:30 UTC', 64.5 * H],
  ['resets in 45m', 2700 * S],
  ['resets in 1d', 1 * D],
  ['Resets in 3 hr', 3 * H],
  ['resets in: 2h 5m', 7500 * S],
  ['reset in 00:45:10', 2710 * S],
  ['Please try again in 6m59.5s', 419500],
  ['Please retry in 21.434124s.', 21434],
  ['please try again after 1 seconds', 1 * S],
  ['Please try again in 359ms', 359],
  ['Please wait 1 minute(s) before trying again', 60 * S],
  ['Please retry after 27 seconds.', 27 * S],
  ['Limit 30000, Used 29000, Requested 2000. Please try again in 2s.', 2 * S],
  ['retrying in 5 seconds... attempt 3/10', 5 * S],
  ['Retrying after 4000ms', 4 * S],
  ['retry-after-ms: 1500', 1500],
  ['Your free usage resets daily at 00:00 UTC', 12 * H],
  ['resets every day at 08:00 UTC', 20 * H],
  ['try again in 2 Stunden', undefined],
  ['Blocked for 30 minutes', undefined],
  ['cooldown: 30s', undefined],
  ['Try again in PT1H30M', 1.5 * H],
  ['"retryAfter":"PT30S"', 30 * S],
  ['retry-after: 0', 0],
  ['Line 12: reset 3 counters', undefined],
  ['reset the 5 tests', undefined],
  ['I reset 2026 rows', undefined],
  ['limit reached ∙ resets Jan 13, 12am (UTC)', 60 * H],
  ['Your weekly limit will reset on Wednesday, 14 January at 10:00 UTC', 94 * H],
  ['reset at 2026-01-10T13:10Z', 4200 * S],
  ['resets at 13:10:30 UTC', 4230 * S],
  ['resets at 1310 UTC', undefined],
  ['try again in 3 days, 4 hours', 76 * H],
  ['Try again in 2 weeks and 1 day.', 15 * D],
  ['Try again in 1 hour 0 minutes', 1 * H],
  ['expires_in: 30; resets in 3 hours', 3 * H],
  [
    'Your usage limits will reset when your monthly cycle ends on 1/21/2026, 12:00 AM UTC',
    10.5 * D,
  ],
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

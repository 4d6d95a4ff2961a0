import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatRfc3339 } from '../../../../src/store/write/rfc3339.ts';

const zones = [
  'UTC',
  'Asia/Kolkata',
  'America/St_Johns',
  'Pacific/Kiritimati',
  'Europe/Berlin',
] as const;

function inZone<T>(zone: string, body: () => T): T {
  const before = process.env['TZ'];
  process.env['TZ'] = zone;
  try {
    return body();
  } finally {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  }
}

test('a moment is written in local time with its offset, as exarp-go does', () => {
  const at = Date.UTC(2026, 0, 31, 22, 5, 9, 999);
  const written = zones.map((zone) => inZone(zone, () => formatRfc3339(at)));
  assert.deepEqual(written, [
    '2026-01-31T22:05:09Z',
    '2026-02-01T03:35:09+05:30',
    '2026-01-31T18:35:09-03:30',
    '2026-02-01T12:05:09+14:00',
    '2026-01-31T23:05:09+01:00',
  ]);
});

test('what is written reads back as the same second, in every zone', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 4_000_000_000_000 }),
      fc.constantFrom(...zones),
      (at, zone) => {
        const text = inZone(zone, () => formatRfc3339(at));
        assert.equal(Date.parse(text), Math.floor(at / 1000) * 1000);
      },
    ),
    { seed: 5 },
  );
});

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { RunEvent } from '../../src/core/run/run-events.ts';
import { JournalWriter } from '../../src/store/journal-writer.ts';

const EVENTS = 400;

test('what is appended while earlier lines are being written is written too, once and in order', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'todo2-journal-'));
  try {
    const file = join(folder, 'r1.jsonl');
    const failures: string[] = [];
    const writer = new JournalWriter({
      ...{ file, prepare: () => Promise.resolve(), onFailed: (detail) => void failures.push(detail) },
    });
    for (let wave = 0; wave < EVENTS; wave++) {
      const event: RunEvent = { kind: 'waveStarted', runId: 'r1', wave, at: wave };
      writer.append(event);
      // Now in the same turn, now in the middle of a write, and now after it.
      if (wave % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (wave % 50 === 0) await writer.flushed();
    }
    await writer.close();
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as { wave: number }).wave),
      Array.from({ length: EVENTS }, (_, wave) => wave),
    );
    assert.deepEqual(failures, []);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { RunEvent } from '../../../../src/core/run/run-events.ts';
import { JournalWriter } from '../../../../src/store/runs/journal-writer.ts';

const EVENTS = 400;

test('what is appended while earlier lines are being written is written too, once and in order', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'todo2-journal-'));
  try {
    const file = join(folder, 'r1.jsonl');
    const failures: string[] = [];
    const writer = new JournalWriter({
      ...{
        file,
        prepare: () => Promise.resolve(),
        onFailed: (detail) => void failures.push(detail),
      },
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

const waves = (file: string): readonly number[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { wave: number }).wave);

test('a journal that is deleted while its run goes on is put back whole, with its folder', async (t) => {
  const base = mkdtempSync(join(tmpdir(), 'todo2-journal-'));
  t.after(() => rmSync(base, { recursive: true, force: true }));
  const folder = join(base, 'runs');
  const file = join(folder, 'r1.jsonl');
  const failures: string[] = [];
  let mayPrepare = true;
  const writer = new JournalWriter({
    ...{ file, onFailed: (detail) => void failures.push(detail) },
    prepare: () => {
      if (!mayPrepare) throw new Error('not now');
      mkdirSync(folder, { recursive: true });
      return Promise.resolve();
    },
  });
  const append = async (wave: number): Promise<void> => {
    writer.append({ kind: 'waveStarted', runId: 'r1', wave, at: wave });
    await writer.flushed();
  };
  await append(0);
  await append(1);
  rmSync(folder, { recursive: true });
  await append(2);
  assert.deepEqual(waves(file), [0, 1, 2]);
  rmSync(folder, { recursive: true });
  mayPrepare = false;
  await append(3);
  assert.deepEqual(failures, ['not now']);
  mayPrepare = true;
  await append(4);
  assert.deepEqual(waves(file), [0, 1, 2, 3, 4]);
  await writer.close();
});

test('a journal whose place another file has taken is not written over, and is put back when that is gone', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'todo2-journal-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'r1.jsonl');
  const failures: string[] = [];
  const writer = new JournalWriter({
    ...{ file, prepare: () => Promise.resolve(), onFailed: (detail) => void failures.push(detail) },
  });
  const append = async (wave: number): Promise<void> => {
    writer.append({ kind: 'waveStarted', runId: 'r1', wave, at: wave });
    await writer.flushed();
  };
  await append(0);
  rmSync(file);
  writeFileSync(file, 'mine');
  await append(1);
  assert.equal(readFileSync(file, 'utf8'), 'mine');
  assert.equal(failures.length, 1);
  rmSync(file);
  await append(2);
  await writer.close();
  assert.deepEqual(waves(file), [0, 1, 2]);
});

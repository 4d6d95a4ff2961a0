import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { createReader, isAgentOutput } from '../../../../src/agent-process/output/agent-output.ts';
import { judge } from '../../../../src/agent-process/output/verdict.ts';
import { waitIn } from '../../../../src/agent-process/output/wait-time.ts';
import type { Recording } from '../../../agents/record.ts';

// What real command lines of agents wrote, recorded by `npm run agents -- --record`; and some small
// inputs beside them. Each is judged as the supervisor judges it.

const FOLDER = new URL('../../../golden/agent-streams/', import.meta.url);
const NOW = Date.parse('2026-01-10T12:00:00Z');
const recordings = JSON.parse(
  readFileSync(new URL('index.json', FOLDER), 'utf8'),
) as readonly Recording[];

function patternOf(text: string): RegExp {
  const [, source = '', flags = ''] = /^\/(.*)\/([a-z]*)$/s.exec(text) ?? [];
  return new RegExp(source, flags);
}

for (const recording of recordings) {
  const { file, output, agent, exitCode, signal, verdict, says, waitS } = recording;
  test(`what a real agent wrote is judged right: ${file}`, () => {
    assert(isAgentOutput(output));
    const bytes = readFileSync(new URL(file, FOLDER));
    const reader = createReader(output, () => NOW);
    // In pieces, as it comes from a pipe.
    for (let at = 0; at < bytes.length; at += 4096) reader.read(bytes.subarray(at, at + 4096));
    reader.end();
    const { phase, resumes, files } = recording;
    const exit = { exitCode: exitCode ?? undefined, signal: signal ?? undefined };
    const found = judge({ ...reader.facts, agent, phase, resumes, files, ...exit });
    assert.equal(found.kind, verdict, JSON.stringify(found));
    if (says !== undefined) {
      const words =
        found.kind === 'succeeded'
          ? reader.lastSaid
          : 'detail' in found
            ? found.detail
            : 'reason' in found
              ? (found.reason ?? signal)
              : '';
      assert.match(words ?? '', patternOf(says));
    }
    if (found.kind === 'rateLimited')
      assert.equal(
        found.retryAfterMs ?? waitIn(found.words, NOW),
        waitS === undefined ? undefined : waitS * 1000,
      );
    assert.deepEqual(reader.denied, recording.denied ?? []);
    assert.deepEqual(reader.remarks, recording.remarks ?? []);
    if (recording.activity !== undefined) assert.equal(reader.activity, recording.activity);
  });
}

test('every recording has its place in the index, once', () => {
  const there = readdirSync(FOLDER).filter((name) => name.endsWith('.jsonl'));
  assert.deepEqual(recordings.map(({ file }) => file).sort(), there.sort());
});

test('no recording tells where or for whom it was made', () => {
  for (const { file } of recordings) {
    const text = readFileSync(new URL(file, FOLDER), 'utf8');
    assert.doesNotMatch(text, /\/(?:tmp|home|root|work|Users)\/(?!user\b)|stand-in-key/, file);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunState } from '../../../src/core/run/run-events.ts';
import { earlierRuns } from '../../../src/wire/earlier-runs.ts';

type Known = Pick<RunState, 'resumes' | 'startedAt' | 'phase'>;

function earlier(runs: Readonly<Record<string, Known>>): string {
  return earlierRuns('c', (runId) => runs[runId]).join(' ');
}

const run = (startedAt: number, resumes?: string, phase: RunState['phase'] = 'ended'): Known => ({
  ...{ startedAt, resumes, phase },
});

test('a run goes on with those that it resumes, the latest first', () => {
  assert.equal(earlier({ c: run(3, 'b', 'running'), b: run(2, 'a'), a: run(1) }), 'b a');
  assert.equal(earlier({ c: run(3) }), '');
  assert.equal(earlier({}), '');
  assert.equal(earlier({ c: run(3, 'forgotten') }), 'forgotten', 'its journal may be gone');
});

test('journals that cannot be true lead nowhere', () => {
  assert.equal(earlier({ c: run(3, 'c') }), '', 'it resumes itself');
  assert.equal(earlier({ c: run(3, 'b'), b: run(2, 'c') }), 'b');
  assert.equal(earlier({ c: run(3, 'b'), b: run(4, 'a'), a: run(1) }), '', 'a later one');
  assert.equal(earlier({ c: run(3, 'b'), b: run(2, 'a', 'running'), a: run(1) }), '', 'at work');
});

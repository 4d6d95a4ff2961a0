import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  formatEntry,
  isRunId,
  parseEntry,
} from '../../../../../src/core/run/journal/journal-entry.ts';
import type { RunEvent } from '../../../../../src/core/run/run-events.ts';
import { taskId } from '../../../../../src/core/task.ts';
import { runEvents } from '../../../../support/run-arbitraries.ts';

const RUN = 'run-1';
const started: RunEvent = {
  ...{
    kind: 'runStarted',
    runId: RUN,
    title: 'Wave 1',
    waves: [[taskId('T-1')]],
    resumes: undefined,
    followUps: undefined,
    at: 1,
  },
  options: {
    ...{
      runMode: 'strict',
      onFailure: 'continue',
      pauseBetweenWaves: false,
      heldTasks: 'skip',
      reviewGate: 'inRun',
      retries: 0,
    },
    ...{
      retryAfterMs: 0,
      maxEqualFailures: 3,
      leaseMs: 1000,
      statusOnSuccess: 'Review',
      timeLimitMs: 0,
      stuckAfterMs: 0,
      agentCaps: [],
      budget: undefined,
      isolation: undefined,
      resolveConflicts: undefined,
      sameFiles: undefined,
    },
  },
  agents: [[taskId('T-1'), { agent: 'claude', model: undefined, agentMode: 'unattended' }]],
};
const ended = (outcome: unknown) =>
  JSON.stringify({ kind: 'taskEnded', runId: RUN, id: 'T-1', outcome, at: 5 });
const startedWith = (change: object) => JSON.stringify({ v: 1, ...started, ...change });
const evidenceOf = (change: object) => {
  const event = parseEntry(
    ended({
      kind: 'succeeded',
      status: 'Review',
      evidence: { startedAt: 1, endedAt: 2, files: [], ...change },
    }),
  );
  assert.ok(event?.kind === 'taskEnded' && event.outcome.kind === 'succeeded');
  return event.outcome.evidence;
};

describe('a line of a journal', () => {
  test('gives back the event that was written, whatever it holds', () => {
    fc.assert(
      fc.property(runEvents, (event) => {
        const line = formatEntry(event);
        assert.doesNotMatch(line, /[\n\r]/);
        assert.deepEqual(parseEntry(line), event);
      }),
      { numRuns: 2000 },
    );
  });

  test('gives an event in every part or none, whatever anybody writes', () => {
    const bent = fc
      .tuple(runEvents, fc.nat(), fc.jsonValue(), fc.constantFrom('change', 'drop', 'add'))
      .map(([event, where, what, how]) => bend(JSON.parse(formatEntry(event)), where, what, how));
    fc.assert(
      fc.property(fc.oneof(bent, fc.json(), fc.string()), (line) => {
        const event = parseEntry(line);
        if (event === undefined) return;
        // What was read is what it would be written as: nothing unknown came along, nothing is
        // missing.
        assert.deepEqual(parseEntry(formatEntry(event)), event);
      }),
      { numRuns: 3000 },
    );
  });

  const refused: readonly (readonly [name: string, line: string])[] = [
    ['no JSON', '{"kind":"runEnded"'],
    ['another version', JSON.stringify({ v: 2, ...started })],
    ['a start without a version', JSON.stringify(started)],
    ['an unknown kind', JSON.stringify({ kind: 'runDoubled', runId: RUN, at: 1 })],
    ['a kind that every object has', JSON.stringify({ kind: 'constructor', runId: RUN, at: 1 })],
    ['an id of a run that is a path', JSON.stringify({ kind: 'runEnded', runId: '../x', at: 1 })],
    ['an id of a run that is an option', JSON.stringify({ kind: 'runEnded', runId: '-rf', at: 1 })],
    ['an unknown failure', ended({ kind: 'notStarted', failure: { kind: 'invented' } })],
    ['an empty id', JSON.stringify({ kind: 'taskStarted', runId: RUN, id: '', at: 1 })],
    [
      'half an attempt',
      JSON.stringify({
        kind: 'taskStarting',
        runId: RUN,
        id: 'T-1',
        attemptNo: 1.5,
        tryNo: 1,
        at: 1,
      }),
    ],
    ['a task in two waves', startedWith({ waves: [['T-1'], ['T-1']] })],
    ['a task without an agent', startedWith({ waves: [['T-1', 'T-2']] })],
    [
      'a model that reads as an option',
      startedWith({
        agents: [['T-1', { agent: 'claude', model: '--yolo', agentMode: 'unattended' }]],
      }),
    ],
    [
      'a line that is too long',
      JSON.stringify({ kind: 'runEnded', runId: RUN, at: 1, more: 'x'.repeat(1024 * 1024) }),
    ],
    ['nothing but brackets', '['.repeat(1_000_000)],
  ];
  for (const [name, line] of refused) {
    test(`is refused: ${name}`, () => assert.equal(parseEntry(line), undefined));
  }

  test('cannot exhaust the stack by nesting', () => {
    const opening =
      '{"kind":"skipped","reason":{"kind":"runStopped","stop":{"kind":"breaker","count":1,"outcome":';
    for (const levels of [20, 3000, 9000]) {
      const nested = `${opening.repeat(levels)}{"kind":"stopped"}${'}}}'.repeat(levels)}`;
      assert.equal(
        parseEntry(`{"kind":"taskEnded","runId":"${RUN}","id":"T-1","at":5,"outcome":${nested}}`),
        undefined,
      );
    }
  });

  test('keeps no session and no log that could lead elsewhere, and the rest of the evidence', () => {
    for (const sessionId of ['--help', 'a b', '', '$(x)', 'x'.repeat(200), 7, null]) {
      assert.equal(evidenceOf({ sessionId })?.sessionId, undefined);
    }
    assert.equal(evidenceOf({ sessionId: 'b1-x_Y' })?.sessionId, 'b1-x_Y');
    for (const logFile of [
      '/etc/passwd',
      '../x',
      'a/../../x',
      'C:\\x',
      'a\\..\\b',
      '',
      'a\0b',
      7,
    ]) {
      assert.equal(evidenceOf({ logFile })?.logFile, undefined);
    }
    assert.equal(
      evidenceOf({ logFile: '.todo2/waves/runs/r/1.log' })?.logFile,
      '.todo2/waves/runs/r/1.log',
    );
  });

  test('can hold a run of 100,000 tasks', () => {
    const ids = Array.from({ length: 100_000 }, (_, index) =>
      taskId(`T-${1_700_000_000_000 + index}`),
    );
    const [, agent] = started.agents[0]!;
    const event: RunEvent = {
      ...started,
      waves: [ids],
      agents: ids.map((id) => [id, agent] as const),
    };
    assert.deepEqual(parseEntry(formatEntry(event)), event);
  });
});

test('journals of the first version are read in every line, and written as they were', () => {
  // Never written anew: runs of users lie on disks in this form.
  const file = new URL('../../../../golden/journal-version-1.jsonl', import.meta.url);
  for (const line of readFileSync(file, 'utf8').split(/\r?\n/).filter(Boolean)) {
    const event = parseEntry(line) ?? assert.fail(`no longer read: ${line}`);
    assert.deepEqual(JSON.parse(formatEntry(event)), JSON.parse(line));
  }
});

test('an id of a run is a plain name', () => {
  for (const id of ['20261125T023000-a1b2c3', 'run-1', 'x']) assert.ok(isRunId(id));
  for (const id of [
    '',
    '.',
    '..',
    'a/b',
    'a\\b',
    '-a',
    'a b',
    'a.b',
    'ä',
    'x'.repeat(65),
    undefined,
    7,
  ]) {
    assert.ok(!isRunId(id));
  }
});

/** The same JSON with one value, somewhere in it, changed, dropped, or joined by another. */
function bend(
  value: unknown,
  where: number,
  what: unknown,
  how: 'change' | 'drop' | 'add',
): string {
  const places: (() => void)[] = [];
  const visit = (each: unknown): void => {
    if (typeof each !== 'object' || each === null) return;
    const object = each as Record<string, unknown>;
    for (const key of Object.keys(object)) {
      places.push(() => {
        if (how === 'change') object[key] = what;
        else if (how === 'drop') Reflect.deleteProperty(object, key);
        else object[`${key}More`] = what;
      });
      visit(object[key]);
    }
  };
  visit(value);
  places[where % places.length]?.();
  return JSON.stringify(value);
}

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { forecast, type ForecastTask } from '../../../../../src/core/run/engine/forecast.ts';

const MINUTE = 60_000;

/** `a 5`, `b 2 < a`, `c 3 @-1` (at work since one minute ago), `d 1 | 1` (in wave 1): in minutes. */
function tasksOf(...lines: readonly string[]): readonly ForecastTask[] {
  return lines.map((line) => {
    const [, id = '', length = '', since, wave, after = ''] =
      /^(\w+) (\d+)(?: @(-?\d+))?(?: \| (\d+))?(?: < (.*))?$/.exec(line) ?? [];
    return {
      id,
      wave: Number(wave ?? 0),
      startedAt: since === undefined ? undefined : Number(since) * MINUTE,
      durationMs: Number(length) * MINUTE,
      after: after.split(' ').filter(Boolean),
      takesPlace: true,
    };
  });
}

function show(lines: readonly string[], cap: number, isStrict = false): string {
  const spans = forecast(tasksOf(...lines), { now: 0, cap, isStrict });
  return [...spans]
    .map(([id, { from, to }]) => `${id} ${from / MINUTE}-${to / MINUTE}`)
    .sort()
    .join(', ');
}

describe('the forecast of a run', () => {
  const cases: readonly [name: string, lines: readonly string[], cap: number, expected: string][] =
    [
      ['starts what it has places for', ['a 5', 'b 2', 'c 1'], 2, 'a 0-5, b 0-2, c 2-3'],
      ['lets a task wait for what it depends on', ['a 5', 'b 2 < a'], 4, 'a 0-5, b 5-7'],
      ['goes on from what is at work', ['a 5 @-2', 'b 1'], 1, 'a -2-3, b 3-4'],
      ['gives what is late a tenth of its time more', ['a 10 @-60'], 1, 'a -60-1'],
      ['takes what is not in the run as done', ['a 1 < gone'], 1, 'a 0-1'],
      ['has nothing for tasks in a circle', ['a 1 < b', 'b 1 < a', 'c 1'], 1, 'c 0-1'],
      ['of nothing is nothing', [], 3, ''],
    ];
  for (const [name, lines, cap, expected] of cases)
    test(name, () => assert.equal(show(lines, cap), expected));

  test('waits for the end of a wave where waves follow one another, and skips empty ones', () => {
    const lines = ['a 5 | 1', 'b 1 | 1', 'c 1 | 3'];
    assert.equal(show(lines, 4, true), 'a 0-5, b 0-1, c 5-6');
    assert.equal(show(lines, 4, false), 'a 0-5, b 0-1, c 0-1');
  });

  test('never has more at a time than places, and nothing before what it waits for', () => {
    const graphs = fc.array(
      fc.record({ length: fc.integer({ min: 1, max: 9 }), back: fc.array(fc.nat(5)) }),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(graphs, fc.integer({ min: 1, max: 5 }), fc.boolean(), (graph, cap, isStrict) => {
        const tasks = graph.map(({ length, back }, at): ForecastTask => {
          const after = back.filter((n) => n > 0 && at - n >= 0).map((n) => String(at - n));
          const wave = Math.floor(at / 7);
          const times = { startedAt: undefined, durationMs: length };
          return { id: String(at), wave, ...times, after, takesPlace: true };
        });
        const spans = forecast(tasks, { now: 0, cap, isStrict });
        assert.equal(spans.size, tasks.length);
        for (const { id, after } of tasks)
          for (const on of after) assert.ok(spans.get(id)!.from >= spans.get(on)!.to);
        for (const { from } of spans.values()) {
          const atWork = [...spans.values()].filter((span) => span.from <= from && span.to > from);
          assert.ok(atWork.length <= cap);
        }
      }),
    );
  });
});

import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  dryRun,
  estimate,
  type DryRun,
  type DryRunOptions,
} from '../../../../../src/core/run/engine/dry-run.ts';
import type { RunMode, RunOptions } from '../../../../../src/core/run/run-options.ts';
import { VirtualClock } from '../../../../../src/core/run/engine/virtual-clock.ts';
import type { Task } from '../../../../../src/core/task.ts';
import { settle } from '../../../../support/hand-clock.ts';
import { autopilot, RunRig } from '../../../../support/run-rig.ts';

interface Dry {
  readonly options?: Partial<RunOptions>;
  readonly changes?: Readonly<Record<string, Partial<Task>>>;
  readonly durations?: Readonly<Record<string, number>>;
}

/** Each task takes 100 ms, unless `durations` says otherwise. */
function optionsFor(
  backlog: readonly string[],
  waves: string,
  { options, changes, durations }: Dry = {},
): DryRunOptions {
  const rig = new RunRig(backlog);
  rig.options = { ...rig.options, ...options };
  for (const [id, change] of Object.entries(changes ?? {})) rig.change(id, change);
  return {
    request: rig.request(waves),
    state: { kind: 'ready', snapshot: rig.snapshot() },
    root: '/backlog',
    readiness: rig.readiness,
    durationOf: (id) => durations?.[id] ?? 100,
    caseFoldPaths: false,
    now: rig.clock.now(),
    settle,
  };
}

async function dry(
  backlog: readonly string[],
  waves: string,
  cap: number,
  more: Dry = {},
): Promise<DryRun> {
  const run = await dryRun(optionsFor(backlog, waves, more), cap);
  assert(run.ok);
  return run.value;
}

/** `a 0-100` for each task, in the order of the starts. */
function words({ order }: DryRun): string {
  return order.map(({ id, startsAt, endsAt }) => `${id} ${startsAt}-${endsAt}`).join(', ');
}

test('a budget has no effect on a dry run', async () => {
  const budget = { usd: 0.01, tokens: 1, minutes: 1 / 60_000 };
  const [limited, free] = [{ budget }, {}].map((options) => dry(['a', 'b'], 'a b', 1, { options }));
  assert.deepEqual(await limited, await free);
});

test('a dry run tells when each task would start and end', async () => {
  const run = await dry(['a', 'b', 'c', 'd < a'], 'a b c | d', 2, { durations: { a: 300 } });
  assert.equal(words(run), 'a 0-300, b 0-100, c 100-200, d 300-400');
  assert.equal(run.makespanMs, 400);
  assert.deepEqual(run.skipped, []);
});

test('tasks whose earlier attempts touched the same files start apart, where others can start', async () => {
  const options = optionsFor(['a', 'b', 'c'], 'a b c');
  const touched = (id: string): readonly string[] => (id === 'c' ? [] : ['log.txt']);
  const [without, advised] = [await dryRun(options, 2), await dryRun({ ...options, touched }, 2)];
  assert(without.ok && advised.ok);
  assert.equal(words(without.value), 'a 0-100, b 0-100, c 100-200');
  assert.equal(words(advised.value), 'a 0-100, c 0-100, b 100-200');
  const alone = await dryRun({ ...options, touched: () => ['log.txt'] }, 3);
  assert(alone.ok);
  assert.equal(words(alone.value), 'a 0-100, b 0-100, c 0-100', 'nothing waits for it');
});

test('flow does not wait for the wave', async () => {
  const backlog = ['a', 'slow', 'b < a'];
  const durations = { slow: 500 };
  assert.equal((await dry(backlog, 'a slow | b', 2, { durations })).makespanMs, 600);
  const flow = await dry(backlog, 'a slow | b', 2, { durations, options: { runMode: 'flow' } });
  assert.equal(words(flow), 'slow 0-500, a 0-100, b 100-200');
});

test('what would be skipped is told with its reason, and what would be waited for too', async () => {
  const lock = { holder: 'other', since: undefined, until: 1_000_000 + 250 };
  const run = await dry(['+a', 'b: src/x', 'c: src/x', 'e: src/x'], 'a b c e', 4, {
    changes: { c: { lock } },
    options: { heldTasks: 'wait' },
  });
  assert.deepEqual(
    run.skipped.map(({ id, reason }) => [id, reason.kind]),
    [['a', 'notReady']],
  );
  assert.equal(words(run), 'b 0-100, e 100-200, c 250-350');
  assert(run.order.at(-1)?.waits.some(({ kind }) => kind === 'held'));
  assert.deepEqual(run.order[1]?.waits, [{ kind: 'sharesFiles', with: 'b', files: ['src/x'] }]);
});

test('a dry run changes nothing of what it was given, and pauses for nobody', async () => {
  const options = optionsFor(['a', 'b < a'], 'a | b', { options: { pauseBetweenWaves: true } });
  const before = JSON.stringify(options.state);
  const run = await dryRun(options, 1);
  assert(run.ok && run.value.order.length === 2);
  assert.equal(JSON.stringify(options.state), before);
});

test('a dry run of nothing fails as the run would', async () => {
  const options = optionsFor(['a'], '');
  assert.deepEqual(await dryRun(options, 1), { ok: false, failure: { kind: 'nothingToRun' } });
});

test('an estimate tells how long it takes for several caps', async () => {
  const found = await estimate(optionsFor(['a', 'b', 'c', 'd'], 'a b c d'), [1, 2, 4]);
  assert(found.ok);
  assert.deepEqual(found.value, [
    { cap: 1, makespanMs: 400 },
    { cap: 2, makespanMs: 200 },
    { cap: 4, makespanMs: 100 },
  ]);
});

test('a dry run starts in the order in which the run does', async () => {
  const backlog = ['a', 'b', 'c < a', 'd < c', 'e', 'f < b: src/x', 'g: src/x'];
  for (const runMode of ['strict', 'flow'] as const) {
    const waves = 'a b e g | c f | d';
    const rig = new RunRig(backlog, 1);
    rig.options = { ...rig.options, runMode };
    autopilot(rig);
    rig.start(waves);
    while (rig.run()?.phase !== 'ended') await settle();
    const real = rig.events.flatMap((event) => (event.kind === 'taskStarting' ? event.id : []));
    const run = await dry(backlog, waves, 1, { options: { runMode }, durations: Object.fromEntries(backlog.map((t) => [t[0]!, 1])) }); // prettier-ignore
    assert.deepEqual(run.order.map(({ id }) => id), real); // prettier-ignore
  }
});

test('timers of a virtual clock ring in order, those for the same moment as they were set', async () => {
  const clock = new VirtualClock(100);
  const rung: string[] = [];
  for (const [ms, name] of [[5, 'c'], [1, 'a'], [5, 'd'], [1, 'b']] as const) clock.after(ms, () => rung.push(`${name}${clock.now()}`)); // prettier-ignore
  clock.after(2, () => rung.push('never')).dispose();
  assert.equal(await clock.runUntil(() => rung.length === 4, settle), true);
  assert.deepEqual(rung, ['a101', 'b101', 'c105', 'd105']);
  assert.equal(await clock.runUntil(() => false, settle), false, 'nothing is left that could ring');
});

const graphs = fc.record({
  tasks: fc.array(
    fc.record({
      dependencies: fc.array(fc.nat({ max: 14 }), { maxLength: 3 }),
      ms: fc.integer({ min: 1, max: 1000 }),
    }),
    { minLength: 1, maxLength: 15 },
  ),
  cap: fc.integer({ min: 1, max: 4 }),
});

test("flow stays within Graham's bound of the best possible, and is shorter than strict waves over the whole set", async () => {
  const total = { strict: 0, flow: 0 };
  await fc.assert(
    fc.asyncProperty(graphs, async ({ tasks, cap }) => {
      const dependencies = tasks.map((task, v) => [
        ...new Set(task.dependencies.filter((d) => d < v)),
      ]);
      const backlog = tasks.map(
        (_, v) => `t${v} < ${dependencies[v]!.map((d) => `t${d}`).join(' ')}`,
      );
      const durations = Object.fromEntries(tasks.map(({ ms }, v) => [`t${v}`, ms]));
      const [levels, paths]: [number[], number[]] = [[], []];
      for (const [v, on] of dependencies.entries()) {
        levels.push(Math.max(-1, ...on.map((d) => levels[d]!)) + 1);
        paths.push(Math.max(0, ...on.map((d) => paths[d]!)) + tasks[v]!.ms);
      }
      const numbers = [...new Set(levels)].sort((a, b) => a - b);
      const waves = numbers
        .map((n) => backlog.flatMap((_, v) => (levels[v] === n ? `t${v}` : [])).join(' '))
        .join(' | ');
      const makespan = async (runMode: RunMode): Promise<number> => {
        const run = await dry(backlog, waves, cap, { options: { runMode }, durations });
        assert.equal(run.order.length, tasks.length);
        for (const { id, startsAt } of run.order) {
          for (const d of dependencies[Number(id.slice(1))]!) {
            assert(
              run.order.find((step) => step.id === `t${d}`)!.endsAt <= startsAt,
              'never before a dependency',
            );
          }
        }
        const points = run.order.map(({ startsAt }) => startsAt);
        for (const at of points) {
          const alive = run.order.filter(({ startsAt, endsAt }) => startsAt <= at && at < endsAt);
          assert(alive.length <= cap, 'never more than the cap');
        }
        return run.makespanMs;
      };
      const work = tasks.reduce((sum, { ms }) => sum + ms, 0);
      const longest = Math.max(...paths);
      const [strict, flow] = [await makespan('strict'), await makespan('flow')];
      total.strict += strict;
      total.flow += flow;
      assert(flow >= Math.max(longest, work / cap) - 1e-9, 'no faster than possible');
      assert(flow <= work / cap + (1 - 1 / cap) * longest + 1e-9, "within Graham's bound");
    }),
    { numRuns: process.env['PROOF'] === 'full' ? 5000 : 300, seed: 3 },
  );
  assert(total.flow < total.strict, `${total.flow} ms in flow, ${total.strict} ms in strict waves`);
});

test('ten thousand tasks are dry-run to the last one', async () => {
  const ids = Array.from({ length: 10_000 }, (_, i) => `T-${i}`);
  const backlog = ids.map((id, i) => (i < 100 ? id : `${id} < T-${i - 100}`));
  const run = await dry(backlog, ids.join(' '), 8, { options: { runMode: 'flow' } });
  assert.equal(run.order.length, 10_000);
});

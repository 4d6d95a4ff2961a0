import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  compareIds,
  exarpPriorityRank,
  isInExarpWaves,
  isSettled,
  priorityRank,
} from '../../../../src/core/task.ts';
import type { Priority, Status, Task, TaskId } from '../../../../src/core/task.ts';
import { DEFAULT_WAVE_OPTIONS, planWaves } from '../../../../src/core/waves/waves.ts';
import type { Plan, WaveOptions } from '../../../../src/core/waves/waves.ts';
import { byId, task } from '../../../support/backlog.ts';

const IDS = [
  'T-1',
  'T-2',
  'T-10',
  'T-11',
  'T-02',
  'a',
  'b',
  'S-2',
  'T-1764129938123456788',
  'T-1764129938123456789',
];
const STATUSES: readonly Status[] = [
  'Todo',
  'Todo',
  'In Progress',
  'Review',
  'Done',
  'Done',
  'Blocked',
  'Cancelled',
  'Unknown',
];
const PRIORITIES: readonly Priority[] = ['critical', 'high', 'medium', 'low', 'other'];

/**
 * Backlogs of up to ten tasks; `names` decides which ids a task may depend on or have as its
 * parent.
 */
function backlogs(names: (id: string) => readonly string[]): fc.Arbitrary<readonly Task[]> {
  const one = (id: string): fc.Arbitrary<Task> => {
    const others = names(id).length === 0 ? ['missing'] : names(id);
    return fc
      .record({
        status: fc.constantFrom(...STATUSES),
        priority: fc.constantFrom(...PRIORITIES),
        dependencies: fc.array(fc.constantFrom(...others), { maxLength: 3 }),
        parentId: fc.option(fc.constantFrom(...others), { nil: undefined, freq: 3 }),
      })
      .map((fields) => task(id, fields));
  };
  return fc.shuffledSubarray(IDS, { minLength: 1 }).chain((ids) => fc.tuple(...ids.map(one)));
}

const anyBacklog = backlogs(() => [...IDS, 'missing', 'gone']);
/** A task names only what comes before it, so that nothing is circular. */
const acyclicBacklog = backlogs((id) => [...IDS.slice(0, IDS.indexOf(id)), 'missing']);

const anyOptions: fc.Arbitrary<WaveOptions> = fc.record({
  numbering: fc.constantFrom('open', 'exarp'),
  maxTasksPerWave: fc.constantFrom(0, 0, 1, 2, 3),
  missing: fc.constantFrom('satisfied', 'blocked'),
});

const open = (backlog: readonly Task[]): readonly Task[] =>
  backlog.filter((each) => !isSettled(each.status));

/** The open tasks that a task depends on, itself left out. */
function dependenciesOf(each: Task, backlog: readonly Task[]): readonly Task[] {
  return open(backlog).filter(
    (other) => other.id !== each.id && each.dependencies.includes(other.id),
  );
}

/** All that a task waits for, and what that waits for, to the end. */
function upstreamOf(each: Task, backlog: readonly Task[]): ReadonlySet<Task> {
  const found = new Set<Task>();
  const visit = (at: Task): void => {
    for (const next of dependenciesOf(at, backlog)) {
      if (found.has(next)) continue;
      found.add(next);
      visit(next);
    }
  };
  visit(each);
  return found;
}

function lacks(each: Task, backlog: readonly Task[]): boolean {
  return each.dependencies.some((id) => !byId(backlog).has(id));
}

/** What should keep a task out of every wave, found by asking everything it waits for. */
function expectedBlock(each: Task, backlog: readonly Task[], options: WaveOptions): string {
  const upstream = upstreamOf(each, backlog);
  if (upstream.has(each)) return 'cycle';
  if ([...upstream].some((other) => upstreamOf(other, backlog).has(other))) return 'behindCycle';
  if (options.missing === 'satisfied') return 'none';
  if (lacks(each, backlog)) return 'missing';
  return [...upstream].some((other) => lacks(other, backlog)) ? 'behindMissing' : 'none';
}

/**
 * A plan with its maps as lists, so that comparing two of them compares what is in them, order
 * included.
 */
function listed(plan: Plan): unknown {
  const { waveOf, exarpLevelOf, missing, blockedOf, ...rest } = plan;
  return {
    ...rest,
    waveOf: [...waveOf],
    exarpLevelOf: [...exarpLevelOf],
    missing: [...missing],
    blockedOf: [...blockedOf],
  };
}

test('every task is in exactly one place, and nothing comes before what it depends on', () => {
  fc.assert(
    fc.property(anyBacklog, anyOptions, (backlog, options) => {
      const plan = planWaves(backlog, options);
      const inWaves = plan.waves.flatMap((wave) => wave.tasks);
      const blocked = plan.blocked.map((each) => each.task);
      assert.deepEqual(
        [...inWaves, ...plan.outside, ...blocked, ...plan.settled].map((each) => each.id).sort(),
        backlog.map((each) => each.id).sort(),
      );
      assert.ok(plan.settled.every((each) => isSettled(each.status)));
      for (const wave of plan.waves) {
        assert.ok(wave.tasks.length > 0);
        for (const each of wave.tasks) {
          assert.equal(plan.waveOf.get(each.id), wave.number);
          for (const dependency of dependenciesOf(each, backlog))
            assert.ok(
              plan.outside.includes(dependency) || plan.waveOf.get(dependency.id)! < wave.number,
            );
        }
      }
      assert.equal(plan.waveOf.size, inWaves.length);
      const numbers = plan.waves.map((wave) => wave.number);
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b),
      );
      if (options.numbering === 'open' || options.maxTasksPerWave > 0)
        assert.deepEqual(numbers, [...numbers.keys()]);
    }),
    { seed: 21, numRuns: 600 },
  );
});

test('a task is blocked exactly if what it waits for can never be done, and for the right reason', () => {
  fc.assert(
    fc.property(anyBacklog, anyOptions, (backlog, options) => {
      const plan = planWaves(backlog, options);
      for (const each of open(backlog)) {
        const reason = plan.blockedOf.get(each.id);
        assert.equal(reason?.kind ?? 'none', expectedBlock(each, backlog, options), each.id);
        const upstream = upstreamOf(each, backlog);
        const upstreamIds = new Set([...upstream].map((other) => other.id));
        if (reason?.kind === 'cycle') {
          const members = [...upstream].filter((other) => upstreamOf(other, backlog).has(each));
          assert.deepEqual(reason.members, members.map((other) => other.id).sort(compareIds));
        } else if (reason?.kind === 'behindCycle') {
          assert.ok(plan.cycles.includes(reason.members));
          assert.ok(reason.members.every((id) => upstreamIds.has(id)));
        } else if (reason?.kind === 'missing') {
          assert.deepEqual(reason.ids, plan.missing.get(each.id));
        } else if (reason?.kind === 'behindMissing') {
          assert.ok(upstreamIds.has(reason.via));
          assert.equal(plan.blockedOf.get(reason.via)?.kind, 'missing');
        }
      }
      assert.deepEqual(
        plan.blocked.map((each) => each.task.id),
        plan.blocked.map((each) => each.task.id).sort(compareIds),
      );
      const cyclic = plan.blocked.flatMap((each) =>
        each.reason.kind === 'cycle' ? [each.task.id] : [],
      );
      assert.deepEqual(plan.cycles.flat().sort(), cyclic.sort());
    }),
    { seed: 22, numRuns: 600 },
  );
});

test('where nothing is circular a task is right after the last of its dependencies and its parent', () => {
  fc.assert(
    fc.property(acyclicBacklog, (backlog) => {
      const plan = planWaves(backlog, DEFAULT_WAVE_OPTIONS);
      assert.deepEqual(plan.blocked, []);
      for (const [id, number] of plan.waveOf) {
        const each = byId(backlog).get(id)!;
        const before = [
          ...dependenciesOf(each, backlog).map((other) => other.id),
          each.parentId ?? each.id,
        ]
          .filter((other) => other !== id)
          .map((other) => plan.waveOf.get(other) ?? -1);
        assert.equal(number, 1 + Math.max(-1, ...before));
      }
    }),
    { seed: 24, numRuns: 400 },
  );
});

test('the same tasks give the same plan, whatever order they arrive in', () => {
  const shuffled = anyBacklog.chain((backlog) =>
    fc.tuple(
      fc.constant(backlog),
      fc.shuffledSubarray([...backlog], { minLength: backlog.length }),
    ),
  );
  fc.assert(
    fc.property(shuffled, anyOptions, ([backlog, other], options) => {
      assert.deepEqual(listed(planWaves(other, options)), listed(planWaves(backlog, options)));
    }),
    { seed: 25, numRuns: 600 },
  );
});

test('a limit cuts waves and changes nothing else', () => {
  fc.assert(
    fc.property(
      anyBacklog,
      anyOptions,
      fc.integer({ min: 1, max: 4 }),
      (backlog, options, limit) => {
        const whole = planWaves(backlog, { ...options, maxTasksPerWave: 0 });
        const cut = planWaves(backlog, { ...options, maxTasksPerWave: limit });
        const pieces = whole.waves.flatMap(({ tasks }) =>
          Array.from({ length: Math.ceil(tasks.length / limit) }, (_, i) =>
            tasks.slice(i * limit, (i + 1) * limit),
          ),
        );
        assert.deepEqual(
          cut.waves.map((wave) => wave.tasks),
          pieces,
        );
        assert.deepEqual(listed({ ...cut, waves: [], waveOf: new Map() }), {
          ...(listed({ ...whole, waves: [], waveOf: new Map() }) as object),
          options: cut.options,
        });
      },
    ),
    { seed: 26, numRuns: 300 },
  );
});

test('waves are ordered by priority, then by id', () => {
  fc.assert(
    fc.property(anyBacklog, anyOptions, (backlog, options) => {
      const byText = (a: Task, b: Task): number => (a.id < b.id ? -1 : 1);
      const byNumber = (a: Task, b: Task): number => compareIds(a.id, b.id);
      const isExarp = options.numbering === 'exarp';
      const order = isExarp ? byText : byNumber;
      const rank = (each: Task): number =>
        isExarp ? exarpPriorityRank(each.rawPriority) : priorityRank(each.priority);
      for (const wave of planWaves(backlog, options).waves) {
        const sorted = wave.tasks.toSorted((a, b) => rank(a) - rank(b) || order(a, b));
        assert.deepEqual(wave.tasks, sorted);
      }
    }),
    { seed: 27, numRuns: 300 },
  );
});

/**
 * exarp-go's levels as its rules say it, over names instead of numbers; only for backlogs without
 * cycles.
 */
function levelsByTheRules(backlog: readonly Task[]): ReadonlyMap<TaskId, number> {
  const levels = new Map<TaskId, number>();
  const levelOf = (each: Task): number => {
    const known = levels.get(each.id);
    if (known !== undefined) return known;
    const before = [...each.dependencies, ...(each.parentId === undefined ? [] : [each.parentId])]
      .map((id) => byId(backlog).get(id))
      .filter((other) => other !== undefined);
    const level = before.length === 0 ? 0 : 1 + Math.max(...before.map(levelOf));
    levels.set(each.id, level);
    return level;
  };
  backlog.forEach(levelOf);
  return levels;
}

test("without cycles exarp-go's numbering gives its levels, its gaps and its order", () => {
  fc.assert(
    fc.property(acyclicBacklog, (backlog) => {
      const levels = levelsByTheRules(backlog);
      const plan = planWaves(backlog, { ...DEFAULT_WAVE_OPTIONS, numbering: 'exarp' });
      const expected = new Map<number, Task[]>();
      const inWaves = open(backlog).filter(({ status }) => isInExarpWaves(status));
      const sorted = inWaves.toSorted(
        (a, b) =>
          levels.get(a.id)! - levels.get(b.id)! ||
          priorityRank(a.priority) - priorityRank(b.priority) ||
          (a.id < b.id ? -1 : 1),
      );
      for (const each of sorted) {
        const level = levels.get(each.id)!;
        expected.set(level, [...(expected.get(level) ?? []), each]);
      }
      assert.deepEqual(
        plan.waves,
        Array.from(expected, ([number, tasks]) => ({ number, tasks })),
      );
      for (const each of open(backlog))
        assert.equal(plan.exarpLevelOf.get(each.id), levels.get(each.id));
      assert.equal(plan.exarpLevelOf.size, open(backlog).length);
    }),
    { seed: 28, numRuns: 400 },
  );
});

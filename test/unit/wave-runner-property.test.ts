import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { applyRunEvent } from '../../src/core/run/run-state.ts';
import type { RunState } from '../../src/core/run/run-events.ts';
import { taskId } from '../../src/core/task.ts';
import { settle } from '../support/hand-clock.ts';
import { assertWellFormed, LEASE_MS, ME, RunRig } from '../support/run-rig.ts';

const FATES = ['well', 'badly', 'signal', 'notStarted', 'stolen', 'unwritable', 'claimFails', 'held', 'gone'] as const;

const world = fc.record({
  tasks: fc.array(
    fc.record({
      dependencies: fc.array(fc.nat({ max: 8 }), { maxLength: 3 }),
      fate: fc.oneof({ weight: 4, arbitrary: fc.constant('well' as const) }, fc.constantFrom(...FATES)),
    }),
    { minLength: 1, maxLength: 9 },
  ),
  cap: fc.integer({ min: 1, max: 4 }),
  gate: fc.constantFrom('inRun', 'always', 'never'),
  /** Which of the things that can happen next does. */
  order: fc.infiniteStream(fc.nat({ max: 1000 })),
  stops: fc.array(fc.record({ step: fc.nat({ max: 40 }), task: fc.option(fc.nat({ max: 8 })) }), { maxLength: 2 }),
  secondRunAt: fc.option(fc.nat({ max: 20 })),
});

/** Levels of a graph whose edges only go back, so that it has no cycle. */
function levelsOf(dependencies: readonly (readonly number[])[]): number[] {
  const levels: number[] = [];
  for (const ids of dependencies) levels.push(Math.max(-1, ...ids.map((id) => levels[id]!)) + 1);
  return levels;
}

test('whatever happens in whatever order, a run keeps its promises', async () => {
  await fc.assert(
    fc.asyncProperty(world, async ({ tasks, cap, gate, order, stops, secondRunAt }) => {
      const names = tasks.map((_, i) => `t${i}`);
      const dependencies = tasks.map((task, i) => [...new Set(task.dependencies.filter((d) => d < i))]);
      const rig = new RunRig(
        names.map((name, i) => `${name} < ${dependencies[i]!.map((d) => names[d]).join(' ')}`),
        cap,
      );
      rig.policy = { ...rig.policy, gate };
      rig.isManual = (label) => !label.startsWith('renew');
      const unwritable = new Set<string>();
      for (const [i, { fate }] of tasks.entries()) {
        const id = names[i]!;
        if (fate === 'notStarted') rig.failures.set(`agent ${id}`, { kind: 'noAgent', tried: [] });
        if (fate === 'claimFails') rig.failures.set(`claim ${id}`, { kind: 'busy', file: 'db', waitedMs: 1 });
        if (fate === 'held') rig.change(id, { lock: { holder: 'other', since: undefined, until: Infinity } });
        if (fate === 'gone') rig.tasks.delete(taskId(id));
        if (fate === 'unwritable') {
          unwritable.add(id);
          for (const to of ['Todo', 'Review']) {
            rig.failures.set(`finish ${id} ${to}`, { kind: 'busy', file: 'db', waitedMs: 1 });
          }
        }
      }
      rig.onAgent = ({ runId, task }) => {
        assert(rig.agents.size <= cap, 'never above the cap');
        const run = rig.runner.runs.find((r) => r.runId === runId);
        for (const id of task.dependencies) {
          const outcome = run?.tasks.get(id)?.outcome;
          const settledElsewhere = !rig.tasks.has(id) || rig.task(id).status === 'Review';
          assert(
            outcome?.kind === 'succeeded' || (outcome?.kind === 'skipped' && settledElsewhere),
            `${task.id} starts after ${id} succeeded`,
          );
        }
      };

      const levels = levelsOf(dependencies);
      const waves = [...new Set(levels)].sort((a, b) => a - b);
      const request = waves.map((level) => names.filter((_, i) => levels[i] === level).map(taskId));
      const start = (): void => void rig.runner.start({ title: 'all', waves: request });
      start();
      for (let step = 0; step < 2000; step++) {
        await settle();
        if (step === secondRunAt) start();
        for (const stop of stops.filter((s) => s.step === step)) {
          if (stop.task === null) void rig.runner.stopAll();
          else void rig.runner.stopTask(taskId(`t${stop.task}`));
        }
        await settle();
        const choices = [
          ...rig.pending.map(
            ({ label }) =>
              () =>
                rig.let(label),
          ),
          ...[...rig.agents.keys()].map((id) => () => {
            const fate = tasks[names.indexOf(id)]!.fate;
            if (fate === 'stolen') {
              rig.change(id, { lock: { holder: 'other', since: undefined, until: Infinity } });
              return rig.clock.turn(LEASE_MS / 3);
            }
            if (fate === 'signal') return rig.end(id, { kind: 'exited', exitCode: undefined, signal: 'SIGKILL' });
            return rig.end(id, fate === 'badly' ? 1 : 0);
          }),
        ];
        if (choices.length === 0) break;
        await choices[order.next().value! % choices.length]!();
      }

      assert(
        rig.runner.runs.every((run) => run.phase === 'ended'),
        'every run ends',
      );
      assert.deepEqual(rig.bugs, []);
      assertWellFormed(rig.events);
      assert.deepEqual(rig.keeper.held, [], 'nothing is kept alive any more');
      for (const task of rig.tasks.values()) {
        if (!unwritable.has(task.id)) assert.notEqual(task.lock?.holder, ME, `no claim on ${task.id} is left behind`);
      }
      for (const run of rig.runner.runs) {
        let told: RunState | undefined;
        for (const event of rig.events) if (event.runId === run.runId) told = applyRunEvent(told, event);
        assert.deepEqual(told, run, 'the events alone tell the whole run');
      }
    }),
    { numRuns: 300, seed: 20_261_123 },
  );
});

import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { applyRunEvents } from '../../../../../src/core/run/journal/run-state.ts';
import { reachedLimit } from '../../../../../src/core/run/run-budget.ts';
import type { RunEvent, RunState } from '../../../../../src/core/run/run-events.ts';
import { filesOf } from '../../../../../src/core/named-files.ts';
import { taskId, type TaskId } from '../../../../../src/core/task.ts';
import { settle } from '../../../../support/hand-clock.ts';
import { AGENT, assertWellFormed, RunRig, type Ending } from '../../../../support/run-rig.ts';

/** Thousands in the full proof, fewer with every test run. */
const RUNS = process.env['PROOF'] === 'full' ? 6000 : 1500;

const FATES = ['badly', 'signal', 'hangs', 'notStarted', 'stolen', 'unwritable', 'claimFails', 'rateLimited', 'dies', 'held', 'gone'] as const; // prettier-ignore
type Fate = (typeof FATES)[number] | 'well';

const ACTIONS = ['stopTask', 'stopWave', 'stopRun', 'pause', 'goOn', 'requeue', 'cap', 'reopen', 'second', 'wait', 'detach'] as const; // prettier-ignore

const world = fc.record({
  tasks: fc.array(
    fc.record({
      dependencies: fc.array(fc.nat({ max: 8 }), { maxLength: 3 }),
      /** What comes of the first attempt, and of all others. */
      fates: fc.tuple(
        fc.oneof(
          { weight: 5, arbitrary: fc.constant<Fate>('well') },
          fc.constantFrom<Fate>(...FATES),
        ),
        fc.oneof(
          { weight: 3, arbitrary: fc.constant<Fate>('well') },
          fc.constantFrom<Fate>(...FATES),
        ),
      ),
      file: fc.option(fc.constantFrom('src/a.ts', 'src/b.ts', 'src/a.ts src/b.ts'), { freq: 2 }),
      agent: fc.constantFrom('claude', 'codex'),
    }),
    { minLength: 1, maxLength: 9 },
  ),
  cap: fc.integer({ min: 1, max: 4 }),
  options: fc.record({
    runMode: fc.constantFrom('strict', 'flow'),
    onFailure: fc.constantFrom('continue', 'continue', 'stopAfterWave', 'stopAtOnce'),
    pauseBetweenWaves: fc.boolean(),
    held: fc.constantFrom('skip', 'wait'),
    gate: fc.constantFrom('inRun', 'inRun', 'always', 'never'),
    retries: fc.integer({ min: 0, max: 2 }),
    retryAfterMs: fc.constantFrom(0, 1000, 30_000),
    maxEqualFailures: fc.constantFrom(0, 0, 2, 3),
    agentCaps: fc.constantFrom<readonly (readonly [string, number])[]>(
      [],
      [['claude', 1]],
      [['codex', 2]],
    ),
    budget: fc.constantFrom(
      undefined,
      { usd: undefined, tokens: 10, minutes: undefined },
      { usd: 1, tokens: undefined, minutes: 2 },
    ),
  }),
  /** Which of the things that can happen next does. */
  order: fc.infiniteStream(fc.nat({ max: 1000 })),
  actions: fc.array(
    fc.record({
      step: fc.nat({ max: 60 }),
      action: fc.constantFrom(...ACTIONS),
      number: fc.nat({ max: 8 }),
    }),
    { maxLength: 5 },
  ),
});

/** Levels of a graph whose edges only go back, so that it has no circle. */
function levelsOf(dependencies: readonly (readonly number[])[]): number[] {
  const levels: number[] = [];
  for (const ids of dependencies) levels.push(Math.max(-1, ...ids.map((id) => levels[id]!)) + 1);
  return levels;
}

/** Written down and read back: what is undefined is not there. */
function asJson(state: RunState): unknown {
  return JSON.parse(JSON.stringify({ ...state, tasks: [...state.tasks] }));
}

/** What every attempt of which that is known has used. */
const USAGE = { inputTokens: 9, outputTokens: 1, costUsd: 1 };

function endingOf(fate: Fate): Ending {
  if (fate === 'badly') {
    const evidence = {
      ...{ startedAt: 0, endedAt: 1, verify: undefined, files: [], summary: undefined },
      ...{ logFile: undefined, sessionId: undefined, usage: USAGE },
    };
    const exit = { kind: 'exit' } as const;
    return { kind: 'failed', cause: exit, exitCode: 1, signal: undefined, evidence };
  }
  if (fate === 'signal') return { signal: 'SIGKILL' };
  if (fate === 'rateLimited')
    return { kind: 'rateLimited', retryAfterMs: 5000, detail: '429', usage: USAGE };
  if (fate === 'dies') return { kind: 'unknown', detail: 'killed' };
  const cause = { kind: 'timeLimit', limitMs: 1 } as const;
  if (fate === 'hangs')
    return { kind: 'failed', cause, exitCode: undefined, signal: 'SIGTERM', evidence: undefined };
  return 0;
}

/** Nothing was started once a limit of the budget was reached, until the run went on. */
function assertWithinBudget(events: readonly RunEvent[]): void {
  let run: RunState | undefined;
  for (const event of events) {
    if (run !== undefined && event.kind === 'taskStarting') {
      const { options, budgetStart, usage } = run;
      const limit = reachedLimit(options.budget, budgetStart, usage, event.at);
      assert.equal(limit, undefined, `${event.id} was started`);
    }
    run = applyRunEvents(run, [event]);
  }
}

test('whatever happens in whatever order, a run keeps its promises', async () => {
  await fc.assert(
    fc.asyncProperty(world, async ({ tasks, cap, options, order, actions }) => {
      const names = tasks.map((_, i) => `t${i}`);
      const dependencies = tasks.map((task, i) => [
        ...new Set(task.dependencies.filter((d) => d < i)),
      ]);
      const backlog = names.map((name, i) => `${name} < ${dependencies[i]!.map((d) => names[d]).join(' ')}: ${tasks[i]!.file ?? ''}`); // prettier-ignore
      const rig = new RunRig(backlog, cap);
      rig.options = { ...rig.options, ...options };
      rig.agentOf = (id) => ({ ...AGENT, agent: tasks[names.indexOf(id)]!.agent });
      rig.isManual = () => true;
      const busy = { kind: 'busy', file: 'db', waitedMs: 1 } as const;
      const unwritable = new Set<string>();
      const attempts = new Map<string, number>();
      const fateOf = (id: string): Fate =>
        tasks[names.indexOf(id)]!.fates[Math.min(attempts.get(id) ?? 0, 1)]!;
      const setFate = (id: string): void => {
        const fate = fateOf(id);
        const now = rig.clock.now();
        for (const step of [`agent ${id}`, `claim ${id}`]) rig.failures.delete(step);
        if (fate === 'notStarted') rig.failures.set(`agent ${id}`, { kind: 'noAgent', tried: [] });
        if (fate === 'claimFails') rig.failures.set(`claim ${id}`, busy);
        if (fate === 'held' && rig.tasks.has(taskId(id)) && rig.task(id).lock === undefined) {
          rig.change(id, { lock: { holder: 'other', since: undefined, until: now + 20_000 } });
        }
        if (fate === 'gone') rig.tasks.delete(taskId(id));
        if (fate === 'unwritable') {
          unwritable.add(id);
          for (const to of ['Todo', 'Review']) rig.failures.set(`finish ${id} ${to}`, busy);
        }
      };
      names.forEach(setFate);
      let highest = cap;
      rig.onAgent = ({ runId, task }) => {
        assert(rig.agents.size <= highest, 'never above the cap');
        const alive = [...rig.agents.values()].map(({ job }) => job);
        for (const [agent, most] of options.agentCaps) {
          assert(
            alive.filter((job) => job.agent.agent === agent).length <= most,
            `never more of ${agent}`,
          );
        }
        const files = alive.flatMap((job) => filesOf(job.task.description, { foldCase: false }));
        assert.equal(new Set(files).size, files.length, 'never two that share a file');
        const run = rig.run(runId)!;
        assert.equal(run.paused === undefined || run.tasks.get(task.id)!.phase !== 'queued', true);
        for (const id of task.dependencies) {
          const outcome = run.tasks.get(id)?.outcome;
          const isSettledElsewhere = !rig.tasks.has(id) || rig.task(id).status === 'Review';
          assert(
            outcome?.kind === 'succeeded' ||
              ((outcome?.kind === 'skipped' || !run.tasks.has(id)) && isSettledElsewhere),
            `${task.id} starts after ${id} succeeded`,
          );
        }
      };

      const levels = levelsOf(dependencies);
      const waves = [...new Set(levels)].sort((a, b) => a - b);
      const request = waves.map((level) => names.filter((_, i) => levels[i] === level).map(taskId));
      const stops: Promise<void>[] = [];
      const start = (): void => void rig.runner.start(rig.request(request));
      const act = (action: (typeof ACTIONS)[number], number: number): unknown => {
        const id = taskId(`t${number}`);
        const runId = `r${1 + (number % 2)}`;
        switch (action) {
          case 'stopTask':
            return stops.push(
              rig
                .steer({ ask: 'stopTask', id })
                .then(() => assert(!rig.agents.has(id), 'a stop leaves nothing')),
            );
          case 'stopWave':
            return stops.push(rig.runner.steer(runId, { ask: 'stopWave', wave: number % 3 }));
          case 'stopRun':
            return stops.push(
              rig.runner.steer(runId, { ask: 'stopRun' }).then(() => {
                const left = [...rig.agents.values()].filter(({ job }) => job.runId === runId);
                assert.deepEqual(left, [], 'a stop leaves nothing at work');
              }),
            );
          case 'pause': {
            void rig.runner.steer(runId, { ask: 'pause' });
            return;
          }
          case 'goOn': {
            void rig.runner.steer(runId, { ask: 'goOn' });
            return;
          }
          case 'requeue': {
            void rig.steer({ ask: 'requeue', id });
            return;
          }
          case 'cap':
            rig.runner.setCap(1 + (number % 4));
            highest = Math.max(highest, rig.runner.cap);
            return;
          case 'reopen':
            stops.length = 0;
            {
              rig.reopen();
              return;
            }
          case 'second': {
            start();
            return;
          }
          case 'wait':
            return rig.clock.turn(1000 * number);
          case 'detach':
            if (rig.tasks.get(id)?.lock?.holder !== 'other') return;
            rig.change(id, { lock: undefined });
            return rig.notice();
        }
      };
      start();
      for (let step = 0; step < 3000; step++) {
        await settle();
        for (const { action, number } of actions.filter((a) => a.step === step)) {
          await act(action, number);
          await settle();
        }
        const choices = [
          ...rig.pending.map(
            ({ label }) =>
              () =>
                rig.let(label),
          ),
          ...[...rig.agents.keys()].map((id) => async () => {
            const fate = fateOf(id);
            attempts.set(id, (attempts.get(id) ?? 0) + 1);
            if (fate === 'stolen')
              rig.change(id, { lock: { holder: 'other', since: undefined, until: Infinity } });
            await rig.end(id, endingOf(fate));
            if (!unwritable.has(id) && fateOf(id) !== 'held' && fateOf(id) !== 'gone') setFate(id);
          }),
        ];
        const next = choices[order.next().value! % Math.max(1, choices.length)];
        if (next !== undefined) {
          await next();
          continue;
        }
        if (rig.runner.runs.every((run) => run.phase === 'ended')) break;
        // Nobody does anything any more: people press Go On, time goes by, and leases end.
        for (const { runId, paused } of rig.runner.runs)
          if (paused !== undefined) void rig.runner.steer(runId, { ask: 'goOn' });
        for (const id of rig.tasks.keys()) if (step > 1500) rig.change(id, { lock: undefined }); // prettier-ignore
        await rig.notice();
        await rig.clock.turn(60_000);
      }

      assert(rig.runner.runs.every((run) => run.phase === 'ended'), 'every run ends'); // prettier-ignore
      await Promise.all(stops);
      assert.deepEqual(rig.bugs, []);
      assertWellFormed(rig.events.filter(({ kind }) => kind !== 'runTakenOver'));
      assert.equal(rig.alive, '', 'nothing is at work any more');
      const ends = rig.events.flatMap((event) => (event.kind === 'taskEnded' ? event : []));
      const notRecorded = new Set(
        ends.filter((e) => e.outcome.kind === 'notRecorded').map(({ id }) => id),
      );
      for (const task of rig.tasks.values()) {
        const isOurs = task.lock !== undefined && task.lock.holder !== 'other';
        if (!unwritable.has(task.id)) assert(!isOurs, `no claim on ${task.id} is left behind`);
        else assert(!isOurs || notRecorded.has(task.id), `what is left on ${task.id} was told`);
      }
      for (const run of rig.runner.runs) {
        assert.deepEqual(
          asJson(rig.journal(run.runId)),
          asJson(run),
          'the journal alone tells the whole run',
        );
        for (const { id } of run.tasks.values())
          assert.equal(rig.runner.runOf(id satisfies TaskId), undefined);
        assertWithinBudget(rig.events.filter(({ runId }) => runId === run.runId));
      }
    }),
    { numRuns: RUNS, seed: 20_261_123 },
  );
});

import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Disposable } from '../../../../../src/core/events.ts';
import type { Job, TaskWorker, WorkEnd, WorkListener } from '../../../../../src/core/ports.ts';
import {
  type AgentAssignment,
  HUMAN_CAP,
  type AgentMode,
  AGENT_MODES,
} from '../../../../../src/core/run/run-options.ts';
import type { SubagentAnswer } from '../../../../../src/core/run/attempt/subagent-host-registry.ts';
import type { TaskId } from '../../../../../src/core/task.ts';
import { settle } from '../../../../support/hand-clock.ts';
import { AGENT, assertWellFormed, OPTIONS, wavesOf } from '../../../../support/run-rig.ts';
import { HUMAN, SUBAGENT, WindowRig, type RigWindow } from '../../../../support/window-rig.ts';

const ASSIGNMENTS: Readonly<Record<AgentMode, AgentAssignment>> = {
  ...{
    unattended: AGENT,
    interactive: { ...AGENT, agentMode: 'interactive' },
    subagent: SUBAGENT,
    human: HUMAN,
  },
};

/**
 * Agents with processes of their own: each holds its task under a name of its own until a test ends
 * it.
 */
class Processes implements TaskWorker {
  readonly atWork = new Map<TaskId, (isWell: boolean) => void>();
  readonly #rig: WindowRig;
  #holders = 0;

  constructor(rig: WindowRig) {
    this.#rig = rig;
  }

  async work({ task: { id } }: Job, signal: AbortSignal, listener: WorkListener): Promise<WorkEnd> {
    const locks = this.#rig.locksOf(`claude-there-${++this.#holders}`);
    const claimed = await locks.claim(id, 24 * 60 * 60_000);
    if (!claimed.ok) return { kind: 'refused', failure: claimed.failure };
    listener.onClaimed(locks.holder);
    listener.onStarted();
    const how = await new Promise<boolean | 'stopped'>((resolve) => {
      this.atWork.set(id, resolve);
      signal.addEventListener('abort', () => resolve('stopped'));
      if (signal.aborted) resolve('stopped');
    });
    this.atWork.delete(id);
    const finished = await locks.release(id, how === true ? 'Review' : 'Todo');
    if (how === 'stopped') return { kind: 'stopped' };
    if (!finished.ok) return { kind: 'lockLost', holder: undefined };
    if (how) return { kind: 'succeeded', status: finished.value, evidence: undefined };
    return {
      kind: 'failed',
      cause: { kind: 'exit' },
      exitCode: 1,
      signal: undefined,
      evidence: undefined,
    };
  }

  attach(): Promise<WorkEnd> {
    throw new Error('nothing is attached here');
  }
}

/** A run of tasks that are worked on in different ways, and everybody who has a part in it. */
class Scene {
  readonly rig: WindowRig;
  readonly window: RigWindow;
  readonly processes: Processes;
  readonly asked = new Map<TaskId, (answer: SubagentAnswer) => void>();
  readonly ways: readonly AgentMode[];
  readonly made: ReturnType<WindowRig['runner']>;
  readonly cap: number;
  host: Disposable | undefined;
  mostAtWork = 0;
  mostHumans = 0;

  constructor(ways: readonly AgentMode[], cap: number, follows: boolean) {
    [this.ways, this.cap] = [ways, cap];
    this.rig = new WindowRig(
      ways.map((_, i) => `t${i}${i >= 3 && i % 3 === 0 ? ` < t${i - 3}` : ''}`),
    );
    this.rig.follows = follows;
    this.window = this.rig.open();
    this.processes = new Processes(this.rig);
    this.made = this.rig.runner(this.window, this.processes, cap);
    this.openHost();
  }

  openHost(): void {
    this.host ??= this.window.subagentHosts.open({
      available: () => undefined,
      run: ({ prompt, signal }) => {
        const id = prompt.replace('Do ', '') as TaskId;
        return new Promise((resolve, reject) => {
          this.asked.set(id, resolve);
          signal.addEventListener('abort', () => {
            this.asked.delete(id);
            reject(new Error('cancelled'));
          });
        });
      },
    });
  }

  closeHost(): void {
    this.host?.dispose();
    this.host = undefined;
  }

  start(runMode: 'strict' | 'flow'): void {
    const ids = this.ways.map((_, i) => `t${i}`);
    const waves = wavesOf(`${ids.slice(0, 3).join(' ')} | ${ids.slice(3).join(' ')}`).filter(
      (wave) => wave.length > 0,
    );
    const agents = new Map(waves.flat().map((id, i) => [id, ASSIGNMENTS[this.ways[i]!]] as const));
    const started = this.made.runner.start({
      title: 'mixed',
      waves,
      agents,
      options: { ...OPTIONS, runMode },
    });
    assert.ok(started.ok);
  }

  async steer(ask: 'stopTask' | 'requeue', id: TaskId): Promise<void> {
    const { runner } = this.made;
    await Promise.all(runner.runs.map(({ runId }) => runner.steer(runId, { ask, id })));
  }

  get isOver(): boolean {
    return this.made.runner.runs[0]?.phase === 'ended';
  }

  look(): void {
    const tasks = [...(this.made.runner.runs[0]?.tasks.values() ?? [])];
    const atWork = tasks.filter(({ phase }) => phase === 'claimed' || phase === 'running');
    this.mostAtWork = Math.max(
      this.mostAtWork,
      atWork.filter(({ agent }) => agent.agentMode !== 'human').length,
    );
    this.mostHumans = Math.max(
      this.mostHumans,
      atWork.filter(({ agent }) => agent.agentMode === 'human').length,
    );
  }

  /** Something happens to one of the tasks; what does not fit is nothing. */
  async act(what: string, n: number): Promise<void> {
    const id = `t${n % this.ways.length}` as TaskId;
    const { worker } = this.window;
    switch (what) {
      case 'well':
      case 'badly':
        this.processes.atWork.get(id)?.(what === 'well');
        this.asked.get(id)?.({ text: what === 'well' ? 'done' : '' });
        this.asked.delete(id);
        if (worker.awaitsManualCompletion(id))
          await (what === 'well' ? worker.complete(id) : this.steer('stopTask', id));
        break;
      case 'stop':
        void this.steer('stopTask', id);
        break;
      case 'requeue':
        void this.steer('requeue', id);
        break;
      case 'others claim':
        await this.rig.locksOf(`cursor-there-${n}`).claim(id, 60_000);
        break;
      case 'others end': {
        const holder = this.rig.task(id).lock?.holder;
        if (holder?.startsWith('cursor-') === true)
          await this.rig.locksOf(holder).release(id, n % 2 === 0 ? 'Review' : 'Todo');
        break;
      }
      case 'moved on':
        if (worker.awaitsManualCompletion(id)) await this.rig.change(id, { status: 'Review' });
        break;
      case 'put back':
        if (this.rig.task(id).status === 'In Progress')
          await this.rig.change(id, { status: 'Todo' });
        break;
      case 'host':
        if (this.host === undefined) this.openHost();
        else this.closeHost();
        break;
      case 'time':
        await this.rig.clock.turn(15 * 60_000);
        break;
    }
    await settle();
    this.look();
  }
}

const ACTS = [
  'well',
  'well',
  'badly',
  'stop',
  'requeue',
  'others claim',
  'others end',
  'moved on',
  'put back',
  'host',
  'time',
];

test('whoever works on the tasks of a run, nobody has one twice, caps hold, and no lock of ours is left', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...AGENT_MODES), { minLength: 1, maxLength: 9 }),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      fc.constantFrom('strict' as const, 'flow' as const),
      fc.array(fc.tuple(fc.constantFrom(...ACTS), fc.nat(20)), { maxLength: 30 }),
      async (ways, cap, follows, runMode, acts) => {
        const scene = new Scene(ways, cap, follows);
        scene.start(runMode);
        await settle();
        for (const [what, n] of acts) await scene.act(what, n);
        const stopped = scene.made.runner.stopAll();
        for (let i = 0; i < 50 && !scene.isOver; i++) await settle();
        await stopped;
        assert.ok(scene.isOver, 'a stop ends it');
        const mine = [...scene.rig.tasks.values()].filter(
          ({ lock }) => lock !== undefined && !lock.holder.startsWith('cursor-'),
        );
        assert.deepEqual(
          mine.map(({ id, lock }) => `${id} ${lock!.holder}`),
          [],
        );
        assert.deepEqual(scene.rig.doubles, []);
        assert.deepEqual(scene.window.keeper.held, []);
        assert.deepEqual(scene.rig.bugs, []);
        assert.ok(scene.mostAtWork <= cap, `${scene.mostAtWork} at work under a cap of ${cap}`);
        assert.ok(
          scene.mostHumans <= HUMAN_CAP,
          `${scene.mostHumans} tasks at a time for one person`,
        );
        assertWellFormed(scene.made.events);
        assert.equal(scene.processes.atWork.size + scene.asked.size, 0, 'nothing works on');
      },
    ),
    { numRuns: Number(process.env['RUNS'] ?? 150) },
  );
});

test('a person takes no slot: agents go on under the cap while tasks wait for a word', async () => {
  const scene = new Scene(
    ['human', 'human', 'unattended', 'human', 'unattended', 'unattended'],
    1,
    false,
  );
  scene.start('flow');
  await settle();
  assert.deepEqual([...scene.processes.atWork.keys()], ['t2'], 'one agent under a cap of one');
  assert.equal(scene.rig.opened.length, 2, 'and both tasks of the person');
  await scene.act('well', 2);
  await scene.act('well', 4);
  await scene.act('well', 5);
  const waiting = [...scene.made.runner.runs[0]!.tasks.values()].filter(
    ({ phase }) => phase !== 'ended',
  );
  assert.deepEqual(
    waiting.map(({ id }) => id),
    ['t0', 't1', 't3'],
  );
  await scene.made.runner.stopAll();
});

test('a person gets three tasks at a time and the next with their word', async () => {
  const scene = new Scene(
    Array.from({ length: 3 }, () => 'human' as const),
    8,
    false,
  );
  scene.rig.put({ ...scene.rig.task('t0'), id: 't9' as TaskId });
  const waves = wavesOf('t0 t1 t2 t9');
  const agents = new Map(waves.flat().map((id) => [id, HUMAN] as const));
  assert.ok(scene.made.runner.start({ title: 'mine', waves, agents, options: OPTIONS }).ok);
  await settle();
  assert.equal(scene.rig.opened.length, HUMAN_CAP);
  assert.deepEqual(scene.made.runner.runs[0]!.tasks.get(waves[0]![3]!)?.waits, {
    kind: 'agentCap',
    agent: 'human',
    cap: 3,
  });
  await scene.window.worker.complete('t1' as TaskId);
  await settle();
  await settle();
  assert.equal(scene.rig.opened.length, 4);
  await scene.made.runner.stopAll();
});

test('a task that others have claimed before its turn is followed and not skipped', async () => {
  const scene = new Scene(['subagent'], 1, true);
  await scene.rig.claimFor('t0', 'cursor-there-1');
  scene.start('strict');
  await settle();
  assert.equal(scene.made.runner.runs[0]!.tasks.get('t0' as TaskId)?.holder, 'cursor-there-1');
  await scene.rig.change('t0', { status: 'Review', lock: undefined });
  await settle();
  assert.equal(scene.made.runner.runs[0]!.tasks.get('t0' as TaskId)?.outcome?.kind, 'succeeded');
});

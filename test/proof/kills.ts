import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { RunEvent, RunState } from '../../src/core/run/run-events.ts';
import type { WorkState } from '../../src/core/run/journal/work-state.ts';
import { MARK } from '../../src/agent-process/process-tree.ts';
import { JournalReader } from '../../src/store/runs/journal-reader.ts';
import {
  createBacklog,
  nativeWriter,
  type NativeWriter,
  type SqlRow,
  type TaskSpec,
} from '../support/fixture.ts';
import { randomFrom, shuffled } from '../support/random.ts';
import { bundlePrograms } from '../support/run-programs.ts';
import type { RunWindowSpec } from '../support/run-window.ts';
import { checkOutcome, roundTasks, statesOf, type RoundTask } from './kill-round.ts';
import { CAN_FIND, processesWith, type Marked } from './marked-processes.ts';
import { proofOf, type Run } from './proof.ts';
import type { WindowSaid } from './run-window-program.ts';
import { ScriptedAgents } from './scripted-agents.ts';
import { WindowProcess } from './window-process.ts';

/**
 * Who is killed: `starting` is the window in the moment in which it begins a task, `both` the
 * window and supervisors of it.
 */
type Victim = 'agent' | 'supervisor' | 'window' | 'starting' | 'both';

interface Size {
  readonly rounds: number;
}

const VICTIMS: readonly Victim[] = ['window', 'agent', 'supervisor', 'starting', 'both'];
const CAP = 4;
const LEASE_MS = 60_000;
/** By then even a starved machine has given a process its turn. */
const AGES_MS = 90_000;
/** A supervisor without work is kept for some seconds. */
const LEFT_AFTER_MS = 15_000;
/** Far less than the lease. */
const FREE_AFTER_MS = 10_000;
/** Nobody writes into a journal on behalf of a window that is gone, unless there is one. */
const UNBEGUN_MS = 1_500;

export const kills = proofOf<Size>({
  name: 'kills',
  about:
    'whoever is killed in the middle of a wave, every task ends as its agent did and once, with no lock and no process left',
  short: { rounds: 10 },
  full: { rounds: 50 * VICTIMS.length },
  run: async (run) => {
    const scene = await Scene.create(run);
    try {
      for (let round = 0; round < run.size.rounds; round++) {
        await scene.round(round, VICTIMS[round % VICTIMS.length] ?? 'window');
      }
      await scene.end();
    } finally {
      await scene.kill();
    }
    const found = Object.entries(scene.found).map(([name, count]) => `${count} ${name}`);
    run.say(
      `${run.size.rounds} rounds of 8 tasks (${scene.killed.window} windows, ${scene.killed.supervisor} supervisors and ` +
        `${scene.killed.agent} agents killed by SIGKILL): ${found.join(', ')}; ${scene.takenOver} runs taken over, each by one window; ` +
        `0 locks${CAN_FIND ? ', 0 processes' : ''} left (seed ${run.seed})`,
    );
    if (!CAN_FIND) run.say('What processes were left could not be looked for on this system.');
  },
});

class Scene {
  readonly killed = { window: 0, supervisor: 0, agent: 0 };
  readonly found: Record<string, number> = {};
  takenOver = 0;
  readonly #run: Run<Size>;
  readonly #spec: RunWindowSpec;
  readonly #agents: ScriptedAgents;
  readonly #tasks: readonly (readonly RoundTask[])[];
  readonly #reader: NativeWriter;
  readonly #variable: string;
  readonly #windows = new Set<WindowProcess>();
  readonly #leads = new Map<WindowProcess, readonly string[]>();
  readonly #faults: string[] = [];

  private constructor(
    run: Run<Size>,
    parts: {
      readonly spec: RunWindowSpec;
      readonly agents: ScriptedAgents;
      readonly tasks: readonly (readonly RoundTask[])[];
      readonly reader: NativeWriter;
    },
  ) {
    this.#run = run;
    this.#spec = parts.spec;
    this.#agents = parts.agents;
    this.#tasks = parts.tasks;
    this.#reader = parts.reader;
    this.#variable = `TODO2_PROOF=${run.folder}`;
  }

  static async create(run: Run<Size>): Promise<Scene> {
    const { folder, size, seed } = run;
    const [root, bin] = [join(folder, 'project'), join(folder, 'bin')];
    mkdirSync(bin);
    const tasks = Array.from({ length: size.rounds }, (_, round) =>
      roundTasks(round, randomFrom(Math.imul(seed, 7_919) ^ round)),
    );
    const rows = tasks
      .flat()
      .map(({ id, needs }): TaskSpec => ({ id, deps: needs, description: `What ${id} is for.` }));
    await createBacklog(root, { tasks: rows });
    const programs = await bundlePrograms(bin, { window: 'test/proof/run-window-program.ts' });
    const agents = new ScriptedAgents(join(folder, 'agents'));
    const { custom } = agents;
    const spec: RunWindowSpec = {
      ...{ root, programs, custom, cap: CAP, leaseMs: LEASE_MS, run: { maxEqualFailures: 0 } },
      ...{ orderFolder: join(folder, 'orders'), begunFile: join(folder, 'begun') },
    };
    return new Scene(run, { spec, agents, tasks, reader: await nativeWriter(root) });
  }

  async round(round: number, victim: Victim): Promise<void> {
    const { random } = this.#run;
    const tasks = this.#tasks[round] ?? [];
    for (const { id, script } of tasks) this.#agents.give(id, script);
    const leader = [...this.#windows][0] ?? (await this.#open());
    for (const other of [...this.#windows].slice(1)) await this.#close(other);
    // In half of the rounds somebody is there already who can take over, in the others a window
    // comes later.
    if (random(2) === 0) await this.#open();
    const from = leader.said.length;
    const inWave = (wave: number): readonly string[] =>
      tasks.filter((task) => task.wave === wave).map(({ id }) => id);
    leader.tell({ do: 'run', waves: [inWave(0), inWave(1)] });
    const started = await leader.hears(isEvent('runStarted'), from);
    const { runId } = started.event;

    const killed = { supervisors: new Set<number>(), agents: new Set<number>(), windows: 0 };
    await this.#killIn(leader, { runId, from, victim, killed });
    if (killed.windows > 0 && this.#windows.size === 0) {
      await pause(random(300));
      // At times two come at once, and only one of them may lead.
      await Promise.all(Array.from({ length: 1 + random(2) }, () => this.#open()));
    }
    const ended = await this.#endOf(runId, killed.windows);
    if (ended === undefined) await this.#checkUntouched(tasks);
    else await this.#check(tasks, ended, killed);
  }

  async end(): Promise<void> {
    for (const window of [...this.#windows]) await this.#close(window);
    await this.#reader.close();
    const left = await this.#leftAfter(LEFT_AFTER_MS, () => true);
    assert.deepEqual(left, [], 'processes that are left at the end');
    assert.deepEqual(this.#faults, []);
  }

  /** Ends whatever still runs. */
  async kill(): Promise<void> {
    await Promise.all([...this.#windows].map((window) => window.kill()));
    for (const { pid } of processesWith(this.#variable)) killIfThere(pid);
    await this.#reader.kill();
  }

  async #open(): Promise<WindowProcess> {
    const window: WindowProcess = new WindowProcess(
      join(this.#run.folder, 'bin', 'window.cjs'),
      this.#spec,
      {
        env: { TODO2_PROOF: this.#run.folder },
        onSaid: (said) => this.#hear(window, said),
      },
    );
    this.#windows.add(window);
    await window.hears((said) => said.kind === 'ready');
    return window;
  }

  async #close(window: WindowProcess): Promise<void> {
    await window.close();
    this.#windows.delete(window);
  }

  #hear(window: WindowProcess, said: WindowSaid): void {
    if (said.kind === 'trouble') this.#faults.push(`${window.pid}: ${said.text}`);
    if (said.kind !== 'leads') return;
    this.#leads.set(window, said.runIds);
    for (const other of this.#windows) {
      const theirs = other === window ? [] : (this.#leads.get(other) ?? []);
      for (const runId of theirs.filter((each) => said.runIds.includes(each))) {
        this.#faults.push(`${window.pid} and ${other.pid} lead ${runId}`);
      }
    }
  }

  /**
   * Kills in a moment of chance; what was killed is noted, which is nothing where the run had ended
   * before.
   */
  async #killIn(leader: WindowProcess, { runId, from, victim, killed }: Round): Promise<void> {
    const { random } = this.#run;
    const killWindow = async (): Promise<void> => {
      this.#windows.delete(leader);
      await leader.kill();
      killed.windows++;
      this.killed.window++;
    };
    if (victim === 'starting') {
      for (let left = random(CAP); left >= 0; left--) {
        const starting = await leader.hears(isEvent('taskStarting'), from);
        from = leader.said.indexOf(starting) + 1;
      }
      await pause(random(30));
      return killWindow();
    }
    await leader.hears(isEvent('taskStarted'), from);
    await pause(random(700));
    if (victim === 'window') return killWindow();
    const found = await this.#atWork(leader, runId, from);
    const victims = victim === 'both' ? found.slice(0, 1 + random(2)) : found.slice(0, 1);
    for (const { pid, agentPid } of victims) {
      if (victim === 'agent') {
        if (agentPid === undefined || !killIfThere(agentPid)) continue;
        killed.agents.add(agentPid);
        this.killed.agent++;
      } else if (killIfThere(pid)) {
        killed.supervisors.add(pid);
        this.killed.supervisor++;
      }
      // In half of the rounds the window sees what has become of its supervisor, in the others the
      // next one finds it.
      if (victim === 'both' && random(2) === 0) await pause(random(60));
    }
    if (victim === 'both') await killWindow();
  }

  /** Attempts that have agents now, in an order of chance; none where the run ends before. */
  async #atWork(leader: WindowProcess, runId: string, from: number): Promise<readonly WorkState[]> {
    for (;;) {
      const found = statesOf(this.#spec.root, runId).filter(
        ({ end, agentPid, phase }) =>
          end === undefined && agentPid !== undefined && phase === 'working',
      );
      if (found.length > 0 || leader.said.slice(from).some(isEvent('runEnded')))
        return shuffled(this.#run.random, found);
      await pause(5);
    }
  }

  /**
   * The run at its end; undefined for one of which its window had written down nothing when it was
   * killed.
   */
  async #endOf(
    runId: string,
    windows: number,
  ): Promise<{ readonly run: RunState; readonly damaged: number } | undefined> {
    const journal = new JournalReader(
      join(this.#spec.root, '.todo2', 'waves', 'runs', `${runId}.jsonl`),
      runId,
    );
    const since = Date.now();
    for (;;) {
      const content = await journal.read();
      if (content?.state?.phase === 'ended')
        return { run: content.state, damaged: content.damaged };
      if (content?.state === undefined && windows > 0 && Date.now() - since > UNBEGUN_MS)
        return undefined;
      if (Date.now() - since > AGES_MS) {
        const tasks = [...(content?.state?.tasks.values() ?? [])].map(({ id, phase, outcome }) => ({
          id,
          phase,
          outcome,
        }));
        throw new Error(
          `The run ${runId} does not end: ${JSON.stringify(tasks)} ${this.#faults.join('; ')}`,
        );
      }
      await pause(25);
    }
  }

  /** Nothing may have been started for a run that is not on the disk. */
  async #checkUntouched(tasks: readonly RoundTask[]): Promise<void> {
    this.found['never begun'] = (this.found['never begun'] ?? 0) + tasks.length;
    const rows = await this.#rowsWithoutLocks(tasks.map(({ id }) => id));
    assert.ok(
      rows.every(
        ({ status, assignee, version }) => status === 'Todo' && assignee === null && version === 1,
      ),
    );
    for (const { id } of tasks) assert.equal(this.#agents.traceOf(id).starts, 0, id);
    assert.deepEqual(this.#faults, []);
  }

  async #check(
    tasks: readonly RoundTask[],
    { run, damaged }: { readonly run: RunState; readonly damaged: number },
    killed: Round['killed'],
  ): Promise<void> {
    const { root } = this.#spec;
    const ids = tasks.map(({ id }) => id);
    const marks = ids.map(() => '?').join(', ');
    const rows = await this.#rowsWithoutLocks(ids);
    const counted = await this.#reader.all(
      `SELECT task_id, count(*) AS n FROM task_comments WHERE comment_type = 'result' AND task_id IN (${marks}) GROUP BY task_id`,
      ...ids,
    );
    const found = checkOutcome({
      ...{
        tasks,
        run,
        rows,
        killed,
        states: statesOf(root, run.runId),
        traceOf: (id) => this.#agents.traceOf(id),
      },
      comments: new Map(counted.map((row) => [row['task_id'] as string, Number(row['n'])])),
    });
    for (const expected of found.values()) this.found[expected] = (this.found[expected] ?? 0) + 1;
    // Half a line is all that a killed window can leave of an event.
    assert.ok(
      damaged <= killed.windows,
      `${damaged} lines of the journal of ${run.runId} cannot be read`,
    );
    const journal = readFileSync(
      join(root, '.todo2', 'waves', 'runs', `${run.runId}.jsonl`),
      'utf8',
    );
    const takenOver = journal.split('"kind":"runTakenOver"').length - 1;
    assert.ok(takenOver <= killed.windows, `${takenOver} windows took over ${run.runId}`);
    this.takenOver += takenOver;
    const left = await this.#leftAfter(LEFT_AFTER_MS, ({ environment }) =>
      environment.some((entry) => entry.startsWith(`${MARK}=`)),
    );
    assert.deepEqual(left, [], `agents of ${run.runId} that are left`);
    assert.deepEqual(this.#faults, []);
  }

  /**
   * What a killed window was about to give back, its writer process gives back some seconds later.
   */
  async #rowsWithoutLocks(ids: readonly string[]): Promise<readonly SqlRow[]> {
    const marks = ids.map(() => '?').join(', ');
    const until = Date.now() + FREE_AFTER_MS;
    for (;;) {
      const rows = await this.#reader.all(`SELECT * FROM tasks WHERE id IN (${marks})`, ...ids);
      if (rows.every((row) => row['assignee'] === null) || Date.now() > until) return rows;
      await pause(50);
    }
  }

  /** The command lines of processes of ours that are there after so long still. */
  async #leftAfter(ms: number, fits: (process: Marked) => boolean): Promise<readonly string[]> {
    const until = Date.now() + ms;
    for (;;) {
      const left = processesWith(this.#variable).filter(fits);
      if (left.length === 0 || Date.now() > until)
        return left.map(({ pid, command }) => `${pid} ${command}`);
      await pause(50);
    }
  }
}

interface Round {
  readonly runId: string;
  /** Where what the leader says of this run begins. */
  readonly from: number;
  readonly victim: Victim;
  readonly killed: {
    readonly supervisors: Set<number>;
    readonly agents: Set<number>;
    windows: number;
  };
}

type SaidEvent<K extends RunEvent['kind']> = Extract<WindowSaid, { kind: 'event' }> & {
  readonly event: Extract<RunEvent, { kind: K }>;
};

function isEvent<K extends RunEvent['kind']>(kind: K): (said: WindowSaid) => said is SaidEvent<K> {
  return (said): said is SaidEvent<K> => said.kind === 'event' && said.event.kind === kind;
}

/** False where it has ended already. */
function killIfThere(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

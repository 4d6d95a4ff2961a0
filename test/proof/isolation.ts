import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { RunState } from '../../src/core/run/run-events.ts';
import { MARK } from '../../src/agent-process/process-tree.ts';
import { JournalReader } from '../../src/store/runs/journal-reader.ts';
import { createBacklog } from '../support/fixture.ts';
import { oneOf } from '../support/random.ts';
import { bundlePrograms } from '../support/run-programs.ts';
import type { Programs, RunWindowSpec } from '../support/run-window.ts';
import { checkWorktrees, createRepository, userState, worktreeTasks } from './isolation-round.ts';
import { CAN_FIND, processesWith, type Marked } from './marked-processes.ts';
import { proofOf, type Run } from './proof.ts';
import type { WindowSaid } from './run-window-program.ts';
import { ScriptedAgents } from './scripted-agents.ts';
import { WindowProcess } from './window-process.ts';

interface Size {
  readonly rounds: number;
}

type Victim = 'window' | 'git' | 'supervisor' | 'agent';

const VICTIMS: readonly Victim[] = ['window', 'git', 'supervisor', 'agent'];
const CAP = 3;
const AGES_MS = 90_000;
/** What is killed is at work by then; else the run has ended. */
const FIND_MS = 3_000;
const UNBEGUN_MS = 1_500;
const LEFT_AFTER_MS = 15_000;

export const isolation = proofOf<Size>({
  name: 'isolation',
  about:
    'whatever is killed, all that agents wrote in worktrees is kept, merged once or said, and the user’s is untouched',
  short: { rounds: 4 },
  full: { rounds: 200 },
  run: async (run) => {
    const bin = join(run.folder, 'bin');
    mkdirSync(bin);
    const programs = await bundlePrograms(bin, { window: 'test/proof/run-window-program.ts' });
    const [found, killed] = [new Map<string, number>(), new Map<string, number>()];
    const count = (into: Map<string, number>, name: string): unknown =>
      into.set(name, (into.get(name) ?? 0) + 1);
    let asked = 0;
    for (let at = 0; at < run.size.rounds; at++) {
      const victim = VICTIMS[at % VICTIMS.length] ?? 'window';
      const round = await Round.create(run, programs, at);
      try {
        const ended = await round.play(victim);
        if (ended.wasKilled) count(killed, victim);
        for (const outcome of ended.outcomes) count(found, outcome);
        asked += ended.asked;
      } catch (error) {
        throw new Error(`Round ${at}, ${victim} killed`, { cause: error });
      } finally {
        await round.end();
      }
    }
    const list = (counts: ReadonlyMap<string, number>): string =>
      [...counts].map(([name, times]) => `${times} ${name}`).join(', ');
    run.say(
      `${run.size.rounds} rounds of 4 tasks; killed: ${list(killed)}; tasks: ${list(found)}; asked to resolve: ${asked}`,
    );
    if (!CAN_FIND) run.say('On this system windows alone could be killed.');
  },
});

/** A run of a repository of its own, in which one process is killed. */
class Round {
  readonly #run: Run<Size>;
  readonly #spec: RunWindowSpec;
  readonly #agents: ScriptedAgents;
  readonly #tasks: ReturnType<typeof worktreeTasks>;
  readonly #variable: string;
  readonly #windows = new Set<WindowProcess>();
  readonly #faults: string[] = [];

  private constructor(
    run: Run<Size>,
    parts: {
      readonly spec: RunWindowSpec;
      readonly agents: ScriptedAgents;
      readonly tasks: ReturnType<typeof worktreeTasks>;
    },
  ) {
    this.#run = run;
    this.#spec = parts.spec;
    this.#agents = parts.agents;
    this.#tasks = parts.tasks;
    this.#variable = `TODO2_PROOF=${parts.spec.root}`;
  }

  static async create(run: Run<Size>, programs: Programs, at: number): Promise<Round> {
    const folder = join(run.folder, `round-${at}`);
    const root = join(folder, 'project');
    const resolves = at % 3 > 0;
    const tasks = worktreeTasks(run.random, { resolves });
    await createBacklog(root, {
      tasks: tasks.map(({ id, needs }) => ({ id, deps: needs, description: `What ${id} is for.` })),
    });
    createRepository(root);
    const agents = new ScriptedAgents(join(folder, 'agents'));
    for (const { id, script } of tasks) agents.give(id, script);
    const { custom } = agents;
    const spec: RunWindowSpec = {
      ...{ root, programs, custom, cap: CAP },
      run: { maxEqualFailures: 0, resolveConflicts: resolves },
      ...{ orderFolder: join(folder, 'orders'), begunFile: join(folder, 'begun') },
    };
    return new Round(run, { spec, agents, tasks });
  }

  async play(victim: Victim): Promise<{
    readonly wasKilled: boolean;
    readonly outcomes: readonly string[];
    /** How many tasks had an agent that began to resolve a conflict. */
    readonly asked: number;
  }> {
    const { root } = this.#spec;
    const before = userState(root);
    const leader = await this.#open();
    const inWave = (wave: number): readonly string[] =>
      this.#tasks.filter((task) => task.wave === wave).map(({ id }) => id);
    leader.tell({ do: 'run', waves: [inWave(0), inWave(1)], isIsolated: true });
    const { runId } = (await leader.hears(isStart)).event;
    const wasKilled = await this.#kill(leader, victim);
    if (leader.isOver) {
      this.#windows.delete(leader);
      await this.#open();
    }
    const run = await this.#endOf(runId, leader.isOver);
    for (const window of this.#windows) await window.close();
    await this.#checkLeft();
    assert.deepEqual(this.#faults, []);
    const traceOf = (id: string): ReturnType<ScriptedAgents['traceOf']> => this.#agents.traceOf(id);
    const outcomes = await checkWorktrees({ root, tasks: this.#tasks, run, traceOf, before });
    const asked = this.#tasks.filter(({ id }) => traceOf(id).resolves > 0).length;
    return { wasKilled, outcomes, asked };
  }

  /** Ends whatever still runs. */
  async end(): Promise<void> {
    await Promise.all([...this.#windows].map((window) => window.kill()));
    for (const { pid } of processesWith(this.#variable)) killIfThere(pid);
  }

  async #open(): Promise<WindowProcess> {
    const script = join(this.#run.folder, 'bin', 'window.cjs');
    const window: WindowProcess = new WindowProcess(script, this.#spec, {
      env: { TODO2_PROOF: this.#spec.root },
      onSaid: (said) => {
        if (said.kind === 'trouble') this.#faults.push(said.text);
      },
    });
    this.#windows.add(window);
    await window.hears((said) => said.kind === 'ready');
    return window;
  }

  /** False where nothing was there to be killed any more. */
  async #kill(leader: WindowProcess, victim: Victim): Promise<boolean> {
    const { random } = this.#run;
    // Half of the time it is killed while an agent resolves a conflict, or soon after.
    const waits = this.#spec.run?.resolveConflicts === true && random(2) === 0;
    if (waits) await this.#untilResolving(leader);
    await pause(random(waits ? 600 : victim === 'window' ? 2_000 : 1_200));
    if (victim === 'window' || !CAN_FIND) {
      await leader.kill();
      return true;
    }
    // Git is killed several times: each of its commands takes milliseconds.
    let left = victim === 'git' ? 1 + random(4) : 1;
    let wasKilled = false;
    const since = Date.now();
    while (left > 0 && Date.now() - since < FIND_MS && !leader.said.some(isEnd)) {
      await pause(3);
      const found = processesWith(this.#variable).filter((process) => isA(process, victim));
      if (found.length === 0) continue;
      if (victim !== 'git') await pause(random(500));
      wasKilled = killIfThere(oneOf(random, found).pid) || wasKilled;
      left--;
      await pause(random(100));
    }
    return wasKilled;
  }

  /** Returns as well where nothing comes into conflict. */
  async #untilResolving(leader: WindowProcess): Promise<void> {
    const isResolving = (): boolean =>
      this.#tasks.some(({ id }) => this.#agents.traceOf(id).resolves > 0);
    while (!isResolving() && !leader.said.some(isEnd) && !leader.isOver) await pause(10);
  }

  async #endOf(runId: string, wasWindowKilled: boolean): Promise<RunState | undefined> {
    const file = join(this.#spec.root, '.todo2', 'waves', 'runs', `${runId}.jsonl`);
    const journal = new JournalReader(file, runId);
    const since = Date.now();
    for (;;) {
      await pause(25);
      const state = (await journal.read())?.state;
      if (state?.phase === 'ended') return state;
      const waited = Date.now() - since;
      if (state === undefined && wasWindowKilled && waited > UNBEGUN_MS) return undefined;
      if (waited > AGES_MS)
        throw new Error(
          `The run does not end: ${JSON.stringify([...(state?.tasks.values() ?? [])])}`,
        );
    }
  }

  async #checkLeft(): Promise<void> {
    const since = Date.now();
    for (;;) {
      await pause(50);
      const left = processesWith(this.#variable).filter(
        ({ environment, command }) =>
          isGit(command) || environment.some((entry) => entry.startsWith(`${MARK}=`)),
      );
      if (left.length === 0) return;
      assert.ok(Date.now() - since < LEFT_AFTER_MS, left.map(({ command }) => command).join('; '));
    }
  }
}

function isA({ command, environment }: Marked, victim: Victim): boolean {
  const isOfAgent = environment.some((entry) => entry.startsWith(`${MARK}=`));
  if (victim === 'git') return isGit(command);
  if (victim === 'agent') return isOfAgent && command.includes('/agents/agent');
  return !isOfAgent && basename(command.split(' ')[1] ?? '') === 'supervisor.cjs';
}

function isGit(command: string): boolean {
  return basename(command.split(' ')[0] ?? '') === 'git';
}

function isStart(said: WindowSaid): said is Extract<WindowSaid, { kind: 'event' }> & {
  readonly event: { readonly kind: 'runStarted'; readonly runId: string };
} {
  return said.kind === 'event' && said.event.kind === 'runStarted';
}

function isEnd(said: WindowSaid): boolean {
  return said.kind === 'event' && said.event.kind === 'runEnded';
}

/** False for a process that has ended. */
function killIfThere(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createBacklog, type TaskSpec } from '../support/fixture.ts';
import { oneOf } from '../support/random.ts';
import { bundleWriter } from '../support/writer-rig.ts';
import { KilledWindow, type Known, type WindowSpec } from './killed-window.ts';
import { proofOf, type Run } from './proof.ts';
import { startProgram } from './program.ts';

/** What `look-program.ts` finds: every column of every row of every table. */
export interface Look {
  readonly integrity: string;
  readonly tasks: readonly Row[];
  readonly others: readonly (readonly [table: string, rows: readonly Row[]])[];
}

type Row = Readonly<Record<string, unknown>>;

/**
 * Who is killed in a round: the writer process, its window (which it outlives to let go of the
 * locks), or both at once.
 */
type Victim = 'writer' | 'window' | 'both';
/**
 * One that nobody can do anything about, and one at which the writer process still closes the
 * database.
 */
type Signal = 'SIGKILL' | 'SIGTERM';

const WINDOWS = 2;
const TASKS_EACH = 6;
const LEASE_MS = 1_000;
const GRACE_MS = 50;
/** What an operation on a lock may change; everything else of our rows must stay as well. */
const OURS = [
  'status',
  'completed',
  'completed_at',
  'last_modified',
  'updated_at',
  'version',
  'assignee',
  'assigned_at',
  'lock_until',
];
/** By then even a starved machine has given a process its turn. */
const AGES_MS = 60_000;

export const crashes = proofOf<{ readonly rounds: number }>({
  name: 'crashes',
  about:
    'a process that is killed in the middle of a claim, renewal or completion damages nothing and keeps no lock',
  short: { rounds: 16 },
  full: { rounds: 500 },
  run: async (run) => {
    const scene = await Scene.create(run);
    const count = { writer: 0, window: 0, both: 0, SIGKILL: 0, SIGTERM: 0 };
    try {
      for (let round = 0; round < run.size.rounds; round++) {
        const victim = round % 8 === 3 ? 'window' : round % 8 === 6 ? 'both' : 'writer';
        // Half of each kind of round, whatever their order.
        const signal = count[victim] % 2 === 0 ? 'SIGKILL' : 'SIGTERM';
        // In every other round there is nobody else, so that the next to open the database has to
        // recover it.
        await scene.round(victim, signal, round % 2 === 0 ? 1 : WINDOWS);
        count[victim]++;
        count[signal]++;
      }
      await scene.end();
    } finally {
      await scene.kill();
    }
    run.say(
      `${run.size.rounds} rounds (${count.writer} writers, ${count.window} windows, ${count.both} both; ${count.SIGKILL} SIGKILL, ` +
        `${count.SIGTERM} SIGTERM) with ${scene.calls} calls, ${scene.open} of them cut off: integrity ok, 0 other rows or columns changed, ` +
        `0 answered calls lost; ${scene.reclaimed} locks of the dead taken over (seed ${run.seed})`,
    );
  },
});

class Scene {
  open = 0;
  reclaimed = 0;
  readonly #run: Run<unknown>;
  readonly #file: string;
  readonly #script: string;
  readonly #looker: ReturnType<typeof startProgram>;
  readonly #windows: (KilledWindow | undefined)[] = [];
  readonly #all: KilledWindow[] = [];
  #before: Look = { integrity: '', tasks: [], others: [] };
  #names = 0;

  private constructor(run: Run<unknown>, file: string, script: string) {
    this.#run = run;
    this.#file = file;
    this.#script = script;
    this.#looker = startProgram('look-program.ts', { file });
  }

  static async create(run: Run<unknown>): Promise<Scene> {
    const root = join(run.folder, 'project');
    const file = await createBacklog(root, { tasks: backlog() });
    const scene = new Scene(run, file, await bundleWriter(run.folder));
    assert.equal(await scene.#looker.next(), 'ready');
    scene.#before = await scene.#look();
    return scene;
  }

  async round(victim: Victim, signal: Signal, windows: number): Promise<void> {
    for (let at = 0; at < WINDOWS; at++) {
      if (at < windows) await this.#windowAt(at);
      else await this.#close(at);
    }
    const { random } = this.#run;
    const target = this.#windows[random(windows)] ?? assert.fail();
    const others = this.#windows.filter(
      (each) => each !== undefined && each !== target,
    ) as KilledWindow[];
    const begun = target.hears((said) => said.kind === 'heard');
    for (const each of [target, ...others]) each.tell('work');
    await begun;
    await pause(random(40));

    if (victim === 'writer') {
      const replaced = target.hears((said) => said.kind === 'writer');
      process.kill(target.writerPid, signal);
      await replaced;
    } else {
      const gone = target.kill(signal);
      if (victim === 'both') killIfThere(target.writerPid, signal);
      await gone;
      this.#windows[this.#windows.indexOf(target)] = undefined;
    }
    for (const each of victim === 'writer' ? [target, ...others] : others) await each.does('rest');

    let look = await this.#look();
    if (victim === 'window') {
      const since = Date.now();
      while (look.tasks.some((row) => row['assignee'] === target.spec.holder)) {
        assert.ok(
          Date.now() - since < AGES_MS,
          `${target.spec.holder} is dead and has locks still`,
        );
        await pause(10);
        look = await this.#look();
      }
    }
    this.#check(look);
    for (const each of [...others, target])
      this.#checkTasks(look, each, each === target ? victim : undefined, signal);
    if (victim === 'both') await this.#takeOver(target, look, signal);
  }

  get calls(): number {
    return this.#all.reduce((sum, { calls }) => sum + calls, 0);
  }

  async end(): Promise<void> {
    for (let at = 0; at < WINDOWS; at++) await this.#close(at);
    await this.#looker.end();
  }

  /** Ends whatever still runs. */
  async kill(): Promise<void> {
    await Promise.all([...this.#all, this.#looker].map((each) => each.kill('SIGKILL')));
  }

  /** What must be true whoever was killed: nothing has changed that is not ours to change. */
  #check(look: Look): void {
    assert.equal(look.integrity, 'ok');
    assert.deepEqual(look.others.map(withoutAudit), this.#before.others);
    assert.deepEqual(look.tasks.map(unchangeable), this.#before.tasks.map(unchangeable));
  }

  /** Each task as the last answer said, or as the call that was cut off would have made it. */
  #checkTasks(look: Look, window: KilledWindow, killed: Victim | undefined, signal: Signal): void {
    const { holder } = window.spec;
    assert.deepEqual(window.failures, []);
    for (const [id, known] of window.tasks) {
      const row = look.tasks.find((each) => each['id'] === id) ?? assert.fail(id);
      const allowed = statesAfter(known, killed, signal);
      const state =
        row['assignee'] === holder ? 'locked' : row['assignee'] === null ? 'free' : 'strange';
      const what = `${id} of ${holder}, after ${JSON.stringify(known)} and ${killed ?? 'nobody'} killed: ${JSON.stringify(row)}`;
      assert.ok(allowed.includes(state as 'locked'), what);
      assert.equal(row['status'], state === 'locked' ? 'In Progress' : 'Todo', what);
      if (state === 'locked' && known.open === undefined)
        assert.equal(Number(row['lock_until']) * 1000, known.lock?.until, what);
      if (known.open !== undefined) this.open++;
    }
  }

  /**
   * Somebody else gets what the dead one held: not before the end of its lease, where nobody was
   * left to let go of it.
   */
  async #takeOver(dead: KilledWindow, look: Look, signal: Signal): Promise<void> {
    const held = look.tasks.filter((row) => row['assignee'] === dead.spec.holder);
    const heir = this.#start(dead.spec.ids);
    await heir.hears((said) => said.kind === 'ready');
    await heir.does('take over');
    for (const row of held) {
      const id = String(row['id']);
      const at = heir.claimedAt.get(id) ?? assert.fail(`${id} was not taken over`);
      const end = Number(row['lock_until']) * 1000;
      // A call that was under way may still have come through a moment after the look.
      const isSure = signal === 'SIGKILL' && dead.tasks.get(id)?.open === undefined;
      assert.ok(!isSure || at >= end, `${id} was taken over at ${at}, with a lease until ${end}`);
      this.reclaimed++;
    }
    assert.ok(
      heir.failures.every(
        (failure) => failure.kind === 'held' && failure.holder === dead.spec.holder,
      ),
    );
    await heir.end();
  }

  async #look(): Promise<Look> {
    this.#looker.tell('look');
    const look = JSON.parse(await this.#looker.next()) as Look;
    writeFileSync(join(this.#run.folder, 'last-look.json'), JSON.stringify(look, null, 1));
    return look;
  }

  async #windowAt(at: number): Promise<void> {
    if (this.#windows[at] !== undefined) return;
    const ids = Array.from({ length: TASKS_EACH }, (_, n) => `T-${at * TASKS_EACH + n}`);
    const window = this.#start(ids);
    this.#windows[at] = window;
    await window.hears((said) => said.kind === 'ready');
  }

  async #close(at: number): Promise<void> {
    const window = this.#windows[at];
    this.#windows[at] = undefined;
    if (window === undefined) return;
    // What it still holds would be in the way of the next one.
    await window.does('take over');
    await window.end();
  }

  #start(ids: readonly string[]): KilledWindow {
    const [holder, seed] = [`vscode-here-${++this.#names}`, this.#run.random(1_000_000)];
    const spec: WindowSpec = {
      file: this.#file,
      script: this.#script,
      holder,
      seed,
      ids,
      leaseMs: LEASE_MS,
      graceMs: GRACE_MS,
    };
    const window = new KilledWindow(spec);
    this.#all.push(window);
    return window;
  }
}

function statesAfter(
  { lock, open }: Known,
  killed: Victim | undefined,
  signal: Signal,
): readonly ('locked' | 'free')[] {
  // The writer process outlives its window to let go of everything; where it gets a SIGTERM
  // meanwhile it may have begun to.
  if (killed === 'window') return ['free'];
  const now = lock === undefined ? 'free' : 'locked';
  if (killed !== 'both') return [now];
  return [
    now,
    ...(signal === 'SIGTERM' || open === 'finish' ? (['free'] as const) : []),
    ...(open === undefined ? [] : (['locked'] as const)),
  ];
}

/**
 * What others have in a table: not the lines that we leave where a lock of ours was taken over or
 * the status of a task of ours was written, and not the count of such lines.
 */
function withoutAudit([table, rows]: Look['others'][number]): Look['others'][number] {
  const isAudit = (row: Row): boolean =>
    (/^T-/.test(String(row['task_id'])) &&
      (row['activity_type'] === 'lock_taken_over' ||
        row['field'] === 'status' ||
        row['field'] === 'version')) ||
    (table === 'sqlite_sequence' && row['name'] === 'task_changes');
  return [table, rows.filter((row) => !isAudit(row))];
}

function unchangeable(row: Row): Row {
  const ours = /^T-/.test(String(row['id']));
  return ours
    ? Object.fromEntries(Object.entries(row).filter(([name]) => !OURS.includes(name)))
    : row;
}

function killIfThere(pid: number, signal: Signal): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended with its window already.
  }
}

/** Ours, and forty rows of others in all the shapes that rows are found in. */
function backlog(): readonly TaskSpec[] {
  const later = Date.now() + 3_600_000;
  const ours = Array.from({ length: WINDOWS * TASKS_EACH }, (_, n): TaskSpec => {
    return {
      id: `T-${n}`,
      tags: ['ours'],
      metadata: { keep: n },
      description: 'x'.repeat(n * 500),
    };
  });
  const theirs = Array.from({ length: 40 }, (_, n): TaskSpec => {
    const status = oneOf(
      (below) => n % below,
      ['Todo', 'In Progress', 'in_progress', 'Done', 'Odd'],
    );
    return {
      ...{
        id: `S-${n}`,
        status,
        description: 'y'.repeat(n * 150),
        deps: [`T-${n % 5}`],
        tags: [`tag-${n % 3}`],
      },
      ...(n % 4 === 0
        ? {
            lock: {
              holder: `general-there-${n}`,
              since: later - 7_200_000,
              until: n % 8 === 0 ? later : 1_000,
            },
          }
        : {}),
      row: n % 6 === 0 ? { project_id: null, long_description: null, host: 'h' } : {},
    };
  });
  return [...ours, ...theirs];
}

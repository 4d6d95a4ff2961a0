import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Change } from '../../src/core/edit/change.ts';
import { parseStatus, taskId, type TaskId } from '../../src/core/task.ts';
import { Writer } from '../../src/store/write/writer-client.ts';
import { removeJsonEntry } from '../../src/store/json/json-entry.ts';
import { systemClock } from '../../src/store/files/system-clock.ts';
import { createBacklog, nativeWriter, type NativeWriter } from '../support/fixture.ts';
import { oneOf, shuffled } from '../support/random.ts';
import { findSqliteNode } from '../support/sqlite-node.ts';
import { bundleWriter } from '../support/writer-rig.ts';
import type { ExarpOrder, ExarpProgram } from './exarp-go-program.ts';
import { proofOf, type Run } from './proof.ts';
import { startProgram, type Program } from './program.ts';

interface Size {
  readonly clients: number;
  readonly tasks: number;
  readonly rounds: number;
  /** The store is compared with what was answered after so many rounds. */
  readonly every: number;
  readonly waitMs: number;
}

/** What the store has to hold, by what was answered. */
interface Wanted {
  status: string;
  title: string;
  description: string;
  priority: string;
  tags: readonly string[];
  dependencies: readonly string[];
}

const FIRST_MADE = 'T-1764129939000';
const LEASE_MS = 30 * 60_000;
const RULES = { missing: 'satisfied', reviewOpensGate: false } as const;
/** What was undone last has to be there again after this time. */
const SETTLE_MS = 20_000;

export const besideExarp = proofOf<Size>({
  name: 'exarp',
  about:
    'beside exarp-go no write that was answered ok is lost, none of exarp-go’s is undone, and no task is worked on twice',
  short: { clients: 3, tasks: 60, rounds: 60, every: 30, waitMs: 120 },
  full: { clients: 8, tasks: 300, rounds: 2_000, every: 50, waitMs: 600 },
  run: async (run) => {
    const game = await Game.begin(run);
    try {
      await game.play();
    } finally {
      await game.end();
    }
  },
});

class Game {
  readonly #run: Run<Size>;
  readonly #writers: readonly Writer[];
  readonly #exarp: Program;
  readonly #native: NativeWriter;
  readonly #wanted: Map<string, Wanted>;
  /** What is being changed by one of ours, or by exarp-go: nobody else touches it meanwhile. */
  readonly #busy = new Set<string>();
  /** Who was told to have a task. */
  readonly #holders = new Map<string, Writer>();
  readonly #counts = new Map<string, number>();
  /** What happened to each task, for the message where the proof fails. */
  readonly #stories = new Map<string, string[]>();
  readonly #log: string[];
  readonly #json: string;
  #theirs: Promise<void> | undefined;
  #made = 0;

  private constructor(
    run: Run<Size>,
    writers: readonly Writer[],
    exarp: Program,
    native: NativeWriter,
    wanted: Map<string, Wanted>,
    log: string[],
  ) {
    this.#run = run;
    this.#writers = writers;
    this.#exarp = exarp;
    this.#native = native;
    this.#wanted = wanted;
    this.#log = log;
    this.#json = join(run.folder, 'quay', '.todo2', 'state.todo2.json');
  }

  static async begin(run: Run<Size>): Promise<Game> {
    const { size, seed, folder } = run;
    const root = join(folder, 'quay');
    const ids = Array.from({ length: size.tasks }, (_, n) => `T-${1_764_129_938_000 + n}`);
    const file = await createBacklog(root, {
      tasks: ids.map((id) => ({ id, content: `Task ${id}`, description: `What ${id} is about` })),
    });
    const script = await bundleWriter(root);
    const log: string[] = [];
    const writers = Array.from(
      { length: size.clients },
      (_, n) =>
        new Writer({
          ...{ file, script, holder: `vscode-here-${n + 1}`, clock: systemClock },
          random: Math.random,
          nodes: () => [{ command: findSqliteNode(), args: [] }],
          onStatusWritten: () => undefined,
          log: (line) => void log.push(`${(performance.now() / 1000).toFixed(3)} ${line}`),
          deadlineMs: 120_000,
        }),
    );
    const native = await nativeWriter(root);
    const wanted = new Map(
      (await native.all('SELECT id, content, long_description, status, priority FROM tasks')).map(
        (row): [string, Wanted] => [
          row['id'] as string,
          {
            ...{ title: row['content'] as string, description: row['long_description'] as string },
            ...{ status: row['status'] as string, priority: row['priority'] as string },
            ...{ tags: [], dependencies: [] },
          },
        ],
      ),
    );
    const program: ExarpProgram = { file, seed, waitMs: size.waitMs };
    const exarp = startProgram('exarp-go-program.ts', program);
    assert.equal(await exarp.next(), 'ready');
    return new Game(run, writers, exarp, native, wanted, log);
  }

  async play(): Promise<void> {
    const { size, random, say } = this.#run;
    const begun = performance.now();
    for (let round = 1; round <= size.rounds; round++) {
      if (this.#theirs === undefined) {
        this.#theirs = this.#letThem();
        // Whoever waits for it hears of its failure; the end of the game is none.
        this.#theirs.catch(() => undefined);
      }
      await Promise.all(
        this.#writers.map(async (writer) => {
          await wait(random(60));
          await this.#act(writer);
        }),
      );
      if (round % size.every === 0) await this.#compare(`after round ${round}`);
    }
    const again = this.#log.filter((line) => line.includes('it was written again')).length;
    const counts = [...this.#counts].map(([what, n]) => `${n} ${what}`).join(', ');
    say(`${size.rounds} rounds of ${size.clients} clients on ${size.tasks} tasks: ${counts}`);
    say(
      `${again} writes were undone and made again; none lost, none of theirs undone, no task worked ` +
        `on twice, in ${((performance.now() - begun) / 1000).toFixed(0)} s`,
    );
  }

  async end(): Promise<void> {
    await Promise.all(this.#writers.map((writer) => writer.close()));
    await this.#exarp.kill('SIGKILL');
    await this.#native.close();
  }

  /** One update of exarp-go, of tasks that none of ours is at. */
  async #letThem(): Promise<void> {
    const { random } = this.#run;
    const free = this.#free().filter((id) => !this.#holders.has(id));
    const what = random(10);
    if (what === 0 || free.length === 0) {
      await this.#order({ kind: 'sync' });
    } else {
      const id = oneOf(random, free);
      this.#busy.add(id);
      const wanted = this.#wanted.get(id) ?? assert.fail(id);
      const change =
        what < 5
          ? { status: oneOf(random, ['Todo', 'Review', 'Done', 'Blocked', 'In Progress']) }
          : what < 8
            ? { title: `Theirs ${this.#made++}` }
            : { priority: oneOf(random, ['low', 'high']) };
      this.#tell(id, `exarp-go begins ${JSON.stringify(change)}`);
      const ids = await this.#order({ kind: 'update', ids: [id], change });
      this.#tell(id, `exarp-go has done ${ids.length}`);
      if (ids.length > 0) {
        // Its own update to In Progress loses parts of the task, and may leave it in Todo.
        if (change.status === 'In Progress') await this.#accept(id);
        else Object.assign(wanted, change);
      }
      this.#busy.delete(id);
    }
    this.#count('updates of exarp-go');
    // Somebody calls it again.
    await wait(1_000 + random(500));
    this.#theirs = undefined;
  }

  async #accept(id: string): Promise<void> {
    const rows = await this.#stored();
    const stored = rows.get(id);
    if (stored === undefined) this.#wanted.delete(id);
    else this.#wanted.set(id, stored);
  }

  async #order(order: ExarpOrder): Promise<readonly string[]> {
    this.#exarp.tell(JSON.stringify(order));
    return JSON.parse(await this.#exarp.next()) as readonly string[];
  }

  #free(): readonly string[] {
    return [...this.#wanted.keys()].filter((id) => !this.#busy.has(id));
  }

  /** One write of one of ours; what is answered ok is what the store has to hold from then on. */
  async #act(writer: Writer): Promise<void> {
    const { random } = this.#run;
    const mine = [...this.#holders].flatMap(([id, by]) =>
      by === writer && !this.#busy.has(id) ? [id] : [],
    );
    const what = random(12);
    if (mine.length > 0 && what < 4) return this.#complete(writer, oneOf(random, mine));
    if (what < 6) return this.#claimNext(writer);
    const free = this.#free().filter((id) => !this.#holders.has(id));
    if (free.length < 10) return;
    const id = oneOf(random, free);
    const wanted = this.#wanted.get(id) ?? assert.fail(id);
    if (what === 6) {
      const to = oneOf(random, ['Todo', 'Review', 'Done'] as const);
      await this.#with(id, async () => {
        const set = await writer.setStatus(taskId(id), wanted.status, to);
        if (!set.ok) return;
        wanted.status = set.value;
        this.#tell(id, `set to ${to} by ${writer.holder}`);
        this.#count('statuses');
      });
      return;
    }
    if (what === 7 && random(3) === 0) {
      await this.#with(id, async () => {
        const [row] = await this.#native.all('SELECT version FROM tasks WHERE id = ?', id);
        const version = Number(row?.['version'] ?? 0);
        // Whoever made a task a moment ago takes its deletion by another for exarp-go’s.
        if (id >= FIRST_MADE) return;
        assert.ok((await removeJsonEntry(this.#json, taskId(id))).ok);
        const gone = await writer.apply([{ kind: 'delete', id: taskId(id), version }]);
        if (!gone.ok) return;
        this.#wanted.delete(id);
        this.#tell(id, `deleted by ${writer.holder}`);
        for (const other of this.#wanted.values())
          other.dependencies = other.dependencies.filter((on) => on !== id);
        this.#count('deletions');
      });
      return;
    }
    if (what === 7) {
      const made = `T-${1_764_129_939_000 + this.#made++}`;
      await this.#with(made, async () => {
        const title = `Made ${made}`;
        const created = await writer.apply([
          {
            ...{ kind: 'create', id: taskId(made), title, description: '', priority: 'medium' },
            ...{ tags: ['new'], dependencies: [], parentId: undefined },
          },
        ]);
        if (!created.ok) return;
        this.#wanted.set(made, {
          ...{ status: 'Todo', title, description: '', priority: 'medium' },
          ...{ tags: ['new'], dependencies: [] },
        });
        this.#count('creations');
      });
      return;
    }
    const [change, made] = this.#edit(taskId(id), wanted, what);
    await this.#with(id, async () => {
      const applied = await writer.apply([change]);
      if (!applied.ok) return;
      Object.assign(wanted, made);
      this.#tell(id, `${JSON.stringify(change)} by ${writer.holder}`);
      this.#count('edits');
    });
  }

  #edit(id: TaskId, wanted: Wanted, what: number): readonly [Change, Partial<Wanted>] {
    const { random } = this.#run;
    const text = `Ours ${this.#made++}`;
    if (what === 8)
      return [{ kind: 'setTitle', id, from: wanted.title, to: text }, { title: text }];
    if (what === 9)
      return [
        { kind: 'setDescription', id, from: wanted.description, to: text },
        { description: text },
      ];
    if (what === 10) {
      const tags = ['a', 'b', 'c'].filter(() => random(2) === 0);
      return [{ kind: 'setTags', id, from: wanted.tags, to: tags }, { tags }];
    }
    const on = oneOf(
      random,
      this.#free().filter((other) => other > id || other === this.#free().at(-1)),
    );
    // Only on later ones, so that there is no circle.
    if (on <= id || wanted.dependencies.includes(on)) {
      const dependencies = wanted.dependencies.slice(1);
      return [
        { kind: 'removeDependency', id, on: wanted.dependencies[0] ?? 'T-0' },
        { dependencies },
      ];
    }
    return [
      { kind: 'addDependency', id, on: taskId(on) },
      { dependencies: [...wanted.dependencies, on].sort() },
    ];
  }

  async #claimNext(writer: Writer): Promise<void> {
    const { random } = this.#run;
    const free = this.#free().filter((id) => !this.#holders.has(id));
    const candidates = shuffled(random, free).slice(0, 40);
    for (const id of candidates) this.#busy.add(id);
    const claimed = await writer.claimNext(candidates.map(taskId), RULES, LEASE_MS);
    for (const id of candidates) this.#busy.delete(id);
    if (!claimed.ok) return;
    const { id } = claimed.value;
    const wanted = this.#wanted.get(id) ?? assert.fail(`${id} was claimed, and had been deleted`);
    const was = parseStatus(wanted.status);
    assert.ok(
      was === 'Todo' || was === 'In Progress',
      `${id} was handed out, although it was ${was}: it is worked on twice\n${this.#storyOf(id)}`,
    );
    this.#tell(id, `claimed by ${writer.holder}`);
    wanted.status = 'In Progress';
    this.#holders.set(id, writer);
    this.#count('claims');
  }

  async #complete(writer: Writer, id: string): Promise<void> {
    const to = oneOf(this.#run.random, ['Review', 'Done', 'Todo'] as const);
    await this.#with(id, async () => {
      const ended = await writer.releaseWithResult(taskId(id), {
        to,
        overrules: false,
        comment: (status) => `It is ${status}`,
      });
      // A new one that exarp-go has removed a moment ago is there again soon.
      if (!ended.ok && ended.failure.kind === 'noSuchTask' && id >= FIRST_MADE) return;
      assert.ok(ended.ok, `${id} was not ended: ${JSON.stringify(ended)}\n${this.#storyOf(id)}`);
      this.#holders.delete(id);
      const wanted = this.#wanted.get(id) ?? assert.fail(id);
      assert.equal(ended.value.status, to, `${id} was to be ${to}`);
      wanted.status = to;
      this.#tell(id, `ended as ${to} by ${writer.holder}`);
      this.#count('ends');
    });
  }

  async #with(id: string, act: () => Promise<void>): Promise<void> {
    if (this.#busy.has(id)) return;
    this.#busy.add(id);
    try {
      await act();
    } finally {
      this.#busy.delete(id);
    }
  }

  /** Waits until exarp-go has ended, and the store holds what was answered. */
  async #compare(when: string): Promise<void> {
    await this.#theirs;
    const limit = performance.now() + SETTLE_MS;
    for (;;) {
      const differences = this.#differences(await this.#stored());
      if (differences.length === 0) return;
      if (performance.now() > limit)
        assert.fail(
          `${when} the store differs from what was answered:\n${differences.join('\n')}\n` +
            this.#log.slice(-40).join('\n'),
        );
      await wait(100);
    }
  }

  #differences(stored: ReadonlyMap<string, Wanted>): readonly string[] {
    const all = new Set([...stored.keys(), ...this.#wanted.keys()]);
    return [...all].flatMap((id) => {
      const [is, wanted] = [stored.get(id), this.#wanted.get(id)].map((task) =>
        JSON.stringify(task, [
          'status',
          'title',
          'description',
          'priority',
          'tags',
          'dependencies',
        ]),
      );
      // A list of keys leaves out what is in the lists.
      const lists = [stored.get(id), this.#wanted.get(id)].map((task) =>
        JSON.stringify([task?.tags, task?.dependencies]),
      );
      return is === wanted && lists[0] === lists[1]
        ? []
        : [
            `${id}: is ${is} ${lists[0]}, and was answered ${wanted} ${lists[1]}\n${this.#storyOf(id)}`,
          ];
    });
  }

  async #stored(): Promise<ReadonlyMap<string, Wanted>> {
    const rows = await this.#native.all(
      `SELECT id, content, long_description, status, priority,
        (SELECT json_group_array(tag) FROM (SELECT tag FROM task_tags WHERE task_id = tasks.id ORDER BY tag)) AS tags,
        (SELECT json_group_array(depends_on_id) FROM (SELECT depends_on_id FROM task_dependencies
          WHERE task_id = tasks.id ORDER BY depends_on_id)) AS dependencies FROM tasks`,
    );
    return new Map(
      rows.map((row): [string, Wanted] => [
        row['id'] as string,
        {
          ...{ title: row['content'] as string, description: row['long_description'] as string },
          ...{ status: row['status'] as string, priority: row['priority'] as string },
          tags: JSON.parse(row['tags'] as string) as string[],
          dependencies: JSON.parse(row['dependencies'] as string) as string[],
        },
      ]),
    );
  }

  #tell(id: string, what: string): void {
    const story = this.#stories.get(id) ?? [];
    story.push(`${(performance.now() / 1000).toFixed(3)} ${what}`);
    this.#stories.set(id, story);
  }

  #storyOf(id: string): string {
    const logged = this.#log.filter((line) => line.includes(id));
    return [...(this.#stories.get(id) ?? []), ...logged].join('\n');
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }
}

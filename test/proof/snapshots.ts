import assert from 'node:assert/strict';
import { closeSync, mkdirSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BacklogSource } from '../../src/core/ports.ts';
import type { Task } from '../../src/core/task.ts';
import { openBacklog } from '../../src/store/read/backlog-source.ts';
import { SnapshotReader } from '../../src/store/read/snapshot-reader.ts';
import { readTasks } from '../support/read-tasks.ts';
import { systemClock } from '../../src/store/files/system-clock.ts';
import { markWithoutWal } from '../../src/store/read/wal.ts';
import { copyStore } from '../support/native-files.ts';
import { SQL, WASM_FILE } from '../support/stores.ts';
import { countOf, createInvariantBacklog, findMixture, type WriterMode } from './invariants.ts';
import { proofOf, type Run } from './proof.ts';
import { startProgram } from './program.ts';

const busy = (checkpoint: number, reopenEvery = 0): WriterMode => ({
  name: reopenEvery > 0 ? `reopened every ${reopenEvery}` : `checkpoint ${checkpoint}`,
  ...{ checkpoint, reopenEvery, pauseMs: 0 },
});
const MODES: readonly WriterMode[] = [
  ...[1000, 100, 20, 5, 1].map((checkpoint) => busy(checkpoint)),
  busy(1000, 20),
  // Slow enough that two readings can be of one commit, and are then held against each other.
  { name: 'unhurried', checkpoint: 40, reopenEvery: 0, pauseMs: 4 },
];

interface Size {
  /** Of the store that the views have, and of readings that begin from nothing; over all modes. */
  readonly followed: number;
  readonly fresh: number;
}

/**
 * A refresh that gave up may leave what was there before, but only after it has tried for so long.
 */
const GIVES_UP_MS = 1_900;

export const snapshots = proofOf<Size>({
  name: 'snapshots',
  about:
    'beside a writer that commits all the time, every snapshot is one commit, and none is older than it has to be',
  short: { followed: 350, fresh: 70 },
  full: { followed: 20_000, fresh: 4_000 },
  run: async (run) => {
    const total = {
      followed: 0,
      fresh: 0,
      busy: 0,
      compared: 0,
      commits: 0,
      naive: 0,
      stale: 0,
      mixed: 0,
    };
    for (const [index, mode] of MODES.entries()) {
      const found = await besideWriter(run, mode, index);
      for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += found[key];
    }
    const { followed, fresh, compared, commits, naive, stale, mixed } = total;
    run.say(
      `${followed} snapshots of the store and ${fresh} readings from nothing beside ${commits} commits in ${MODES.length} ` +
        `ways of writing: 0 mixed, 0 too old; ${total.busy} gave up; ${compared} pairs of both were equal (seed ${run.seed})`,
    );
    run.say(`the main file alone, ${naive} times: ${mixed} mixed or unreadable, ${stale} too old`);
    assert.ok(
      stale > 0,
      'a reader of the main file alone has to fail this, or the proof proves nothing',
    );
    assert.ok(compared > 0, 'no two readings were of one commit');
  },
});

type Found = Record<
  'followed' | 'fresh' | 'busy' | 'compared' | 'commits' | 'naive' | 'stale' | 'mixed',
  number
>;

async function besideWriter(
  { size, seed, folder }: Run<Size>,
  mode: WriterMode,
  index: number,
): Promise<Found> {
  const [followedWanted, freshWanted] = [
    Math.ceil(size.followed / MODES.length),
    Math.ceil(size.fresh / MODES.length),
  ];
  const root = join(folder, `writer-${index}`, 'project');
  mkdirSync(root, { recursive: true });
  const file = await createInvariantBacklog(root);
  const progress = new Progress(join(root, 'progress'));
  const source = openBacklog(root, { wasmFile: WASM_FILE });
  const reader = new SnapshotReader(file, systemClock);
  const wrong: string[] = [];
  const found: Found = {
    followed: 0,
    fresh: 0,
    busy: 0,
    compared: 0,
    commits: 0,
    naive: 0,
    stale: 0,
    mixed: 0,
  };
  let [last, shown] = [0, 0];
  // What the views are told is held to the same, whatever began the look.
  source.onDidChange(() => {
    const tasks = tasksOf(source);
    const count = countOf(tasks);
    const mixture = findMixture(tasks);
    if (mixture !== undefined || count < shown)
      wrong.push(mixture ?? `${count} was shown after ${shown}`);
    shown = count;
  });
  const check = (what: string, tasks: readonly Task[], ended: number): number => {
    const [count, begun] = [countOf(tasks), progress.begun()];
    const trouble = findMixture(tasks);
    assert.equal(trouble, undefined, `${mode.name}, ${what}: ${trouble}`);
    assert.ok(
      count >= ended,
      `${mode.name}, ${what}: commit ${count}, where ${ended} had ended before the read began`,
    );
    assert.ok(
      count <= begun,
      `${mode.name}, ${what}: commit ${count}, where ${begun} was the last one that had begun`,
    );
    return count;
  };
  await source.refresh();
  const writer = startProgram('snapshot-writer-program.ts', {
    ...{ file, progressFile: progress.file, seed: seed + index, mode },
  });
  try {
    await writer.next();
    for (let round = 1; found.followed < followedWanted || found.fresh < freshWanted; round++) {
      const ended = progress.ended();
      const begin = performance.now();
      await source.refresh();
      const tasks = tasksOf(source);
      if (countOf(tasks) < ended && performance.now() - begin > GIVES_UP_MS) found.busy++;
      else {
        const count = check('the store', tasks, ended);
        if (count > last) found.followed++;
        last = count;
      }
      if (round * freshWanted >= found.fresh * followedWanted && found.fresh < freshWanted) {
        const whole = await readFresh(reader, progress.ended(), check);
        if (whole === undefined) found.busy++;
        else {
          found.fresh++;
          if (countOf(whole) === countOf(tasks)) {
            assert.deepEqual(
              tasks,
              whole,
              `${mode.name}: what was followed and what was read anew differ`,
            );
            found.compared++;
          }
        }
        judgeNaive(file, progress.ended(), found);
      }
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(wrong, []);
    }
    await writer.end();
    await source.refresh();
    found.commits = progress.ended();
    assert.equal(check('the store in the end', tasksOf(source), found.commits), found.commits);
    assert.deepEqual(tasksOf(source), await readFresh(reader, found.commits, check));
    assert.deepEqual(wrong, []);
  } catch (error) {
    copyStore(file, join(folder, `at-failure-${index}`));
    writeFileSync(join(folder, `shown-${index}.json`), JSON.stringify(tasksOf(source), null, 1));
    await writer.kill('SIGKILL');
    throw error;
  } finally {
    source.dispose();
    reader.dispose();
    progress.close();
  }
  return found;
}

/**
 * Everything from the files, as at the first look; undefined where writers were in the way for two
 * seconds.
 */
async function readFresh(
  reader: SnapshotReader,
  ended: number,
  check: (what: string, tasks: readonly Task[], ended: number) => number,
): Promise<readonly Task[] | undefined> {
  const image = await reader.read();
  if (image.kind === 'fault' && image.fault.cause === 'busy') return undefined;
  if (image.kind !== 'image') assert.fail(JSON.stringify(image));
  const content = readTasks(SQL, image.bytes, 'project');
  if (!content.ok) assert.fail(JSON.stringify(content.failure));
  check('a reading from nothing', content.value.tasks, ended);
  return content.value.tasks;
}

/** What a reader finds that knows of no log: the same checks, counted. */
function judgeNaive(file: string, ended: number, found: Found): void {
  const bytes = readFileSync(file);
  markWithoutWal(bytes);
  const content = readTasks(SQL, bytes, 'project');
  found.naive++;
  if (!content.ok || findMixture(content.value.tasks) !== undefined) found.mixed++;
  else if (countOf(content.value.tasks) < ended) found.stale++;
}

function tasksOf(source: BacklogSource): readonly Task[] {
  const { state } = source;
  if (state.kind === 'ready') return state.snapshot.tasks;
  if (state.kind === 'unreadable' && state.failure.cause === 'busy' && state.last !== undefined)
    return state.last.tasks;
  return assert.fail(`The store is ${JSON.stringify(state).slice(0, 500)}`);
}

/**
 * The file in which the writer says how far it is: seen at once, where a line through a pipe has to
 * wait its turn.
 */
class Progress {
  readonly file: string;
  readonly #fd: number;
  readonly #word = Buffer.alloc(8);

  constructor(file: string) {
    this.file = file;
    writeFileSync(file, Buffer.alloc(16));
    this.#fd = openSync(file, 'r');
  }

  /** The last commit that had ended. */
  ended(): number {
    return this.#read(0);
  }

  begun(): number {
    return this.#read(8);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #read(at: number): number {
    readSync(this.#fd, this.#word, 0, 8, at);
    return this.#word.readDoubleLE();
  }
}

/* eslint-disable @typescript-eslint/no-non-null-assertion --
   Every index below is a node, an edge or a wave of the run at hand; a check per access would only cost time. */
import { buildGraph, type Graph } from '../../waves/graph.ts';
import { pushTo } from '../../push-to.ts';
import type { TaskId } from '../../task.ts';
import type { FilesInUse } from './files-in-use.ts';
import { NumberHeap } from './number-heap.ts';
import type { RunMode } from '../run-options.ts';
import { planOrder } from './start-order.ts';

/** One task of a run, as far as the order of starts depends on it. */
export interface Candidate {
  readonly id: TaskId;
  /** Index into the waves of the run. */
  readonly wave: number;
  /** Ids that are no task of the run count for nothing. */
  readonly dependencies: readonly TaskId[];
  /** How long it is likely to take, in any unit that all tasks share. */
  readonly weight: number;
  /** 0 is the most urgent. */
  readonly rank: number;
  /** The kind of agent. */
  readonly agent: string;
  readonly files: readonly string[];
  /** What it is likely to touch beside these: advice alone, for which no task waits. */
  readonly likely?: readonly string[];
  /**
   * True where it has its own copy of all files: it need not wait for tasks that use the same ones,
   * and starts after tasks that no other one is in the way of.
   */
  readonly isApart?: boolean;
}

/** Of so many tasks that may start, one whose files are free is looked for. */
const MOST_LOOKED_AT = 32;

/** A task that could have started, and a task at work that uses these of its files. */
export interface Parked {
  readonly id: TaskId;
  readonly with: TaskId;
  readonly files: readonly string[];
}

/** States of a node. */
const WAITING = 0;
const READY = 1;
const PARKED = 2;
const OUT = 3;
const ASIDE = 4;
const SUSPECT = 5;
const ENDED = 6;

/**
 * Selects the task of a run that starts next: of the ready ones, the one with the longest path of
 * tasks behind it, then the more urgent one, then the first one.
 *
 *     waiting ──dependencies ended, wave open──▶ ready ──take──▶ out ──▶ ended
 *        │                                       ▲   └─file in use─▶ parked ─▶ ready
 *        └──one of them ended badly──▶ suspect ──┘ (or ended)       out ─▶ aside ─▶ ready
 *
 * Knows no clock and starts nothing. All steps of a run of n tasks and m dependencies take O((n +
 * m) log n) together; tasks that name several files may be checked once more each time such a file
 * is released.
 */
export class Scheduler {
  readonly #tasks: readonly Candidate[];
  readonly #runMode: RunMode;
  readonly #inUse: FilesInUse;
  readonly #index: ReadonlyMap<TaskId, number>;
  readonly #nodesOf: ReadonlyMap<number, readonly number[]>;
  readonly #dependants: Graph;
  /** Dependencies found at the start of a task, on top of `#dependants`. */
  readonly #laterDependants = new Map<number, number[]>();
  /** A node's place in the order of starts, and back: heaps hold places. */
  readonly #placeOf: Int32Array;
  readonly #nodeAt: Int32Array;
  readonly #waitsFor: Int32Array;
  readonly #state: Uint8Array;
  readonly #isQueued: Uint8Array;
  readonly #isBehindBad: Uint8Array;
  readonly #files: (readonly string[])[];
  readonly #left: Int32Array;
  readonly #kindOf: Int32Array;
  readonly #kinds: readonly string[];
  /** By kind of agent, so that one kind at its limit does not block the others. */
  readonly #ready: readonly NumberHeap[];
  /**
   * By file and kind. When a file is free, only the first waiting task of each kind becomes ready:
   * waking all of them each time would take quadratic time where thousands of tasks name one file.
   */
  readonly #waiters = new Map<string, Map<number, NumberHeap>>();
  #suspects: number[] = [];
  #openWaves: number;
  #lastWave = Infinity;

  constructor(tasks: readonly Candidate[], runMode: RunMode, inUse: FilesInUse) {
    this.#tasks = tasks;
    this.#runMode = runMode;
    this.#inUse = inUse;
    this.#index = new Map(tasks.map(({ id }, v) => [id, v]));
    this.#nodesOf = byWave(tasks);
    const size = tasks.length;
    const { from, to } = this.#edges();
    const { placeOf, nodeAt, waitsFor, isEdge } = planOrder(tasks, from, to);
    const kept = from.map((_, e) => e).filter((e) => isEdge[e] === 1);
    this.#dependants = buildGraph(size, kept.map((e) => from[e]!), kept.map((e) => to[e]!)); // prettier-ignore
    [this.#placeOf, this.#nodeAt, this.#waitsFor] = [placeOf, nodeAt, waitsFor];
    this.#state = new Uint8Array(size);
    this.#isQueued = new Uint8Array(size);
    this.#isBehindBad = new Uint8Array(size);
    this.#files = tasks.map(({ files }) => files);
    this.#kinds = [...new Set(tasks.map(({ agent }) => agent))];
    const numberOf = new Map(this.#kinds.map((agent, kind) => [agent, kind]));
    this.#kindOf = Int32Array.from(tasks, ({ agent }) => numberOf.get(agent)!);
    this.#ready = this.#kinds.map(() => new NumberHeap());
    this.#left = new Int32Array(tasks.reduce((most, { wave }) => Math.max(most, wave + 1), 0));
    for (const { wave } of tasks) this.#left[wave]!++;
    this.#openWaves = runMode === 'flow' ? Infinity : 0;
    if (runMode === 'flow') for (let v = 0; v < size; v++) this.#admit(v);
  }

  /**
   * Strict: the tasks of this wave, and of those before it, may start. In flow all are open from
   * the beginning.
   */
  openThrough(wave: number): void {
    if (wave < this.#openWaves) return;
    const before = this.#openWaves;
    this.#openWaves = wave + 1;
    for (let w = before; w <= wave; w++) {
      for (const v of this.#nodesOf.get(w) ?? []) if (this.#state[v] === WAITING) this.#admit(v);
    }
  }

  /** How many tasks of a wave have not ended. */
  left(wave: number): number {
    return this.#left[wave] ?? 0;
  }

  /** Nothing of a later wave is taken from here on. */
  haltAfter(wave: number): void {
    this.#lastWave = Math.min(this.#lastWave, wave);
  }

  /** False where `take` would certainly find nothing. */
  hasReady(isOpen: (agent: string) => boolean): boolean {
    return this.#ready.some(
      (_, kind) => this.#top(kind) !== undefined && isOpen(this.#kinds[kind]!),
    );
  }

  /** The next task of each kind of agent. */
  tops(): readonly TaskId[] {
    return this.#kinds.flatMap((_, kind) => {
      const v = this.#top(kind);
      return v === undefined ? [] : [this.#tasks[v]!.id];
    });
  }

  /**
   * Takes the best task whose kind of agent may start and whose files are free, those that it is
   * likely to touch as well, else the best of those that need not wait for their files, and marks
   * the files as in use.
   */
  take(isOpen: (agent: string) => boolean): {
    readonly id: TaskId | undefined;
    readonly parked: readonly Parked[];
  } {
    const parked: Parked[] = [];
    const later: number[] = [];
    let chosen: number | undefined;
    while (chosen === undefined && later.length < MOST_LOOKED_AT) {
      const v = this.#best(isOpen);
      if (v === undefined) break;
      this.#pop(v);
      const { id, isApart } = this.#tasks[v]!;
      const obstacle = this.#obstacle(v);
      const isAlone = obstacle === undefined && !this.#inUse.isLikelyUsed(this.#advice(v), id);
      if (isAlone) chosen = v;
      else if (isApart === true || obstacle === undefined) later.push(v);
      else {
        parked.push({ id, with: obstacle.user, files: this.#usedBy(v, obstacle.user) });
        this.#park(v, obstacle.file);
      }
    }
    chosen ??= later.shift();
    for (const v of later) this.#admit(v);
    if (chosen === undefined) return { id: undefined, parked };
    const { id } = this.#tasks[chosen]!;
    this.#state[chosen] = OUT;
    this.#inUse.take(id, this.#files[chosen]!, this.likelyOf(id));
    return { id, parked };
  }

  /** See `Candidate`. */
  isApart(id: TaskId): boolean {
    return this.#tasks[this.#nodeOf(id)]!.isApart === true;
  }

  /** Marks a task as at work that `take` did not give out. */
  takeThis(id: TaskId): void {
    const v = this.#nodeOf(id);
    this.#state[v] = OUT;
    this.#inUse.take(id, this.#files[v]!, this.likelyOf(id));
  }

  /** Puts a task that is out aside, until `back`. */
  setAside(id: TaskId): void {
    this.#state[this.#nodeOf(id)] = ASIDE;
  }

  /** Queues a task again that was out or aside. */
  back(id: TaskId): void {
    const v = this.#nodeOf(id);
    this.#state[v] = WAITING;
    this.#admit(v);
  }

  /**
   * True where a task can wait for `on` without a deadlock: `on` may start, and does not wait for
   * the task.
   */
  mayWaitFor(id: TaskId, on: TaskId): boolean {
    const [v, w] = [this.#nodeOf(id), this.#index.get(on)];
    if (w === undefined || v === w || this.#state[w] === ENDED) return false;
    return this.#tasks[w]!.wave < this.#openWaves && !this.#leadsTo(v, w);
  }

  /** A task that is out comes back when `on`, for which it may wait, has ended too. */
  defer(id: TaskId, on: TaskId): void {
    const [v, w] = [this.#nodeOf(id), this.#nodeOf(on)];
    this.#laterDependants.set(w, [...(this.#laterDependants.get(w) ?? []), v]);
    this.#waitsFor[v]!++;
    this.#state[v] = WAITING;
  }

  /** Replaces the files of a task. To be called while it uses none. */
  setFiles(id: TaskId, files: readonly string[]): void {
    this.#files[this.#nodeOf(id)] = files;
  }

  filesOf(id: TaskId): readonly string[] {
    return this.#files[this.#nodeOf(id)]!;
  }

  /** See `Candidate`. */
  likelyOf(id: TaskId): readonly string[] {
    return this.#tasks[this.#nodeOf(id)]!.likely ?? [];
  }

  /**
   * Records the end of a task; after a bad end its dependants become suspect. The caller releases
   * its files.
   */
  ended(id: TaskId, well: boolean): void {
    const v = this.#nodeOf(id);
    const before = this.#state[v];
    if (before === ENDED) throw new Error(`Internal error: ${id} ended twice`);
    this.#state[v] = ENDED;
    this.#left[this.#tasks[v]!.wave]!--;
    for (const w of this.#dependantsOf(v)) {
      this.#waitsFor[w]!--;
      if (!well) this.#isBehindBad[w] = 1;
      if (this.#state[w] === WAITING) this.#admit(w);
    }
    // Other tasks may have waited behind it for its files.
    if (before === READY) for (const file of this.#files[v]!) this.#offer(file, this.#kindOf[v]!);
  }

  /** Tasks behind one that ended badly, each once: the caller ends them or calls `readmit`. */
  takeSuspects(): readonly TaskId[] {
    const suspects = this.#suspects.filter((v) => this.#state[v] === SUSPECT);
    this.#suspects = [];
    return suspects.map((v) => this.#tasks[v]!.id);
  }

  get hasSuspects(): boolean {
    return this.#suspects.length > 0;
  }

  /**
   * The tasks that wait for one that ended badly, directly or not: unless `readmit` is called, none
   * of them starts.
   */
  behindBad(): ReadonlySet<TaskId> {
    const nodes = new Set<number>();
    for (const [v, isBehind] of this.#isBehindBad.entries()) if (isBehind === 1) nodes.add(v);
    for (const v of nodes) for (const w of this.#dependantsOf(v)) nodes.add(w);
    return new Set(Array.from(nodes, (v) => this.#tasks[v]!.id));
  }

  /** The bad end does not affect this task. */
  readmit(id: TaskId): void {
    const v = this.#nodeOf(id);
    if (this.#state[v] !== SUSPECT) return;
    this.#isBehindBad[v] = 0;
    this.#state[v] = WAITING;
    this.#admit(v);
  }

  /** Records that a file is free. Returns the tasks that are ready because of that. */
  freed(file: string): readonly TaskId[] {
    const kinds = this.#waiters.get(file);
    return [...(kinds?.keys() ?? [])].flatMap((kind) => this.#offer(file, kind) ?? []);
  }

  #edges(): { readonly from: Int32Array; readonly to: Int32Array } {
    const [from, to]: [number[], number[]] = [[], []];
    for (const [v, { wave, dependencies }] of this.#tasks.entries()) {
      for (const id of new Set(dependencies)) {
        const first = this.#index.get(id);
        if (first === undefined || first === v) continue;
        // In strict waves nothing can wait for a later wave; the check before the start reports
        // that.
        if (this.#runMode === 'strict' && this.#tasks[first]!.wave > wave) continue;
        from.push(first);
        to.push(v);
      }
    }
    return { from: Int32Array.from(from), to: Int32Array.from(to) };
  }

  #admit(v: number): void {
    if (this.#tasks[v]!.wave >= this.#openWaves) return;
    if (this.#isBehindBad[v] === 1) {
      this.#state[v] = SUSPECT;
      this.#suspects.push(v);
    } else if (this.#waitsFor[v] === 0) {
      this.#state[v] = READY;
      if (this.#isQueued[v] === 0) this.#ready[this.#kindOf[v]!]!.push(this.#placeOf[v]!);
      this.#isQueued[v] = 1;
    }
  }

  /** The first ready node of a kind; drops nodes that were stopped or skipped meanwhile. */
  #top(kind: number): number | undefined {
    const heap = this.#ready[kind]!;
    for (let place = heap.peek(); place !== undefined; place = heap.peek()) {
      const v = this.#nodeAt[place]!;
      const isHalted = this.#tasks[v]!.wave > this.#lastWave;
      if (this.#state[v] === READY && !isHalted) return v;
      heap.pop();
      this.#isQueued[v] = 0;
      if (this.#state[v] !== READY) continue;
      this.#state[v] = WAITING;
      for (const file of this.#files[v]!) this.#offer(file, kind);
    }
    return undefined;
  }

  #best(isOpen: (agent: string) => boolean): number | undefined {
    let best: number | undefined;
    for (let kind = 0; kind < this.#kinds.length; kind++) {
      const v = this.#top(kind);
      if (v === undefined || (best !== undefined && this.#placeOf[best]! < this.#placeOf[v]!))
        continue;
      if (isOpen(this.#kinds[kind]!)) best = v;
    }
    return best;
  }

  #pop(v: number): void {
    this.#ready[this.#kindOf[v]!]!.pop();
    this.#isQueued[v] = 0;
  }

  #obstacle(v: number): { readonly file: string; readonly user: TaskId } | undefined {
    const { id } = this.#tasks[v]!;
    for (const file of this.#files[v]!) {
      const user = this.#inUse.userOf(file, id);
      if (user !== undefined) return { file, user };
    }
    return undefined;
  }

  /** What counts for the order alone: that others are likely to touch what it names, too. */
  #advice(v: number): readonly string[] {
    return [...this.#files[v]!, ...(this.#tasks[v]!.likely ?? [])];
  }

  #usedBy(v: number, user: TaskId): readonly string[] {
    const { id } = this.#tasks[v]!;
    return this.#files[v]!.filter((file) => this.#inUse.userOf(file, id) === user);
  }

  #park(v: number, file: string): void {
    this.#state[v] = PARKED;
    const kind = this.#kindOf[v]!;
    let kinds = this.#waiters.get(file);
    if (kinds === undefined) this.#waiters.set(file, (kinds = new Map<number, NumberHeap>()));
    let heap = kinds.get(kind);
    if (heap === undefined) kinds.set(kind, (heap = new NumberHeap()));
    heap.push(this.#placeOf[v]!);
    // Tasks that wait for another file of this one, which is free, must not wait behind it.
    for (const other of this.#files[v]!) if (other !== file) this.#offer(other, kind);
  }

  /** Makes the first task that waits for this file ready, if the file is free. */
  #offer(file: string, kind: number): TaskId | undefined {
    const kinds = this.#waiters.get(file);
    const heap = kinds?.get(kind);
    if (kinds === undefined || heap === undefined) return undefined;
    for (let place = heap.peek(); place !== undefined; place = heap.peek()) {
      const v = this.#nodeAt[place]!;
      const { id } = this.#tasks[v]!;
      if (this.#state[v] === PARKED) {
        if (this.#inUse.userOf(file, id) !== undefined) return undefined;
        heap.pop();
        this.#admit(v);
        return id;
      }
      heap.pop();
    }
    kinds.delete(kind);
    if (kinds.size === 0) this.#waiters.delete(file);
    return undefined;
  }

  #dependantsOf(v: number): readonly number[] {
    const { offsets, targets } = this.#dependants;
    const later = this.#laterDependants.get(v) ?? [];
    return [...targets.subarray(offsets[v], offsets[v + 1]), ...later];
  }

  /** True where `w` waits for `v`, directly or not. */
  #leadsTo(v: number, w: number): boolean {
    const seen = new Set([v]);
    for (const node of seen) {
      if (node === w) return true;
      for (const next of this.#dependantsOf(node)) if (this.#state[next] !== ENDED) seen.add(next);
    }
    return false;
  }

  #nodeOf(id: TaskId): number {
    const v = this.#index.get(id);
    if (v === undefined) throw new Error(`Internal error: ${id} is no task of this run`);
    return v;
  }
}

function byWave(tasks: readonly Candidate[]): ReadonlyMap<number, readonly number[]> {
  const nodes = new Map<number, number[]>();
  for (const [v, { wave }] of tasks.entries()) pushTo(nodes, wave, v);
  return nodes;
}

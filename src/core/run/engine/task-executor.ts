import type { WorkEnd, WorkListener } from '../../ports.ts';
import { filesOf } from '../../named-files.ts';
import { priorityRank, type Task, type TaskId } from '../../task.ts';
import { attemptWith, type Attempted } from './attempt.ts';
import { lookAgain, type Look, type RunSoFar } from './start-check.ts';
import type { Entry } from './run-entry.ts';
import type { SkipReason, TaskRun } from '../run-events.ts';
import type { Floor, Told } from './run-context.ts';
import type { RunOptions } from '../run-options.ts';
import type { RunnerWorld } from './run-world.ts';
import type { Candidate, Scheduler } from './scheduler.ts';

/** How a turn came out in which no worker was asked; `back`: it is to have another one. */
export type Unstarted = Exclude<Look, { kind: 'start' }> | { readonly kind: 'back' };

/** What turns need of their run. */
export interface TurnsOptions {
  readonly runId: string;
  readonly options: RunOptions;
  readonly floor: Floor;
  readonly scheduler: Scheduler;
  readonly soFar: RunSoFar;
  readonly tell: (event: Told) => void;
  /** Why a task that has its turn should not go on, asked after every wait. */
  readonly whyNot: (entry: Entry) => Unstarted | undefined;
  /** Its first task begins. */
  readonly openWave: (wave: number) => void;
  /** A number that no attempt of this run had. */
  readonly nextStart: () => number;
  readonly onSettled: (entry: Entry, result: Attempted | Unstarted) => void;
  /** The window let go of this run, or of all: nothing further is told or begun. */
  readonly isLetGo: () => boolean;
}

/**
 * Takes tasks of one run that the scheduler gave out through their turn: look again, tell, make that durable, have it worked
 * on. Whatever happens, a turn ends with `onSettled`, unless the window let go of the run meanwhile.
 */
export class TaskTurns {
  readonly #options: TurnsOptions;
  readonly #holders = new Set<string>();

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  isHolder(holder: string): boolean {
    return this.#holders.has(holder);
  }

  /** Gives a task its turn; the slot is the caller's. */
  take(entry: Entry): Promise<void> {
    return this.#through(entry, () => this.#tryOn(entry));
  }

  /** Goes on with an attempt that an earlier window began. */
  attach(entry: Entry, { phase, start }: TaskRun): Promise<void> {
    const { runId, options, floor } = this.#options;
    const { id, agent, holder } = entry;
    const { worker, source } = floor.world;
    entry.isAtWork = true;
    if (holder !== undefined) this.#holders.add(holder);
    const job = { runId, id, start: start ?? 0, root: source.root, agent, options, holder };
    const before = { claimed: phase !== 'starting', started: phase === 'running' };
    return this.#through(entry, async () => {
      const attach = (signal: AbortSignal, listener: WorkListener): Promise<WorkEnd> =>
        worker.attach(job, signal, listener);
      const attempted = await attemptWith(attach, entry, this.#teller(entry), before);
      // What an earlier window was refused was never begun, and the reason may be gone with it: that is decided anew.
      if (attempted.end.kind === 'refused') entry.isRequeued = true;
      return attempted;
    });
  }

  async #through(entry: Entry, attempt: () => Promise<Attempted | Unstarted>): Promise<void> {
    const { runId, floor, scheduler, onSettled, isLetGo } = this.#options;
    const { active, gate, files, world } = floor;
    const { id, agent } = entry;
    const isOurs = !active.has(id);
    const taken: SkipReason = { kind: 'claimFailed', failure: { kind: 'alreadyRunning' } };
    let result: Attempted | Unstarted = { kind: 'skip', reason: taken };
    entry.phase = 'begun';
    gate.begin(agent.agent);
    if (isOurs) {
      active.set(id, runId);
      try {
        result = await attempt();
      } catch (error) {
        world.reportBug(error);
        const failure = { kind: 'internal', detail: String(error) } as const;
        result = { end: { kind: 'notRecorded', exitCode: undefined, failure }, wasClaimed: true };
      }
      if (floor.isLetGo()) return;
      active.delete(id);
    }
    const freed = isOurs ? files.release(id, scheduler.filesOf(id)) : [];
    if (entry.holder !== undefined) this.#holders.delete(entry.holder);
    [entry.holder, entry.control, entry.isAtWork] = [undefined, undefined, false];
    // Before the agent counts as gone: a rate limit is about how many there were.
    if (!isLetGo()) onSettled(entry, result);
    gate.end(agent.agent);
    floor.letOthersGoOn(freed);
  }

  async #tryOn(entry: Entry): Promise<Attempted | Unstarted> {
    const { runId, options, floor, soFar, scheduler, tell, whyNot, openWave, nextStart, isLetGo } = this.#options;
    const { world } = floor;
    const { id, agent } = entry;
    await world.source.refresh();
    const early = whyNot(entry);
    if (early !== undefined) return early;
    const mayWaitFor = (on: TaskId): boolean => scheduler.mayWaitFor(id, on);
    const seen = lookAgain(id, world.source.state, soFar, world.readiness, mayWaitFor);
    const look = seen.kind === 'held' && world.isFollowed?.(agent) === true ? seen.start : seen;
    if (look.kind !== 'start') return look;
    if (!this.#takeFiles(id, look.task)) return { kind: 'back' };

    openWave(entry.wave);
    const start = nextStart();
    const attempt = entry.attempt + 1;
    [entry.start, entry.attempt, entry.waits] = [start, attempt, undefined];
    entry.isAtWork = true;
    entry.control = new AbortController();
    tell({ kind: 'taskStarting', id, start, attempt });
    await world.flushed();
    const late = whyNot(entry);
    // What is only paused was begun, and goes on to its end.
    if (late !== undefined && late.kind !== 'back') return late;
    if (entry.isRequeued || isLetGo()) return { end: { kind: 'stopped' }, wasClaimed: false };
    const sessionId = world.sessionOf?.(runId, id);
    const { task, dependencies } = look;
    const job = { runId, start, attempt, root: world.source.root, task, dependencies, agent, options, sessionId };
    return attemptWith((signal, listener) => world.worker.work(job, signal, listener), entry, this.#teller(entry));
  }

  /** The description may name other files by now; false where one of those is in use. */
  #takeFiles(id: TaskId, task: Task): boolean {
    const { floor, scheduler } = this.#options;
    const [before, now] = [scheduler.filesOf(id), filesNamed(task, floor.world)];
    if (before.length === now.length && before.every((file, i) => file === now[i])) return true;
    const freed = floor.files.release(id, before);
    scheduler.setFiles(id, now);
    floor.letOthersGoOn(freed);
    if (now.some((file) => floor.files.userOf(file, id) !== undefined)) return false;
    floor.files.take(id, now);
    return true;
  }

  #teller(entry: Entry): { readonly claimed: (holder: string) => void; readonly started: () => void } {
    const { tell } = this.#options;
    const { id } = entry;
    return {
      claimed: (holder) => {
        entry.holder = holder;
        this.#holders.add(holder);
        tell({ kind: 'taskClaimed', id, holder });
      },
      started: () => tell({ kind: 'taskStarted', id }),
    };
  }
}

/** A task of a run as the scheduler sees it; `task` is undefined where the backlog does not have it now. */
export function candidateOf(
  { id, wave, agent }: Pick<Entry, 'id' | 'wave' | 'agent'>,
  task: Task | undefined,
  world: Pick<RunnerWorld, 'estimate' | 'caseFoldPaths'>,
): Candidate {
  return {
    ...{ id, wave, agent: agent.agent, dependencies: task?.dependencies ?? [] },
    weight: Math.max(1, world.estimate?.(id) ?? 1),
    rank: priorityRank(task?.priority ?? 'other'),
    files: task === undefined ? [] : filesNamed(task, world),
  };
}

function filesNamed({ description }: Task, world: Pick<RunnerWorld, 'caseFoldPaths'>): readonly string[] {
  return filesOf(description, { foldCase: world.caseFoldPaths });
}

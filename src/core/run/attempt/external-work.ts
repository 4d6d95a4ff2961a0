import { onAbort } from '../../abort.ts';
import type { Event } from '../../events.ts';
import type { BacklogSource, Clock, Locks, WorkEnd, WorkListener } from '../../ports.ts';
import { taskIn } from '../../snapshot.ts';
import type { Task, TaskId } from '../../task.ts';
import { type Evidence, type VerifyResult, withinLimits } from '../evidence.ts';
import type { FailCause } from '../run-events.ts';
import type { RunOptions } from '../run-options.ts';

/** One attempt of another holder, who claims the task itself. */
export interface ExternalWork {
  readonly id: TaskId;
  readonly options: Pick<RunOptions, 'timeLimitMs'>;
  /** True where it was claimed before this window followed it. */
  readonly isClaimed: boolean;
  readonly stop: AbortSignal;
  readonly listener: WorkListener;
  /** The task has changed in the store, which shows that its holder is at work. */
  readonly onSign: () => void;
  /**
   * True while this window writes the task's end in several steps; changes are ignored meanwhile.
   */
  readonly isBeingFinished: () => boolean;
  /** After `isBeingFinished` turned false. */
  readonly onDidFinish: Event<undefined>;
}

export interface ExternalWorkWorld {
  readonly source: Pick<BacklogSource, 'state' | 'refresh' | 'onDidChange'>;
  readonly locks: Pick<Locks, 'setStatus'>;
  readonly clock: Clock;
  /** Undefined where nothing verifies this task. */
  readonly verify: ((signal: AbortSignal) => Promise<VerifyResult>) | undefined;
  readonly touchedFiles: () => Promise<readonly string[]>;
  /** The latest recorded result of the task, plain text. */
  readonly result: () => Promise<string | undefined>;
  /** Relative to the root. */
  readonly logFile: string | undefined;
}

/** How the work of another holder ended, according to the store. */
type Observation =
  | { readonly kind: 'finished' }
  | { readonly kind: 'badly'; readonly cause: FailCause }
  | { readonly kind: 'aborted' };

/**
 * Follows work of another holder by the state of the task in the store alone. Claims and releases
 * nothing.
 *
 *     waits for a claim ──► at work ──► Review or Done ──► verified ──► succeeded, or failed and back at Todo
 *          │                  │ └─► released to Todo; Blocked or Cancelled; gone; time limit ──► failed
 *          └──────────────────┴─► stopped: no longer watched, the holder keeps the task
 *
 * An expired lease is not an end: its holder may come back, and looks stuck until then.
 */
export async function watchExternalWork(
  work: ExternalWork,
  world: ExternalWorkWorld,
): Promise<WorkEnd> {
  const { id, stop } = work;
  const { source, clock, verify, locks } = world;
  const beganAt = clock.now();
  const follower = new Follower(work, world);
  const observed = await follower.ended;
  if (observed.kind === 'aborted') return { kind: 'stopped' };
  const startedAt = follower.startedAt ?? beganAt;
  const gather = async (result?: VerifyResult): Promise<Evidence> =>
    withinLimits({
      startedAt,
      endedAt: clock.now(),
      verify: result,
      logFile: world.logFile,
      sessionId: undefined,
      files: await world.touchedFiles(),
      summary: await world.result(),
    });
  const badly = async (cause: FailCause, result?: VerifyResult): Promise<WorkEnd> => ({
    kind: 'failed',
    cause,
    exitCode: undefined,
    signal: undefined,
    evidence: await gather(result),
  });
  if (observed.kind === 'badly') return badly(observed.cause);
  const result = await verify?.(stop);
  if (stop.aborted) return { kind: 'stopped' };
  await source.refresh();
  const task = taskIn(source.state, id);
  if (result?.passed === false) {
    // `setStatus` changes nothing where the status has changed since: that is the holder's
    // decision.
    if (task !== undefined && isFinished(task)) await locks.setStatus(id, task.rawStatus, 'Todo');
    return badly({ kind: 'verify', result }, result);
  }
  const status = task?.status ?? 'Review';
  return { kind: 'succeeded', status, evidence: await gather(result) };
}

class Follower {
  readonly ended: Promise<Observation>;
  /** When it was first seen to be at work, epoch ms. */
  startedAt: number | undefined;
  readonly #work: ExternalWork;
  readonly #world: ExternalWorkWorld;
  #resolve: (observed: Observation) => void = () => undefined;
  #isClaimed: boolean;
  #lastSeen = '';
  /** The state may be older than this attempt until it is refreshed. */
  #isFresh = false;
  #limit: { dispose(): void } | undefined;

  constructor(work: ExternalWork, world: ExternalWorkWorld) {
    [this.#work, this.#world, this.#isClaimed] = [work, world, work.isClaimed];
    const seen = new Promise<Observation>((resolve) => (this.#resolve = resolve));
    const subscriptions = [
      world.source.onDidChange(() => this.#look()),
      // Changes were ignored meanwhile, and no further one may come.
      work.onDidFinish(() => this.#look()),
      onAbort(work.stop, () => this.#resolve({ kind: 'aborted' })),
    ];
    if (this.#isClaimed) this.#begin();
    this.ended = this.#refreshed(seen).finally(() => {
      for (const subscription of subscriptions) subscription.dispose();
      this.#limit?.dispose();
    });
  }

  async #refreshed(seen: Promise<Observation>): Promise<Observation> {
    await this.#world.source.refresh();
    this.#isFresh = true;
    this.#look();
    return seen;
  }

  #look(): void {
    const { source, clock } = this.#world;
    const { id, listener, isBeingFinished, onSign } = this.#work;
    if (!this.#isFresh || source.state.kind !== 'ready' || isBeingFinished()) return;
    const task = taskIn(source.state, id);
    if (task === undefined) {
      this.#badly('the task is not in the backlog any more');
      return;
    }
    const now = clock.now();
    const isHeld = task.lock !== undefined && (task.lock.until ?? Infinity) > now;
    if (isHeld && !this.#isClaimed) {
      this.#isClaimed = true;
      listener.onClaimed(task.lock.holder);
      listener.onStarted();
      this.#begin();
    }
    const shown = JSON.stringify([task.version, task.status, task.lock]);
    if (shown !== this.#lastSeen && this.#lastSeen !== '') onSign();
    this.#lastSeen = shown;
    if (isFinished(task)) this.#resolve({ kind: 'finished' });
    else if (task.status === 'Blocked' || task.status === 'Cancelled')
      this.#badly(`the task was set to ${task.status}`);
    else if (task.status === 'Todo' && !isHeld && this.#isClaimed)
      this.#badly('its holder released the task');
  }

  #begin(): void {
    const { clock } = this.#world;
    const { timeLimitMs } = this.#work.options;
    this.startedAt = clock.now();
    if (timeLimitMs === 0) return;
    this.#limit = clock.after(timeLimitMs, () => {
      this.#resolve({ kind: 'badly', cause: { kind: 'timeLimit', limitMs: timeLimitMs } });
    });
  }

  #badly(detail: string): void {
    this.#resolve({ kind: 'badly', cause: { kind: 'said', detail } });
  }
}

function isFinished({ status }: Task): boolean {
  return status === 'Review' || status === 'Done';
}

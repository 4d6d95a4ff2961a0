import type { Backlog } from '../../core/backlog.ts';
import { BoardMemory, boardOf } from '../../core/board/board-of.ts';
import { BoardPatches } from '../../core/board/board-patch.ts';
import type { FromBoard, ToBoard } from '../../core/board/board-messages.ts';
import type { BoardState } from '../../core/board/board-state.ts';
import { detailsOf } from '../../core/board/details.ts';
import type { Disposable } from '../../core/events.ts';
import { unreadableText } from '../../core/messages.ts';
import type { Clock } from '../../core/ports.ts';
import { taskId } from '../../core/task.ts';
import type { BacklogServices } from '../backlogs.ts';
import { boardInputOf, EstimateCache } from './board-input.ts';

/** At most four pictures a second. */
const REST_MS = 250;
/** Times in words, such as “3 min left”, and forecasts change without an event. */
const TICK_MS = 5_000;

export interface BoardSessionParts {
  /** The name of the backlog that a board was opened for. */
  readonly name: string;
  /** Undefined while its backlog is not open in this window. */
  readonly backlog: () => Backlog | undefined;
  readonly services: (backlog: Backlog) => BacklogServices;
  readonly clock: Pick<Clock, 'after' | 'now'>;
  readonly isTrusted: () => boolean;
  /** False while the user cannot see the board: it forgets all then, and asks again. */
  readonly isVisible: () => boolean;
  readonly post: (message: ToBoard) => void;
}

/**
 * What a board is told: its whole state when it asks, then what has changed. A change that comes
 * while the last one is young waits, and several become one.
 */
export class BoardSession implements Disposable {
  readonly #parts: BoardSessionParts;
  readonly #patches = new BoardPatches();
  readonly #estimates = new EstimateCache();
  readonly #memory = new BoardMemory();
  #chosen: string | undefined;
  #isAsked = false;
  #shownAt = -Infinity;
  #timer: Disposable | undefined;
  #tick: Disposable | undefined;
  #drawer: { readonly id: string; readonly withLog: boolean } | undefined;
  #details = '';
  #log: { readonly key: string; readonly tail: Disposable | undefined } | undefined;

  constructor(parts: BoardSessionParts) {
    this.#parts = parts;
  }

  /** To be called whenever something may be new, or when the board became visible. */
  changed(): void {
    if (!this.#isAsked || this.#timer !== undefined || !this.#parts.isVisible()) return;
    const left = this.#shownAt + REST_MS - this.#parts.clock.now();
    // A clock that was set back must not delay it.
    this.#timer = this.#parts.clock.after(Math.min(REST_MS, Math.max(0, left)), () => {
      this.#timer = undefined;
      this.#show();
    });
  }

  /** What a board asks of its session; the rest is for others. */
  receive(message: FromBoard): void {
    switch (message.kind) {
      case 'ready':
        this.#chosen = message.runId ?? this.#chosen;
        this.#isAsked = true;
        this.#drawer = undefined;
        this.#showWhole();
        return;
      case 'showRun':
        this.#chosen = message.runId;
        this.#show();
        return;
      case 'drawer':
        this.#drawer =
          message.id === undefined ? undefined : { id: message.id, withLog: message.withLog };
        this.#details = '';
        this.#showDrawer();
        return;
      default:
    }
  }

  dispose(): void {
    this.#isAsked = false;
    this.#timer?.dispose();
    this.#tick?.dispose();
    this.#log?.tail?.dispose();
  }

  #state(): BoardState {
    const backlog = this.#parts.backlog();
    const input = backlog && this.#input(backlog);
    return input === undefined ? this.#nothing(backlog) : boardOf(input, this.#memory);
  }

  #input(backlog: Backlog) {
    const view = { chosen: this.#chosen, isTrusted: this.#parts.isTrusted() };
    return boardInputOf(backlog, this.#parts.services(backlog), view, this.#estimates);
  }

  #nothing(backlog: Backlog | undefined): BoardState {
    const store = backlog?.store;
    const trouble =
      store === undefined
        ? 'This backlog is not open in this window.'
        : store.kind === 'unreadable'
          ? unreadableText(store.failure)
          : store.kind === 'missing'
            ? 'There is no backlog in this folder.'
            : 'The backlog is being read.';
    const { name, clock } = this.#parts;
    return {
      ...{ name, now: clock.now(), trouble, isReadOnly: true, finished: 0 },
      ...{ runs: [], run: undefined, needs: [], columns: [], cards: [] },
    };
  }

  #showWhole(): void {
    const state = this.#state();
    this.#patches.begin(state);
    this.#parts.post({ kind: 'state', state });
    this.#shown();
  }

  #show(): void {
    if (!this.#isAsked || !this.#parts.isVisible()) return;
    const patch = this.#patches.next(this.#state());
    if (patch !== undefined) this.#parts.post(patch);
    this.#showDrawer();
    this.#shown();
  }

  #shown(): void {
    this.#shownAt = this.#parts.clock.now();
    this.#tick?.dispose();
    this.#tick = this.#parts.clock.after(TICK_MS, () => this.changed());
  }

  #showDrawer(): void {
    const backlog = this.#parts.backlog();
    const drawer = this.#drawer;
    const input = backlog && drawer && this.#input(backlog);
    if (drawer === undefined || input === undefined) {
      this.#followLog(undefined, undefined);
      return;
    }
    const details = detailsOf(drawer.id, input);
    const text = JSON.stringify(details ?? null);
    if (text !== this.#details) {
      this.#details = text;
      this.#parts.post({ kind: 'details', id: drawer.id, details });
    }
    this.#followLog(backlog, drawer.withLog ? drawer.id : undefined);
  }

  /** Of the latest attempt, also where another one begins while the drawer is open. */
  #followLog(backlog: Backlog | undefined, id: string | undefined): void {
    const work =
      backlog === undefined || id === undefined ? undefined : backlog.runs.latestOf(taskId(id));
    const attemptNo = work?.part.attemptNo;
    const key = attemptNo === undefined ? '' : `${work?.run.runId ?? ''}/${attemptNo} ${id ?? ''}`;
    if (key === (this.#log?.key ?? '')) return;
    this.#log?.tail?.dispose();
    this.#log = undefined;
    if (backlog === undefined || id === undefined || work === undefined || attemptNo === undefined)
      return;
    this.#parts.post({ kind: 'log', id, text: '' });
    const onText = (text: string): void => this.#parts.post({ kind: 'log', id, text });
    const tail = this.#parts.services(backlog).followLog(work.run.runId, attemptNo, onText);
    this.#log = { key, tail };
  }
}

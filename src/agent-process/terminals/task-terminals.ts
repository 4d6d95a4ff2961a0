import type { Terminal, ThemeIcon, window } from 'vscode';
import { Emitter, type Disposable, type Event } from '../../core/events.ts';
import type { Clock } from '../../core/ports.ts';
import type { TaskId } from '../../core/task.ts';
import { AttemptView, type Attempt, type ShownEnd } from './attempt-view.ts';
import { cut, plain } from '../../core/text.ts';

export interface TaskTerminalsOptions {
  readonly window: Pick<
    typeof window,
    'createTerminal' | 'showInformationMessage' | 'onDidCloseTerminal'
  >;
  readonly icon?: ThemeIcon;
  readonly clock: Pick<Clock, 'after' | 'now'>;
  /** The user stops this attempt: Ctrl+C in its terminal, or *Stop* after closing it. */
  readonly onStopRequested: (id: TaskId, key: string) => void;
  readonly log: (line: string) => void;
  readonly reportBug: (error: unknown) => void;
}

/** A terminal of the editor, for an agent that the user talks to. */
export interface OwnTerminal {
  readonly terminal: Pick<Terminal, 'show'>;
  readonly onDidClose: Event<unknown>;
}

/** Terminals of attempts that have ended; others make room, their logs stay. */
const MAX_ENDED_TERMINALS = 8;
const ACTIVITY_EVERY_MS = 1000;
/**
 * Terminals that are closed together are reported together; and a closing window is not a user who
 * closes terminals.
 */
const NOTICE_AFTER_MS = 500;
const CLOSING = 'Ctrl+C stops it, closing this terminal does not.';

/**
 * The terminals of unattended agents: views on their logs, which the user may open and close.
 *
 * Nothing here starts or ends an agent, and nothing of a task reaches a command line: these
 * terminals take no command.
 */
export class TaskTerminals implements Disposable {
  readonly #options: TaskTerminalsOptions;
  /** By key, the oldest first: what is at work, and what has ended while its terminal is there. */
  readonly #views = new Map<string, AttemptView>();
  /** The view of each task's latest attempt. */
  readonly #latest = new Map<TaskId, AttemptView>();
  readonly #own = new Map<TaskId, { readonly shown: OwnTerminal; readonly closing: Disposable }>();
  /** Runs of which a terminal was brought to the front. */
  readonly #shownRuns = new Set<string>();
  readonly #activity = new Emitter<ReadonlySet<TaskId>>();
  #changed = new Set<TaskId>();
  #activityTimer: Disposable | undefined;
  #closedAtWork = new Set<AttemptView>();
  #noticeTimer: Disposable | undefined;
  readonly #closing: Disposable;
  #disposed = false;

  /** The activity of these tasks changed; at most once a second. */
  readonly onDidChangeActivity: Event<ReadonlySet<TaskId>> = this.#activity.event;

  constructor(options: TaskTerminalsOptions) {
    this.#options = options;
    this.#closing = options.window.onDidCloseTerminal((terminal) => {
      for (const view of [...this.#views.values()]) view.terminalClosed(terminal);
    });
  }

  /**
   * Opens the terminal of an attempt at work, in the place of an earlier attempt's. The first one
   * of a run comes to the front, beside what has the focus; the others are a click away.
   * `isAttached`: it was at work before this window was. `isQuiet`: one of so many that its terminal
   * is opened when it is asked for, by `show`.
   */
  open(attempt: Attempt & { readonly isAttached: boolean; readonly isQuiet?: boolean }): void {
    if (this.#disposed || this.#views.has(attempt.key)) return;
    const { id, runId, isAttached, isQuiet = false } = attempt;
    const earlier = this.#latest.get(id);
    if (earlier !== undefined) this.#remove(earlier);
    const view = this.#add(attempt);
    this.#latest.set(id, view);
    if (isQuiet) return;
    view.open(isAttached ? `It was at work before this window opened. ${CLOSING}` : CLOSING);
    if (!isAttached && !this.#shownRuns.has(runId)) view.show(true);
    this.#shownRuns.add(runId);
  }

  /** The activity of an agent at work changed; one line of text. */
  setActivity(key: string, activity: string): void {
    this.#views.get(key)?.setActivity(activity);
  }

  /**
   * An attempt has ended: its terminal shows that and stays until a key is pressed. Resolves when
   * that is written.
   */
  async ended(key: string, end: ShownEnd): Promise<void> {
    const view = this.#views.get(key);
    if (view === undefined) return;
    await view.end(end).catch(this.#options.reportBug);
    this.#changed.add(view.attempt.id);
    this.#tellActivity();
    // It is not visible, and the log has its output.
    if (!view.hasTerminal) this.#remove(view);
    this.#closeOldest();
  }

  /** A person decided about the work of an attempt that has ended: its terminal says so. */
  decided(key: string, end: ShownEnd): void {
    this.#views.get(key)?.endAnew(end);
  }

  /**
   * Takes in the terminal in which the user works with the agent of a task, so that it can be shown
   * too.
   */
  adopt(id: TaskId, shown: OwnTerminal): void {
    this.#own.get(id)?.closing.dispose();
    const closing = shown.onDidClose(() => {
      closing.dispose();
      if (this.#own.get(id)?.shown === shown) this.#own.delete(id);
    });
    this.#own.set(id, { shown, closing });
  }

  /**
   * Brings the terminal of a task to the front, anew if it was closed while the work continues;
   * false if it has none.
   */
  show(id: TaskId, preserveFocus = false): boolean {
    const own = this.#own.get(id);
    if (own !== undefined) {
      own.shown.terminal.show(preserveFocus);
      return true;
    }
    const view = this.#latest.get(id);
    if (view === undefined) return false;
    this.#bringToFront(view, preserveFocus);
    return true;
  }

  /** Whether `show` has something to show. */
  has(id: TaskId): boolean {
    return this.#own.has(id) || this.#latest.has(id);
  }

  /** The activity of a task's agent, on one plain line; undefined where the agent reports none. */
  activityOf(id: TaskId): string | undefined {
    return this.#latest.get(id)?.activity;
  }

  /** Closes every terminal and leaves every agent alone. */
  dispose(): void {
    this.#disposed = true;
    this.#closing.dispose();
    this.#activityTimer?.dispose();
    this.#noticeTimer?.dispose();
    for (const view of [...this.#views.values()]) this.#remove(view);
    for (const { closing } of this.#own.values()) closing.dispose();
    this.#own.clear();
    this.#activity.dispose();
  }

  #add(attempt: Attempt): AttemptView {
    const { window, icon, clock, log, reportBug, onStopRequested } = this.#options;
    const { id, key } = attempt;
    const view: AttemptView = new AttemptView(attempt, {
      window,
      icon,
      clock,
      log,
      reportBug,
      onStop: () => onStopRequested(id, key),
      onClosed: () => {
        if (view.isAtWork) this.#noteClosed(view);
        else this.#remove(view);
      },
      onActivity: () => {
        this.#changed.add(id);
        this.#tellActivity();
      },
    });
    this.#views.set(key, view);
    return view;
  }

  #remove(view: AttemptView): void {
    const { key, id } = view.attempt;
    if (this.#views.get(key) === view) this.#views.delete(key);
    if (this.#latest.get(id) === view) this.#latest.delete(id);
    view.dispose();
  }

  #bringToFront(view: AttemptView, preserveFocus: boolean): void {
    view.open(CLOSING);
    view.show(preserveFocus);
  }

  #closeOldest(): void {
    const ended = [...this.#views.values()].filter((view) => !view.isAtWork);
    // What failed is what the user wants to read: it stays longest.
    const byWorth = [
      ...ended.filter((view) => !view.endedBadly),
      ...ended.filter((view) => view.endedBadly),
    ];
    for (const view of byWorth.slice(0, Math.max(0, ended.length - MAX_ENDED_TERMINALS)))
      this.#remove(view);
  }

  #tellActivity(): void {
    if (this.#activityTimer !== undefined || this.#disposed || this.#changed.size === 0) return;
    this.#activityTimer = this.#options.clock.after(ACTIVITY_EVERY_MS, () => {
      this.#activityTimer = undefined;
      this.#tellActivity();
    });
    const changed = this.#changed;
    this.#changed = new Set();
    this.#activity.fire(changed);
  }

  #noteClosed(view: AttemptView): void {
    this.#closedAtWork.add(view);
    this.#noticeTimer ??= this.#options.clock.after(NOTICE_AFTER_MS, () => {
      this.#noticeTimer = undefined;
      this.#tellClosed().catch(this.#options.reportBug);
    });
  }

  /** A terminal cannot refuse to be closed, so the user is asked afterwards. */
  async #tellClosed(): Promise<void> {
    const closed = [...this.#closedAtWork];
    this.#closedAtWork = new Set();
    const stillClosed = (): readonly AttemptView[] =>
      closed.filter((view) => view.isAtWork && !view.hasTerminal);
    const [first, ...others] = stillClosed();
    if (first === undefined) return;
    const { title, id } = first.attempt;
    const name = plain(cut(title, 60)) || plain(cut(id, 60));
    const what = others.length === 0 ? name : `${name} and ${others.length} more`;
    const answer = await this.#options.window.showInformationMessage(
      `Still at work: ${what}`,
      'Stop',
      'Show',
    );
    // Meanwhile it may have ended, or the user has opened it.
    if (answer === undefined || this.#disposed) return;
    for (const view of stillClosed()) {
      if (answer === 'Stop') this.#options.onStopRequested(view.attempt.id, view.attempt.key);
      else this.#bringToFront(view, true);
    }
  }
}

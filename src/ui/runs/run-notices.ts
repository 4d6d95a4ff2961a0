import * as vscode from 'vscode';
import type { Backlog } from '../../core/backlog.ts';
import type { Disposable } from '../../core/events.ts';
import { tellFailure } from '../ask.ts';
import type { Backlogs } from '../backlogs.ts';
import { type Need, needsOf } from './run-needs.ts';
import { isResumable } from './run-row.ts';
import { plain } from '../../core/text.ts';
import { openDocument } from '../documents.ts';

/** What the notices are made of. */
export interface RunNoticesParts {
  readonly backlogs: Backlogs;
  /** Whether this window has the focus. */
  readonly isFocused: () => boolean;
  /** Whether the user wants notices of a backlog at all. */
  readonly wants: (backlog: Backlog) => boolean;
  /** Epoch ms; earlier events cause no notices. */
  readonly now: () => number;
  readonly reportBug: (error: unknown) => void;
}

type Button =
  | 'Show Terminal'
  | 'Requeue'
  | 'Stop'
  | 'Open Report'
  | 'Resume'
  | 'Go On'
  | 'Stop Run'
  | 'Choose Agent'
  | 'Show Runs';

/** Buttons that act on what the notice is about, and not on what came after it. */
const STEERS: ReadonlySet<Button> = new Set(['Go On', 'Stop Run', 'Requeue', 'Stop', 'Resume']);
const OVER = 'This notice is about something that is over, so nothing was done.';

interface Entry {
  readonly backlog: Backlog;
  readonly need: Need;
}

/**
 * Notifies the user of what needs them in a run: each matter once, and one notice of a kind at a
 * time. Matters that come up while a notice of their kind is open, and still holds, are shown
 * together afterwards, if they still hold.
 */
export class RunNotices implements Disposable {
  readonly #parts: RunNoticesParts;
  readonly #since: number;
  readonly #told = new Set<string>();
  /** What the notice of a kind that is on the screen, or put aside there, is about. */
  readonly #open = new Map<Need['kind'], readonly Entry[]>();
  readonly #waiting = new Map<Need['kind'], Entry[]>();
  readonly #subscription: Disposable;
  #isDisposed = false;

  constructor(parts: RunNoticesParts) {
    this.#parts = parts;
    this.#since = parts.now();
    this.#subscription = parts.backlogs.onDidChange(() => this.#look());
    this.#look();
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#subscription.dispose();
  }

  #look(): void {
    const { backlogs, isFocused, wants } = this.#parts;
    for (const backlog of backlogs.all) {
      for (const need of needsOf(backlog, this.#since)) {
        const key = `${backlog.root} ${need.key}`;
        if (this.#told.has(key)) continue;
        this.#told.add(key);
        // With focus on the window, the user sees the end of a run in the tree.
        if (!wants(backlog) || (need.kind === 'ended' && isFocused())) continue;
        this.#waiting.set(need.kind, [...(this.#waiting.get(need.kind) ?? []), { backlog, need }]);
      }
    }
    for (const kind of [...this.#waiting.keys()]) this.#showNext(kind);
  }

  #showNext(kind: Need['kind']): void {
    // The editor keeps a notice that nobody answers, and never says so: it blocks none that counts.
    const isOpen = this.#open.get(kind)?.some((entry) => this.#isStillSo(entry)) === true;
    if (this.#isDisposed || isOpen) return;
    const entries = (this.#waiting.get(kind) ?? []).filter((entry) => this.#isStillSo(entry));
    this.#waiting.delete(kind);
    const [first, ...more] = entries;
    if (first === undefined) return;
    this.#open.set(kind, entries);
    this.#show(first, more.length)
      .catch(this.#parts.reportBug)
      .finally(() => {
        if (this.#open.get(kind) === entries) this.#open.delete(kind);
        this.#showNext(kind);
      });
  }

  #isStillSo({ backlog, need }: Entry): boolean {
    return (
      this.#parts.backlogs.all.includes(backlog) &&
      needsOf(backlog, this.#since).some(({ key }) => key === need.key)
    );
  }

  async #show({ backlog, need }: Entry, more: number): Promise<void> {
    const message = plain(more === 0 ? need.message : need.several(more));
    const buttons = more === 0 ? this.#buttonsOf(backlog, need) : (['Show Runs'] as const);
    const chosen =
      need.kind === 'ended'
        ? await vscode.window.showInformationMessage(message, ...buttons)
        : await vscode.window.showWarningMessage(message, ...buttons);
    if (chosen === undefined || this.#isDisposed) return;
    if (STEERS.has(chosen) && !this.#isStillSo({ backlog, need }))
      void vscode.window.showInformationMessage(OVER);
    else await this.#act(backlog, need, chosen);
  }

  #buttonsOf(backlog: Backlog, { kind, runId, task }: Need): readonly Button[] {
    const run = backlog.runs.find(runId);
    // An interactive terminal has no log that could be shown after it is closed.
    const isGone = task !== undefined && run?.tasks.get(task.id)?.agent.agentMode === 'interactive';
    const hasSomething =
      task?.attemptNo !== undefined &&
      (!isGone || this.#parts.backlogs.of(backlog).hasTerminal(task.id));
    const terminal: readonly Button[] = hasSomething ? ['Show Terminal'] : [];
    switch (kind) {
      case 'stuck':
        return [...terminal, 'Requeue', 'Stop'];
      case 'unknown':
      case 'lockLost':
      case 'breaker':
        return [...terminal, 'Open Report'];
      case 'signIn':
        return [...terminal, 'Choose Agent'];
      case 'waveVerify':
        return ['Open Report'];
      case 'budget':
        return ['Go On', 'Stop Run', 'Open Report'];
      case 'interrupted':
      case 'ended':
        return [
          'Open Report',
          ...(run !== undefined && isResumable(backlog, run) ? (['Resume'] as const) : []),
        ];
    }
  }

  async #act(backlog: Backlog, { runId, task }: Need, button: Button): Promise<void> {
    const { backlogs } = this.#parts;
    switch (button) {
      case 'Show Terminal':
        if (task === undefined) return;
        if (backlogs.of(backlog).hasTerminal(task.id)) backlogs.of(backlog).showTerminal(task.id);
        else if (task.attemptNo !== undefined)
          await backlogs.of(backlog).openLog(runId, task.attemptNo);
        return;
      case 'Resume':
        await tellFailure(backlog.runs.resume(runId));
        return;
      case 'Go On':
      case 'Stop Run': {
        const ask = button === 'Go On' ? 'goOn' : 'stopRun';
        await tellFailure(backlog.runs.steer(runId, { ask }));
        return;
      }
      case 'Requeue':
      case 'Stop': {
        const ask = button === 'Stop' ? 'stopTask' : 'requeue';
        if (task !== undefined) await tellFailure(backlog.runs.steer(runId, { ask, id: task.id }));
        return;
      }
      case 'Open Report':
        await openDocument('run', backlog, runId);
        return;
      case 'Choose Agent':
        await vscode.commands.executeCommand('todo2Waves.chooseAgent');
        return;
      case 'Show Runs':
        await vscode.commands.executeCommand('todo2Waves.showRuns');
    }
  }
}

import * as vscode from 'vscode';
import { type Disposable, together } from '../core/events.ts';
import type { Backlog } from '../core/backlog.ts';
import type { Backlogs } from './backlogs.ts';
import { isFiltered, type TreeLook, type TreeLooks, WHOLE } from './tree-look.ts';
import { isResumable } from './runs/run-row.ts';

/** The keys that the manifest's `when` clauses ask for, with every value they may have. */
export interface ContextKeys {
  /** What the tree shows: only `ready` has rows. */
  readonly state: 'loading' | 'missing' | 'empty' | 'unreadable' | 'ready';
  /** What is wrong with an unreadable store; `json` where it is the JSON file. */
  readonly unreadable: string;
  readonly canWrite: boolean;
  readonly running: boolean;
  /** A run is paused. */
  readonly paused: boolean;
  /** A run has ended and left something that could still be done. */
  readonly resumable: boolean;
  /** A task names a holder: the view of locks has rows. */
  readonly hasLocks: boolean;
  /** Some tasks are left out of the view. */
  readonly filtered: boolean;
}

/**
 * Sums up all backlogs of the window for `when` clauses: what one of them can do, a command can.
 */
export function contextKeysOf(backlogs: readonly Backlog[], look: TreeLook = WHOLE): ContextKeys {
  const stores = backlogs.map((backlog) => backlog.store);
  const broken = stores.find((store) => store.kind === 'unreadable');
  const isEmpty = backlogs.some((backlog) => backlog.snapshot?.tasks.length === 0);
  const hasRows =
    backlogs.length > 1 || backlogs.some((backlog) => (backlog.snapshot?.tasks.length ?? 0) > 0);
  return {
    state: hasRows
      ? 'ready'
      : broken !== undefined
        ? 'unreadable'
        : isEmpty
          ? 'empty'
          : stores.some((store) => store.kind === 'loading')
            ? 'loading'
            : 'missing',
    unreadable:
      broken === undefined
        ? ''
        : broken.failure.file.endsWith('.json')
          ? 'json'
          : broken.failure.cause,
    canWrite: backlogs.some(
      (backlog) => backlog.snapshot !== undefined && backlog.claimsFailure === undefined,
    ),
    running: backlogs.some((backlog) => backlog.runs.isRunning),
    paused: backlogs.some(({ runs }) =>
      runs.all.some((run) => run.phase === 'running' && run.paused !== undefined),
    ),
    resumable: backlogs.some((backlog) =>
      [...backlog.runs.all, ...backlog.runs.past].some((run) => isResumable(backlog, run)),
    ),
    hasLocks: backlogs.some(
      (backlog) => backlog.snapshot?.tasks.some(({ lock }) => lock !== undefined) === true,
    ),
    filtered: isFiltered(look),
  };
}

/** Keeps the editor's context keys true; sets only what has changed. */
export function updateContextKeys(
  backlogs: Backlogs,
  looks: Pick<TreeLooks, 'now' | 'onDidChange'>,
): Disposable {
  const known = new Map<string, unknown>();
  const update = (): void => {
    for (const [key, value] of Object.entries(contextKeysOf(backlogs.all, looks.now))) {
      if (known.get(key) === value) continue;
      known.set(key, value);
      void vscode.commands.executeCommand('setContext', `todo2Waves.${key}`, value);
    }
  };
  update();
  return together(backlogs.onDidChange(update), looks.onDidChange(update));
}

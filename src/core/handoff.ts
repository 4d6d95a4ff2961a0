import type { Event, Disposable } from './events.ts';
import type { Failure, Unreadable } from './failure.ts';
import { cut, oneLine } from './text.ts';
import type { Result } from './result.ts';
import type { Task, TaskId } from './task.ts';

/** `other` is a word that we do not know: shown as it stands, and not counted as open. */
export type HandoffStatus = 'open' | 'closed' | 'approved' | 'other';

/**
 * A task as a handoff names it; `note` is the status or the priority that was written down, empty
 * where there is none.
 */
export interface HandoffTask {
  readonly id: string;
  readonly title: string;
  readonly note: string;
}

/** A run as a handoff names it; `status` and `result` are words for people. */
export interface HandoffRun {
  readonly id: string;
  readonly title: string;
  readonly status: string;
  readonly result: string;
}

/** The state of the working copy; undefined fields were not recorded. */
export interface GitStatus {
  readonly branch: string | undefined;
  readonly uncommittedFiles: number | undefined;
  /** The first of them, ten at most where we write it. */
  readonly changedFiles: readonly string[];
  readonly ahead?: number | undefined;
  readonly behind?: number | undefined;
}

/**
 * A note by which one session passes its work to the next one, as its file has it. Text of others
 * throughout.
 */
export interface Handoff {
  /** Names this entry among those of its file, also where two have one id. */
  readonly key: string;
  /** Empty where the file has none. */
  readonly id: string;
  /** Epoch ms. */
  readonly at: number | undefined;
  readonly host: string;
  readonly status: HandoffStatus;
  readonly rawStatus: string;
  readonly summary: string;
  readonly blockers: readonly string[];
  readonly nextSteps: readonly string[];
  readonly inProgress: readonly HandoffTask[];
  readonly completed: readonly HandoffTask[];
  readonly runs: readonly HandoffRun[];
  readonly journal: readonly { readonly id: string; readonly action: string }[];
  readonly warnings: readonly string[];
  readonly git: GitStatus | undefined;
  /** The entry itself, to find it again and to keep what we do not know. */
  readonly entry: Readonly<Record<string, unknown>>;
}

/** An entry that was left out, counted from 1, and why. */
export interface BadHandoff {
  readonly position: number;
  readonly detail: string;
}

/** The content of a file of handoffs in any order, the newest first. */
export type HandoffsState =
  | {
      readonly kind: 'read';
      readonly handoffs: readonly Handoff[];
      readonly bad: readonly BadHandoff[];
    }
  | { readonly kind: 'unreadable'; readonly failure: Unreadable };

export const NO_HANDOFFS: HandoffsState = { kind: 'read', handoffs: [], bad: [] };

/** A handoff to be written. */
export interface HandoffDraft {
  readonly summary: string;
  readonly blockers: readonly string[];
  readonly nextSteps: readonly string[];
  readonly inProgress: readonly Task[];
  readonly runs?: readonly HandoffRun[];
  /** Locks of ours: kept, or released with the handoff. */
  readonly held: readonly TaskId[];
  readonly released: readonly TaskId[];
  readonly git: GitStatus | undefined;
}

/**
 * The handoffs of one store, followed live. Writes fail with `unreadable` where the file is no
 * valid JSON, which is then left alone, with `writeFailed`, and with `handoffChanged` where the
 * entry has changed since it was shown.
 */
export interface Handoffs extends Disposable {
  readonly state: HandoffsState;
  readonly onDidChange: Event<undefined>;
  /** Reads what is there now. */
  refresh(): Promise<void>;
  /**
   * Appends a handoff of this host and this moment, and answers the `key` that it has from now on.
   */
  write(draft: HandoffDraft): Promise<Result<string, Failure>>;
  setStatus(
    handoff: Handoff,
    to: Exclude<HandoffStatus, 'other'>,
  ): Promise<Result<undefined, Failure>>;
  remove(handoff: Handoff): Promise<Result<undefined, Failure>>;
}

/**
 * One that is younger is shown even where it comes from this host: after two days the user knows
 * what they left.
 */
const RECENT_MS = 48 * 3_600_000;

/** Newest first; those without a time last, in the order they have. */
export function newestFirst(handoffs: readonly Handoff[]): readonly Handoff[] {
  return [...handoffs].sort((a, b) => (b.at ?? -Infinity) - (a.at ?? -Infinity) || 0);
}

/**
 * The newest open handoff, where it is news: of another host, or of the last two days. `now` is
 * epoch ms.
 */
export function handoffToShow(
  state: HandoffsState,
  host: string,
  now: number,
): Handoff | undefined {
  if (state.kind !== 'read') return undefined;
  const newest = state.handoffs.find((handoff) => handoff.status === 'open');
  if (newest === undefined) return undefined;
  const isRecent = newest.at !== undefined && now - newest.at < RECENT_MS;
  return isRecent || newest.host !== host ? newest : undefined;
}

/** Reads the word that a handoff has for its status; none is open. */
export function parseHandoffStatus(text: string): HandoffStatus {
  const word = text.trim().toLowerCase();
  if (word === '' || word === 'open') return 'open';
  return word === 'closed' || word === 'approved' ? word : 'other';
}

/**
 * What stands in the file for a handoff, in the names and the order that exarp-go has; `timestamp`
 * is RFC 3339.
 */
export function handoffEntry(
  draft: HandoffDraft,
  own: { readonly id: string; readonly timestamp: string; readonly host: string },
): Readonly<Record<string, unknown>> {
  const { git } = draft;
  const journal = [
    ...draft.held.map((id) => ({ id, action: 'claimed' })),
    ...draft.released.map((id) => ({ id, action: 'released' })),
  ];
  return {
    id: own.id,
    timestamp: own.timestamp,
    host: own.host,
    summary: draft.summary,
    blockers: draft.blockers,
    next_steps: draft.nextSteps,
    tasks_in_progress: draft.inProgress.map(({ id, title, rawStatus }) => ({
      id,
      content: title,
      status: rawStatus,
    })),
    ...(git === undefined
      ? {}
      : {
          git_status: {
            branch: git.branch ?? '',
            uncommitted_files: git.uncommittedFiles ?? 0,
            changed_files: git.changedFiles,
          },
        }),
    ...(journal.length === 0 ? {} : { task_journal: journal }),
    // exarp-go has no such list and passes over it.
    ...(draft.runs === undefined || draft.runs.length === 0 ? {} : { runs: draft.runs }),
  };
}

/**
 * An id in the shape of exarp-go's, which count seconds; six more digits keep two of one second
 * apart. `random` is below 1.
 */
export function newHandoffId(
  now: number,
  random: () => number,
  taken: ReadonlySet<string>,
): string {
  for (;;) {
    const digits = String(Math.floor(random() * 1e6)).padStart(6, '0');
    const id = `handoff-${Math.floor(now / 1000)}${digits}`;
    if (!taken.has(id)) return id;
  }
}

/** A handoff in a few words: its summary, else what it names. */
export function handoffTitle(handoff: Handoff, max = 120): string {
  const text = [handoff.summary, ...handoff.nextSteps, ...handoff.blockers]
    .map(oneLine)
    .find((each) => each !== '');
  return cut(text ?? (handoff.id || 'Handoff without a summary'), max);
}

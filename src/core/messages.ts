import type { Failure, ReadOnlyCause, Unreadable, UnreadableCause } from './failure.ts';
import type { Lease } from './lease/lease.ts';
import type { Lock, Status, TaskId } from './task.ts';
import { duration, firstOf, named, oneLine, utcTime } from './text.ts';
import type { NotReady, Readiness } from './waves/readiness.ts';
import type { BlockReason } from './waves/waves.ts';

// What happened to which task, in plain words. Ids, holders and statuses are foreign text: `named`
// keeps each on one line.

/** For whom a text is: the same facts, with the times as each reads them. */
export interface Reader {
  /** Who we are. */
  readonly us: string;
  /** A moment in epoch ms. */
  readonly time: (at: number) => string;
  /**
   * Behind the name of a holder: until when, or for how long. Without `now` in words that stay true
   * as time passes.
   */
  readonly lease: (lock: Lock, now: number | undefined) => string;
}

/** The user of the editor: times of day in their own time zone. */
export const USER: Reader = {
  us: 'this window',
  time: clockTime,
  lease: ({ since }, now) =>
    since === undefined || now === undefined ? '' : ` for ${duration(now - since)}`,
};

/** An agent: times that neither time zones nor models can misread. */
export const AGENT: Reader = {
  us: 'this connection',
  time: utcTime,
  lease: ({ until }, now) => untilText(until, now, utcTime),
};

/** Behind the name of a holder: ` until …`, and how long that is from `now`. */
export function untilText(
  until: number | undefined,
  now: number | undefined,
  time: Reader['time'] = utcTime,
): string {
  if (until === undefined) return '';
  return ` until ${time(until)}${now === undefined ? '' : ` (${duration(until - now)} left)`}`;
}

/** The time of day of a moment in epoch ms, in the user's own time zone. */
export function clockTime(at: number): string {
  return new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}

/** A day and the time of it, for a moment in epoch ms, in the user's own time zone and spelling. */
export function localTime(at: number): string {
  // Some spellings have a narrow blank in them.
  return oneLine(new Date(at).toLocaleString([], { dateStyle: 'medium', timeStyle: 'medium' }));
}

/** More of a path or of an error than of a name: the reader has to find the file. */
const LONG = 1_000;

/** A failure in one or two sentences, without what to do about it. `now` is epoch ms. */
export function failureText(failure: Failure, now: number, reader: Reader = USER): string {
  switch (failure.kind) {
    case 'held':
      return `${named(failure.id)} is held by ${named(failure.holder)}${untilText(failure.until, now, reader.time)}.`;
    case 'unleased':
      return `${named(failure.id)} is assigned to ${named(failure.holder)} with no expiry.`;
    case 'notClaimable':
      return `${named(failure.id)} cannot be claimed: it ${statusText(failure.status, failure.rawStatus)}.`;
    case 'noSuchTask':
      return `${named(failure.id)} is not in the database any more.`;
    case 'lockLost':
      return `${named(failure.id)} is not held by ${reader.us}: ${failure.holder === undefined ? 'it is not locked' : `${named(failure.holder)} holds it`}.`;
    case 'agentAtWork':
      return `An agent that this editor runs is working on ${named(failure.id)}. Nothing was written.`;
    case 'changedMeanwhile':
      return `${named(failure.id)} was changed in the meantime: its status is ${named(failure.rawStatus)} now. Nothing was written.`;
    case 'wouldCycle': {
      if (failure.on === failure.id) return `${named(failure.id)} cannot depend on itself.`;
      const circle = circleText([failure.on, ...failure.path.slice(1, -1), failure.id]);
      return `${named(failure.id)} cannot depend on ${named(failure.on)}: they would wait for each other (${circle}).`;
    }
    case 'handoffChanged':
      return `The handoff ${named(failure.id)} was changed or removed in the meantime. Nothing was written.`;
    case 'readOnly':
      return readOnlyText(failure.cause);
    case 'busy':
      return `${named(failure.file, LONG)} stayed locked by another program for ${duration(failure.waitedMs)}. Nothing was written.`;
    case 'writerDied':
      return `The process that writes to the database ended: ${named(failure.detail, LONG)}`;
    case 'writeFailed':
      return `${named(failure.file, LONG)} could not be written: ${named(failure.detail, LONG)}`;
    case 'notAPlan':
      return `${named(failure.file, LONG)} is not a wave plan, so it was left unchanged.`;
    case 'noAgent':
      return `No agent was found. Looked for ${failure.tried.map((each) => named(each)).join(', ')}.`;
    case 'agentNotStarted':
      return `${named(failure.command, LONG)} could not be started: ${named(failure.detail, LONG)}`;
    case 'noSubagents':
      return 'Subagents can only be started from a running chat request to @waves.';
    case 'alreadyRunning':
      return 'That is running already.';
    case 'nothingToRun':
      return 'There is nothing to run: no task is ready.';
    case 'nothingReady':
      return 'There is nothing to claim: no task is ready and free.';
    case 'isolation':
      return named(failure.detail, LONG);
    case 'uncommitted':
      return 'There are uncommitted changes. Choose with “Run With…” whether the worktrees of the run begin with them.';
    case 'internal':
      return `Internal error: ${named(failure.detail.replace(/^Internal error: /, ''), LONG)}`;
    case 'unreadable':
      return unreadableText(failure);
  }
}

/** Why claims, runs and changes are not possible. */
export function readOnlyText(cause: ReadOnlyCause): string {
  switch (cause.kind) {
    case 'noSqlite':
      return `Read-only: no Node.js with SQLite was found (tried ${cause.tried.map((each) => named(each)).join(', ')}). Install Node.js 22.13 or newer.`;
    case 'jsonOnly':
      return 'Read-only: this backlog is only a JSON file. Tasks are claimed and changed in the database .todo2/todo2.db.';
    case 'untrusted':
      return 'Nothing is claimed, written or run in a folder that is not trusted.';
  }
}

/** What is wrong with a file, to stand behind its name. */
export const UNREADABLE: Readonly<Record<UnreadableCause, string>> = {
  notADatabase: 'is not a SQLite database',
  empty: 'is empty',
  truncated: 'is shorter than its own header says',
  encrypted: 'looks encrypted',
  lfsPointer: 'is only a pointer of Git LFS to the real file',
  permission: 'cannot be read: permission denied',
  malformed: 'is damaged',
  noTasksTable: 'has no table of tasks',
  busy: 'changes too fast to be read as one state',
  io: 'could not be read',
};

/** One sentence that names the file and what is wrong with it. */
export function unreadableText({ file, cause, detail }: Unreadable): string {
  return `${named(file, LONG)} ${UNREADABLE[cause]}: ${named(detail, LONG)}`;
}

/** Everything that keeps a task from starting, most telling first, in one line. */
export function readinessText(readiness: Readiness, now: number): string {
  switch (readiness.kind) {
    case 'ready':
      return 'ready';
    case 'ours':
      return `held by this window, ${duration(readiness.lease.remainingMs)} left`;
    case 'notReady': {
      const byPerson = readiness.reasons.find((r) => r.kind === 'status');
      // The task has had its work: what it once waited for no longer matters.
      if (byPerson?.status === 'Review') return reasonText(byPerson, now);
      const waits = readiness.reasons.filter((r) => r.kind === 'waitsFor');
      const rest = readiness.reasons
        .filter((r) => r.kind !== 'waitsFor')
        .map((r) => reasonText(r, now));
      const [first] = waits;
      if (first === undefined) return rest.join('; ');
      const more = waits.length > 1 ? ` and ${waits.length - 1} more` : '';
      return [...rest, reasonText(first, now) + more].join('; ');
    }
  }
}

/** One reason, as in “waits for T-12 (In Progress, held by cursor-mac-811 for 12 min)”. */
export function reasonText(
  reason: NotReady,
  now: number | undefined,
  reader: Reader = USER,
): string {
  switch (reason.kind) {
    case 'waitsFor':
      return `waits for ${named(reason.id)} (${[reason.status, ...leaseText(reason.lease, now, reader)].join(', ')})`;
    case 'missing':
      return `depends on ${named(reason.id)}, which does not exist`;
    case 'cycle':
      return `in a cycle: ${circleText(reason.members)}`;
    case 'behindCycle':
      return `waits for a cycle: ${circleText(reason.members)}`;
    case 'held': {
      const { lock, remainingMs } = reason.lease;
      const left = reader === USER ? `, ${duration(remainingMs)} left` : reader.lease(lock, now);
      return `held by ${named(lock.holder)}${left}`;
    }
    case 'unleased':
      return `assigned to ${named(reason.lease.lock.holder)} with no expiry`;
    case 'status':
      return statusText(reason.status, reason.rawStatus);
  }
}

/** Why a task is in no wave. */
export function blockText(reason: BlockReason): string {
  switch (reason.kind) {
    case 'cycle':
      return `in a cycle: ${circleText(reason.members)}`;
    case 'behindCycle':
      return `waits for a cycle: ${circleText(reason.members)}`;
    case 'missing':
      return `depends on ${idList(reason.ids)}, which ${reason.ids.length === 1 ? 'does' : 'do'} not exist`;
    case 'behindMissing':
      return `waits for ${named(reason.via)}, which depends on a task that does not exist`;
  }
}

/**
 * The holder and the time of a lock in a few words; empty for a free task, and without `now` for a
 * lock that has ended.
 */
export function leaseText(
  lease: Lease,
  now: number | undefined,
  reader: Reader = USER,
): readonly string[] {
  switch (lease.kind) {
    case 'free':
      return [];
    case 'ours':
      return [
        `held by ${reader.us}${now === undefined ? '' : `, ${duration(lease.remainingMs)} left`}`,
      ];
    case 'theirs':
      return [`held by ${named(lease.lock.holder)}${reader.lease(lease.lock, now)}`];
    case 'expired':
    case 'stale':
      return now === undefined
        ? []
        : [`lock of ${named(lease.lock.holder)} expired ${duration(lease.expiredMs)} ago`];
    case 'unleased':
      return [`assigned to ${named(lease.lock.holder)} with no expiry`];
  }
}

const MOST_IDS = 12;

/** Ids in a row, the first of them by name. */
export function idList(list: readonly string[], most = MOST_IDS): string {
  return firstOf(list, most, (id) => named(id));
}

const MOST_OF_CIRCLE = 5;

/** Tasks of which each waits for the next, and the last for the first. */
export function circleText(members: readonly TaskId[]): string {
  const shown = members.slice(0, MOST_OF_CIRCLE).map((id) => named(id));
  if (members.length > shown.length) return `${shown.join(' → ')} … ${members.length} tasks`;
  return [...shown, ...shown.slice(0, 1)].join(' → ');
}

function statusText(status: Status, raw: string): string {
  switch (status) {
    case 'Review':
      return 'waits for review';
    case 'Blocked':
      return 'is marked as Blocked';
    case 'Unknown':
      return `has the unknown status “${named(raw)}”`;
    default:
      return `is ${status}`;
  }
}

import type { Failure, ReadOnlyCause, Unreadable } from '../core/failure.ts';
import type { HolderLife } from '../core/lease/holder-life.ts';
import type { Lease } from '../core/lease/lease.ts';
import type { NotReady, Readiness } from '../core/waves/readiness.ts';
import type { ReconcileEvent } from '../core/lease/claim-reconciler.ts';
import type { Notice } from '../core/snapshot.ts';
import type { Status, TaskId } from '../core/task.ts';
import type { BlockReason } from '../core/waves/waves.ts';
import { duration } from '../core/text.ts';

/** A failure in words: one sentence and, where there is one obvious thing to do, its button. */
export interface Explanation {
  readonly message: string;
  readonly action?: { readonly title: string; readonly command: string };
}

const LOG = { title: 'Show Log', command: 'todo2Waves.showLog' } as const;
const INITIALISE = { title: 'Initialise Store…', command: 'todo2Waves.initialise' } as const;
const AGENT = { title: 'Choose Agent', command: 'todo2Waves.chooseAgent' } as const;

/** Words a failure: what happened to which task, and until when or why. `now` is epoch ms. */
export function explainFailure(failure: Failure, now: number): Explanation {
  switch (failure.kind) {
    case 'held':
      return {
        message: `${failure.id} is held by ${failure.holder} until ${clockTime(failure.until)} (${duration(failure.until - now)} left).`,
      };
    case 'unleased':
      return { message: `${failure.id} is assigned to ${failure.holder} without an end.` };
    case 'notClaimable':
      return { message: `${failure.id} cannot be claimed: it is ${statusWords(failure.status, failure.rawStatus)}.` };
    case 'noSuchTask':
      return { message: `${failure.id} is not in the database any more.` };
    case 'lockLost':
      return {
        message: `${failure.id} is not ours any more: ${failure.holder === undefined ? 'its lock was cleared' : `${failure.holder} has it now`}.`,
      };
    case 'agentAtWork':
      return { message: `An agent of this window works on ${failure.id}. Stop it first; nothing was changed.` };
    case 'changedMeanwhile':
      return { message: `${failure.id} was changed meanwhile (it is ${failure.rawStatus} now). Nothing was written.` };
    case 'wouldCycle': {
      if (failure.on === failure.id) return { message: `${failure.id} cannot wait for itself.` };
      const circle = [failure.on, ...failure.path.slice(1)].join(' → ');
      return { message: `${failure.id} cannot depend on ${failure.on}: they would wait for each other (${circle}).` };
    }
    case 'handoffChanged':
      return { message: `The handoff ${failure.id} was changed or removed meanwhile. Nothing was written.` };
    case 'readOnly':
      return {
        message: explainReadOnly(failure.cause),
        ...(failure.cause.kind === 'jsonOnly' ? { action: INITIALISE } : {}),
      };
    case 'busy':
      return {
        message: `${failure.file} stayed locked by another program for ${duration(failure.waitedMs)}. Nothing was written; try again.`,
      };
    case 'writerDied':
      return { message: `The process that writes locks ended: ${failure.detail}`, action: LOG };
    case 'writeFailed':
      return { message: `${failure.file} could not be written: ${failure.detail}`, action: LOG };
    case 'notAPlan':
      return { message: `${failure.file} is no wave plan, so it was left as it is. Rename it to make room for one.` };
    case 'noAgent':
      return { message: `No agent was found. Looked for ${failure.tried.join(', ')}.`, action: AGENT };
    case 'agentNotStarted':
      return { message: `${failure.command} could not be started: ${failure.detail}`, action: AGENT };
    case 'noSubagents':
      return {
        message:
          'Subagents can only be started while a chat request to @waves is at work. Run the wave from there, with “@waves /run”.',
      };
    case 'alreadyRunning':
      return { message: 'That is running already.' };
    case 'nothingToRun':
      return { message: 'There is nothing to run: no task is ready.' };
    case 'nothingReady':
      return { message: 'There is nothing to claim: no task is ready and free.' };
    case 'internal':
      return { message: `Something went wrong that should not have: ${failure.detail}`, action: LOG };
    case 'unreadable':
      return { message: explainUnreadable(failure), action: LOG };
  }
}

/** Why claims, runs and changes are not possible, and what would make them so. */
export function explainReadOnly(cause: ReadOnlyCause): string {
  switch (cause.kind) {
    case 'noSqlite':
      return `Read-only: no Node.js with SQLite was found to write locks with (tried ${cause.tried.join(', ')}). Install Node.js 22.13 or newer, or name one in the setting todo2Waves.nodePath.`;
    case 'jsonOnly':
      return 'Read-only: this backlog is only a JSON file, and tasks are claimed and changed in .todo2/todo2.db. Initialise a store to have one.';
    case 'untrusted':
      return 'Nothing is claimed, written or run in a folder that is not trusted.';
  }
}

const UNREADABLE: Readonly<Record<Unreadable['cause'], string>> = {
  notADatabase: 'is not a SQLite database',
  empty: 'is empty',
  truncated: 'is shorter than its own header says',
  encrypted: 'looks encrypted',
  permission: 'may not be read by you',
  malformed: 'is damaged',
  noTasksTable: 'has no table of tasks',
  busy: 'changes too fast to be read as one state',
  io: 'could not be read',
};

/** What is wrong with a file, to stand behind its name. */
export function unreadableWords(cause: Unreadable['cause']): string {
  return UNREADABLE[cause];
}

/** One sentence that names the file and what is wrong with it. */
export function explainUnreadable(failure: Unreadable): string {
  return `${failure.file} ${UNREADABLE[failure.cause]}: ${failure.detail}`;
}

/** Everything that keeps a task from starting, most telling first, in one line. */
export function explainReadiness(readiness: Readiness, now: number): string {
  switch (readiness.kind) {
    case 'ready':
      return 'ready';
    case 'ours':
      return `held by this window, ${duration(readiness.lease.remainingMs)} left`;
    case 'notReady': {
      const byPerson = readiness.reasons.find((r) => r.kind === 'status');
      // A person has it in hand: what it once waited for no longer matters.
      if (byPerson?.status === 'Review') return explainNotReady(byPerson, now);
      const waits = readiness.reasons.filter((r) => r.kind === 'waitsFor');
      const rest = readiness.reasons.filter((r) => r.kind !== 'waitsFor').map((r) => explainNotReady(r, now));
      const [first] = waits;
      if (first === undefined) return rest.join('; ');
      const more = waits.length > 1 ? ` and ${waits.length - 1} more` : '';
      return [...rest, explainNotReady(first, now) + more].join('; ');
    }
  }
}

/** One reason, as in “waits for T-12 (In Progress, held by cursor-mac-811 for 12 min)”. */
export function explainNotReady(reason: NotReady, now: number): string {
  switch (reason.kind) {
    case 'waitsFor':
      return `waits for ${reason.id} (${[reason.status, ...leaseWords(reason.lease, now)].join(', ')})`;
    case 'missing':
      return `depends on ${reason.id}, which does not exist`;
    case 'cycle':
      return `in a cycle: ${circle(reason.members)}`;
    case 'behindCycle':
      return `waits for a cycle: ${circle(reason.members)}`;
    case 'held':
      return `held by ${reason.lease.lock.holder}, ${duration(reason.lease.remainingMs)} left`;
    case 'unleased':
      return `assigned to ${reason.lease.lock.holder} without an end`;
    case 'status':
      return statusReason(reason.status, reason.rawStatus);
  }
}

/** Why a task is in no wave. */
export function explainBlock(reason: BlockReason): string {
  switch (reason.kind) {
    case 'cycle':
      return `in a cycle: ${circle(reason.members)}`;
    case 'behindCycle':
      return `waits for a cycle: ${circle(reason.members)}`;
    case 'missing':
      return `depends on ${reason.ids.join(', ')}, which ${reason.ids.length === 1 ? 'does' : 'do'} not exist`;
    case 'behindMissing':
      return `waits for ${reason.via}, which depends on a task that does not exist`;
  }
}

/** The holder and the time of a lock in a few words; empty for a free task. */
export function leaseWords(lease: Lease, now: number): readonly string[] {
  switch (lease.kind) {
    case 'free':
      return [];
    case 'ours':
      return [`held by this window, ${duration(lease.remainingMs)} left`];
    case 'theirs': {
      const since = lease.lock.since;
      return [`held by ${lease.lock.holder}${since === undefined ? '' : ` for ${duration(now - since)}`}`];
    }
    case 'expired':
    case 'stale':
      return [`lock of ${lease.lock.holder} expired ${duration(lease.expiredMs)} ago`];
    case 'unleased':
      return [`assigned to ${lease.lock.holder} without an end`];
  }
}

/** What is known of whoever holds a task, for a question that would take it away. */
export function explainHolderLife(life: HolderLife): string {
  switch (life) {
    case 'alive':
      return 'Its process is alive on this machine and may be at work on the task.';
    case 'gone':
      return 'Its process on this machine has ended.';
    case 'elsewhere':
      return 'It is on another machine, so nobody here can tell whether it still works.';
    case 'unknown':
      return 'Its name says nothing of a process, so nobody can tell whether it still works.';
  }
}

/** What was done about a claim of ours that another program undid, for the log. */
export function explainWatchEvent(event: ReconcileEvent, now: number): string {
  switch (event.kind) {
    case 'claimedAgain':
      return event.undone === 'status'
        ? `${event.id} was put back to Todo by another program while we hold it; it is In Progress again.`
        : `The lock on ${event.id} was cleared by another program while we hold it; it was claimed again.`;
    case 'gaveUp':
      return event.undone === 'status'
        ? `${event.id} is put back to Todo again and again by another program; it is left so, and our lock stays.`
        : `The lock on ${event.id} is cleared again and again by another program; it is given up.`;
    case 'movedOn':
      return `${event.id} was set to ${event.status} by somebody; our lock on it was given back.`;
    case 'failed':
      return `A claim that another program undid could not be put right: ${explainFailure(event.failure, now).message}`;
  }
}

/** That the clock jumped, or that the computer slept, for the log. */
export function explainJump(aheadMs: number): string {
  return aheadMs > 0
    ? `The clock is ${duration(aheadMs)} ahead of what was expected, as after a sleep; our locks are looked after first.`
    : `The clock went back by ${duration(-aheadMs)}; our locks are renewed.`;
}

/** Something odd in the store, and what it means for what is shown. */
export function explainNotice(notice: Notice): string {
  switch (notice.kind) {
    case 'unknownStatus':
      return `${notice.id} has the status “${notice.text}”, which is not known; it is shown and never started`;
    case 'oddSpelling':
      return `${notice.id} spells its status “${notice.text}”; exarp-go compares it letter by letter and may pass over it`;
    case 'duplicateId':
      return `${notice.id} is there more than once; the first is shown`;
    case 'missingId':
      return `Entry ${notice.position} has no id and is left out`;
    case 'badEntry':
      return `Entry ${notice.position} is left out: ${notice.detail}`;
    case 'foreignProject':
      return notice.project === undefined
        ? `${notice.id} belongs to no project, so exarp-go does not list it`
        : `${notice.id} belongs to the project ${notice.project}, so exarp-go does not list it here`;
    case 'nullColumn':
      return `${notice.id} has no ${notice.column}; one such row breaks every list of exarp-go`;
    case 'badMetadata':
      return `The metadata of ${notice.id} cannot be read: ${notice.detail}`;
    case 'twoHolders':
      return `${notice.id} is held by ${notice.holder}, and by ${notice.other} in the table of agent locks`;
    case 'orphanRow':
      return notice.table === 'task_tags'
        ? `The tag ${notice.value} belongs to ${notice.owner}, which is not there.`
        : `A dependency on ${notice.value} belongs to ${notice.owner}, which is not there.`;
    case 'badConfig':
      return notice.name === undefined
        ? `${notice.file} cannot be read, so its values are not used: ${notice.detail}`
        : `${notice.name} in ${notice.file} is not used: ${notice.detail}`;
    case 'configsDiffer':
      return `${notice.passedOver} says something else than ${notice.used}, which counts, on ${notice.names.join(', ')}`;
  }
}

/** The time of day of a moment in epoch ms, in the reader's own time zone. */
export function clockTime(at: number): string {
  return new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}

function statusWords(status: Status, raw: string): string {
  return status === 'Unknown' ? `“${raw}”, a status that is not known` : status;
}

function statusReason(status: Status, raw: string): string {
  switch (status) {
    case 'Review':
      return 'waits for review';
    case 'Blocked':
      return 'marked as Blocked';
    case 'Unknown':
      return `has the unknown status “${raw}”`;
    default:
      return `is ${status}`;
  }
}

function circle(members: readonly TaskId[]): string {
  const shown = members.slice(0, 5);
  const more = members.length > shown.length ? ` … ${members.length} tasks` : '';
  return [...shown, ...(more === '' ? shown.slice(0, 1) : [])].join(' → ') + more;
}

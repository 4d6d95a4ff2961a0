import type { UnreadableCause } from '../core/failure.ts';
import { cut, oneLine, named, duration, utcTime } from '../core/text.ts';
import type { Problem } from '../core/doctor/finding.ts';
import type { Lease } from '../core/lease/lease.ts';
import type { NotReady } from '../core/waves/readiness.ts';
import type { BlockReason } from '../core/waves/waves.ts';
import type { AgentFailure } from './operation.ts';

// What agents are told. Ids, holders and statuses are text of others: `named` keeps each on one line.

/** A failure as two sentences at least: what is so, who is in the way and until when, and what to do about it. `now` is epoch ms. */
export function failureWords(failure: AgentFailure, now: number): string {
  switch (failure.kind) {
    case 'wrongInput':
      return `Wrong input. ${failure.problems.join(' ')} Nothing was done; call again with the input that the schema of this tool describes.`;
    case 'noBacklog':
      return `There is no Todo2 backlog in ${failure.root} (neither .todo2/todo2.db nor .todo2/state.todo2.json). Start the server with --root and the folder of the project, or have a person initialise a store there.`;
    case 'unknownTask':
      return `There is no task ${named(failure.id)} in this backlog. Ids are matched letter by letter; waves_list has all that are open.`;
    case 'unknownWave':
      return `There is no wave ${failure.number}. ${failure.known.length === 0 ? 'No task is open.' : `The waves are ${ids(failure.known.map(String))}.`} Waves are numbered anew as tasks finish; waves_list has them.`;
    case 'notReady':
      return `${named(failure.id)} cannot be claimed now: ${someOf(failure.reasons, (reason) => reasonWords(reason, now)).join('; ')}. ${REMEDY_NOT_READY}`;
    case 'alreadyOurs':
      return `${named(failure.id)} is held already by this very connection (${named(failure.lock.holder)}${untilWords(failure.lock.until, now)}). If you claimed it yourself, go on, or call again with "resume": true. If not, another agent behind the same connection is at work on it: leave it alone and call waves_next.`;
    case 'doneNotAllowed':
      return `${named(failure.id)} was not set to Done: ${DONE_REASONS[failure.why]} It is still yours. Call waves_complete with the status "Review", and a person will look at it.`;
    case 'held':
      return `${named(failure.id)} is held by ${named(failure.holder)}${untilWords(failure.until, now)}. Do not work on it. Take another task with waves_next; after that time ask again.`;
    case 'unleased':
      return `${named(failure.id)} is assigned to ${named(failure.holder)} without an end. Only a person can decide that it is free: take another task with waves_next.`;
    case 'notClaimable':
      return `${named(failure.id)} cannot be claimed: its status is ${named(failure.rawStatus)}, and only Todo and In Progress can be. Take another task with waves_next.`;
    case 'noSuchTask':
      return `${named(failure.id)} is not in the database any more. Drop the work on it, and call waves_list.`;
    case 'lockLost':
      return `${named(failure.id)} is not held by this connection: ${failure.holder === undefined ? 'nobody has it' : `${named(failure.holder)} has it`}. Nothing was written. ${failure.holder === undefined ? 'Claim it with waves_claim before you work on it or report about it.' : 'Stop working on it and leave it to its holder; waves_note can still leave word there.'}`;
    case 'agentAtWork':
      return `A run of the editor works on ${named(failure.id)}, and ends that work by itself. Nothing was written; take another task with waves_next.`;
    case 'changedMeanwhile':
      return `${named(failure.id)} was changed meanwhile: its status is ${named(failure.rawStatus)} now. Nothing was written. Look at it with waves_show, then decide anew.`;
    case 'wouldCycle':
      return `${named(failure.id)} cannot depend on ${named(failure.on)}: they would wait for each other. Nothing was written.`;
    case 'handoffChanged':
      return `The handoff ${named(failure.id)} was changed or removed meanwhile. Nothing was written; read the handoffs again.`;
    case 'readOnly':
      return READ_ONLY[failure.cause.kind];
    case 'busy':
      return `The database stayed locked by another program for ${duration(failure.waitedMs)}. Nothing was written; wait some seconds and call again.`;
    case 'writerDied':
      return `The process that writes to the database ended (${named(failure.detail)}). Nobody knows whether this was written: look with waves_show before you call again.`;
    case 'writeFailed':
      return `${fileName(failure.file)} could not be written: ${named(failure.detail)}. That file is as it was before. A person has to see that the folder can be written to, that the disk has room and that the file is whole.`;
    case 'notAPlan':
      return `${named(failure.file)} is no wave plan, so it was left as it is. A person has to rename it to make room for one.`;
    case 'unreadable':
      return `${fileName(failure.file)} ${UNREADABLE[failure.cause]} (${named(failure.detail)}). ${REMEDY_UNREADABLE[failure.cause]} Handoffs can be read and written meanwhile.`;
    case 'nothingReady':
      return 'No task is ready and free. waves_list says what each one waits for.';
    case 'nothingToRun':
      return 'There is no open task that could be planned.';
    case 'noAgent':
    case 'agentNotStarted':
    case 'noSubagents':
    case 'alreadyRunning':
      return 'Runs are started from the editor, not through this server.';
    case 'internal':
      return `Something went wrong that should not have: ${named(failure.detail)}. What happened is in the log of the server.`;
  }
}

const REMEDY_NOT_READY =
  'Take another task with waves_next, which claims what is ready; or ask again when that has changed.';

const DONE_REASONS = {
  notStartedSo: 'this server was started without --allow-done, so agents bring tasks to Review and people to Done.',
  noChecks: 'Done needs evidence, that is at least one entry in "checks".',
  failedChecks: 'one of its checks did not pass.',
} as const;

const READ_ONLY = {
  noSqlite:
    'Nothing can be written: no Node.js with SQLite was found. Install Node.js 22.13 or newer so that `node` finds it, and start the server again. Reading works.',
  jsonOnly:
    'Nothing can be claimed: this backlog is only a JSON file, and locks are kept in .todo2/todo2.db. A person can initialise a store from the editor. Reading works.',
  untrusted: 'Nothing is claimed or written in a folder that is not trusted. A person can trust it in the editor.',
} as const;

const UNREADABLE: Readonly<Record<UnreadableCause, string>> = {
  notADatabase: 'is not a SQLite database',
  empty: 'is empty',
  truncated: 'is shorter than its own header says',
  encrypted: 'looks encrypted',
  permission: 'may not be read by this process',
  malformed: 'is damaged',
  noTasksTable: 'has no table of tasks',
  busy: 'changes too fast to be read as one state',
  io: 'cannot be read',
};

const RESTORE =
  'Do not try to mend it. A person has to bring it back from a backup or from version control, or have the editor initialise a store anew.';

const REMEDY_UNREADABLE: Readonly<Record<UnreadableCause, string>> = {
  notADatabase: RESTORE,
  empty: RESTORE,
  truncated: RESTORE,
  encrypted: RESTORE,
  malformed: RESTORE,
  permission: 'A person has to give the user that this server runs as the right to read it.',
  noTasksTable: 'A person can have the editor initialise a store in it.',
  busy: 'Wait some seconds and call again.',
  io: 'Wait some seconds and call again; if that does not help, a person has to look at the disk.',
};

/** A path has to be whole for somebody to find it. */
function fileName(file: string): string {
  return cut(oneLine(file), 1_000);
}

/** One reason why a task may not start, with the holder and the time where somebody is in the way; `now` as for `untilWords`. */
export function reasonWords(reason: NotReady, now: number | undefined): string {
  switch (reason.kind) {
    case 'waitsFor':
      return `it waits for ${named(reason.id)}, which is ${reason.status}${leaseWords(reason.lease, now)}`;
    case 'missing':
      return `it depends on ${named(reason.id)}, which does not exist`;
    case 'cycle':
      return `it is part of a cycle of tasks that wait for each other: ${ids(reason.members)}`;
    case 'behindCycle':
      return `it waits for tasks that wait for each other: ${ids(reason.members)}`;
    case 'held':
      return `it is held by ${named(reason.lease.lock.holder)}${untilWords(reason.lease.lock.until, now)}`;
    case 'unleased':
      return `it is assigned to ${named(reason.lease.lock.holder)} without an end`;
    case 'status':
      return `its status is ${reason.status === 'Unknown' ? `"${named(reason.rawStatus)}", which is not known` : reason.status}`;
  }
}

/** What would make a reason go away. */
export function remedyWords(reason: NotReady): string {
  switch (reason.kind) {
    case 'waitsFor':
      return reason.status === 'Review'
        ? `A person has to look at ${named(reason.id)} and set it to Done.`
        : `${named(reason.id)} has to be Done or Cancelled first.`;
    case 'missing':
      return 'A person has to remove that dependency, or bring the task back.';
    case 'cycle':
    case 'behindCycle':
      return 'A person has to remove one of the dependencies of the cycle; waves_doctor shows it.';
    case 'held':
      return 'It is free when its holder finishes or releases it, or when the lease ends.';
    case 'unleased':
      return 'A person has to decide whether the assignment still counts.';
    case 'status':
      return reason.status === 'Done' || reason.status === 'Cancelled'
        ? 'There is nothing left to do.'
        : 'A person has to set it back to Todo.';
  }
}

/** Why a task is in no wave. */
export function blockWords(reason: BlockReason): string {
  switch (reason.kind) {
    case 'cycle':
      return `part of a cycle of tasks that wait for each other: ${ids(reason.members)}`;
    case 'behindCycle':
      return `waits for tasks that wait for each other: ${ids(reason.members)}`;
    case 'missing':
      return `depends on ${ids(reason.ids)}, which the backlog does not have`;
    case 'behindMissing':
      return `waits for ${named(reason.via)}, which depends on a task that the backlog does not have`;
  }
}

function leaseWords(lease: Lease, now: number | undefined): string {
  if (lease.kind === 'ours') return `, held by this connection${untilWords(lease.lock.until, now)}`;
  return lease.kind === 'theirs' ? `, held by ${named(lease.lock.holder)}${untilWords(lease.lock.until, now)}` : '';
}

/**
 * Behind the name of a holder: until when, in a form that neither time zones nor models can misread. Without `now` in words
 * that stay true as time passes.
 */
export function untilWords(until: number | undefined, now: number | undefined): string {
  if (until === undefined) return '';
  return ` until ${utcTime(until)}${now === undefined ? '' : ` (${duration(until - now)} from now)`}`;
}

/** One finding of the doctor, behind the id of its task. */
export function troubleWords(trouble: Problem): string {
  switch (trouble.kind) {
    case 'cycle':
      return `tasks wait for each other: ${ids(trouble.circle)}${trouble.isOpen ? '' : ' (finished ones take part)'}`;
    case 'selfDependency':
      return trouble.via === 'parent' ? 'is its own parent' : 'depends on itself';
    case 'nullColumn':
      return `the column ${named(trouble.column)} is NULL, which breaks every list of exarp-go`;
    case 'duplicateId':
      return 'is there more than once; the first counts';
    case 'missingDependency':
      return `depends on ${named(trouble.on)}, which does not exist`;
    case 'foreignProject':
      return `belongs to ${trouble.project === undefined ? 'no project' : `the project ${named(trouble.project)}`}, so exarp-go does not list it here`;
    case 'wipedProject':
      return `lost its project when exarp-go moved it to In Progress for ${named(trouble.holder)}`;
    case 'statusSpelling':
      return `its status is spelled "${named(trouble.text)}" and means ${trouble.status}`;
    case 'unknownStatus':
      return `its status "${named(trouble.text)}" is not known, so it is never started`;
    case 'prioritySpelling':
      return `its priority is spelled "${named(trouble.text)}" and means ${trouble.priority}`;
    case 'deadOwner':
      return `is locked by ${named(trouble.lease.lock.holder)}, whose process has ended`;
    case 'expiredLock':
      return `still has a lock of ${named(trouble.lease.lock.holder)} that has ended; anyone may claim it`;
    case 'unheldProgress':
      return 'is In Progress and nobody holds it';
    case 'lockedTodo':
      return `is Todo, and locked by ${named(trouble.lease.lock.holder)}`;
    case 'lockedAfterwards':
      return `is ${trouble.task.status}, and still locked by ${named(trouble.lease.lock.holder)}`;
    case 'twoHolders':
      return `is held by ${named(trouble.holder)} and by ${named(trouble.other)}`;
    case 'unleasedLock':
      return `is assigned to ${named(trouble.lease.lock.holder)} without an end`;
    case 'duplicateContent':
      return `says the same as ${ids(trouble.ids.slice(1))}`;
    case 'oddId':
      return 'has an id that exarp-go does not take everywhere';
    case 'legacyIds':
      return `ids below 1,000,000, which a cleanup of exarp-go may delete: ${ids(trouble.ids)}`;
    case 'badMetadata':
      return `its metadata cannot be read: ${named(trouble.detail)}`;
    case 'orphanRow':
      return `a ${trouble.table === 'task_tags' ? 'tag' : 'dependency'} (${named(trouble.value)}) of a task that is gone`;
  }
}

const MOST_IDS = 12;

/** Ids in a row, the first dozen of them by name. */
export function ids(list: readonly string[], most = MOST_IDS): string {
  const shown = list.slice(0, most).map(named).join(', ');
  return list.length > most ? `${shown} and ${list.length - most} more` : shown;
}

/** The first dozen in words, and how many more there are. */
export function someOf<T>(list: readonly T[], wordsOf: (item: T) => string): readonly string[] {
  const words = list.slice(0, MOST_IDS).map(wordsOf);
  return list.length > MOST_IDS ? [...words, `and ${list.length - MOST_IDS} more`] : words;
}

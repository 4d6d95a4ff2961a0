import type { Failure } from '../core/failure.ts';
import type { ReconcileEvent } from '../core/lease/claim-reconciler.ts';
import type { HolderLife } from '../core/lease/holder-life.ts';
import { failureText } from '../core/messages.ts';
import type { Notice } from '../core/snapshot.ts';
import { duration, named } from '../core/text.ts';

/** A failure in words, and where there is one obvious thing to do, its button. */
export interface Explanation {
  readonly message: string;
  readonly action?: { readonly title: string; readonly command: string };
}

const LOG = { title: 'Show Log', command: 'todo2Waves.showLog' } as const;
const AGENT = { title: 'Choose Agent', command: 'todo2Waves.chooseAgent' } as const;
const INITIALISE = { title: 'Initialise Store…', command: 'todo2Waves.initialise' } as const;

const ACTIONS: Readonly<Partial<Record<Failure['kind'], Explanation['action']>>> = {
  writerDied: LOG,
  writeFailed: LOG,
  internal: LOG,
  unreadable: LOG,
  noAgent: AGENT,
  agentNotStarted: AGENT,
};

/** What the user can do about a failure, where the button does not say it. */
const REMEDIES: Readonly<Partial<Record<Failure['kind'], string>>> = {
  agentAtWork: 'Stop the agent first.',
  busy: 'Try again.',
  notAPlan: 'Rename it to make room for a plan.',
  noSubagents: 'Run the wave from the chat, with “@waves /run”.',
};

/** Words a failure for the user. `now` is epoch ms. */
export function explainFailure(failure: Failure, now: number): Explanation {
  const remedy =
    failure.kind === 'readOnly' && failure.cause.kind === 'noSqlite'
      ? 'Or name one in the setting todo2Waves.nodePath.'
      : REMEDIES[failure.kind];
  const message = [failureText(failure, now), ...(remedy === undefined ? [] : [remedy])].join(' ');
  const isJsonOnly = failure.kind === 'readOnly' && failure.cause.kind === 'jsonOnly';
  const action = isJsonOnly ? INITIALISE : ACTIONS[failure.kind];
  return action === undefined ? { message } : { message, action };
}

/** What is known of the holder of a task, for a question before a force release. */
export function explainHolderLife(life: HolderLife): string {
  switch (life) {
    case 'alive':
      return 'Its process is alive on this machine and may be at work on the task.';
    case 'gone':
      return 'Its process on this machine has ended.';
    case 'elsewhere':
      return 'It is on another machine, so it is unknown here whether it still works.';
    case 'unknown':
      return 'Its name does not contain a process, so it is unknown whether it still works.';
  }
}

/** What was done about a claim of ours that another program undid, for the log. */
export function explainWatchEvent(event: ReconcileEvent, now: number): string {
  switch (event.kind) {
    case 'claimedAgain':
      return event.undone === 'status'
        ? `${event.id} was set back to Todo by another program while we hold it; it is In Progress again.`
        : `The lock on ${event.id} was cleared by another program while we hold it; it was claimed again.`;
    case 'gaveUp':
      return event.undone === 'status'
        ? `${event.id} is set back to Todo repeatedly by another program; it is left as it is, and our lock stays.`
        : `The lock on ${event.id} is cleared repeatedly by another program; it is not claimed again.`;
    case 'movedOn':
      return `${event.id} was set to ${event.status} by another program; our lock on it was released.`;
    case 'failed':
      return `A claim that another program undid could not be restored: ${failureText(event.failure, now)}`;
  }
}

/** That the clock jumped, or that the computer slept, for the log. */
export function explainJump(aheadMs: number): string {
  return aheadMs > 0
    ? `The clock is ${duration(aheadMs)} ahead of what was expected, as after a sleep; our locks are renewed first.`
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
      return `${notice.id} is there more than once; the first is shown, and “${named(notice.title, 80)}” (entry ${notice.position}) is hidden`;
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

import { AGENT, failureText, idList, reasonText, untilText } from '../core/messages.ts';
import type { Failure, UnreadableCause } from '../core/failure.ts';
import { named, firstLines } from '../core/text.ts';
import type { NotReady } from '../core/waves/readiness.ts';
import type { AgentFailure } from './operation.ts';

/**
 * A failure for an agent: what happened, who is in the way and until when, and what to do about it.
 * `now` is epoch ms.
 */
export function failureWords(failure: AgentFailure, now: number): string {
  switch (failure.kind) {
    case 'wrongInput':
      return `Wrong input. ${failure.problems.join(' ')} Nothing was done. Call again with the input that the schema of this tool describes.`;
    case 'noBacklog':
      return `There is no Todo2 backlog in ${failure.root} (neither .todo2/todo2.db nor .todo2/state.todo2.json). Start the server with --root and the folder of the project, or have the user initialise a store there.`;
    case 'unknownTask':
      return `There is no task ${named(failure.id)} in this backlog. Ids are case-sensitive; waves_list has all open tasks.`;
    case 'unknownWave':
      return `There is no wave ${failure.number}. ${failure.known.length === 0 ? 'No task is open.' : `The waves are ${idList(failure.known.map(String))}.`} Waves are renumbered as tasks finish; waves_list has them.`;
    case 'notReady':
      return `${named(failure.id)} cannot be claimed now: ${firstLines(failure.reasons, 12, (reason) => reasonText(reason, now, AGENT)).join('; ')}. Take another task with waves_next, which claims what is ready, or ask again when that has changed.`;
    case 'alreadyOurs':
      return `${named(failure.id)} is already held by this connection (${named(failure.lock.holder)}${untilText(failure.lock.until, now)}). If you claimed it yourself, go on, or call again with "resume": true. If not, another agent behind the same connection is working on it: leave it alone and call waves_next.`;
    case 'doneNotAllowed':
      return `${named(failure.id)} was not set to Done: ${DONE_REASONS[failure.why]} You still hold it. Call waves_complete with the status "Review", and the user will look at it.`;
    default: {
      const text = failureText(failure, now, AGENT);
      return `${text}${/[.!?]$/.test(text) ? '' : '.'} ${remedyFor(failure)}`.trimEnd();
    }
  }
}

const DONE_REASONS = {
  notStartedSo:
    'this server was started without --allow-done, so agents set tasks to Review and the user sets them to Done.',
  noChecks: 'Done needs evidence, that is at least one entry in "checks".',
  failedChecks: 'one of its checks did not pass.',
} as const;

/** What an agent can do about a failure of the backlog. */
function remedyFor(failure: Failure): string {
  switch (failure.kind) {
    case 'held':
      return 'Do not work on it. Take another task with waves_next; ask again after that time.';
    case 'unleased':
      return 'Only the user can decide that it is free. Take another task with waves_next.';
    case 'notClaimable':
      return 'Only tasks in Todo and In Progress can be claimed. Take another task with waves_next.';
    case 'noSuchTask':
      return 'Stop working on it, and call waves_list.';
    case 'lockLost':
      return failure.holder === undefined
        ? 'Nothing was written. Claim it with waves_claim before you work on it or report about it.'
        : 'Nothing was written. Stop working on it and leave it to its holder; waves_note can still leave a comment there.';
    case 'agentAtWork':
      return 'Take another task with waves_next.';
    case 'changedMeanwhile':
      return 'Look at it with waves_show, then decide again.';
    case 'handoffChanged':
      return 'Read the handoffs again.';
    case 'readOnly':
      return READ_ONLY_REMEDIES[failure.cause.kind];
    case 'busy':
      return 'Wait some seconds and call again.';
    case 'writerDied':
      return 'It is unknown whether this was written: look with waves_show before you call again.';
    case 'writeFailed':
      return 'That file is unchanged. The user has to see that the folder can be written to, that the disk has room and that the file is valid.';
    case 'isolation':
    case 'uncommitted':
      return 'Nothing was started. The user can have the run work in the folder itself.';
    case 'notAPlan':
      return failure.instead === undefined
        ? 'The user has to rename it to make room for a plan.'
        : `The user can have the plan written as ${failure.instead}, with “Write Wave Plan” in the editor.`;
    case 'unreadable':
      return `${UNREADABLE_REMEDIES[failure.cause]} Handoffs can still be read and written.`;
    case 'nothingReady':
      return 'waves_list says what each task waits for.';
    case 'noAgent':
    case 'agentNotStarted':
    case 'noSubagents':
    case 'alreadyRunning':
      return 'Runs are started from the editor, not through this server.';
    case 'internal':
      return 'The log of the server has the details.';
    case 'wouldCycle':
    case 'nothingToRun':
      return '';
  }
}

const READ_ONLY_REMEDIES = {
  noSqlite: 'Make sure that `node` finds it, and start the server again. Reading works.',
  jsonOnly: 'The user can initialise a store from the editor. Reading works.',
  untrusted: 'The user can trust it in the editor.',
} as const;

const RESTORE =
  'Do not try to repair it. The user has to restore it from a backup or from version control, or have the editor initialise a new store.';

const UNREADABLE_REMEDIES: Readonly<Record<UnreadableCause, string>> = {
  notADatabase: RESTORE,
  empty: RESTORE,
  truncated: RESTORE,
  encrypted: RESTORE,
  lfsPointer: 'The user has to run “git lfs pull” in the folder.',
  malformed: RESTORE,
  permission: 'The user that this server runs as needs the right to read it.',
  noTasksTable: 'The user can have the editor initialise a store in it.',
  busy: 'Wait some seconds and call again.',
  io: 'Wait some seconds and call again. If that does not help, the user has to check the disk.',
};

/** What would make a reason go away. */
export function remedyWords(reason: NotReady): string {
  switch (reason.kind) {
    case 'waitsFor':
      return reason.status === 'Review'
        ? `The user has to review ${named(reason.id)} and set it to Done.`
        : `${named(reason.id)} has to be Done or Cancelled first.`;
    case 'missing':
      return 'The user has to remove that dependency, or restore the task.';
    case 'cycle':
    case 'behindCycle':
      return 'The user has to remove one of the dependencies of the cycle; waves_doctor shows it.';
    case 'held':
      return 'It is free when its holder finishes or releases it, or when the lease ends.';
    case 'unleased':
      return 'The user has to decide whether the assignment still counts.';
    case 'status':
      return reason.status === 'Done' || reason.status === 'Cancelled'
        ? 'There is nothing left to do.'
        : 'The user has to set it back to Todo.';
  }
}

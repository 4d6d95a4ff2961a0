import type { Finding, FindingKind, NoFixFound, Severity } from '../../core/doctor/finding.ts';
import type { Change, NeverNullColumn } from '../../core/edit/change.ts';
import type { Task } from '../../core/task.ts';
import { lockText } from '../../core/doctor/problem-text.ts';
import { idList } from '../../core/messages.ts';
import type { Icon } from '../row.ts';

/** What a kind of finding is called, and what it means for the two programs. */
export interface KindWords {
  readonly title: string;
  readonly exarp: string;
  readonly waves: string;
}

/** Every kind of finding in words. */
export const KIND_WORDS: Readonly<Record<FindingKind, KindWords>> = {
  cycle: {
    title: 'Tasks that wait for each other',
    exarp: 'gives them meaningless wave numbers, different each time',
    waves: 'leaves them, and all open tasks that wait for them, out of every wave',
  },
  selfDependency: {
    title: 'Tasks that wait for themselves',
    exarp: 'may end with an error when it computes waves',
    waves: 'ignores it',
  },
  nullColumn: {
    title: 'Rows that break every list',
    exarp: 'cannot read such a row, and then shows no task at all: no list, no waves, no plan',
    waves: 'treats it as empty',
  },
  duplicateId: {
    title: 'Ids that exist more than once',
    exarp: 'keeps one of them and drops the others',
    waves: 'shows the first',
  },
  wipedProject: {
    title: 'Tasks that lost their project while in progress',
    exarp:
      'wiped project, parent and metadata when it moved the task to In Progress, and does not list it any more',
    waves: 'shows it as before; of the wiped values only the project can be restored',
  },
  foreignProject: {
    title: 'Tasks of another project',
    exarp: 'does not list them here',
    waves: 'shows them like all others',
  },
  statusSpelling: {
    title: 'Statuses in another spelling',
    exarp: 'compares letter by letter: it neither finds nor claims nor cleans up such a task',
    waves: 'reads every spelling',
  },
  unknownStatus: {
    title: 'Unknown statuses',
    exarp: 'shows the word and leaves the task alone',
    waves: 'shows the task and never starts it',
  },
  twoHolders: {
    title: 'Tasks that two hold at once',
    exarp: 'respects the lock in the row, and ignores the table of agent locks',
    waves: 'shows the holder in the row, and claims the task only when both are free',
  },
  deadOwner: {
    title: 'Locks of processes that are gone',
    exarp: 'lets no one claim the task until the lease has ended',
    waves: 'does so too',
  },
  lockedTodo: {
    title: 'Todo under a lock that runs',
    exarp:
      'writes Todo back over the claim when its JSON file is behind, and cannot claim the task',
    waves: 'shows the task as held',
  },
  unheldProgress: {
    title: 'In Progress without a lock',
    exarp: 'counts it as in progress, and lets any agent claim it',
    waves: 'starts it like a Todo, although another agent may be working on it',
  },
  expiredLock: {
    title: 'Locks whose lease has ended',
    exarp: 'gives the task to the next agent that claims it, and keeps the lock until then',
    waves: 'does so too',
  },
  lockedAfterwards: {
    title: 'Locks on work that is over',
    exarp: 'keeps the lock until its lease has ended',
    waves: 'shows the task as held',
  },
  unleasedLock: {
    title: 'Assignments with no expiry',
    exarp: 'lets any agent claim the task',
    waves: 'asks before it takes the task over',
  },
  missingDependency: {
    title: 'Dependencies on tasks that do not exist',
    exarp: 'ignores them in waves, and never suggests the task as ready',
    waves:
      'treats them as satisfied, or as blocking where the setting “missingDependencies” says so',
  },
  duplicateContent: {
    title: 'Tasks that say the same',
    exarp: 'may write one over the other when it takes tasks in from JSON',
    waves: 'runs both',
  },
  badMetadata: {
    title: 'Metadata that cannot be read',
    exarp: 'keeps the text and sees no value in it',
    waves: 'shows the text',
  },
  oddId: {
    title: 'Ids that exarp-go would not have made',
    exarp: 'cannot use them everywhere',
    waves: 'takes any id, and never renames one: notes, commits and plans refer to it',
  },
  prioritySpelling: {
    title: 'Priorities that exarp-go sorts last',
    exarp: 'sorts only critical, high, medium and low',
    waves: 'reads them as they are meant',
  },
  orphanRow: {
    title: 'Rows of tasks that do not exist',
    exarp: 'ignores them, unless a task with that id is created again',
    waves: 'ignores them',
  },
  legacyIds: {
    title: 'Ids of the old scheme',
    exarp: 'deletes tasks with numbers below 1,000,000 in a cleanup that includes legacy tasks',
    waves: 'takes any id, and never renames one',
  },
};

/** The task of a finding, the id that rows without a task name, or the number of tasks. */
export function troubleSubject({ trouble, ids }: Finding): string {
  if (trouble.kind === 'orphanRow') return trouble.owner;
  return trouble.kind === 'legacyIds' && ids.length > 1 ? `${ids.length} tasks` : (ids[0] ?? '');
}

/** Why there is nothing to change. */
export function explainNoFix(fix: NoFixFound): string {
  switch (fix.reason) {
    case 'newIdByHand':
      return `Give entry ${fix.position} of the file an id that no other has, such as ${fix.free}, and save it: a JSON file is only read.`;
    case 'jsonOnly':
      return 'This backlog is only a JSON file, and only the database is changed.';
    case 'idsStay':
      return 'Ids are never changed: notes, commits and plans refer to them.';
    case 'notOursToGuess':
      return 'Only its author can say what it was meant to be.';
    case 'held':
      return 'Another agent or user holds it right now.';
  }
}

/** One change as old → new; `task` is the task that it is about, where there is one. */
export function describeChange(change: Change, task: Task | undefined): string {
  switch (change.kind) {
    case 'setStatus':
      return `status “${change.from}” → ${change.to}`;
    case 'setPriority':
      return `priority “${change.from}” → ${change.to}`;
    case 'setProject':
      return `project ${change.from ?? 'none'} → ${change.to}`;
    case 'setParent':
      return `parent ${change.from ?? 'none'} → ${change.to ?? 'none'}`;
    case 'fillNull':
      return `${change.column} NULL → ${FILLINGS[change.column]}`;
    case 'addDependency':
      return `depends on ${change.on}`;
    case 'removeDependency':
      return `dependency on ${change.on} → none`;
    case 'clearLock': {
      const moves = task?.status === 'In Progress' ? ', In Progress → Todo' : '';
      return `lock of ${lockText(change)} → none${moves}`;
    }
    case 'removeOrphan':
      return change.table === 'task_tags'
        ? `tag ${change.value} → none`
        : `dependency on ${change.value} → none`;
    case 'setTitle':
      return `title “${change.from}” → “${change.to}”`;
    case 'setDescription':
      return 'another description';
    case 'setTags':
      return `tags ${idList(change.from, 5) || 'none'} → ${idList(change.to, 5) || 'none'}`;
    case 'create':
      return `new task “${change.title}”`;
    case 'delete':
      return 'the task → none';
  }
}

const FILLINGS: Readonly<Record<NeverNullColumn, string>> = {
  content: 'no title',
  long_description: 'no description',
  status: 'Todo',
  priority: 'medium',
  completed: 'no, or yes where it is Done',
};

/** How many there are of each severity, as in “1 error, 4 warnings, 2 notes”. */
export function countBySeverity(findings: readonly Finding[]): string {
  return SEVERITIES.flatMap((severity) => {
    const n = findings.filter((finding) => finding.severity === severity).length;
    const noun = NOUNS[severity];
    return n === 0 ? [] : [`${n} ${noun}${n === 1 ? '' : 's'}`];
  }).join(', ');
}

const SEVERITIES: readonly Severity[] = ['error', 'warning', 'info'];
const NOUNS: Readonly<Record<Severity, string>> = {
  error: 'error',
  warning: 'warning',
  info: 'note',
};

/** The worst that is among them. */
export function worstOf(findings: readonly Finding[]): Severity {
  return (
    SEVERITIES.find((severity) => findings.some((finding) => finding.severity === severity)) ??
    'info'
  );
}

/** The icon of a severity, as the Problems panel has it. */
export const SEVERITY_ICONS: Readonly<Record<Severity, Icon>> = {
  error: { id: 'error', color: 'list.errorForeground' },
  warning: { id: 'warning', color: 'list.warningForeground' },
  info: { id: 'info', color: 'charts.blue' },
};

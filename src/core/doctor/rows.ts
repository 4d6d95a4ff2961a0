import type { Change, NeverNullColumn, WritableStatus } from '../edit/change.ts';
import type { Notice } from '../snapshot.ts';
import type { Task } from '../task.ts';
import type { DoctorInput, RawFinding } from './doctor-input.ts';
import type { Changes, Fix, Problem, Severity } from './finding.ts';
import { FIRST_MODERN } from './ids.ts';
import { hasNoStatus, setStatus } from './set-status.ts';

/** Rows that exarp-go does not list, cannot read, or reads differently. */
export function diagnoseRows(input: DoctorInput): readonly RawFinding[] {
  const { snapshot } = input;
  const isTwice = snapshot.notices.some(({ kind }) => kind === 'duplicateId');
  const highest = isTwice ? highestNumber(snapshot.tasks) : 0;
  return [
    ...snapshot.notices.flatMap((notice) => diagnoseNotice(notice, input, highest)),
    // exarp-go reads every spelling in JSON; words in the database are taken as they are.
    ...(snapshot.source === 'json' ? [] : snapshot.tasks.flatMap((task) => diagnosePriority(task))),
  ];
}

/** The notices of the reader; those about no task, such as a bad configuration, are no findings. */
function diagnoseNotice(
  notice: Notice,
  input: DoctorInput,
  highest: number,
): readonly RawFinding[] {
  const { snapshot } = input;
  switch (notice.kind) {
    case 'nullColumn': {
      const { id, column } = notice;
      const fix = isNeverNull(column)
        ? change({ kind: 'fillNull', id, column }, true)
        : NOT_OURS_TO_GUESS;
      return found({ kind: 'nullColumn', id, column }, 'error', fix);
    }
    case 'duplicateId': {
      const fix: Fix =
        snapshot.source === 'json'
          ? {
              kind: 'none',
              reason: 'newIdByHand',
              position: notice.position,
              // Above all, and another one for each position.
              free: `T-${highest + notice.position}`,
            }
          : NOT_OURS_TO_GUESS;
      return found(notice, 'error', fix);
    }
    case 'foreignProject': {
      const { id, project } = notice;
      const holder = snapshot.byId.get(id)?.lock?.holder;
      const isWiped = project === undefined && holder !== undefined;
      const trouble: Problem = isWiped
        ? { kind: 'wipedProject', id, holder }
        : { kind: 'foreignProject', id, project };
      // Where two folders share a database, a task of another project may belong there.
      const isSafe = project === undefined;
      const fix = change({ kind: 'setProject', id, from: project, to: snapshot.project }, isSafe);
      return found(trouble, 'warning', fix);
    }
    case 'oddSpelling':
      return diagnoseSpelling(snapshot.byId.get(notice.id), input);
    case 'unknownStatus':
      return diagnoseUnknown(snapshot.byId.get(notice.id), input);
    case 'twoHolders': {
      const { kind, id, holder, other } = notice;
      return found({ kind, id, holder, other }, 'warning', NOT_OURS_TO_GUESS);
    }
    case 'badMetadata': {
      const { kind, id, detail } = notice;
      return found({ kind, id, detail }, 'warning', NOT_OURS_TO_GUESS);
    }
    case 'orphanRow': {
      const { kind, table, owner, value } = notice;
      const fix = change({ kind: 'removeOrphan', table, id: owner, value }, true);
      return found({ kind, table, owner, value }, 'info', fix);
    }
    case 'missingId':
    case 'badEntry':
    case 'badConfig':
    case 'configsDiffer':
      return [];
  }
}

/** The highest number of an id `T-<number>`, at least the first of today's scheme. */
function highestNumber(tasks: readonly Task[]): number {
  return tasks.reduce(
    (most, { id }) => Math.max(most, Number(/^T-(\d{1,15})$/.exec(id)?.[1] ?? 0)),
    FIRST_MODERN,
  );
}

const NOT_OURS_TO_GUESS: Fix = { kind: 'none', reason: 'notOursToGuess' };

function found(trouble: Problem, severity: Severity, fix: Fix): readonly RawFinding[] {
  return [{ trouble, severity, fix }];
}

function change(only: Change, safe: boolean): Fix {
  return { kind: 'changes', changes: [only], safe };
}

function diagnoseSpelling(
  task: Task | undefined,
  { snapshot }: DoctorInput,
): readonly RawFinding[] {
  if (task === undefined || task.status === 'Unknown' || hasNoStatus(snapshot, task.id)) return [];
  const { id, rawStatus, status } = task;
  const fix = change({ kind: 'setStatus', id, from: rawStatus, to: status }, true);
  return found({ kind: 'statusSpelling', id, text: rawStatus, status }, 'warning', fix);
}

function diagnoseUnknown(task: Task | undefined, { snapshot }: DoctorInput): readonly RawFinding[] {
  if (task === undefined) return [];
  const choose = (to: WritableStatus): Changes => setStatus(task, to, snapshot);
  const choices = [
    choose('Todo'),
    choose('Review'),
    choose('Done'),
    choose('Blocked'),
    choose('Cancelled'),
  ] as const;
  const trouble = { kind: 'unknownStatus', id: task.id, text: task.rawStatus } as const;
  return found(trouble, 'warning', { kind: 'choices', choices });
}

/** The words that exarp-go sorts by; all others come after them. */
const SORTED = new Set(['critical', 'high', 'medium', 'low']);

/** A priority that we know and exarp-go sorts last. An empty one means medium to both. */
function diagnosePriority({ id, priority, rawPriority }: Task): readonly RawFinding[] {
  const word = rawPriority.trim().toLowerCase();
  if (priority === 'other' || word === '' || SORTED.has(word)) return [];
  // A team may use its own words on purpose, so the user has to ask for the change.
  const fix = change({ kind: 'setPriority', id, from: rawPriority, to: priority }, false);
  return found({ kind: 'prioritySpelling', id, text: rawPriority, priority }, 'info', fix);
}

const NEVER_NULL: ReadonlySet<string> = new Set<NeverNullColumn>([
  'content',
  'long_description',
  'status',
  'priority',
  'completed',
]);

function isNeverNull(column: string): column is NeverNullColumn {
  return NEVER_NULL.has(column);
}

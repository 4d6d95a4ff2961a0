import type { Change } from '../edit/change.ts';
import type { Lease } from '../lease/lease.ts';
import type { Priority, Status, Task, TaskId } from '../task.ts';

/**
 * `error`: work is blocked, or exarp-go breaks; `warning`: a user or an agent sees wrong data;
 * `info`: good to know.
 */
export type Severity = 'error' | 'warning' | 'info';

/** Several changes that belong together. */
export type Changes = readonly [Change, ...Change[]];

/** Why a finding has no fix. */
export type NoFix =
  /** Only the database is ever changed. */
  | 'jsonOnly'
  /** Notes, commits and plans refer to ids: a new one would break more than it fixes. */
  | 'idsStay'
  /** The program that wrote the value may still be able to read it. */
  | 'notOursToGuess'
  /** Another holder works on the task. */
  | 'held';

/** What can be done about a finding. */
export type Fix =
  /**
   * `safe` where no information or lock in use is lost, so that all safe fixes may be applied
   * together.
   */
  | { readonly kind: 'changes'; readonly changes: Changes; readonly safe: boolean }
  /** Any one of these, or none: the finding may be intended. Never safe. */
  | { readonly kind: 'choices'; readonly choices: readonly [Changes, ...Changes[]] }
  | { readonly kind: 'none'; readonly reason: NoFix }
  /** The user can give the entry at this position, from 1, an id that no other has. */
  | {
      readonly kind: 'none';
      readonly reason: 'newIdByHand';
      readonly position: number;
      readonly free: string;
    };

export type NoFixFound = Extract<Fix, { kind: 'none' }>;

/** The task and the lease of a finding about a lock. */
type Locked<L extends Lease['kind']> = {
  readonly task: Task;
  readonly lease: Extract<Lease, { kind: L }>;
};

/** What is wrong; `id` is the task concerned. */
export type Problem =
  /**
   * `circle` is a shortest cycle through these members: each waits for the next, the last for the
   * first.
   */
  | {
      readonly kind: 'cycle';
      readonly members: readonly TaskId[];
      readonly circle: readonly TaskId[];
      /** False where finished tasks are part of it, so that only exarp-go's levels are wrong. */
      readonly isOpen: boolean;
    }
  | { readonly kind: 'selfDependency'; readonly id: TaskId; readonly via: 'dependency' | 'parent' }
  /** NULL in a column that exarp-go reads into a type without a null. */
  | { readonly kind: 'nullColumn'; readonly id: TaskId; readonly column: string }
  /** `title` and `position` are those of the entry that is hidden. */
  | {
      readonly kind: 'duplicateId';
      readonly id: TaskId;
      readonly title: string;
      readonly position: number;
    }
  | { readonly kind: 'missingDependency'; readonly id: TaskId; readonly on: TaskId }
  /** Not in any project, or in one that exarp-go does not list here. */
  | { readonly kind: 'foreignProject'; readonly id: TaskId; readonly project: string | undefined }
  /** exarp-go clears the project and the metadata of a task that it moves to In Progress. */
  | { readonly kind: 'wipedProject'; readonly id: TaskId; readonly holder: string }
  | {
      readonly kind: 'statusSpelling';
      readonly id: TaskId;
      readonly text: string;
      readonly status: Status;
    }
  | { readonly kind: 'unknownStatus'; readonly id: TaskId; readonly text: string }
  | {
      readonly kind: 'prioritySpelling';
      readonly id: TaskId;
      readonly text: string;
      readonly priority: Priority;
    }
  | ({ readonly kind: 'deadOwner' } & Locked<'theirs' | 'expired' | 'stale' | 'unleased'>)
  | ({ readonly kind: 'expiredLock' } & Locked<'expired' | 'stale'>)
  | { readonly kind: 'unheldProgress'; readonly id: TaskId }
  | ({ readonly kind: 'lockedTodo' } & Locked<'ours' | 'theirs'>)
  /** A lock on a task in Review, Done or Cancelled. */
  | ({ readonly kind: 'lockedAfterwards' } & Locked<'theirs' | 'unleased'>)
  /** Two holders whose leases both run: one in the row, one in the table of agent locks. */
  | {
      readonly kind: 'twoHolders';
      readonly id: TaskId;
      readonly holder: string;
      readonly other: string;
    }
  | ({ readonly kind: 'unleasedLock' } & Locked<'unleased'>)
  /** The same title and description, ignoring case and blanks; the oldest first. */
  | { readonly kind: 'duplicateContent'; readonly ids: readonly TaskId[] }
  | {
      readonly kind: 'oddId';
      readonly id: TaskId;
      readonly form: 'automation' | 'notANumber' | 'other';
    }
  /** Ids below 1,000,000, all in one finding: a store that has one has many. */
  | { readonly kind: 'legacyIds'; readonly ids: readonly TaskId[] }
  | { readonly kind: 'badMetadata'; readonly id: TaskId; readonly detail: string }
  | {
      readonly kind: 'orphanRow';
      readonly table: 'task_tags' | 'task_dependencies';
      readonly owner: string;
      readonly value: string;
    };

export type FindingKind = Problem['kind'];

/** A problem of a backlog and its fix. */
export interface Finding {
  /** Unique in the backlog, and the same for the same problem with the same tasks. */
  readonly key: string;
  readonly severity: Severity;
  /** The tasks concerned, the one to open first. May be empty. */
  readonly ids: readonly TaskId[];
  readonly trouble: Problem;
  readonly fix: Fix;
}

/** Every kind, the most urgent first. */
export const FINDING_KINDS = [
  'cycle',
  'selfDependency',
  'nullColumn',
  'duplicateId',
  'wipedProject',
  'foreignProject',
  'statusSpelling',
  'unknownStatus',
  'twoHolders',
  'deadOwner',
  'lockedTodo',
  'unheldProgress',
  'expiredLock',
  'lockedAfterwards',
  'unleasedLock',
  'missingDependency',
  'duplicateContent',
  'badMetadata',
  'oddId',
  'prioritySpelling',
  'orphanRow',
  'legacyIds',
] as const satisfies readonly FindingKind[];

/**
 * The changes of all safe fixes, in an order in which one transaction can make them. Only
 * `clearLock` shares a column with others: it overwrites any spelling of In Progress with Todo, so
 * it comes last.
 */
export function safeChanges(findings: readonly Finding[]): readonly Change[] {
  const changes = findings.flatMap(({ fix }) =>
    fix.kind === 'changes' && fix.safe ? fix.changes : [],
  );
  return [
    ...changes.filter(({ kind }) => kind !== 'clearLock'),
    ...changes.filter(({ kind }) => kind === 'clearLock'),
  ];
}

/** True where a finding has a fix. */
export function isFixable({ fix }: Finding): boolean {
  return fix.kind !== 'none';
}

import type { Change } from '../edit/change.ts';
import type { Lease } from '../lease/lease.ts';
import type { Priority, Status, Task, TaskId } from '../task.ts';

/** `error`: work is held up, or exarp-go breaks; `warning`: somebody sees something wrong; `info`: good to know. */
export type Severity = 'error' | 'warning' | 'info';

/** Several changes that belong together. */
export type Changes = readonly [Change, ...Change[]];

/** Why there is nothing that could be done for a person. */
export type NoFix =
  /** Only the database is ever changed. */
  | 'jsonOnly'
  /** Ids stand in notes, commits and plans: a new one would break more than it mends. */
  | 'idsStay'
  /** What is there may still be read by whoever wrote it. */
  | 'notOursToGuess'
  /** Somebody works on it right now. */
  | 'held';

/** What can be done about a finding. */
export type Fix =
  /** `safe` where it takes nothing from anybody, so that it may be made together with all others like it. */
  | { readonly kind: 'changes'; readonly changes: Changes; readonly safe: boolean }
  /** Any one of these, or none: the finding may be as somebody wants it. Never safe. */
  | { readonly kind: 'choices'; readonly choices: readonly [Changes, ...Changes[]] }
  | { readonly kind: 'none'; readonly reason: NoFix };

/** A lock that somebody has to look at. */
type Locked<L extends Lease['kind']> = { readonly task: Task; readonly lease: Extract<Lease, { kind: L }> };

/** What is wrong. `id` is the task that it is wrong with. */
export type Problem =
  /** `circle` is a shortest one of those that go through these members: each waits for the next, the last for the first. */
  | {
      readonly kind: 'cycle';
      readonly members: readonly TaskId[];
      readonly circle: readonly TaskId[];
      /** False where finished tasks take part, so that only exarp-go's levels suffer. */
      readonly isOpen: boolean;
    }
  | { readonly kind: 'selfDependency'; readonly id: TaskId; readonly via: 'dependency' | 'parent' }
  /** NULL in a column that exarp-go reads into a type without a null. */
  | { readonly kind: 'nullColumn'; readonly id: TaskId; readonly column: string }
  | { readonly kind: 'duplicateId'; readonly id: TaskId }
  | { readonly kind: 'missingDependency'; readonly id: TaskId; readonly on: TaskId }
  /** Not in any project, or in one that exarp-go does not list here. */
  | { readonly kind: 'foreignProject'; readonly id: TaskId; readonly project: string | undefined }
  /** As exarp-go leaves a task behind that it has moved to In Progress: its project and its metadata are gone. */
  | { readonly kind: 'wipedProject'; readonly id: TaskId; readonly holder: string }
  | { readonly kind: 'statusSpelling'; readonly id: TaskId; readonly text: string; readonly status: Status }
  | { readonly kind: 'unknownStatus'; readonly id: TaskId; readonly text: string }
  | { readonly kind: 'prioritySpelling'; readonly id: TaskId; readonly text: string; readonly priority: Priority }
  | ({ readonly kind: 'deadOwner' } & Locked<'theirs' | 'expired' | 'stale' | 'unleased'>)
  | ({ readonly kind: 'expiredLock' } & Locked<'expired' | 'stale'>)
  | { readonly kind: 'unheldProgress'; readonly id: TaskId }
  | ({ readonly kind: 'lockedTodo' } & Locked<'ours' | 'theirs'>)
  /** A lock on a task in Review, Done or Cancelled. */
  | ({ readonly kind: 'lockedAfterwards' } & Locked<'theirs' | 'unleased'>)
  /** Two holders whose leases both run: one in the row, one in the table of agent locks. */
  | { readonly kind: 'twoHolders'; readonly id: TaskId; readonly holder: string; readonly other: string }
  | ({ readonly kind: 'unleasedLock' } & Locked<'unleased'>)
  /** The same title and description as others, the oldest first, letter case and blanks aside. */
  | { readonly kind: 'duplicateContent'; readonly ids: readonly TaskId[] }
  | { readonly kind: 'oddId'; readonly id: TaskId; readonly form: 'automation' | 'notANumber' | 'other' }
  /** Ids below 1,000,000, all in one: a store that has one has many. */
  | { readonly kind: 'legacyIds'; readonly ids: readonly TaskId[] }
  | { readonly kind: 'badMetadata'; readonly id: TaskId; readonly detail: string }
  | {
      readonly kind: 'orphanRow';
      readonly table: 'task_tags' | 'task_dependencies';
      readonly owner: string;
      readonly value: string;
    };

export type FindingKind = Problem['kind'];

/** Something wrong with a backlog, and what can be done about it. */
export interface Finding {
  /** The same for the same trouble with the same tasks, and for no other finding of the backlog. */
  readonly key: string;
  readonly severity: Severity;
  /** The tasks it concerns, the one to open first. Empty where there is none. */
  readonly ids: readonly TaskId[];
  readonly trouble: Problem;
  readonly fix: Fix;
}

/** Every kind, the one to look at first first. */
export const FINDING_KINDS = [
  ...(['cycle', 'selfDependency', 'nullColumn', 'duplicateId'] as const),
  ...(['wipedProject', 'foreignProject', 'statusSpelling', 'unknownStatus'] as const),
  ...([
    'twoHolders',
    'deadOwner',
    'lockedTodo',
    'unheldProgress',
    'expiredLock',
    'lockedAfterwards',
    'unleasedLock',
  ] as const),
  ...(['missingDependency', 'duplicateContent', 'badMetadata', 'oddId'] as const),
  ...(['prioritySpelling', 'orphanRow', 'legacyIds'] as const),
] satisfies readonly FindingKind[];

/**
 * What all safe fixes come to, in an order in which they can be made in one go. No two of them touch the same column, but for
 * a lock that goes: that writes Todo over whatever spelling of In Progress there is, so spellings come first.
 */
export function safeChanges(findings: readonly Finding[]): readonly Change[] {
  const changes = findings.flatMap(({ fix }) => (fix.kind === 'changes' && fix.safe ? fix.changes : []));
  return [...changes.filter(({ kind }) => kind !== 'clearLock'), ...changes.filter(({ kind }) => kind === 'clearLock')];
}

/** True where a person can have something changed. */
export function isFixable({ fix }: Finding): boolean {
  return fix.kind !== 'none';
}

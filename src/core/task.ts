/**
 * The id of a task as its store spells it: any non-empty text, never used as a path or a command.
 */
export type TaskId = string & { readonly __brand: 'TaskId' };

/** Marks text that a store gave as an id. */
export function taskId(text: string): TaskId {
  return text as TaskId;
}

/** The canonical spellings that the database holds, and `Unknown` for every other word. */
export type Status = (typeof STATUSES)[number];

export const STATUSES = [
  'Todo',
  'In Progress',
  'Review',
  'Done',
  'Blocked',
  'Cancelled',
  'Unknown',
] as const;

/** How soon a task is wanted; `other` is any word we do not know, and sorts last. */
export type Priority = 'critical' | 'high' | 'medium' | 'low' | 'other';

/** The three lock columns of a row that names a holder. Times are epoch ms. */
export interface Lock {
  /** Who holds it, as stored: `<agent>-<host>-<pid>` by convention, any text in practice. */
  readonly holder: string;
  /** When it was taken, or undefined where the row does not say. */
  readonly since: number | undefined;
  /** When the lease ends; undefined is an assignment without a lease. */
  readonly until: number | undefined;
}

/** One task as its store has it, checked and converted; times are epoch ms. */
export interface Task {
  readonly id: TaskId;
  readonly title: string;
  readonly description: string;
  readonly status: Status;
  /** The status as stored; differs from `status` where the spelling is not canonical. */
  readonly rawStatus: string;
  readonly priority: Priority;
  readonly rawPriority: string;
  readonly tags: readonly string[];
  readonly dependencies: readonly TaskId[];
  readonly parentId: TaskId | undefined;
  /** The project the row belongs to; undefined where the row has none. */
  readonly projectId: string | undefined;
  readonly lock: Lock | undefined;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly estimatedHours: number | undefined;
  readonly createdAt: number | undefined;
  readonly modifiedAt: number | undefined;
  readonly completedAt: number | undefined;
  /** Grows by one with each change in the database; 0 for a task that comes from JSON. */
  readonly version: number;
}

// Maps, since a word such as "constructor" is something in every object.
const STATUS_SPELLINGS: ReadonlyMap<string, Status> = new Map([
  ['', 'Todo'],
  ['todo', 'Todo'],
  ['pending', 'Todo'],
  ['not started', 'Todo'],
  ['new', 'Todo'],
  ['in progress', 'In Progress'],
  ['in-progress', 'In Progress'],
  ['in_progress', 'In Progress'],
  ['inprogress', 'In Progress'],
  ['working', 'In Progress'],
  ['active', 'In Progress'],
  ['review', 'Review'],
  ['needs review', 'Review'],
  ['awaiting review', 'Review'],
  ['done', 'Done'],
  ['completed', 'Done'],
  ['finished', 'Done'],
  ['closed', 'Done'],
  ['blocked', 'Blocked'],
  ['waiting', 'Blocked'],
  ['cancelled', 'Cancelled'],
  ['canceled', 'Cancelled'],
  ['abandoned', 'Cancelled'],
]);

/** Reads a status in any spelling and case that exarp-go accepts; every other word is `Unknown`. */
export function parseStatus(text: string): Status {
  return STATUS_SPELLINGS.get(text.trim().toLowerCase()) ?? 'Unknown';
}

const PRIORITY_SPELLINGS: ReadonlyMap<string, Priority> = new Map([
  ['', 'medium'],
  ['critical', 'critical'],
  ['highest', 'critical'],
  ['urgent', 'critical'],
  ['p0', 'critical'],
  ['high', 'high'],
  ['p1', 'high'],
  ['medium', 'medium'],
  ['normal', 'medium'],
  ['standard', 'medium'],
  ['p2', 'medium'],
  ['low', 'low'],
  ['lowest', 'low'],
  ['p3', 'low'],
]);

/** Reads a priority in any spelling that exarp-go accepts, and P0 to P3 as critical to low. */
export function parsePriority(text: string): Priority {
  return PRIORITY_SPELLINGS.get(text.trim().toLowerCase()) ?? 'other';
}

const RANKS: Readonly<Record<Priority, number>> = {
  critical: 0,
  high: 1,
  medium: 2,
  low: 3,
  other: 4,
};

/** 0 for critical to 4 for a word we do not know. */
export function priorityRank(priority: Priority): number {
  return RANKS[priority];
}

/**
 * exarp-go's rank of a stored priority, 0 for critical to 4 for every word it does not know; it
 * does not know P0 to P3.
 */
export function exarpPriorityRank(stored: string): number {
  return /^\s*p\d\s*$/i.test(stored) ? RANKS.other : RANKS[parsePriority(stored)];
}

/** Whether exarp-go puts tasks of this status into its waves. */
export function isInExarpWaves(status: Status): boolean {
  return status === 'Todo' || status === 'In Progress';
}

/** Done or Cancelled: nothing that depends on it waits any longer. */
export function isSettled(status: Status): boolean {
  return status === 'Done' || status === 'Cancelled';
}

/**
 * Orders ids by their first run of digits as a number, then by code point, so that T-9 comes before
 * T-10. Ids without digits come last. Numbers of any length compare exactly.
 */
export function compareIds(a: string, b: string): number {
  const [x, y] = [digitsOf(a), digitsOf(b)];
  if (x !== y) {
    if (x === undefined) return 1;
    if (y === undefined) return -1;
    if (x.length !== y.length) return x.length - y.length;
    return x < y ? -1 : 1;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

function digitsOf(id: string): string | undefined {
  return /\d+/.exec(id)?.[0].replace(/^0+(?=\d)/, '');
}

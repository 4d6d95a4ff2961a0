/**
 * A table in which some programs keep leases beside the lock columns of `tasks`. No migration of
 * exarp-go creates it, so its columns are recognised by name.
 */
export const AGENT_LOCKS_TABLE = 'task_agent_locks';

/** The column of each role, in lower case, as SQLite compares column names without case. */
export interface AgentLockColumns {
  readonly task: string;
  readonly holder: string;
  /** The end of the lease: unix seconds, a date as text, or ms where it is a number above 1e11. */
  readonly until: string | undefined;
  /** Its start, in the same formats. */
  readonly since: string | undefined;
}

// Of several candidates that exist, the first counts.
const TASK = ['task_id'];
const HOLDER = ['agent_id', 'assignee', 'agent', 'holder', 'locked_by'];
const UNTIL = ['lock_until', 'expires_at', 'until'];
const SINCE = ['locked_at', 'assigned_at', 'acquired_at'];

/** The roles of a table's columns; undefined where the task or the holder has no known column. */
export function findAgentLockColumns(columns: Iterable<string>): AgentLockColumns | undefined {
  const present = new Set(Array.from(columns, (name) => name.toLowerCase()));
  const firstOf = (names: readonly string[]): string | undefined =>
    names.find((name) => present.has(name));
  const [task, holder] = [firstOf(TASK), firstOf(HOLDER)];
  if (task === undefined || holder === undefined) return undefined;
  return { task, holder, until: firstOf(UNTIL), since: firstOf(SINCE) };
}

/**
 * A table in which some programs keep leases beside the lock columns of `tasks`. No migration of exarp-go makes it, so its
 * columns are known by their names alone.
 */
export const AGENT_LOCKS_TABLE = 'task_agent_locks';

/** Which column plays which part, in lower case, as SQLite takes the names of columns in any case. */
export interface AgentLockColumns {
  readonly task: string;
  readonly holder: string;
  /** When the lease ends: unix seconds, a date as text, or ms where that is a number above 1e11. */
  readonly until: string | undefined;
  /** When it was taken, in the same forms. */
  readonly since: string | undefined;
}

// Of several names that a table has, the first here counts.
const TASK = ['task_id'];
const HOLDER = ['agent_id', 'assignee', 'agent', 'holder', 'locked_by'];
const UNTIL = ['lock_until', 'expires_at', 'until'];
const SINCE = ['locked_at', 'assigned_at', 'acquired_at'];

/** The parts that the columns of a table play; undefined where nothing in it says which task is held, or by whom. */
export function findAgentLockColumns(columns: Iterable<string>): AgentLockColumns | undefined {
  const present = new Set(Array.from(columns, (name) => name.toLowerCase()));
  const firstOf = (names: readonly string[]): string | undefined => names.find((name) => present.has(name));
  const [task, holder] = [firstOf(TASK), firstOf(HOLDER)];
  if (task === undefined || holder === undefined) return undefined;
  return { task, holder, until: firstOf(UNTIL), since: firstOf(SINCE) };
}

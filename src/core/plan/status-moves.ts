import type { WritableStatus } from '../edit/change.ts';
import type { Status, Task, TaskId } from '../task.ts';
import type { ReadPlan } from './read-plan.ts';
import { todoStatus } from './wave-facts.ts';

/** A task whose status in a plan is not the one in the backlog. */
export interface StatusMove {
  readonly task: Task;
  readonly to: WritableStatus;
  /**
   * `back` reverts progress that an old plan does not know of: made only where the user asks for
   * it.
   */
  readonly direction: 'forward' | 'back';
  readonly by: 'checkBox' | 'todo';
}

/** The statuses of a plan compared with the backlog. */
export interface StatusMoves {
  readonly moves: readonly StatusMove[];
  /** Ids of the plan that the backlog does not have. */
  readonly unknown: readonly string[];
}

// exarp-go's words (plan_sync.go) and those of editors; every other word is ignored, where exarp-go
// takes it for Todo.
const WORDS: ReadonlyMap<string, WritableStatus> = new Map([
  ['pending', 'Todo'],
  ['todo', 'Todo'],
  ['in_progress', 'In Progress'],
  ['inprogress', 'In Progress'],
  ['review', 'Review'],
  ['completed', 'Done'],
  ['done', 'Done'],
  ['cancelled', 'Cancelled'],
]);

const RANK: Readonly<Record<Status, number>> = {
  Unknown: 0,
  Todo: 0,
  Blocked: 0,
  'In Progress': 1,
  Review: 2,
  Done: 3,
  Cancelled: 3,
};

/**
 * The statuses that a plan asks for. A checked box counts before a todo; an unchecked one is
 * ignored, since plans are written with none checked. A todo whose word also stands for the task's
 * present status is no move; tasks with an unknown status have none.
 */
export function statusMoves(plan: ReadPlan, byId: ReadonlyMap<TaskId, Task>): StatusMoves {
  const wanted = new Map<string, { readonly to: WritableStatus; readonly by: StatusMove['by'] }>();
  const unknown = new Set<string>();
  for (const { id, status } of plan.todos) {
    const to = WORDS.get(status.trim().toLowerCase());
    if (to !== undefined) wanted.set(id, { to, by: 'todo' });
    if (!byId.has(id as TaskId)) unknown.add(id);
  }
  for (const { id, isChecked } of plan.marks) {
    if (isChecked && wanted.get(id)?.to !== 'Done') wanted.set(id, { to: 'Done', by: 'checkBox' });
    if (!byId.has(id as TaskId)) unknown.add(id);
  }
  const moves: StatusMove[] = [];
  for (const [id, { to, by }] of wanted) {
    const task = byId.get(id as TaskId);
    if (task === undefined || task.status === 'Unknown' || task.status === to) continue;
    if (by === 'todo' && saysTheSame(task.status, to)) continue;
    const isBack =
      RANK[to] < RANK[task.status] || task.status === 'Cancelled' || task.status === 'Done';
    moves.push({ task, to, direction: isBack ? 'back' : 'forward', by });
  }
  return { moves, unknown: [...unknown] };
}

/**
 * A plan has one word for several statuses: `pending` for Blocked too, `in_progress` for Review.
 */
function saysTheSame(status: Status, to: WritableStatus): boolean {
  return (
    to !== 'Review' &&
    to !== 'Cancelled' &&
    status !== 'Cancelled' &&
    todoStatus(status) === todoStatus(to)
  );
}

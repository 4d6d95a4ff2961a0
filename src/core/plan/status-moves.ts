import type { WritableStatus } from '../edit/change.ts';
import type { Status, Task, TaskId } from '../task.ts';
import type { ReadPlan } from './read-plan.ts';
import { todoStatus } from './wave-facts.ts';

/** A task whose status in a plan is not the one in the backlog. */
export interface StatusMove {
  readonly task: Task;
  readonly to: WritableStatus;
  /** `back` is what an old plan asks for that others have moved on from: made only where a person says so. */
  readonly direction: 'forward' | 'back';
  readonly by: 'checkBox' | 'todo';
}

/** What a plan says of statuses, held against the backlog. */
export interface StatusMoves {
  readonly moves: readonly StatusMove[];
  /** Ids of the plan that the backlog does not have. */
  readonly unknown: readonly string[];
}

// exarp-go's words (plan_sync.go) and those of editors; every other word means nothing here, where exarp-go takes it for Todo.
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
 * The statuses that a plan asks for. A check box that is set counts before a todo; one that is not set says nothing, since plans
 * are made with none set. A status that the plan's words cannot tell from the task's is no move, nor is one of a task whose
 * status nobody knows.
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
    const isBack = RANK[to] < RANK[task.status] || task.status === 'Cancelled' || task.status === 'Done';
    moves.push({ task, to, direction: isBack ? 'back' : 'forward', by });
  }
  return { moves, unknown: [...unknown] };
}

/** A plan has one word for several statuses: `pending` for Blocked too, `in_progress` for Review. */
function saysTheSame(status: Status, to: WritableStatus): boolean {
  return to !== 'Review' && to !== 'Cancelled' && status !== 'Cancelled' && todoStatus(status) === todoStatus(to);
}

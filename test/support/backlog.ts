import { taskId } from '../../src/core/task.ts';
import type { Lock, Priority, Status, Task, TaskId } from '../../src/core/task.ts';
import type { BlockReason, Plan } from '../../src/core/waves/waves.ts';

/**
 * What a test wants to say about a task; ids may be plain strings, raw spellings follow the
 * canonical ones unless given.
 */
export interface TaskFields extends Partial<Omit<Task, 'id' | 'dependencies' | 'parentId'>> {
  readonly dependencies?: readonly string[];
  readonly parentId?: string | undefined;
}

/**
 * A Todo of medium priority, without dependencies, parent or lock, except for what `fields` says.
 */
export function task(id: string, fields: TaskFields = {}): Task {
  const { dependencies = [], parentId, ...rest } = fields;
  const status = rest.status ?? 'Todo';
  const priority = rest.priority ?? 'medium';
  return {
    title: `Title of ${id}`,
    description: '',
    rawStatus: status,
    rawPriority: priority,
    tags: [],
    projectId: 'project',
    lock: undefined,
    metadata: {},
    estimatedHours: undefined,
    createdAt: undefined,
    modifiedAt: undefined,
    completedAt: undefined,
    version: 1,
    ...rest,
    status,
    priority,
    id: taskId(id),
    dependencies: dependencies.map(taskId),
    parentId: parentId === undefined ? undefined : taskId(parentId),
  };
}

const MARKS: Readonly<Record<string, Status>> = {
  '+': 'Done',
  '-': 'Cancelled',
  '~': 'In Progress',
  '?': 'Review',
  '#': 'Blocked',
  '*': 'Unknown',
};

/**
 * A backlog, one line per task: `[mark]id[:priority] [^parent] [< dependency…]`.
 *
 * `tasks('+a', 'b:high < a', '~c ^b < a b')` is a Done `a`, a `b` of high priority that depends on
 * it, and a `c` that is In Progress, has the parent `b`, and depends on both. Marks: + Done, -
 * Cancelled, ~ In Progress, ? Review, # Blocked,
 * * Unknown; no mark is Todo.
 */
export function tasks(...lines: readonly string[]): readonly Task[] {
  return lines.map((line) => {
    const parts = /^\s*([-+~?#*]?)([^\s:^<]+)(?::(\w+))?(?:\s+\^(\S+))?(?:\s*<\s*(.*))?\s*$/.exec(
      line,
    );
    if (parts === null) throw new Error(`Not a task: "${line}"`);
    const [, mark = '', id = '', priority, parentId, dependencies] = parts;
    return task(id, {
      status: MARKS[mark] ?? 'Todo',
      priority: (priority as Priority | undefined) ?? 'medium',
      parentId,
      dependencies: dependencies?.match(/\S+/g) ?? [],
    });
  });
}

/** Tasks by their id; the first of two with the same id counts. */
export function byId(backlog: readonly Task[]): ReadonlyMap<TaskId, Task> {
  return new Map([...backlog].reverse().map((each) => [each.id, each]));
}

/**
 * A lock of `holder` that ends at `until` (epoch ms; undefined is no lease), taken an hour before.
 */
export function lock(holder: string, until: number | undefined): Lock {
  return { holder, until, since: until === undefined ? undefined : until - 3_600_000 };
}

/**
 * A plan in one line: waves with `|` between them, then each blocked task after a `!` with what
 * blocks it: `a<b` is in a cycle with b, `a<<b,c` is behind the cycle of b and c, `a<?x` lacks x,
 * `a<<?b` is behind b, which lacks something.
 */
export function showPlan(plan: Plan): string {
  const waves = plan.waves.map((wave) => wave.tasks.map((each) => each.id).join(' ')).join(' | ');
  return [
    waves,
    ...plan.blocked.map((each) => each.task.id + showReason(each.task.id, each.reason)),
  ]
    .join(' ! ')
    .trim();
}

function showReason(id: TaskId, reason: BlockReason): string {
  switch (reason.kind) {
    case 'cycle':
      return `<${reason.members.filter((member) => member !== id).join(',')}`;
    case 'behindCycle':
      return `<<${reason.members.join(',')}`;
    case 'missing':
      return `<?${reason.ids.join(',')}`;
    case 'behindMissing':
      return `<<?${reason.via}`;
  }
}

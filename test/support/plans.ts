import { taskId, type Task, parsePriority, parseStatus } from '../../src/core/task.ts';
import { DEFAULT_WAVE_OPTIONS, type BlockedTask, type Plan, type WaveOptions } from '../../src/core/waves.ts';

type Given = Partial<Omit<Task, 'id' | 'dependencies' | 'status' | 'priority' | 'rawStatus' | 'rawPriority'>> & {
  readonly status?: string;
  readonly priority?: string;
  readonly after?: readonly string[];
};

/** A task as a store would give it: Todo, medium, titled by its id, unless said otherwise. */
export function taskOf(id: string, { status = 'Todo', priority = 'medium', after = [], ...rest }: Given = {}): Task {
  return {
    id: taskId(id),
    title: `Title of ${id}`,
    description: '',
    status: parseStatus(status),
    rawStatus: status,
    priority: parsePriority(priority),
    rawPriority: priority,
    tags: [],
    dependencies: after.map(taskId),
    parentId: undefined,
    projectId: undefined,
    lock: undefined,
    metadata: {},
    estimatedHours: undefined,
    createdAt: undefined,
    modifiedAt: undefined,
    completedAt: undefined,
    version: 1,
    ...rest,
  };
}

/** A plan by hand: the waves as given, numbered from 0, and whatever else is to be in it. */
export function planOf(
  waves: readonly (readonly Task[])[],
  more: Partial<Omit<Plan, 'options' | 'waves'>> & { readonly options?: Partial<WaveOptions> } = {},
): Plan {
  const { options, ...rest } = more;
  const numbered = waves.map((tasks, number) => ({ number, tasks }));
  const waveOf = new Map(numbered.flatMap(({ number, tasks }) => tasks.map((task) => [task.id, number] as const)));
  return {
    options: { ...DEFAULT_WAVE_OPTIONS, ...options },
    waves: numbered,
    blocked: [],
    settled: [],
    waveOf,
    exarpLevelOf: waveOf,
    missing: new Map(),
    selfDependent: [],
    cycles: [],
    ...rest,
  };
}

/** A task in a cycle of these members. */
export function inCycle(task: Task, members: readonly string[]): BlockedTask {
  return { task, reason: { kind: 'cycle', members: members.map(taskId) } };
}

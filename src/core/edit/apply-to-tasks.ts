import type { Failure } from '../failure.ts';
import type { IsOurs } from '../lease/lease.ts';
import { fail, ok, type Result } from '../result.ts';
import type { Task, TaskId } from '../task.ts';
import { type Change, type LostParts, isAllowedWhileHeld, isRealStatusChange } from './change.ts';
import { waitsForIn, wouldCycle } from './cycle.ts';

/** The project, the holders and the time (epoch ms) of a change. */
export interface EditContext {
  readonly project: string;
  readonly isOurs: IsOurs;
  readonly now: number;
}

type Of<Kind extends Change['kind']> = Extract<Change, { kind: Kind }>;

/**
 * The backlog as it would be after these changes, for a preview; fails as writing would. Tasks keep
 * their order, new ones come last.
 */
export function applyToTasks(
  tasks: readonly Task[],
  changes: readonly Change[],
  context: EditContext,
): Result<readonly Task[], Failure> {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  for (const change of changes) {
    const failure = applyOne(byId, change, context);
    if (failure !== undefined) return fail(failure);
  }
  return ok([...byId.values()]);
}

function applyOne(
  byId: Map<TaskId, Task>,
  change: Change,
  context: EditContext,
): Failure | undefined {
  if (change.kind === 'create') return create(byId, change, context);
  if (change.kind === 'removeOrphan') return removeOrphan(byId, change, context);
  const task = byId.get(change.id);
  if (task === undefined) return { kind: 'noSuchTask', id: change.id };
  if (change.kind === 'clearLock') return clearLock(byId, task, change, context);
  const held = isAllowedWhileHeld(change) ? undefined : lockInTheWay(task, change, context);
  if (held !== undefined) return held;
  const edited = edit(byId, task, change, context);
  if (edited === 'changedMeanwhile') return changedMeanwhile(task);
  if ('kind' in edited) return edited;
  if (change.kind === 'delete') remove(byId, task.id);
  else if (edited !== task) byId.set(task.id, touched(edited, context));
  return undefined;
}

/** The edited task; the same object where nothing has to be written. */
function edit(
  byId: ReadonlyMap<TaskId, Task>,
  task: Task,
  change: Exclude<Change, { kind: 'create' | 'removeOrphan' | 'clearLock' }>,
  context: EditContext,
): Task | Failure | 'changedMeanwhile' {
  switch (change.kind) {
    case 'delete':
      return task.version === change.version ? task : 'changedMeanwhile';
    case 'setTitle':
      if (task.title !== change.from) return 'changedMeanwhile';
      return { ...task, title: change.to };
    case 'setDescription':
      if (task.description !== change.from) return 'changedMeanwhile';
      return { ...task, description: change.to };
    case 'setStatus':
      if (task.rawStatus !== change.from) return 'changedMeanwhile';
      return withStatus(task, change, context);
    case 'setPriority':
      if (task.rawPriority !== change.from) return 'changedMeanwhile';
      return { ...task, priority: change.to, rawPriority: change.to };
    case 'setTags':
      if (!sameTexts(task.tags, change.from)) return 'changedMeanwhile';
      return { ...task, tags: textsOf(change.to) };
    case 'addDependency': {
      if (task.dependencies.includes(change.on)) return task;
      const refusal = cannotWait(byId, task.id, change.on);
      return refusal ?? { ...task, dependencies: [...task.dependencies, change.on].sort() };
    }
    case 'removeDependency':
      return without(task, change.on);
    case 'setParent': {
      if (task.parentId !== change.from) return 'changedMeanwhile';
      const refusal = change.to === undefined ? undefined : cannotWait(byId, task.id, change.to);
      return refusal ?? { ...task, parentId: change.to };
    }
    case 'setProject':
      if (task.projectId !== change.from) return 'changedMeanwhile';
      return withLost({ ...task, projectId: change.to }, change.lost);
    case 'fillNull':
      return filled(task, change);
  }
}

function create(
  byId: Map<TaskId, Task>,
  change: Of<'create'>,
  context: EditContext,
): Failure | undefined {
  const taken = byId.get(change.id);
  if (taken !== undefined) return changedMeanwhile(taken);
  byId.set(change.id, {
    id: change.id,
    title: change.title,
    description: change.description,
    status: 'Todo',
    rawStatus: 'Todo',
    priority: change.priority,
    rawPriority: change.priority,
    tags: textsOf(change.tags),
    dependencies: [...new Set(change.dependencies)].sort(),
    parentId: change.parentId,
    projectId: context.project,
    lock: undefined,
    metadata: {},
    estimatedHours: undefined,
    createdAt: wholeSecond(context),
    modifiedAt: wholeSecond(context),
    completedAt: undefined,
    version: 1,
  });
  const named = [
    ...change.dependencies,
    ...(change.parentId === undefined ? [] : [change.parentId]),
  ];
  for (const on of named) {
    const refusal = cannotWait(byId, change.id, on);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function remove(byId: Map<TaskId, Task>, id: TaskId): void {
  byId.delete(id);
  for (const task of byId.values()) {
    if (!task.dependencies.includes(id)) continue;
    byId.set(task.id, { ...task, dependencies: task.dependencies.filter((each) => each !== id) });
  }
}

function removeOrphan(
  byId: Map<TaskId, Task>,
  change: Of<'removeOrphan'>,
  context: EditContext,
): Failure | undefined {
  const owner = byId.get(change.id as TaskId);
  // A row without a task is in no task.
  if (owner === undefined) return undefined;
  const other = byId.get(change.value as TaskId);
  if (change.table === 'task_tags' || other !== undefined) return changedMeanwhile(owner);
  const fixed = without(owner, change.value);
  if (fixed !== owner) byId.set(owner.id, touched(fixed, context));
  return undefined;
}

function clearLock(
  byId: Map<TaskId, Task>,
  task: Task,
  { holder, until }: Of<'clearLock'>,
  context: EditContext,
): Failure | undefined {
  const { lock, id } = task;
  if (lock === undefined) return changedMeanwhile(task);
  if (lock.holder !== holder || lock.until !== until) {
    if (lock.until === undefined) return { kind: 'unleased', id, holder: lock.holder };
    if (lock.until > context.now)
      return { kind: 'held', id, holder: lock.holder, until: lock.until };
    return changedMeanwhile(task);
  }
  const cleared = { ...task, lock: undefined };
  // As with every operation on a lock, clearing one alone does not change the date of the last
  // change.
  const reopened = touched(
    { ...cleared, status: 'Todo', rawStatus: 'Todo', completedAt: undefined },
    context,
  );
  byId.set(
    id,
    task.status === 'In Progress' ? reopened : { ...cleared, version: task.version + 1 },
  );
  return undefined;
}

/**
 * The lock of another holder; one without an expiry refuses only a change that takes the task away
 * from its holder.
 */
function lockInTheWay(
  { id, lock }: Task,
  change: Change,
  { isOurs, now }: EditContext,
): Failure | undefined {
  if (lock === undefined || isOurs(lock.holder)) return undefined;
  if (lock.until === undefined) {
    const takesAway = change.kind === 'delete' || change.kind === 'setStatus';
    return takesAway ? { kind: 'unleased', id, holder: lock.holder } : undefined;
  }
  return lock.until > now
    ? { kind: 'held', id, holder: lock.holder, until: lock.until }
    : undefined;
}

function withStatus(task: Task, change: Of<'setStatus'>, context: EditContext): Task {
  const edited: Task = { ...task, status: change.to, rawStatus: change.to };
  const completedAt = change.to === 'Done' ? (task.completedAt ?? wholeSecond(context)) : undefined;
  // A real change of the status ends our work on the task.
  const ends = isRealStatusChange(change) && change.to !== 'In Progress' && task.lock !== undefined;
  return {
    ...edited,
    completedAt,
    lock: ends && context.isOurs(task.lock.holder) ? undefined : task.lock,
  };
}

function filled(task: Task, { column }: Of<'fillNull'>): Task {
  if (column === 'status' && task.rawStatus === '')
    return { ...task, status: 'Todo', rawStatus: 'Todo' };
  if (column === 'priority' && task.rawPriority === '')
    return { ...task, priority: 'medium', rawPriority: 'medium' };
  return task;
}

function cannotWait(byId: ReadonlyMap<TaskId, Task>, id: TaskId, on: TaskId): Failure | undefined {
  if (on !== id && !byId.has(on)) return { kind: 'noSuchTask', id: on };
  const path = wouldCycle(waitsForIn(byId), id, on);
  return path === undefined ? undefined : { kind: 'wouldCycle', id, on, path };
}

function without(task: Task, on: string): Task {
  const dependencies = task.dependencies.filter((each) => each !== on);
  return dependencies.length === task.dependencies.length ? task : { ...task, dependencies };
}

function touched(task: Task, context: EditContext): Task {
  return { ...task, version: task.version + 1, modifiedAt: wholeSecond(context) };
}

/** Dates are stored to the second. */
function wholeSecond({ now }: EditContext): number {
  return Math.floor(now / 1000) * 1000;
}

function textsOf(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].filter((text) => text !== '').sort();
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return JSON.stringify(textsOf(a)) === JSON.stringify(textsOf(b));
}

function changedMeanwhile({ id, rawStatus }: Task): Failure {
  return { kind: 'changedMeanwhile', id, rawStatus };
}

/** Gives a task back what it has lost with its project; what it has by now stays. */
function withLost(task: Task, lost: LostParts | undefined): Task {
  if (lost === undefined) return task;
  const isEmpty = Object.keys(task.metadata).length === 0;
  return {
    ...task,
    parentId: task.parentId ?? lost.parentId,
    metadata: isEmpty ? lost.metadata : task.metadata,
  };
}

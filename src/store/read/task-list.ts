import type { Notice } from '../../core/snapshot.ts';
import { parsePriority, parseStatus, taskId, type Lock, type Task, type TaskId } from '../../core/task.ts';
import type { Metadata } from './metadata.ts';

/** One task as a file has it, its values converted and nothing checked. */
export interface RawTask {
  /** Empty where the file has none. */
  readonly id: string;
  readonly title: string;
  readonly description: string;
  /** Undefined where the file says nothing, which is Todo. */
  readonly status: string | undefined;
  readonly priority: string;
  readonly tags: readonly string[];
  readonly dependencies: readonly string[];
  readonly parentId: string;
  readonly projectId: string;
  readonly lock: Lock | undefined;
  readonly metadata: Metadata;
  readonly estimatedHours: number | undefined;
  readonly createdAt: number | undefined;
  readonly modifiedAt: number | undefined;
  readonly completedAt: number | undefined;
  readonly version: number;
}

/** What is right in one kind of store, and odd in another. */
export interface TaskRules {
  /** Which projects exarp-go would not show here. */
  readonly isForeign: (projectId: string) => boolean;
  /** Statuses in any spelling, as JSON has them: only in the database does exarp-go compare them letter by letter. */
  readonly isSpellingFree: boolean;
}

/** The tasks of one store while they are read: each id once, and a notice for whatever is odd. */
export class TaskList {
  readonly tasks: Task[] = [];
  readonly notices: Notice[] = [];
  readonly #ids = new Set<string>();
  readonly #rules: TaskRules;

  constructor(rules: TaskRules) {
    this.#rules = rules;
  }

  /** Checks a task and takes it in. `position` counts from 1. False where it has no id, or one that is there already. */
  add(raw: RawTask, position: number): boolean {
    if (!this.takes(raw.id, position)) return false;
    this.tasks.push(checkTask(raw, this.#rules, this.notices));
    return true;
  }

  /** Takes an id in. False, with a notice, where it is none, or there already. */
  takes(id: string, position: number): boolean {
    if (id === '') this.notices.push({ kind: 'missingId', position });
    else if (this.#ids.has(id)) this.notices.push({ kind: 'duplicateId', id: taskId(id) });
    else {
      this.#ids.add(id);
      return true;
    }
    return false;
  }
}

/** One task, checked; what is odd about it goes to `notices`. Its id must not be empty. */
export function checkTask(raw: RawTask, { isForeign, isSpellingFree }: TaskRules, notices: Notice[]): Task {
  const id = taskId(raw.id);
  const text = raw.status ?? '';
  const status = parseStatus(text);
  if (status === 'Unknown') notices.push({ kind: 'unknownStatus', id, text });
  else if (status !== (raw.status ?? 'Todo') && !isSpellingFree) notices.push({ kind: 'oddSpelling', id, text });
  if (isForeign(raw.projectId)) {
    notices.push({ kind: 'foreignProject', id, project: raw.projectId || undefined });
  }
  const { value: metadata, fault } = raw.metadata;
  if (fault !== undefined) notices.push({ kind: 'badMetadata', id, detail: fault });
  return {
    id,
    title: raw.title,
    description: raw.description,
    status,
    rawStatus: text,
    priority: parsePriority(raw.priority),
    rawPriority: raw.priority,
    tags: distinct(raw.tags),
    dependencies: distinct(raw.dependencies) as readonly TaskId[],
    parentId: raw.parentId === '' ? undefined : taskId(raw.parentId),
    projectId: raw.projectId === '' ? undefined : raw.projectId,
    lock: raw.lock,
    metadata,
    estimatedHours: raw.estimatedHours ?? hoursOf(metadata['estimatedHours']),
    createdAt: raw.createdAt,
    modifiedAt: raw.modifiedAt,
    completedAt: raw.completedAt,
    version: raw.version,
  };
}

/** The tasks by their ids. */
export function indexById(tasks: readonly Task[]): ReadonlyMap<TaskId, Task> {
  return new Map(tasks.map((task) => [task.id, task]));
}

/** A number of hours, which metadata may hold as text; undefined for everything that is not above 0. */
export function hoursOf(value: unknown): number | undefined {
  const hours = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof hours === 'number' && Number.isFinite(hours) && hours > 0 ? hours : undefined;
}

/** Each text once, and none that is empty. Nearly every list is free of both already, and is then taken as it is. */
export function distinct(texts: readonly string[]): readonly string[] {
  const isClean = texts.length < 20 && texts.every((text, index) => text !== '' && texts.indexOf(text) === index);
  return isClean ? texts : [...new Set(texts)].filter((text) => text !== '');
}

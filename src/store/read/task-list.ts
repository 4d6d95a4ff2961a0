import type { Notice } from '../../core/snapshot.ts';
import {
  parsePriority,
  parseStatus,
  taskId,
  type Lock,
  type Task,
  type TaskId,
} from '../../core/task.ts';
import type { Metadata } from './metadata.ts';

/** One task of a file, its values converted but not checked. */
export interface RawTask {
  /** Empty where there is none. */
  readonly id: string;
  readonly title: string;
  readonly description: string;
  /** Undefined where it is not set, which means Todo. */
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

/** Rules that differ between kinds of stores. */
export interface TaskRules {
  /** The projects that exarp-go would not show here. */
  readonly isForeign: (projectId: string) => boolean;
  /**
   * Whether any spelling of a status is fine, as in JSON: exarp-go compares exactly only in the
   * database.
   */
  readonly isSpellingFree: boolean;
}

/** Collects the tasks of one store: each id once, and a notice for each irregularity. */
export class TaskList {
  readonly tasks: Task[] = [];
  readonly notices: Notice[] = [];
  readonly #ids = new Set<string>();
  readonly #rules: TaskRules;

  constructor(rules: TaskRules) {
    this.#rules = rules;
  }

  /**
   * Checks and adds a task. `position` counts from 1. False where its id is missing or a duplicate.
   */
  add(raw: RawTask, position: number): boolean {
    if (!this.takes(raw.id, raw.title, position)) return false;
    this.tasks.push(checkTask(raw, this.#rules, this.notices));
    return true;
  }

  /** Registers an id. False, with a notice, where it is missing or a duplicate. */
  takes(id: string, title: string, position: number): boolean {
    if (id === '') this.notices.push({ kind: 'missingId', position });
    else if (this.#ids.has(id))
      this.notices.push({ kind: 'duplicateId', id: taskId(id), title, position });
    else {
      this.#ids.add(id);
      return true;
    }
    return false;
  }
}

/** Checks a task with an id that is not empty, and adds irregularities to `notices`. */
export function checkTask(
  raw: RawTask,
  { isForeign, isSpellingFree }: TaskRules,
  notices: Notice[],
): Task {
  const id = taskId(raw.id);
  const text = raw.status ?? '';
  const status = parseStatus(text);
  if (status === 'Unknown') notices.push({ kind: 'unknownStatus', id, text });
  else if (status !== (raw.status ?? 'Todo') && !isSpellingFree)
    notices.push({ kind: 'oddSpelling', id, text });
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

export function indexById(tasks: readonly Task[]): ReadonlyMap<TaskId, Task> {
  return new Map(tasks.map((task) => [task.id, task]));
}

/** A positive number of hours, in metadata also as text; else undefined. */
export function hoursOf(value: unknown): number | undefined {
  const hours = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof hours === 'number' && Number.isFinite(hours) && hours > 0 ? hours : undefined;
}

/**
 * The distinct texts that are not empty. Nearly every list is clean already, and is returned as it
 * is.
 */
export function distinct(texts: readonly string[]): readonly string[] {
  const isClean =
    texts.length < 20 && texts.every((text, index) => text !== '' && texts.indexOf(text) === index);
  return isClean ? texts : [...new Set(texts)].filter((text) => text !== '');
}

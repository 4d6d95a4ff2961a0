import type { Notice } from '../core/snapshot.ts';
import { parsePriority, parseStatus, taskId, type Lock, type Task, type TaskId } from '../core/task.ts';
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

/** The tasks of one store while they are read: each id once, and a notice for whatever is odd. */
export class TaskList {
  readonly tasks: Task[] = [];
  readonly notices: Notice[] = [];
  readonly #ids = new Set<string>();
  readonly #isForeign: (projectId: string) => boolean;
  readonly #isSpellingFree: boolean;

  /**
   * `isForeign` says which projects exarp-go would not show here; `isSpellingFree` that this store has statuses in any
   * spelling, as JSON has: only in the database does exarp-go compare them letter by letter.
   */
  constructor(isForeign: (projectId: string) => boolean, isSpellingFree = false) {
    this.#isForeign = isForeign;
    this.#isSpellingFree = isSpellingFree;
  }

  /** Checks a task and takes it in. `position` counts from 1. False where it has no id, or one that is there already. */
  add(raw: RawTask, position: number): boolean {
    if (raw.id === '') {
      this.notices.push({ kind: 'missingId', position });
      return false;
    }
    const id = taskId(raw.id);
    if (this.#ids.has(id)) {
      this.notices.push({ kind: 'duplicateId', id });
      return false;
    }
    this.#ids.add(id);
    const status = parseStatus(raw.status ?? '');
    const text = raw.status ?? '';
    if (status === 'Unknown') this.notices.push({ kind: 'unknownStatus', id, text });
    else if (status !== (raw.status ?? 'Todo') && !this.#isSpellingFree) {
      this.notices.push({ kind: 'oddSpelling', id, text });
    }
    if (this.#isForeign(raw.projectId)) {
      this.notices.push({ kind: 'foreignProject', id, project: raw.projectId || undefined });
    }
    const { value: metadata, fault } = raw.metadata;
    if (fault !== undefined) this.notices.push({ kind: 'badMetadata', id, detail: fault });
    this.tasks.push({
      id,
      title: raw.title,
      description: raw.description,
      status,
      rawStatus: raw.status ?? '',
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
    });
    return true;
  }
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

/** Nearly every list is free of both already, and is then taken as it is. */
function distinct(texts: readonly string[]): readonly string[] {
  const isClean = texts.length < 20 && texts.every((text, index) => text !== '' && texts.indexOf(text) === index);
  return isClean ? texts : [...new Set(texts)].filter((text) => text !== '');
}

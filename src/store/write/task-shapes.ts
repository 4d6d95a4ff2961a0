// Shapes in messages to the writer process. Names of columns and tables become part of statements,
// so only known ones are accepted.
import type { Change, NeverNullColumn, WritableStatus } from '../../core/edit/change.ts';
import * as plain from '../../core/shape.ts';
import type { Shape } from '../../core/shape.ts';
import { taskIdShape as id } from '../../core/task-id-shape.ts';
import { STATUSES, type Priority, type Status, type Task } from '../../core/task.ts';

const { finite, listOf, maybe, objectOf, oneOf, record, someText, text, unionOf } = plain;

const writable: Shape<WritableStatus> = oneOf(
  'Todo',
  'In Progress',
  'Review',
  'Done',
  'Blocked',
  'Cancelled',
);
const PRIORITIES = ['critical', 'high', 'medium', 'low'] as const satisfies readonly Priority[];

const priority = oneOf(...PRIORITIES);
const column: Shape<NeverNullColumn> = oneOf(
  'content',
  'long_description',
  'status',
  'priority',
  'completed',
);

export const change: Shape<Change> = unionOf<Change>({
  create: {
    id,
    title: someText,
    description: text,
    priority,
    tags: listOf(text),
    dependencies: listOf(id),
    parentId: maybe(id),
  },
  delete: { id, version: finite },
  setTitle: { id, from: text, to: someText },
  setDescription: { id, from: text, to: text },
  setStatus: { id, from: text, to: writable },
  setPriority: { id, from: text, to: priority },
  setTags: { id, from: listOf(text), to: listOf(text) },
  addDependency: { id, on: id },
  removeDependency: { id, on: someText },
  setParent: { id, from: maybe(id), to: maybe(id) },
  setProject: {
    id,
    from: maybe(someText),
    to: someText,
    lost: maybe(objectOf({ parentId: maybe(id), metadata: record })),
  },
  fillNull: { id, column },
  clearLock: { id, holder: someText, until: maybe(finite), reason: text },
  removeOrphan: { id: someText, table: oneOf('task_tags', 'task_dependencies'), value: text },
});

/** A task for a new store. */
export const importable: Shape<Task> = objectOf<Task>({
  id,
  title: text,
  description: text,
  status: oneOf(...STATUSES),
  rawStatus: text,
  priority: oneOf(...PRIORITIES, 'other'),
  rawPriority: text,
  tags: listOf(text),
  dependencies: listOf(id),
  parentId: maybe(id),
  projectId: maybe(text),
  lock: maybe(objectOf({ holder: text, since: maybe(finite), until: maybe(finite) })),
  metadata: record,
  estimatedHours: maybe(finite),
  createdAt: maybe(finite),
  modifiedAt: maybe(finite),
  completedAt: maybe(finite),
  version: finite,
});

/** A text for each status. */
export const textByStatus: Shape<Readonly<Record<Status, string>>> = objectOf({
  Todo: someText,
  'In Progress': someText,
  Review: someText,
  Done: someText,
  Blocked: someText,
  Cancelled: someText,
  Unknown: someText,
});

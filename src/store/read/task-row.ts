import type { Notice } from '../../core/snapshot.ts';
import { taskId, type Lock, type Task } from '../../core/task.ts';
import { readMetadataBlob, readMetadataText, type Metadata } from './metadata.ts';
import { readDate, readSeconds } from './read-date.ts';
import type { Cell } from './record.ts';
import { checkTask, hoursOf, type TaskRules } from './task-list.ts';

/** Everything of a task that is in its row. Which of these a store has depends on how old it is; only `id` must be there. */
export const COLUMNS = [
  ...['id', 'name', 'content', 'long_description', 'status', 'priority', 'completed', 'created', 'last_modified'],
  ...['completed_at', 'created_at', 'updated_at', 'project_id', 'metadata', 'metadata_format', 'metadata_protobuf'],
  ...['version', 'assignee', 'assigned_at', 'lock_until', 'parent_id', 'estimated_hours'],
] as const;

/** Where in a row each column is. */
export const AT = Object.fromEntries(COLUMNS.map((column, index) => [column, index])) as Readonly<
  Record<(typeof COLUMNS)[number], number>
>;

/** exarp-go reads these into types without a null: one of them in one row, and it lists no task at all. */
const NEVER_NULL = ['content', 'long_description', 'status', 'priority', 'completed'] as const;

/** The columns of `COLUMNS` in their order; undefined for one that the store has not. */
export type Row = readonly Cell[];

/** What other tables say of a task. */
export interface Others {
  readonly tags: readonly string[];
  readonly dependencies: readonly string[];
  readonly lock: Lock | undefined;
}

/** Checks a row that has an id. What is odd about it goes to `notices`. */
export function taskOf(row: Row, { tags, dependencies, lock }: Others, rules: TaskRules, notices: Notice[]): Task {
  const id = textOf(row[AT.id]);
  const status = row[AT.status];
  const task = checkTask(
    {
      id,
      title: textOf(row[AT.content]) || textOf(row[AT.name]),
      description: textOf(row[AT.long_description]),
      status: status === null || status === undefined ? undefined : textOf(status),
      priority: textOf(row[AT.priority]),
      tags,
      dependencies,
      parentId: textOf(row[AT.parent_id]),
      projectId: textOf(row[AT.project_id]),
      lock,
      metadata: metadataOf(row),
      estimatedHours: hoursOf(row[AT.estimated_hours]),
      createdAt: readDate(row[AT.created]) ?? readDate(row[AT.created_at]),
      modifiedAt: readDate(row[AT.last_modified]) ?? readDate(row[AT.updated_at]),
      completedAt: readDate(row[AT.completed_at]),
      version: versionOf(row[AT.version]),
    },
    rules,
    notices,
  );
  for (const column of NEVER_NULL) {
    if (row[AT[column]] === null) notices.push({ kind: 'nullColumn', id: taskId(id), column });
  }
  return task;
}

/** What the three lock columns of a row say. */
export function lockOf(row: Row): Lock | undefined {
  const holder = textOf(row[AT.assignee]);
  if (holder === '') return undefined;
  return { holder, since: readSeconds(row[AT.assigned_at]), until: readSeconds(row[AT.lock_until]) };
}

/** As exarp-go reads it: the blob comes before the text where the row says so. */
function metadataOf(row: Row): Metadata {
  const blob = row[AT.metadata_protobuf];
  const text = textOf(row[AT.metadata]);
  if (!(blob instanceof Uint8Array) || blob.length === 0 || row[AT.metadata_format] !== 'protobuf') {
    return readMetadataText(text);
  }
  const fromBlob = readMetadataBlob(blob);
  if (fromBlob === undefined) return readMetadataText(text);
  if (fromBlob.fault === undefined) return fromBlob;
  return { ...readMetadataText(text), fault: fromBlob.fault };
}

function versionOf(cell: Cell): number {
  return typeof cell === 'number' && Number.isSafeInteger(cell) ? cell : 0;
}

/** A value as text; nothing is the empty one. */
export function textOf(cell: Cell): string {
  if (typeof cell === 'string') return cell;
  if (cell === null || cell === undefined) return '';
  // What was once read as text is decoded like one.
  return typeof cell === 'number' ? String(cell) : Buffer.from(cell).toString('utf8');
}

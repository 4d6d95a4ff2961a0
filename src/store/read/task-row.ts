import type { Notice } from '../../core/snapshot.ts';
import { taskId, type Lock, type Task } from '../../core/task.ts';
import { readMetadataBlob, readMetadataText, type Metadata } from './metadata.ts';
import { readDate, readSeconds } from './read-date.ts';
import type { Cell } from './record.ts';
import { checkTask, hoursOf, type TaskRules } from './task-list.ts';

/** The columns of a task. Older stores lack some of them; only `id` is required. */
export const COLUMNS = [
  ...[
    'id',
    'name',
    'content',
    'long_description',
    'status',
    'priority',
    'completed',
    'created',
    'last_modified',
  ],
  ...[
    'completed_at',
    'created_at',
    'updated_at',
    'project_id',
    'metadata',
    'metadata_format',
    'metadata_protobuf',
  ],
  ...['version', 'assignee', 'assigned_at', 'lock_until', 'parent_id', 'estimated_hours'],
] as const;

/** The index of each column in a row. */
export const AT = Object.fromEntries(COLUMNS.map((column, index) => [column, index])) as Readonly<
  Record<(typeof COLUMNS)[number], number>
>;

/** exarp-go reads these into types without null: a single one, and it lists no task at all. */
const NEVER_NULL = ['content', 'long_description', 'status', 'priority', 'completed'] as const;

/** The values of `COLUMNS`, in order; undefined for a column that the store lacks. */
export type Row = readonly Cell[];

/** The values of a task from other tables. */
export interface Others {
  readonly tags: readonly string[];
  readonly dependencies: readonly string[];
  readonly lock: Lock | undefined;
}

/** Checks a row that has an id, and adds irregularities to `notices`. */
export function taskOf(
  row: Row,
  { tags, dependencies, lock }: Others,
  rules: TaskRules,
  notices: Notice[],
): Task {
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

/** The lock in the three lock columns. */
export function lockOf(row: Row): Lock | undefined {
  const holder = textOf(row[AT.assignee]);
  if (holder === '') return undefined;
  return {
    holder,
    since: readSeconds(row[AT.assigned_at]),
    until: readSeconds(row[AT.lock_until]),
  };
}

/** As in exarp-go, the blob comes before the text where `metadata_format` says so. */
function metadataOf(row: Row): Metadata {
  const blob = row[AT.metadata_protobuf];
  const text = textOf(row[AT.metadata]);
  if (
    !(blob instanceof Uint8Array) ||
    blob.length === 0 ||
    row[AT.metadata_format] !== 'protobuf'
  ) {
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

/** A value as text; null and undefined are empty. */
export function textOf(cell: Cell): string {
  if (typeof cell === 'string') return cell;
  if (cell === null || cell === undefined) return '';
  // A blob in a text column is decoded as text.
  return typeof cell === 'number' ? String(cell) : Buffer.from(cell).toString('utf8');
}

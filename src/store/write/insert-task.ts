import type { SQLInputValue } from 'node:sqlite';
import type { TaskId } from '../../core/task.ts';
import { type EditContext, writePairs } from './edit-row.ts';
import { seconds } from './lock-row.ts';
import { formatRfc3339 } from './rfc3339.ts';
import { columnNames } from './table-columns.ts';

/** A new row; times are epoch ms. */
export interface NewRow {
  readonly id: TaskId;
  readonly title: string;
  readonly description: string;
  readonly status: string;
  readonly priority: string;
  readonly tags: readonly string[];
  readonly parentId: TaskId | undefined;
  /** Default: the project of this root. */
  readonly projectId?: string | undefined;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly estimatedHours?: number | undefined;
  /** Default: now. */
  readonly createdAt?: number | undefined;
  readonly modifiedAt?: number | undefined;
  readonly completedAt?: number | undefined;
}

/**
 * Inserts a task as exarp-go would, into the columns that the table has; columns that exarp-go
 * reads as non-null are never NULL. The caller adds dependencies, as their tasks must exist.
 */
export function insertTask(context: EditContext, row: NewRow): void {
  const { db, now, holder, host, project } = context;
  const { metadata = {}, createdAt = now, modifiedAt = createdAt } = row;
  const isDone = row.status === 'Done';
  const all: Readonly<Record<string, SQLInputValue>> = {
    id: row.id,
    name: '',
    content: row.title,
    long_description: row.description,
    status: row.status,
    priority: row.priority,
    completed: isDone ? 1 : 0,
    created: formatRfc3339(createdAt),
    last_modified: formatRfc3339(modifiedAt),
    completed_at: isDone ? formatRfc3339(row.completedAt ?? modifiedAt) : '',
    project_id: row.projectId ?? project,
    metadata: Object.keys(metadata).length === 0 ? '' : JSON.stringify(metadata),
    metadata_format: 'json',
    version: 1,
    created_at: seconds(createdAt),
    updated_at: seconds(modifiedAt),
    ...(row.parentId === undefined ? {} : { parent_id: row.parentId }),
    ...(row.estimatedHours === undefined ? {} : { estimated_hours: row.estimatedHours }),
    host,
    agent: holder,
  };
  const columns = columnNames(db, 'tasks');
  const values = Object.entries(all).filter(([name]) => columns.has(name));
  db.prepare(
    `INSERT INTO tasks (${values.map(([name]) => name).join(', ')}) VALUES (${values.map(() => '?').join(', ')})`,
  ).run(...values.map(([, value]) => value));
  writePairs(db, 'task_tags', row.id, row.tags);
}

import type { Change } from '../../src/core/edit/change.ts';
import { taskId } from '../../src/core/task.ts';
import type { EditContext } from '../../src/store/write/edit-row.ts';
import { applyChanges } from '../../src/store/write/edit-statements.ts';
import { all, type Columns, lockDb } from './lock-db.ts';

/**
 * A store in memory with these rows, and further statements run on it; the editor is this window.
 */
export function editDb(rows: readonly Columns[], statements: readonly string[] = []): EditContext {
  return { ...lockDb(rows, statements), project: 'shop', host: 'desk' };
}

/**
 * Makes changes as the writer process does: all of them or none. Answers `ok` or the kind of the
 * failure.
 */
export function apply(editor: EditContext, ...changes: readonly Change[]): string {
  const outcome = applyResult(editor, changes);
  return outcome.ok ? 'ok' : outcome.failure.kind;
}

export function applyResult(
  editor: EditContext,
  changes: readonly Change[],
): ReturnType<typeof applyChanges> {
  editor.db.exec('BEGIN IMMEDIATE');
  const outcome = applyChanges(editor, changes);
  editor.db.exec(outcome.ok ? 'COMMIT' : 'ROLLBACK');
  return outcome;
}

/** Every row of every table, by table, for saying what an edit did not touch. */
export function everything(
  editor: EditContext,
): Readonly<Record<string, readonly Record<string, unknown>[]>> {
  const tables = all(
    editor,
    `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`,
  );
  return Object.fromEntries(
    tables.map(({ name }) => [
      String(name),
      all(editor, `SELECT * FROM ${String(name)} ORDER BY 1, 2`),
    ]),
  );
}

/** A change that makes a Todo of medium priority, except for what `fields` says. */
export function creation(
  id: string,
  fields: Partial<Extract<Change, { kind: 'create' }>> = {},
): Extract<Change, { kind: 'create' }> {
  return {
    kind: 'create',
    id: taskId(id),
    title: `Title of ${id}`,
    description: '',
    priority: 'medium',
    tags: [],
    dependencies: [],
    parentId: undefined,
    ...fields,
  };
}

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyToTasks } from '../../src/core/edit/apply-to-tasks.ts';
import type { Change } from '../../src/core/edit/change.ts';
import { taskId, type Task, type TaskId } from '../../src/core/task.ts';
import type { EditContext } from '../../src/store/write/edit-row.ts';
import { SCHEMA } from '../../src/store/write/schema.ts';
import { readTasks } from '../support/read-tasks.ts';
import { applyResult, creation } from '../support/edit-db.ts';
import { insertRow, ME, NOW, NOW_S, THEM } from '../support/lock-db.ts';
import { folderFor, SQL } from '../support/stores.ts';

const IDS = ['T-1', 'T-2', 'T-3', 'T-4', 'T-5'].map(taskId);
const id = fc.constantFrom(...IDS);
const anyId = fc.constantFrom(...IDS, taskId('T-6'));
const status = fc.constantFrom('Todo', 'In Progress', 'Review', 'Done', 'Blocked', 'Cancelled');
const rawStatus = fc.constantFrom('Todo', 'in_progress', 'In Progress', 'Done', 'done', 'odd');
const priority = fc.constantFrom('critical', 'high', 'medium', 'low');
const tags = fc.subarray(['api', 'ui', 'docs']);
const text = fc.constantFrom('', 'one', 'two\nlines');
const project = fc.constantFrom(undefined, 'shop', 'elsewhere');

interface RowSpec {
  readonly status: string;
  readonly priority: string;
  readonly text: string;
  readonly tags: readonly string[];
  readonly dependencies: readonly TaskId[];
  readonly parent: TaskId | undefined;
  readonly project: string | undefined;
  readonly lock: readonly [holder: string, until: number | null] | undefined;
}

const rowSpec: fc.Arbitrary<RowSpec> = fc.record({
  ...{ status: rawStatus, priority: fc.constantFrom('', 'high', 'P1', 'odd'), text, tags, project },
  dependencies: fc.subarray(IDS, { maxLength: 2 }),
  parent: fc.option(id, { nil: undefined, freq: 4 }),
  lock: fc.constantFrom(
    ...[undefined, undefined, [ME, NOW_S + 9], [THEM, NOW_S + 9], [THEM, NOW_S - 9], [THEM, null]],
  ) as fc.Arbitrary<RowSpec['lock']>,
});

/** `from` is what the task has at the start, most of the time; `wrong` makes it something else. */
type Wish = (task: Task | undefined, wrong: boolean) => Change;

const wish: fc.Arbitrary<Wish> = fc.oneof(
  fc
    .record({
      id: anyId,
      priority,
      tags,
      parent: fc.option(anyId, { nil: undefined }),
      on: fc.subarray(IDS),
    })
    .map(
      (w): Wish =>
        () =>
          creation(w.id, {
            ...w,
            priority: w.priority as 'low',
            dependencies: w.on,
            parentId: w.parent,
          }),
    ),
  anyId.map((of): Wish => (t, wrong) => ({
    kind: 'delete',
    id: of,
    version: (t?.version ?? 1) + Number(wrong),
  })),
  fc.tuple(anyId, text).map(([of, to]): Wish => (t, wrong) => ({
    kind: 'setTitle',
    id: of,
    from: wrong ? 'x' : (t?.title ?? ''),
    to: to || 'new',
  })),
  fc.tuple(anyId, text).map(([of, to]): Wish => (t, wrong) => ({
    kind: 'setDescription',
    id: of,
    from: wrong ? 'x' : (t?.description ?? ''),
    to,
  })),
  fc.tuple(anyId, status).map(([of, to]): Wish => (t, wrong) => ({
    kind: 'setStatus',
    id: of,
    from: wrong ? 'x' : (t?.rawStatus ?? ''),
    to: to as 'Done',
  })),
  fc.tuple(anyId, priority).map(([of, to]): Wish => (t, wrong) => ({
    kind: 'setPriority',
    id: of,
    from: wrong ? 'x' : (t?.rawPriority ?? ''),
    to: to as 'low',
  })),
  fc.tuple(anyId, tags).map(([of, to]): Wish => (t, wrong) => ({
    kind: 'setTags',
    id: of,
    from: wrong ? ['x'] : (t?.tags ?? []),
    to,
  })),
  fc.tuple(anyId, anyId).map(([of, on]): Wish => () => ({ kind: 'addDependency', id: of, on })),
  fc.tuple(anyId, anyId).map(([of, on]): Wish => () => ({ kind: 'removeDependency', id: of, on })),
  fc.tuple(anyId, fc.option(anyId, { nil: undefined })).map(([of, to]): Wish => (t, wrong) => ({
    kind: 'setParent',
    id: of,
    from: wrong ? taskId('x') : t?.parentId,
    to,
  })),
  anyId.map((of): Wish => (t, wrong) => ({
    kind: 'setProject',
    id: of,
    from: wrong ? 'x' : t?.projectId,
    to: 'shop',
  })),
  anyId.map((of): Wish => (t, wrong) => ({
    ...{ kind: 'clearLock', id: of, holder: wrong ? 'x' : (t?.lock?.holder ?? THEM) },
    ...{ until: t?.lock?.until, reason: 'why' },
  })),
);

test('a preview of any edits shows what writing them comes to, failures included', (t) => {
  const file = join(folderFor(t), 'todo2.db');
  using editor = emptyStore(file);
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(
      fc.array(rowSpec, { minLength: IDS.length, maxLength: IDS.length }),
      fc.array(fc.tuple(wish, fc.nat(9)), { minLength: 1, maxLength: 4 }),
      (specs, wishes) => {
        fill(editor, specs);
        const before = tasksOf(file);
        const byId = new Map(before.map((task) => [task.id, task]));
        const changes = wishes.map(([make, n]) => {
          const probe = make(undefined, false);
          return make(byId.get(taskId(probe.id)), n === 0);
        });
        const isOurs = (holder: string): boolean => holder === ME;
        const preview = applyToTasks(before, changes, { project: 'shop', isOurs, now: NOW });
        const written = applyResult(editor, changes);
        const after = tasksOf(file);
        const outcome = written.ok ? 'ok' : written.failure.kind;
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
        if (!preview.ok || !written.ok) {
          // Of two ways round of the same length either may be told.
          const told = [preview, written].map((each) =>
            each.ok ? each : { ...each.failure, path: undefined },
          );
          assert.deepEqual(told[0], told[1]);
          assert.deepEqual(after, before, 'what failed has written nothing');
        } else {
          assert.deepEqual(sorted(preview.value), sorted(after));
        }
      },
    ),
    { seed: 20260105, numRuns: 400 },
  );
  for (const kind of ['ok', 'changedMeanwhile', 'noSuchTask', 'held', 'unleased', 'wouldCycle']) {
    assert.ok((seen.get(kind) ?? 0) > 3, `${kind} came up ${seen.get(kind) ?? 0} times`);
  }
});

/** One file for all, without a journal beside it: whatever was committed is in its bytes. */
function emptyStore(file: string): EditContext & Disposable {
  const db = new DatabaseSync(file);
  db.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON');
  for (const statement of SCHEMA) db.exec(statement);
  return {
    db,
    holder: ME,
    now: NOW,
    project: 'shop',
    host: 'desk',
    [Symbol.dispose]: () => db.close(),
  };
}

function fill(editor: EditContext, specs: readonly RowSpec[]): void {
  editor.db.exec('BEGIN; DELETE FROM tasks');
  for (const [index, spec] of specs.entries()) {
    insertRow(editor.db, {
      ...{
        id: IDS[index]!,
        content: `Title ${index}`,
        long_description: spec.text,
        status: spec.status,
      },
      ...{
        priority: spec.priority,
        completed_at: '',
        last_modified: '2026-01-05T09:00:00Z',
        version: index + 1,
        parent_id: spec.parent ?? null,
      },
      ...{
        project_id: spec.project ?? null,
        assignee: spec.lock?.[0] ?? null,
        lock_until: spec.lock?.[1] ?? null,
      },
    });
  }
  for (const [index, spec] of specs.entries()) {
    for (const tag of spec.tags) insertRow(editor.db, { task_id: IDS[index]!, tag }, 'task_tags');
    for (const on of spec.dependencies) {
      if (on === IDS[index]) continue;
      insertRow(editor.db, { task_id: IDS[index]!, depends_on_id: on }, 'task_dependencies');
    }
  }
  editor.db.exec('COMMIT');
}

/** As the extension reads them. */
function tasksOf(file: string): readonly Task[] {
  const read = readTasks(SQL, readFileSync(file), 'shop');
  if (!read.ok) throw new Error(read.failure.detail);
  return read.value.tasks;
}

function sorted(tasks: readonly Task[]): readonly Task[] {
  // A row that has no date of its own is read as having been made when it was last changed in some
  // other way.
  return [...tasks]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map((task) => ({ ...task, createdAt: undefined }));
}

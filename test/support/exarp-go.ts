/**
 * A stand-in of exarp-go, as it was measured beside us: each of its updates reads all tasks, works
 * for a while, and writes all of them back as it had read them, with the JSON file as a second
 * source. It opens the database, so it belongs into a process of its own.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { formatRfc3339 } from '../../src/store/write/rfc3339.ts';

export interface ExarpGoOptions {
  readonly project: string;
  /** How long it works between reading and writing, in ms; asked for each update. */
  readonly waitMs: () => number;
  /** Its own form is a commit per task; in one commit the others see less of it. */
  readonly commits: () => 'each' | 'one';
  readonly agent: string;
}

interface Row {
  readonly id: string;
  content: string;
  long_description: string;
  status: string;
  priority: string;
  completed: number;
  completed_at: string;
  metadata: string;
  parent_id: string | null;
  project_id: string | null;
  tags: string[];
  dependencies: string[];
}

export interface ExarpUpdate {
  readonly status?: string;
  readonly title?: string;
  readonly description?: string;
  readonly priority?: string;
}

const LEASE_S = 30 * 60;
const PAIRS = [
  ['task_tags', 'tag', 'tags'],
  ['task_dependencies', 'depends_on_id', 'dependencies'],
] as const;

export class ExarpGo {
  readonly #db: DatabaseSync;
  readonly #json: string;
  readonly #options: ExarpGoOptions;

  constructor(db: DatabaseSync, file: string, options: ExarpGoOptions) {
    this.#db = db;
    this.#json = join(dirname(file), 'state.todo2.json');
    this.#options = options;
    db.exec('PRAGMA busy_timeout = 30000; PRAGMA foreign_keys = ON; PRAGMA synchronous = NORMAL');
  }

  /**
   * `task update`: changes these tasks, then reads and writes all. To In Progress it claims, and
   * writes the task back without what a claim does not read. Answers what it could change.
   */
  async update(ids: readonly string[], change: ExarpUpdate): Promise<readonly string[]> {
    const updated: string[] = [];
    for (const id of ids) {
      const task = change.status === 'In Progress' ? this.#claim(id) : this.#read(id);
      if (task === undefined) continue;
      if (change.status !== undefined) task.status = change.status;
      if (change.title !== undefined) task.content = change.title;
      if (change.description !== undefined) task.long_description = change.description;
      if (change.priority !== undefined) task.priority = change.priority;
      this.#transact(() => this.#write(task));
      await this.sync();
      updated.push(id);
    }
    return updated;
  }

  /** Reads database and JSON file, the database first, and writes all of it into both. */
  async sync(): Promise<void> {
    const all = new Map<string, Row>();
    for (const task of this.#readJson()) all.set(task.id, task);
    for (const task of this.#list()) all.set(task.id, task);
    await wait(this.#options.waitMs());
    const tasks = [...all.values()].filter(({ id }) => !id.startsWith('AUTO-'));
    const write = (task: Row): void => {
      if (!this.#write(task)) this.#create(task);
    };
    if (this.#options.commits() === 'one') this.#transact(() => tasks.forEach(write));
    else
      for (const [n, task] of tasks.entries()) {
        this.#transact(() => write(task));
        if (n % 20 === 19) await wait(0);
      }
    for (const { id } of this.#list()) {
      if (!all.has(id))
        this.#transact(() => this.#db.prepare('DELETE FROM tasks WHERE id = ?').run(id));
    }
    this.#writeJson([...all.values()]);
  }

  /** `task create`: a row, and nothing in the JSON file. */
  create(id: string, title: string): void {
    this.#transact(() =>
      this.#create({
        ...{ id, content: title, long_description: title, status: 'Todo', priority: 'medium' },
        ...{ completed: 0, completed_at: '', metadata: '', parent_id: null, tags: [] },
        ...{ project_id: this.#options.project, dependencies: [] },
      }),
    );
  }

  /** `add_comment`. */
  comment(id: string, type: string, content: string): void {
    const now = formatRfc3339(Date.now());
    this.#db
      .prepare(
        `INSERT INTO task_comments (id, task_id, comment_type, content, created, last_modified)
          VALUES (?, ?, ?, ?, ?, ?)`,
      )
      .run(`${id}-C-${Date.now()}000000`, id, type, content, now, now);
  }

  /** `task delete`: from the JSON file first. */
  delete(id: string): void {
    this.#writeJson(this.#readJson().filter((task) => task.id !== id));
    this.#transact(() => this.#db.prepare('DELETE FROM tasks WHERE id = ?').run(id));
  }

  /** Dead-agent cleanup: what has expired is released, and In Progress becomes Todo. */
  cleanUp(): void {
    this.#db
      .prepare(
        `UPDATE tasks SET assignee = NULL, assigned_at = NULL, lock_until = NULL, version = version + 1,
          status = CASE status WHEN 'In Progress' THEN 'Todo' ELSE status END
          WHERE assignee IS NOT NULL AND lock_until < CAST(strftime('%s', 'now') AS INTEGER)`,
      )
      .run();
  }

  #claim(id: string): Row | undefined {
    const now = Math.floor(Date.now() / 1000);
    const row = this.#db.prepare('SELECT version FROM tasks WHERE id = ?').get(id);
    const { changes } = this.#db
      .prepare(
        `UPDATE tasks SET assignee = :agent, assigned_at = :now, lock_until = :until,
          status = 'In Progress', version = version + 1, updated_at = :now
          WHERE id = :id AND version = :version AND status IN ('Todo', 'In Progress')
          AND (assignee IS NULL OR lock_until IS NULL OR lock_until < :now)`,
      )
      .run({
        ...{ agent: this.#options.agent, now, until: now + LEASE_S, id },
        version: Number(row?.['version'] ?? 0),
      });
    const task = changes === 1 ? this.#read(id) : undefined;
    // A claim does not read these, and the update that follows writes them all the same.
    return task && { ...task, metadata: '', parent_id: null, project_id: null };
  }

  #read(id: string): Row | undefined {
    const row = this.#db.prepare('SELECT * FROM tasks WHERE id = ?').get(id);
    return row && this.#rowOf(row);
  }

  #list(): readonly Row[] {
    return this.#db
      .prepare('SELECT * FROM tasks WHERE project_id = ? ORDER BY created_at DESC')
      .all(this.#options.project)
      .map((row) => this.#rowOf(row));
  }

  #rowOf(row: Readonly<Record<string, unknown>>): Row {
    const id = String(row['id']);
    const text = (name: string): string => (row[name] ?? '') as string;
    const pairs = PAIRS.map(([table, column]) =>
      this.#db
        .prepare(`SELECT ${column} AS value FROM ${table} WHERE task_id = ? ORDER BY ${column}`)
        .all(id)
        .map(({ value }) => String(value)),
    );
    return {
      id,
      content: text('content'),
      long_description: text('long_description'),
      status: text('status'),
      priority: text('priority'),
      completed: Number(row['completed']),
      completed_at: text('completed_at'),
      metadata: text('metadata'),
      parent_id: row['parent_id'] === null ? null : text('parent_id'),
      project_id: row['project_id'] === null ? null : text('project_id'),
      tags: pairs[0] ?? [],
      dependencies: pairs[1] ?? [],
    };
  }

  /** False where the row is gone. Lock columns, creation and name stay. */
  #write(task: Row): boolean {
    const now = Date.now();
    const completedAt =
      task.status === 'Done' && task.completed_at === '' ? formatRfc3339(now) : task.completed_at;
    const { changes } = this.#db
      .prepare(
        `UPDATE tasks SET content = ?, long_description = ?, status = ?, priority = ?, completed = ?,
          last_modified = ?, completed_at = ?, metadata = ?, metadata_protobuf = x'', metadata_format = 'protobuf',
          parent_id = ?, project_id = ?, host = 'there', agent = ?, version = version + 1, updated_at = ?
          WHERE id = ?`,
      )
      .run(
        ...[task.content, task.long_description, task.status, task.priority, task.completed],
        ...[formatRfc3339(now), completedAt, task.metadata, task.parent_id, task.project_id],
        ...[this.#options.agent, Math.floor(now / 1000), task.id],
      );
    if (changes === 0) return false;
    this.#writePairs(task);
    return true;
  }

  #create(task: Row): void {
    const now = formatRfc3339(Date.now());
    this.#db
      .prepare(
        `INSERT INTO tasks (id, name, content, long_description, status, priority, completed, created,
          last_modified, completed_at, project_id, metadata, metadata_format, parent_id, version)
          VALUES (?, '', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'protobuf', ?, 1)`,
      )
      .run(
        ...[task.id, task.content, task.long_description, task.status, task.priority],
        ...[task.completed, now, now, task.completed_at, task.project_id ?? this.#options.project],
        ...[task.metadata, task.parent_id],
      );
    this.#writePairs(task);
  }

  #writePairs(task: Row): void {
    for (const [table, column, key] of PAIRS) {
      this.#db.prepare(`DELETE FROM ${table} WHERE task_id = ?`).run(task.id);
      for (const value of task[key]) {
        const isThere =
          key === 'tags' ||
          this.#db.prepare('SELECT 1 FROM tasks WHERE id = ?').get(value) !== undefined;
        if (isThere)
          this.#db
            .prepare(`INSERT INTO ${table} (task_id, ${column}) VALUES (?, ?)`)
            .run(task.id, value);
      }
    }
  }

  #transact(body: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      body();
      this.#db.exec('COMMIT');
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  #readJson(): readonly Row[] {
    if (!existsSync(this.#json)) return [];
    const { todos } = JSON.parse(readFileSync(this.#json, 'utf8')) as { readonly todos: Row[] };
    return todos.map((task) => ({
      ...task,
      project_id: task.project_id ?? this.#options.project,
      parent_id: task.parent_id ?? null,
      tags: task.tags,
      dependencies: task.dependencies,
    }));
  }

  #writeJson(tasks: readonly Row[]): void {
    writeFileSync(this.#json, JSON.stringify({ todos: tasks }, undefined, 2));
  }
}

/* eslint-disable @typescript-eslint/no-non-null-assertion --
   Every index below is the position of a task at hand; a check per access would only cost time. */
import type { SqlJsStatic } from 'sql.js';
import { IdIndex } from '../../core/waves/id-index.ts';
import type { Notice } from '../../core/snapshot.ts';
import { linkTasks, relinkTasks, type TaskLinks } from '../../core/waves/task-links.ts';
import type { Lock, Task, TaskId } from '../../core/task.ts';
import { AgentLocks, joinLocks } from './agent-lock-rows.ts';
import { Unsure } from './btree.ts';
import { LiveTable } from './live-table.ts';
import { PairLists } from './pair-lists.ts';
import type { PageMap, Pages } from './pages.ts';
import type { Cell } from './record.ts';
import type { StoreContent } from './store-content.ts';
import { isSameSchema, openSchema, type TaskSchema } from './task-schema.ts';
import { distinct, type TaskRules } from './task-list.ts';
import { AT, COLUMNS, lockOf, taskOf, textOf, type Row } from './task-row.ts';

/** A table of pairs and its values by task. */
interface Pairs {
  readonly table: LiveTable;
  readonly lists: PairLists;
}

/** The changes of a commit, collected from its pages. */
interface Draft {
  /** Changed and new task rows, by position. */
  readonly rows: Map<number, Row>;
  /** Positions of all tasks that may have changed. */
  readonly touched: Set<number>;
  /** Positions of tasks whose references may have changed. */
  readonly relinked: Set<number>;
  /** Positions of new tasks, by id. */
  readonly added: Map<string, number>;
  noticesChanged: boolean;
}

const NOTHING: readonly string[] = [];

/**
 * The tasks in a database image, read from its pages, and updated in proportion to what a commit
 * changed.
 *
 * Throws `Unsure` for every form that it does not know; then this object is invalid and the image
 * must be read anew.
 */
export class LiveTasks {
  readonly #pages: Pages;
  readonly #rules: TaskRules;
  readonly #schema: TaskSchema;
  readonly #table: LiveTable;
  readonly #tags: Pairs | undefined;
  readonly #dependencies: Pairs | undefined;
  readonly #agentTable: LiveTable | undefined;
  readonly #agentLocks = new AgentLocks();
  /** Reused for each row of the tables of pairs and locks. */
  readonly #cells: Cell[] = [];

  // By position, in rowid order.
  #tasks: readonly Task[] = [];
  #rowids: number[] = [];
  #columnLocks: (Lock | undefined)[] = [];
  #rowNotices: (readonly Notice[] | undefined)[] = [];

  #links: TaskLinks;
  #notices: readonly Notice[] = [];
  #lockNotices: readonly Notice[] = [];
  #holdsUntil = Infinity;

  /** Reads everything. `now` decides between competing leases. */
  constructor(SQL: SqlJsStatic, pages: Pages, project: string, now: number) {
    this.#pages = pages;
    this.#schema = openSchema(SQL, pages);
    const { tasks, tags, dependencies, agentLocks } = this.#schema;
    this.#table = new LiveTable(tasks, pages);
    this.#tags = tags && { table: new LiveTable(tags, pages), lists: new PairLists() };
    this.#dependencies = dependencies && {
      table: new LiveTable(dependencies, pages),
      lists: new PairLists(),
    };
    this.#agentTable = agentLocks && new LiveTable(agentLocks, pages);
    // exarp-go shows no row of a table without the column, and a notice for each would not help.
    const hasProjects = tasks.columns.has('project_id');
    this.#rules = { isForeign: (id) => hasProjects && id !== project, isSpellingFree: false };
    this.#links = this.#readAll();
    this.tick(now);
  }

  get content(): StoreContent {
    return {
      tasks: this.#tasks,
      notices: this.#notices,
      links: this.#links,
      holdsUntil: this.#holdsUntil,
    };
  }

  /**
   * Applies a commit that `pages` already contains. `before` has every page that it wrote, as it
   * was.
   */
  follow(before: PageMap, now: number): void {
    if (!isSameSchema(this.#schema, this.#pages, before)) throw new Unsure('the schema is another');
    const draft = emptyDraft();
    this.#followTasks(before, draft);
    this.#followPairs(this.#tags, before, draft);
    this.#followPairs(this.#dependencies, before, draft);
    this.#followAgentLocks(before, draft);
    this.#finish(draft, now);
  }

  /** Evaluates competing leases again. */
  tick(now: number): void {
    this.#finish(emptyDraft(), now);
  }

  #readAll(): TaskLinks {
    const tasks: { -readonly [Key in keyof Task]: Task[Key] }[] = [];
    const ids: TaskId[] = [];
    const row: Cell[] = COLUMNS.map(() => undefined);
    let notices: Notice[] = [];
    this.#table.readAll(this.#pages, row, (rowid) => {
      const task = taskOf(
        row,
        { tags: NOTHING, dependencies: NOTHING, lock: lockOf(row) },
        this.#rules,
        notices,
      );
      if (task.id === '') throw new Unsure('a task has no id');
      tasks.push(task);
      ids.push(task.id);
      this.#rowids.push(rowid);
      this.#columnLocks.push(task.lock);
      this.#rowNotices.push(notices.length === 0 ? undefined : notices);
      if (notices.length > 0) notices = [];
    });
    const index = new IdIndex(ids);
    if (index.size !== ids.length) throw new Unsure('two tasks have one id');
    for (const pairs of [this.#tags, this.#dependencies]) {
      const areIds = pairs === this.#dependencies;
      pairs?.lists.fill(index, (take) => {
        pairs.table.readAll(this.#pages, this.#cells, () => {
          const value = textOf(this.#cells[1]);
          // Shares one string instead of keeping many equal ones.
          take(textOf(this.#cells[0]), (areIds ? ids[index.get(value)] : undefined) ?? value);
        });
      });
    }
    // The tasks are not published yet, so they may still be modified.
    for (let v = 0; v < tasks.length; v++) {
      if (this.#tags !== undefined) tasks[v]!.tags = distinct(this.#tags.lists.of(v));
      if (this.#dependencies !== undefined) {
        tasks[v]!.dependencies = distinct(this.#dependencies.lists.of(v)) as readonly TaskId[];
      }
    }
    this.#tasks = tasks;
    this.#agentTable?.readAll(this.#pages, this.#cells, (rowid) =>
      this.#agentLocks.add(rowid, this.#cells),
    );
    this.#notices = this.#allNotices();
    return linkTasks(tasks, ids, index);
  }

  #followTasks(before: PageMap, draft: Draft): void {
    const { removed, changed, added } = this.#table.follow(this.#pages, before);
    if (removed.length > 0) this.#leaveOut(new Set(removed.map(({ rowid }) => rowid)), draft);
    for (const [, cell] of changed) {
      const position = positionOf(this.#rowids, cell.rowid);
      const row = this.#table.readNew(cell, this.#pages, COLUMNS.length);
      if (this.#tasks[position]?.id !== textOf(row[AT.id]))
        throw new Unsure('a task got another id');
      draft.rows.set(position, row);
      draft.touched.add(position);
    }
    for (const cell of added) {
      const position = this.#rowids.length;
      if (cell.rowid <= (this.#rowids.at(-1) ?? -Infinity))
        throw new Unsure('positions change where a task comes between');
      const row = this.#table.readNew(cell, this.#pages, COLUMNS.length);
      const id = textOf(row[AT.id]);
      if (id === '' || this.#find(id, draft) !== -1)
        throw new Unsure('a task came with an id that is none');
      this.#rowids.push(cell.rowid);
      draft.added.set(id, position);
      draft.rows.set(position, row);
      draft.touched.add(position);
      this.#tags?.lists.adopt(id, position);
      this.#dependencies?.lists.adopt(id, position);
      draft.noticesChanged = true;
    }
  }

  /** Removes tasks; later ones move up. References to the removed tasks become orphans. */
  #leaveOut(rowids: ReadonlySet<number>, draft: Draft): void {
    const stays = (_: unknown, position: number): boolean => !rowids.has(this.#rowids[position]!);
    const tasks = this.#tasks.filter(stays);
    if (tasks.length !== this.#tasks.length - rowids.size) throw new Unsure('a task was not known');
    const { ids } = this.#links;
    for (const pairs of [this.#tags, this.#dependencies]) pairs?.lists.leaveOut(ids, stays);
    this.#links = linkTasks(tasks, ids.filter(stays));
    this.#columnLocks = this.#columnLocks.filter(stays);
    this.#rowNotices = this.#rowNotices.filter(stays);
    this.#rowids = this.#rowids.filter(stays);
    this.#tasks = tasks;
    draft.noticesChanged = true;
  }

  #followPairs(pairs: Pairs | undefined, before: PageMap, draft: Draft): void {
    if (pairs === undefined) return;
    const { table, lists } = pairs;
    for (const [row, isThere] of table.followRows(this.#pages, before)) {
      const [owner, value] = [textOf(row.cells[0]), textOf(row.cells[1])];
      const position = this.#find(owner, draft);
      if (isThere) lists.add(owner, position, value);
      else if (!lists.remove(owner, position, value)) throw new Unsure('a row was not known');
      if (position === -1) draft.noticesChanged = true;
      else draft.touched.add(position);
      if (position !== -1 && pairs === this.#dependencies) draft.relinked.add(position);
    }
  }

  #followAgentLocks(before: PageMap, draft: Draft): void {
    for (const [row, isThere] of this.#agentTable?.followRows(this.#pages, before) ?? []) {
      if (isThere) this.#agentLocks.add(row.rowid, row.cells);
      else this.#agentLocks.remove(row.rowid, row.cells);
      const position = this.#find(textOf(row.cells[0]), draft);
      if (position !== -1) draft.touched.add(position);
    }
  }

  /**
   * Rebuilds the touched tasks and what depends on them. Objects that were published stay
   * unchanged.
   */
  #finish(draft: Draft, now: number): void {
    const tasks = draft.touched.size === 0 ? this.#tasks : this.#tasks.slice();
    const next = tasks as Task[];
    for (const position of draft.touched) {
      const row = draft.rows.get(position);
      const old = this.#tasks[position];
      if (row === undefined) {
        next[position] = { ...old!, ...this.#listsOf(position), lock: this.#columnLocks[position] };
        continue;
      }
      const notices: Notice[] = [];
      this.#columnLocks[position] = lockOf(row);
      const task = taskOf(
        row,
        { ...this.#listsOf(position), lock: this.#columnLocks[position] },
        this.#rules,
        notices,
      );
      next[position] = task;
      if (task.parentId !== old?.parentId) draft.relinked.add(position);
      if (!isSame(notices, this.#rowNotices[position] ?? [])) draft.noticesChanged = true;
      this.#rowNotices[position] = notices.length === 0 ? undefined : notices;
    }
    this.#tasks = tasks;
    if (draft.relinked.size > 0 || draft.added.size > 0) {
      this.#links = relinkTasks(this.#links, tasks, draft.relinked);
    }
    this.#joinLocks(draft, now);
    if (draft.noticesChanged) this.#notices = this.#allNotices();
  }

  #joinLocks(draft: Draft, now: number): void {
    let tasks: Task[] | undefined;
    const notices: Notice[] = [];
    this.#holdsUntil = Infinity;
    for (const owner of this.#agentLocks.owners) {
      const position = this.#links.index.get(owner);
      const task = this.#tasks[position];
      if (task === undefined) continue;
      const joint = joinLocks(
        task.id,
        this.#columnLocks[position],
        this.#agentLocks.of(owner),
        now,
      );
      this.#holdsUntil = Math.min(this.#holdsUntil, joint.holdsUntil);
      if (joint.notice !== undefined) notices.push(joint.notice);
      if (isSame(joint.lock, task.lock)) continue;
      tasks ??= this.#tasks.slice();
      tasks[position] = { ...task, lock: joint.lock };
    }
    this.#tasks = tasks ?? this.#tasks;
    if (isSame(notices, this.#lockNotices)) return;
    this.#lockNotices = notices;
    draft.noticesChanged = true;
  }

  #listsOf(position: number): Pick<Task, 'tags' | 'dependencies'> {
    return {
      tags: distinct(this.#tags?.lists.of(position) ?? []),
      dependencies: distinct(this.#dependencies?.lists.of(position) ?? []) as readonly TaskId[],
    };
  }

  #find(id: string, draft: Draft): number {
    return draft.added.get(id) ?? this.#links.index.get(id);
  }

  #allNotices(): readonly Notice[] {
    const all: Notice[] = [];
    for (const notices of this.#rowNotices) if (notices !== undefined) all.push(...notices);
    return [
      ...all,
      ...this.#lockNotices,
      ...(this.#tags?.lists.orphanNotices('task_tags') ?? []),
      ...(this.#dependencies?.lists.orphanNotices('task_dependencies') ?? []),
    ];
  }
}

function emptyDraft(): Draft {
  return {
    rows: new Map(),
    touched: new Set(),
    relinked: new Set(),
    added: new Map(),
    noticesChanged: false,
  };
}

function positionOf(rowids: readonly number[], rowid: number): number {
  let [low, high] = [0, rowids.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rowids[middle]! < rowid) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

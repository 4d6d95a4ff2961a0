import { diagnose } from '../../src/core/doctor/diagnose.ts';
import type { Finding } from '../../src/core/doctor/finding.ts';
import type { Change } from '../../src/core/edit/change.ts';
import type { Processes } from '../../src/core/ports.ts';
import type { Notice, Snapshot } from '../../src/core/snapshot.ts';
import { parsePriority, parseStatus, taskId, type Lock } from '../../src/core/task.ts';
import { DEFAULT_WAVE_OPTIONS, planWaves } from '../../src/core/waves/waves.ts';
import { TaskList } from '../../src/store/read/task-list.ts';
import { ME, NOW } from './fake-backlog.ts';
import { byId } from './backlog.ts';

/** A row as a database has it, with what a task has none of: NULLs. */
export interface Row {
  readonly id: string;
  readonly title?: string | null;
  readonly description?: string;
  readonly status?: string | null;
  readonly priority?: string | null;
  readonly dependencies?: readonly string[];
  readonly parentId?: string;
  readonly project?: string | null;
  readonly lock?: Lock;
  readonly createdAt?: number;
  readonly fault?: string;
  /** Who holds it in the table of agent locks. */
  readonly other?: string;
}

/** A tag or dependency whose task is not there. */
export type Orphan = Omit<Extract<Notice, { kind: 'orphanRow' }>, 'kind'>;

export interface Store {
  readonly rows: readonly Row[];
  readonly orphans?: readonly Orphan[];
  readonly source?: 'sqlite' | 'json';
}

export const PROJECT = 'shop';

/** This machine, `desk`, on which only the process 100, our own, and 200 live. */
export const DESK: Processes = { hostname: 'desk', isAlive: (pid) => pid === 100 || pid === 200 };

/** What the reader makes of these rows. */
export function read({ rows, orphans = [], source = 'sqlite' }: Store): Snapshot {
  const list = new TaskList({
    isForeign: (project) => project !== PROJECT,
    isSpellingFree: source === 'json',
  });
  const found: Notice[] = [];
  rows.forEach((row, index) => {
    const added = list.add(
      {
        id: row.id,
        title: row.title ?? (row.title === null ? '' : `Title of ${row.id}`),
        description: row.description ?? '',
        status: row.status === null ? undefined : (row.status ?? 'Todo'),
        priority: row.priority === null ? '' : (row.priority ?? 'medium'),
        tags: [],
        dependencies: row.dependencies ?? [],
        parentId: row.parentId ?? '',
        projectId: row.project === null ? '' : (row.project ?? PROJECT),
        lock: row.lock,
        metadata: row.fault === undefined ? { value: {} } : { value: {}, fault: row.fault },
        estimatedHours: undefined,
        createdAt: row.createdAt,
        modifiedAt: undefined,
        completedAt: undefined,
        version: 1,
      },
      index + 1,
    );
    const columns = { content: row.title, status: row.status, priority: row.priority };
    for (const [column, value] of Object.entries(columns)) {
      if (added && value === null) found.push({ kind: 'nullColumn', id: taskId(row.id), column });
    }
    const { id, lock, other } = row;
    if (lock !== undefined && other !== undefined) {
      found.push({ kind: 'twoHolders', id: taskId(id), holder: lock.holder, other });
    }
  });
  return {
    root: '/home/me/shop',
    file: '/home/me/shop/.todo2/todo2.db',
    source,
    project: PROJECT,
    tasks: list.tasks,
    byId: byId(list.tasks),
    notices: [
      ...list.notices,
      ...found,
      ...orphans.map((orphan): Notice => ({ kind: 'orphanRow', ...orphan })),
    ],
    readAt: NOW,
  };
}

/** The doctor's findings on these rows. */
export function findingsOn(store: Store, processes: Processes = DESK): readonly Finding[] {
  const snapshot = read(store);
  const plan = planWaves(snapshot.tasks, DEFAULT_WAVE_OPTIONS);
  return diagnose({ snapshot, plan, isOurs: (holder) => holder === ME, now: NOW, processes });
}

/**
 * The rows after these changes, as the writer would make them: all, or none and a thrown error that
 * says which one was refused. What a change was made for must still be as it was shown.
 */
export function applyTo(store: Store, changes: readonly Change[]): Store {
  return changes.reduce(applyOne, store);
}

function applyOne(store: Store, change: Change): Store {
  if (change.kind === 'removeOrphan') {
    const orphans = (store.orphans ?? []).filter(
      ({ table, owner, value }) =>
        table !== change.table || owner !== change.id || value !== change.value,
    );
    if (orphans.length === store.orphans?.length) throw refused(change);
    return { ...store, orphans };
  }
  const rows = store.rows.map((row) => (row.id === change.id ? changed(row, change) : row));
  if (rows.every((row, index) => row === store.rows[index])) throw refused(change);
  return { ...store, rows };
}

function changed(row: Row, change: Change): Row {
  const isTheirs = row.lock !== undefined && row.lock.holder !== ME;
  const isHeld = isTheirs && row.lock.until !== undefined && row.lock.until > NOW;
  const check = (isSo: boolean): void => {
    if (!isSo) throw refused(change);
  };
  const status = row.status === undefined ? 'Todo' : row.status;
  switch (change.kind) {
    case 'setStatus': {
      const isSpelling = parseStatus(change.from) === change.to;
      const isAssigned = isTheirs && row.lock.until === undefined;
      check(status === change.from && (isSpelling || !(isHeld || isAssigned)));
      return { ...row, status: change.to };
    }
    case 'setPriority':
      check(!isHeld && (row.priority === undefined ? 'medium' : row.priority) === change.from);
      check(parsePriority(change.from) === change.to);
      return { ...row, priority: change.to };
    case 'setProject':
      check((row.project === undefined ? PROJECT : (row.project ?? undefined)) === change.from);
      return { ...row, project: change.to };
    case 'setParent': {
      check(!isHeld && row.parentId === change.from && change.to === undefined);
      const { parentId: _, ...rest } = row;
      return rest;
    }
    case 'removeDependency':
      check(!isHeld && row.dependencies?.includes(change.on) === true);
      return { ...row, dependencies: row.dependencies!.filter((on) => on !== change.on) };
    case 'fillNull': {
      const key = change.column === 'content' ? 'title' : change.column;
      const values = { title: '', status: 'Todo', priority: 'medium' } as const;
      if (!(key in values)) throw refused(change);
      check(row[key as keyof typeof values] === null);
      return { ...row, [key]: values[key as keyof typeof values] };
    }
    case 'clearLock': {
      check(row.lock?.holder === change.holder && row.lock.until === change.until);
      const { lock: _, ...rest } = row;
      return parseStatus(status ?? '') === 'In Progress' ? { ...rest, status: 'Todo' } : rest;
    }
    default:
      throw refused(change);
  }
}

function refused(change: Change): Error {
  return new Error(`Refused: ${JSON.stringify(change)}`);
}

// A process of its own that alone opens the database; the editor's process reads its bytes and must
// never open it (closing a descriptor there would drop the locks of a connection in the same
// process).
import { hostname } from 'node:os';
import type { Failure } from './core/failure.ts';
import { ok, type Result } from './core/result.ts';
import { parseStatus, type TaskId } from './core/task.ts';
import { transactNew } from './store/write/new-store.ts';
import { Connection, type Sqlite, type Transacted } from './store/write/connection.ts';
import { watchEdits } from './store/write/watch/edit-watch.ts';
import { applyChanges, removeRow } from './store/write/edit-statements.ts';
import { addNote } from './store/write/comments.ts';
import type { EditContext } from './store/write/edit-row.ts';
import { areApplied, writtenBy } from './store/write/idempotent-edits.ts';
import { initialiseStore } from './store/write/initialise-store.ts';
import { removeJsonEntry } from './store/json/json-entry.ts';
import { patchJsonStatus } from './store/json/json-patch.ts';
import { systemClock } from './store/files/system-clock.ts';
import { isSharedWithExarp } from './store/write/exarp-go-writes.ts';
import { WriteWatch } from './store/write/watch/write-watch.ts';
import { loadSqlite } from './store/write/load-sqlite.ts';
import { adoptLocks } from './store/write/adopt-locks.ts';
import { claimAllTasks, claimNextTask } from './store/write/claim-several.ts';
import { clearLock } from './store/write/lock-audit.ts';
import { readNotes, readResults } from './store/write/read-results.ts';
import {
  claimTask,
  releaseTask,
  releaseAllLocks,
  renewLocks,
  setTaskStatus,
} from './store/write/lock-statements.ts';
import type { LockContext } from './store/write/lock-row.ts';
import { releaseWithResult } from './store/write/release-with-result.ts';
import {
  parseMessage,
  type WriterResponse,
  type WriterRequest,
  type Hello,
  type RequestOf,
  type Start,
  type Values,
  type WriterNotice,
} from './store/write/writer-protocol.ts';

/** Timeout for the first message: the client may have died at once. */
const FIRST_MESSAGE_MS = 10_000;
const IDLE_MS = 60_000;
/** Release is retried for this long; then the locks are left to the end of their lease. */
const GIVE_UP_RELEASE_MS = 60_000;
const RELEASE_PAUSE_MS = 250;
/** Between the end of this process and that of its client, where something ends both. */
const TERMINATION_MS = 500;

const sqlite = loadSqlite();
const silence = setTimeout(() => process.exit(0), FIRST_MESSAGE_MS);
let started:
  | {
      readonly sqlite: Sqlite;
      readonly start: Start;
      readonly connection: Connection;
      readonly watch: WriteWatch;
    }
  | undefined;
let idle: NodeJS.Timeout | undefined;
let orphaned = false;
/** Asked to end, with the locks as they are. */
let exiting = false;
let terminating: NodeJS.Timeout | undefined;
let lingering: ReadonlySet<TaskId> = new Set();

process.on('message', (message) => {
  clearTimeout(silence);
  const parsed = parseMessage(message);
  if (parsed.kind === 'malformed') {
    send(parsed);
  } else if (parsed.kind === 'start') {
    // A second start would change the holder of the locks, so it is ignored.
    if (!('DatabaseSync' in sqlite) || started !== undefined) return;
    const connection = new Connection(sqlite, parsed.file, { root: parsed.root });
    const watch = new WriteWatch({
      connection,
      holder: () => parsed.holder,
      clock: systemClock,
      log: (line) => send({ kind: 'log', line }),
      onStatusWritten: (id, status) => {
        if (process.connected) send({ kind: 'again', id, status });
        else if (status !== 'Unknown')
          void patchJsonStatus(parsed.json, id, status, Date.now(), parsed.root);
      },
      edits: watchEdits({
        remove: removeRow,
        // A file that cannot be changed now is tried again.
        onAgain: (id) => void removeJsonEntry(parsed.json, id, parsed.root),
      }),
    });
    started = { sqlite, start: parsed, connection, watch };
    lingering = new Set(parsed.lingering);
  } else {
    serve(parsed.seq, parsed.request);
  }
});

// The window was closed or its process was killed: its agents are ended, and then their locks are
// released. Locks of the user stay for the time of a reload; this process lives that long.
process.on('disconnect', () => {
  if (exiting) {
    leaveLater();
    return;
  }
  orphaned = true;
  if (started === undefined) process.exit(0);
  if (terminating !== undefined) {
    clearTimeout(terminating);
    void releaseOrphans(Date.now(), new Set()).then(leaveLater);
    return;
  }
  const since = Date.now();
  const { graceMs, lingerMs } = started.start;
  if (lingering.size > 0) setTimeout(() => void releaseOrphans(since, lingering), graceMs);
  setTimeout(
    () => void releaseOrphans(since, new Set()).then(leaveLater),
    lingering.size > 0 ? lingerMs : graceMs,
  );
});

// A Ctrl+C in the terminal that started the editor reaches this process too, before the locks are
// released.
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);
process.on('SIGTERM', () => {
  if (orphaned) void releaseOrphans(Date.now(), new Set()).then(leave);
  // Where all processes are ended, the client ends too; a client that lives on starts another
  // process.
  else terminating ??= setTimeout(leave, TERMINATION_MS);
});

send(
  'DatabaseSync' in sqlite
    ? { kind: 'hello', node: process.version }
    : { kind: 'noSqlite', node: process.version, detail: sqlite.missing },
);

function serve(seq: number, request: WriterRequest): void {
  if (started === undefined) {
    send({ kind: 'malformed', seq, detail: 'a request before the start' });
    return;
  }
  if (request.kind === 'exit') {
    exiting = true;
    const stays = staysForOthers(started);
    send({ kind: 'done', seq, value: { stays } }, stays ? undefined : leave);
    return;
  }
  if (request.kind === 'linger') {
    lingering = new Set(request.ids);
    send({ kind: 'done', seq, value: null });
    return;
  }
  clearTimeout(idle);
  const outcome = perform(request, started);
  idle = setTimeout(closeIdle, IDLE_MS);
  if (outcome === 'busy') send({ kind: 'busy', seq });
  else if (outcome.ok) send({ kind: 'done', seq, value: outcome.value });
  else send({ kind: 'failed', seq, failure: outcome.failure });
}

type Kind = Exclude<keyof Values, 'exit' | 'linger' | 'apply' | 'initialise'>;

/** What each request does, inside a transaction that has the write lock. */
const PERFORM: {
  readonly [K in Kind]: (
    context: LockContext,
    request: RequestOf<K>,
    file: string,
  ) => Result<Values[K], Failure>;
} = {
  probe: () => ok({ node: process.version }),
  claim: claimTask,
  claimAll: claimAllTasks,
  claimNext: claimNextTask,
  adopt: (context, request) => ok(adoptLocks(context, request)),
  forceRelease,
  releaseFor: (context, { id, from, again }) =>
    releaseTask({ ...context, holder: from }, { id, to: 'Todo', again }),
  renew: (context, request) => ok(renewLocks(context, request)),
  release: releaseTask,
  releaseWithResult: (context, { comments, ...request }) =>
    releaseWithResult(context, {
      ...request,
      comment: comments === null ? undefined : (status) => comments[status],
    }),
  note: addNote,
  setStatus: setTaskStatus,
  results: ({ db }, { ids }) => ok(readResults(db, ids)),
  notes: ({ db }, { id }) => ok(readNotes(db, id)),
  releaseAll: (context, { except }) =>
    ok({ moved: releaseAllLocks(context, Number.MAX_SAFE_INTEGER, new Set(except)) }),
};

function perform(
  request: Exclude<WriterRequest, { kind: 'exit' | 'linger' }>,
  { sqlite: node, start, connection, watch }: NonNullable<typeof started>,
): Transacted<Values[keyof Values]> {
  const { file, holder, project } = start;
  // The time is taken when the wait for the write lock is over.
  const edit = (db: LockContext['db'], touch?: LockContext['touch']): EditContext => ({
    db,
    holder,
    ...(touch === undefined ? {} : { touch }),
    host: hostname(),
    project,
    now: Date.now(),
  });
  if (request.kind === 'initialise')
    return transactNew(connection, node, file, (db) => ok(initialiseStore(edit(db), request)));
  if (request.kind === 'apply')
    return watch.transact((db, touch) => applyOnce(edit(db, touch), request), ['id']);
  const act: (context: LockContext, request: never, file: string) => Result<Values[Kind], Failure> =
    PERFORM[request.kind];
  return watch.transact((db, touch) =>
    act({ db, holder, now: Date.now(), touch }, request as never, file),
  );
}

function applyOnce(
  context: EditContext,
  { changes, again }: RequestOf<'apply'>,
): Result<Values['apply'], Failure> {
  // The first try may have succeeded before its answer was lost.
  if (again && areApplied(context, changes)) return ok({ statuses: writtenBy(context, changes) });
  return applyChanges(context, changes);
}

function forceRelease(
  context: LockContext,
  { id, holder, until, reason, again }: RequestOf<'forceRelease'>,
): Result<Values['forceRelease'], Failure> {
  const outcome = clearLock(context, { id, holder, until: until ?? undefined, reason });
  // The first try may have succeeded before its answer was lost: then there is nothing left to
  // clear.
  if (outcome.ok || !again || outcome.failure.kind !== 'changedMeanwhile') return outcome;
  const status = parseStatus(outcome.failure.rawStatus);
  return ok({ status, changed: status === 'Todo' });
}

/** Releases the locks of the closed window but for `except`; resolves when done or given up. */
async function releaseOrphans(since: number, except: ReadonlySet<TaskId>): Promise<void> {
  const { start, watch } = started ?? {};
  const begun = Date.now();
  for (;;) {
    const outcome = watch?.transact((db, touch) => {
      const context: LockContext = { db, holder: start?.holder ?? '', now: Date.now(), touch };
      return ok(releaseAllLocks(context, since, except));
    });
    if (outcome !== 'busy' || Date.now() - begun >= GIVE_UP_RELEASE_MS) {
      const moved = outcome !== undefined && outcome !== 'busy' && outcome.ok ? outcome.value : [];
      if (start !== undefined) await mirrorTodo(start, moved);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, RELEASE_PAUSE_MS));
  }
}

/** Patches the JSON file for the closed window, or exarp-go would restore In Progress. */
async function mirrorTodo({ json, root }: Start, ids: readonly TaskId[]): Promise<void> {
  // A file that cannot be patched is left as it is: there is no client to report it to.
  for (const id of ids) await patchJsonStatus(json, id, 'Todo', Date.now(), root);
}

/** A commit of ours may still be undone by a program that is about to write what it has read. */
function staysForOthers({ connection, watch }: NonNullable<typeof started>): boolean {
  return watch.isWatching && connection.look(isSharedWithExarp) === true;
}

/** Ends this process once nothing that it wrote can be undone any more. */
function leaveLater(): void {
  if (started !== undefined && staysForOthers(started)) started.watch.whenIdle(leave);
  else leave();
}

function closeIdle(): void {
  if (started?.watch.isWatching === true) idle = setTimeout(closeIdle, IDLE_MS);
  else started?.connection.close();
}

function leave(): void {
  started?.connection.close();
  process.exit(0);
}

function send(message: Hello | WriterResponse | WriterNotice, then?: () => void): void {
  // A lost answer is harmless: the locks are released after the grace time.
  if (process.connected) process.send?.(message, undefined, {}, () => then?.());
  else then?.();
}

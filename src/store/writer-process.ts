// A process of its own that alone opens the database; the editor's process reads its bytes and must never open it
// (closing a descriptor there would drop the locks of a connection in the same process).
import { dirname, join } from 'node:path';
import type { Failure } from '../core/failure.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { TaskId } from '../core/task.ts';
import { Connection, type Sqlite, type Transacted } from './connection.ts';
import { patchJsonStatus } from './json-patch.ts';
import { claimTask, finishTask, releaseAllLocks, renewLocks, setTaskStatus, type Speaker } from './lock-statements.ts';
import { parseMessage, type Answer, type Ask, type Hello, type Start, type Values } from './writer-protocol.ts';

/** A client that was started by mistake, or died at once, says nothing at all. */
const FIRST_MESSAGE_MS = 10_000;
const IDLE_MS = 60_000;
/** Locks that could not be let go for so long are left to the end of their lease. */
const GIVE_UP_RELEASE_MS = 60_000;
const RELEASE_PAUSE_MS = 250;

const sqlite = loadSqlite();
const silence = setTimeout(() => process.exit(0), FIRST_MESSAGE_MS);
let started: { readonly start: Start; readonly connection: Connection } | undefined;
let idle: NodeJS.Timeout | undefined;
let orphaned = false;

process.on('message', (message) => {
  clearTimeout(silence);
  const parsed = parseMessage(message);
  if (parsed.kind === 'malformed') {
    send(parsed);
  } else if (parsed.kind === 'start') {
    // A second start would change whose locks these are: the first one stands.
    if ('DatabaseSync' in sqlite) started ??= { start: parsed, connection: new Connection(sqlite, parsed.file) };
  } else {
    serve(parsed.seq, parsed.ask);
  }
});

// The window was closed or its process was killed: its agents are being ended, then nothing may stay locked.
process.on('disconnect', () => {
  orphaned = true;
  if (started === undefined) process.exit(0);
  const since = Date.now();
  setTimeout(() => releaseOrphans(since), started.start.graceMs);
});

// A Ctrl+C in the terminal that started the editor reaches us too, but the locks have yet to be let go.
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);
process.on('SIGTERM', () => {
  if (orphaned) releaseOrphans(Date.now());
  else leave(); // the client lives, and starts another one
});

send(
  'DatabaseSync' in sqlite
    ? { kind: 'hello', node: process.version }
    : { kind: 'noSqlite', node: process.version, detail: sqlite.missing },
);

function loadSqlite(): Sqlite | { readonly missing: string } {
  try {
    const found = process.getBuiltinModule('node:sqlite') as Sqlite | undefined;
    return found?.DatabaseSync === undefined ? { missing: 'no node:sqlite' } : found;
  } catch (error) {
    // Node before 20.16 has no `getBuiltinModule`.
    return { missing: error instanceof Error ? error.message : String(error) };
  }
}

function serve(seq: number, ask: Ask): void {
  if (started === undefined) {
    send({ kind: 'malformed', seq, detail: 'a request before the start' });
    return;
  }
  if (ask.op === 'exit') {
    send({ kind: 'done', seq, value: null }, leave);
    return;
  }
  clearTimeout(idle);
  const outcome = perform(ask, started);
  idle = setTimeout(() => started?.connection.close(), IDLE_MS);
  if (outcome === 'busy') send({ kind: 'busy', seq });
  else if (outcome.ok) send({ kind: 'done', seq, value: outcome.value });
  else send({ kind: 'failed', seq, failure: outcome.failure });
}

function perform(
  ask: Exclude<Ask, { op: 'exit' }>,
  { start, connection }: NonNullable<typeof started>,
): Transacted<Values[keyof Values]> {
  return connection.transact((db): Result<Values[keyof Values], Failure> => {
    // Taken here, as the wait for the write lock is over.
    const speaker: Speaker = { db, holder: start.holder, now: Date.now() };
    switch (ask.op) {
      case 'probe':
        return ok({ node: process.version });
      case 'claim':
        return claimTask(speaker, ask);
      case 'renew':
        return ok(renewLocks(speaker, ask));
      case 'finish':
        return finishTask(speaker, ask);
      case 'setStatus':
        return setTaskStatus(speaker, ask);
      case 'releaseAll':
        return ok({ moved: releaseAllLocks(speaker, Number.MAX_SAFE_INTEGER) });
      default:
        return fail(ask satisfies never);
    }
  });
}

function releaseOrphans(since: number): void {
  const { start, connection } = started ?? {};
  const outcome = connection?.transact((db) => {
    const speaker: Speaker = { db, holder: start?.holder ?? '', now: Date.now() };
    return ok(releaseAllLocks(speaker, since));
  });
  if (outcome === 'busy' && Date.now() - since < GIVE_UP_RELEASE_MS) {
    setTimeout(() => releaseOrphans(since), RELEASE_PAUSE_MS);
  } else {
    const moved = outcome !== undefined && outcome !== 'busy' && outcome.ok ? outcome.value : [];
    void mirrorTodo(start?.file ?? '', moved).finally(leave);
  }
}

/** The window that would have told the JSON file is gone; untold, exarp-go would bring In Progress back from it. */
async function mirrorTodo(database: string, ids: readonly TaskId[]): Promise<void> {
  const json = join(dirname(database), 'state.todo2.json');
  // A file that cannot be patched is left as it is: nobody is there any more to be told of it.
  for (const id of ids) await patchJsonStatus(json, id, 'Todo', Date.now());
}

function leave(): void {
  started?.connection.close();
  process.exit(0);
}

function send(message: Hello | Answer, then?: () => void): void {
  // An answer that nobody is there to hear is no trouble: what is locked is let go after the grace time.
  if (process.connected) process.send?.(message, undefined, {}, () => then?.());
  else then?.();
}

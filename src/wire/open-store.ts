import { join } from 'node:path';
import { type Options, resolveOptions, type Settings } from '../core/config.ts';
import type { Failure } from '../core/failure.ts';
import type { Handoffs } from '../core/handoff.ts';
import type { ReconcileEvent } from '../core/lease/claim-reconciler.ts';
import { createHolderId } from '../core/lease/holder.ts';
import { keepClaims } from '../core/lease/keep-claims.ts';
import type { LeaseKeeper } from '../core/lease/lease-keeper.ts';
import type { BacklogSource, Clock, Edits, Processes } from '../core/ports.ts';
import type { StorePaths } from '../store/files/locate.ts';
import { systemClock as clock } from '../store/files/system-clock.ts';
import { openHandoffs } from '../store/json/handoffs.ts';
import { StatusMirror } from '../store/json/status-mirror.ts';
import { parseJson } from '../store/read/parse-json.ts';
import { openBacklog } from '../store/read/backlog-source.ts';
import { systemProcesses as processes } from '../disk/processes.ts';
import { StoreEdits } from '../store/write/store-edits.ts';
import { listNodeCommands } from '../store/write/writer-child.ts';
import { Writer } from '../store/write/writer-client.ts';

export interface OpenStoreOptions {
  readonly paths: StorePaths;
  /** The folder of our bundles, absolute. */
  readonly dist: string;
  /** What this process is called in the lock columns. */
  readonly name: string;
  readonly settings: () => Settings;
  /** The Node that the user has configured. */
  readonly nodePath: () => string | undefined;
  /**
   * How long, in ms, the writer process keeps the locks of a process that was killed; its agents
   * end in that time.
   */
  readonly graceMs?: number;
  readonly log: (line: string) => void;
  readonly warn: (line: string) => void;
  readonly explainFailure: (failure: Failure) => string;
  readonly explainEvent: (event: ReconcileEvent) => string;
  readonly reportBug: (error: unknown) => void;
}

/** The store of one backlog, opened for reading and writing by one process. */
export interface OpenStore {
  readonly source: BacklogSource;
  readonly locks: Writer;
  readonly keeper: LeaseKeeper;
  readonly edits: Edits;
  readonly handoffs: Handoffs;
  readonly clock: Clock;
  readonly processes: Processes;
  readonly options: () => Options;
  /** `linger` leaves the locks that `Writer.linger` named for the process that comes next. */
  close(locks: 'release' | 'linger'): Promise<void>;
}

/**
 * Opens a store: its reader, the writer process, what keeps claims alive, edits and handoffs. The
 * files need not exist.
 */
export function openStore(given: OpenStoreOptions): OpenStore {
  const { paths, dist, warn, log, reportBug, explainFailure } = given;
  const source = openBacklog(paths.root, { wasmFile: join(dist, 'sql-wasm.wasm'), paths });
  const options = (): Options => resolveOptions(given.settings(), source.config);
  const onFailed = (failure: Failure): void => warn(explainFailure(failure));
  const mirror = new StatusMirror({
    json: paths.json,
    root: paths.root,
    parse: parseJson,
    clock,
    onFailed,
    reportBug,
  });
  const locks = new Writer({
    file: paths.database,
    json: paths.json,
    root: paths.root,
    project: paths.project,
    holder: createHolderId(given.name, processes.hostname, process.pid),
    script: join(dist, 'writer.cjs'),
    nodes: () => listNodeCommands(given.nodePath()),
    clock,
    random: Math.random,
    onStatusWritten: (id, status) => mirror.write(id, status),
    log,
    ...(given.graceMs !== undefined && { graceMs: given.graceMs }),
  });
  const { keeper, reconciler } = keepClaims({
    source,
    locks,
    clock,
    leaseMs: () => options().leaseMs,
    renewalMs: () => options().renewalMs,
    reportBug,
  });
  const edits = new StoreEdits({
    writer: locks,
    source,
    json: paths.json,
    root: paths.root,
    log,
  });
  const handoffs = openHandoffs({
    file: paths.handoffs,
    root: paths.root,
    clock,
    random: Math.random,
    host: processes.hostname,
  });
  keeper.onDidLose(({ id, holder }) =>
    warn(`The lock on ${id} is lost${holder === undefined ? '' : ` to ${holder}`}.`),
  );
  keeper.onDidFail(onFailed);
  keeper.onDidOutlive((id) => {
    warn(`The work on ${id} has ended, and its lock was still there; it is released.`);
    void locks.release(id, 'Todo');
  });
  reconciler.onEvent((event) => warn(given.explainEvent(event)));
  return {
    source,
    locks,
    keeper,
    edits,
    handoffs,
    clock,
    processes,
    options,
    close: async (how) => {
      reconciler.dispose();
      keeper.dispose();
      edits.dispose();
      await locks.close(how);
      await mirror.written();
      handoffs.dispose();
      source.dispose();
    },
  };
}

/*
 * The process that does the work on one task, and owns its lock: it claims the task, runs the agent, verifies, records the
 * result, releases the lock, and only then reports the end. A window starts it and follows it, but it outlives a window that is
 * reloaded, closed or killed. While its window is open it takes one order after the other.
 *
 * Started with a file as its argument it is the program of a terminal, for one order: the agent gets that terminal, and when the
 * terminal closes the end of the work is unknown.
 *
 * It opens the database, and so never reads its bytes.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { relative, sep } from 'node:path';
import { createHolderId } from './core/lease/holder.ts';
import type { WorkEnd } from './core/ports.ts';
import { keepClaims } from './core/lease/keep-claims.ts';
import { workOnTask } from './core/run/attempt/task-work.ts';
import { storedWorkState, type WorkState } from './core/run/journal/work-state.ts';
import { StateFile } from './agent-process/state-file.ts';
import { rememberFiles } from './agent-process/touched-files.ts';
import { answersIn } from './agent-process/merge-answer.ts';
import { agentOf, resolverOf, verifyOf, type WorkPlace } from './agent-process/work-agent.ts';
import { WorkLog } from './agent-process/work-log.ts';
import type { FromSupervisor, ToSupervisor, WorkOrder } from './agent-process/work-order.ts';
import { Connection } from './store/write/connection.ts';
import { StatusMirror } from './store/json/status-mirror.ts';
import { loadSqlite } from './store/write/load-sqlite.ts';
import { processStartTime } from './disk/processes.ts';
import { readWholeSync } from './disk/read-whole.ts';
import { replaceFile } from './disk/replace-file.ts';
import { RowWatch } from './store/write/watch/row-watch.ts';
import { systemClock as clock } from './store/files/system-clock.ts';
import { isSharedWithExarp } from './store/write/exarp-go-writes.ts';
import { WriteWatch } from './store/write/watch/write-watch.ts';
import { WorkLocks } from './store/write/work-locks.ts';
import { stackOf } from './core/text.ts';

/** How often to check for a stop file; the timer also keeps this process alive while it works. */
const LOOK_EVERY_MS = 500;
/** How often the time of the last output and the agent's activity are recorded. */
const OUTPUT_EVERY_MS = 1000;
/** It ends after this time without a new order, in case its window has lost it. */
const IDLE_MS = 30_000;

const sqlite = loadSqlite();
const begin = processStartTime(process.pid);
/** The order at work, and how to end it. */
let atWork: { readonly stop: AbortController; readonly terminalGone: AbortController } | undefined;
let open:
  | { readonly file: string; readonly connection: Connection; readonly watch: WriteWatch }
  | undefined;
/** Where the watch of what was written tells of a write that it has made again. */
let said:
  | { readonly log: WorkLog | undefined; readonly mirror: StatusMirror; readonly holder?: string }
  | undefined;
let idle: NodeJS.Timeout | undefined;
/** The `fsync` of the last state. */
let storing: Promise<void> = Promise.resolve();
/** Whether a window received the last state. */
let told: Promise<boolean> = Promise.resolve(false);

const [, , orderFile] = process.argv;
if (orderFile === undefined) serveWindow();
else void serveTerminal(orderFile);

function serveWindow(): void {
  process.on('message', (message: ToSupervisor) => {
    if (message.kind === 'stop') atWork?.stop.abort();
    // A second order at a time would be a bug of the window; it is ignored.
    else if (atWork === undefined) void perform(message.order).then(rest);
  });
  process.on('disconnect', () => {
    if (atWork === undefined) leaveLater();
  });
  // SIGTERM and SIGINT stop the agent. The end of an editor's session does not.
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, stopOrLeave);
  process.on('SIGHUP', () => undefined);
  // The window reads this; a closed window is ignored.
  process.stderr.on('error', () => undefined);
  rest();
}

async function serveTerminal(file: string): Promise<void> {
  const read = readWholeSync(file, { mostBytes: 64 * 1024 * 1024 });
  if (!read.ok || read.value === undefined)
    throw new Error(`No order in ${file}: ${read.ok ? 'it is gone' : read.failure.detail}`);
  const order = JSON.parse(read.value.bytes.toString('utf8')) as WorkOrder;
  rmSync(file, { force: true });
  process.on('SIGTERM', stopOrLeave);
  // Ctrl+C is for the agent, which gets it too.
  process.on('SIGINT', () => undefined);
  process.on('SIGHUP', () => atWork?.terminalGone.abort());
  const end = await perform(order);
  process.exitCode = end.kind === 'succeeded' ? 0 : 1;
  leave();
}

function stopOrLeave(): void {
  if (atWork === undefined) leave();
  else atWork.stop.abort();
}

/** Waits for the next order, or ends where none can come. */
function rest(): void {
  if (!process.connected) leaveLater();
  else idle = setTimeout(leave, IDLE_MS);
}

/** Leaves once nothing that it wrote can be undone any more, where exarp-go writes here too. */
function leaveLater(): void {
  const isAtRisk = open?.watch.isWatching === true && open.connection.look(isSharedWithExarp);
  if (open !== undefined && isAtRisk === true) open.watch.whenIdle(leave);
  else leave();
}

function leave(): void {
  void storing.then(() => {
    // An order may have arrived meanwhile.
    if (atWork !== undefined) return;
    open?.connection.close();
    process.exit();
  });
}

/**
 * Executes one order; resolves when the last state is written and sent to the window. Rejects only
 * for a bug.
 */
async function perform(order: WorkOrder): Promise<WorkEnd> {
  clearTimeout(idle);
  const ending = { stop: new AbortController(), terminalGone: new AbortController() };
  atWork = ending;
  const mark = randomBytes(16).toString('hex');
  const log = new WorkLog(order.files.log);
  const first = await firstState(order, mark);
  let state: StateFile;
  try {
    let isNoted = false;
    const onFailed = (detail: string): void => {
      if (!isNoted) log.note(`The state of this attempt could not be written: ${detail}`);
      isNoted = true;
    };
    const replace = (file: string, text: string): Promise<unknown> =>
      replaceFile(file, text, 0o600);
    state = new StateFile({ file: order.files.state, first, replace, onWritten: tell, onFailed });
  } catch (error) {
    const failure = {
      kind: 'writeFailed',
      file: order.files.state,
      detail: String(error),
    } as const;
    const end: WorkEnd = { kind: 'refused', failure };
    tell({ ...first, phase: 'ended', end });
    log.close();
    atWork = undefined;
    return end;
  }
  const look = (): void => {
    if (existsSync(order.files.stop)) ending.stop.abort();
  };
  look();
  const looking = setInterval(look, LOOK_EVERY_MS);
  const output = followOutput(state);
  const place: Place = {
    order,
    mark,
    log,
    terminalGone: ending.terminalGone.signal,
    stop: ending.stop.signal,
    state,
    ready: Promise.resolve(),
    onProcess: (pid) => noteProcess(state, pid),
    onOutput: output.onOutput,
    onSessionUsage: (sessionUsage) => state.update({ sessionUsage }),
    onRefused: (refusal) => state.update({ refusal }),
  };
  const end = (await isSeen()) ? await work(order, place) : unseen(order);
  output.dispose();
  clearInterval(looking);
  log.close();
  // The next order need not wait for `fsync`: other processes see the file at once.
  storing = state.end(end);
  atWork = undefined;
  return end;
}

async function firstState(order: WorkOrder, mark: string): Promise<WorkState> {
  const host = hostname();
  return {
    runId: order.runId,
    attemptNo: order.attemptNo,
    taskId: order.taskId,
    phase: 'claiming',
    pid: process.pid,
    begin: (await begin) ?? null,
    host,
    holder: createHolderId(order.agentType, host, process.pid),
    mark,
    agentPid: undefined,
    agentBegin: null,
    label: order.label,
    output: order.output,
    startedAt: clock.now(),
    lastOutputAt: undefined,
    activity: undefined,
    sessionId: order.sessionId,
    sessionUsage: order.sessionUsage,
    refusal: undefined,
    end: undefined,
  };
}

/** Records the agent's process at once, and its start time when that is known. */
function noteProcess(state: StateFile, agentPid: number): void {
  state.update({ agentPid, agentBegin: null });
  void processStartTime(agentPid).then((agentBegin) => {
    const isStill = state.state.agentPid === agentPid && state.state.end === undefined;
    if (agentBegin !== undefined && isStill) state.update({ agentBegin });
  });
}

/**
 * Records the time of the last output and the activity at intervals, and a new session id at once.
 */
function followOutput(state: StateFile): { onOutput: WorkPlace['onOutput']; dispose(): void } {
  let lastOutputAt: number | undefined;
  let sessionId: string | undefined;
  let activity: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  const write = (): void => {
    timer = undefined;
    state.update({ lastOutputAt, sessionId, activity });
  };
  return {
    onOutput: (session, does) => {
      const isNew = lastOutputAt === undefined || session !== sessionId;
      lastOutputAt = clock.now();
      sessionId = session;
      activity = does;
      if (isNew) write();
      else timer ??= setTimeout(write, OUTPUT_EVERY_MS);
    },
    dispose: () => {
      if (timer === undefined) return;
      clearTimeout(timer);
      write();
    },
  };
}

interface Place extends WorkPlace {
  readonly stop: AbortSignal;
  readonly state: StateFile;
}

async function work(order: WorkOrder, given: Place): Promise<WorkEnd> {
  const { log, state, stop } = given;
  const { taskId: id, database: file, options } = order;
  const refuse = (tried: string): WorkEnd => {
    return {
      kind: 'refused',
      failure: { kind: 'readOnly', cause: { kind: 'noSqlite', tried: [tried] } },
    };
  };
  if (!('DatabaseSync' in sqlite)) return refuse(`${process.execPath}: ${sqlite.missing}`);
  if (open?.file !== file) {
    open?.watch.dispose();
    open?.connection.close();
    const connection = new Connection(sqlite, file, { syncs: 'normal', root: order.root });
    const watch = new WriteWatch({
      connection,
      holder: () => said?.holder,
      clock,
      log: (line) => (said?.log === undefined ? console.error(line) : said.log.note(line)),
      onStatusWritten: (task, status) => said?.mirror.write(task, status),
    });
    open = { file, connection, watch };
  }
  const { connection, watch } = open;
  const reportBug = (error: unknown): void => {
    const text = stackOf(error);
    log.note(text);
    console.error(text);
  };
  const mirror = new StatusMirror({
    json: order.json,
    root: order.root,
    clock,
    onFailed: (failure) =>
      log.note(`The status could not be written into ${order.json}: ${JSON.stringify(failure)}`),
    reportBug,
  });
  said = { log, mirror, holder: state.state.holder };
  const locks = new WorkLocks({
    watch,
    file,
    holder: state.state.holder,
    clock,
    random: Math.random,
    note: (text) => log.note(text),
    onStatusWritten: (task, status) => mirror.write(task, status),
  });
  const row = new RowWatch({ connection, file, id, clock });
  const { keeper, reconciler } = keepClaims({
    source: row,
    locks,
    clock,
    leaseMs: () => options.leaseMs,
    reportBug,
  });
  reconciler.onEvent((event) =>
    log.note(`The claim: ${event.kind}${'undone' in event ? ` (${event.undone})` : ''}`),
  );

  const remembered = rememberFiles(order.folder, order.git);
  const place: WorkPlace = { ...given, ready: remembered };
  const logFile =
    order.agentMode === 'unattended' || order.verify !== undefined ? inRoot(order) : undefined;
  const end = await workOnTask(
    {
      id,
      options,
      label: order.label,
      stop,
      onPhase: (phase) => state.update({ phase }),
      onStarted: () => undefined,
    },
    {
      locks: {
        claim: (task, lease) => locks.claim(task, lease),
        release: (task, ending) => locks.releaseWithResult(task, ending),
      },
      keeper,
      clock,
      reportBug,
      agent: agentOf(place),
      verify: verifyOf(place),
      merge: answersIn(order.answer),
      resolve: resolverOf(place, () => state.state),
      touchedFiles: async () => (await remembered)(),
      get logFile() {
        return log.failure === undefined ? logFile : undefined;
      },
    },
  );
  reconciler.dispose();
  row.dispose();
  keeper.dispose();
  await mirror.written();
  said = { log: undefined, mirror };
  return end;
}

/**
 * Whether the next window knows of this attempt if this one closes. A window that receives the
 * first state closes after the state file exists. After an earlier close the next window may have
 * found no file and given the task to another supervisor, so nothing must begin here.
 */
function isSeen(): Promise<boolean> {
  return orderFile === undefined ? told : Promise.resolve(true);
}

function unseen(order: WorkOrder): WorkEnd {
  const detail = 'Its window was gone before it had begun.';
  return {
    kind: 'refused',
    failure: { kind: 'agentNotStarted', command: order.agent.command, detail },
  };
}

function inRoot({ root, files }: WorkOrder): string {
  return relative(root, files.log).split(sep).join('/');
}

/** The window may have closed meanwhile: then the state file is enough. */
function tell(state: WorkState): void {
  const message: FromSupervisor = { kind: 'state', state: storedWorkState(state) };
  told = new Promise((resolve) => {
    if (process.connected)
      process.send?.(message, undefined, undefined, (error) => resolve(error === null));
    else resolve(false);
  });
}

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job, WorkEnd } from '../../src/core/ports.ts';
import { ok } from '../../src/core/result.ts';
import type { RunOptions } from '../../src/core/run/run-options.ts';
import { parseWorkState } from '../../src/core/run/journal/read-work-state.ts';
import type { WorkState } from '../../src/core/run/journal/work-state.ts';
import { taskId, type Task } from '../../src/core/task.ts';
import { findGit } from '../../src/agent-process/git.ts';
import {
  SupervisedWorker,
  type SupervisedWorkerOptions,
} from '../../src/agent-process/supervised-worker.ts';
import type { WorkFiles, WorkOrder } from '../../src/agent-process/work-order.ts';
import { processStartTime, systemProcesses } from '../../src/disk/processes.ts';
import { bundleAgents } from './agent-bundles.ts';
import {
  createBacklog,
  nativeWriter,
  type BacklogSpec,
  type NativeWriter,
  type SqlRow,
} from './fixture.ts';
import { findSqliteNode, plainNodeEnv } from './sqlite-node.ts';
import { systemClock } from './writer-rig.ts';
import { until } from './until.ts';

const OPTIONS: RunOptions = {
  runMode: 'strict',
  onFailure: 'continue',
  pauseBetweenWaves: false,
  heldTasks: 'skip',
  reviewGate: 'inRun',
  retries: 0,
  retryAfterMs: 0,
  maxEqualFailures: 0,
  leaseMs: 60_000,
  statusOnSuccess: 'Review',
  timeLimitMs: 0,
  stuckAfterMs: 0,
  agentCaps: [],
  budget: undefined,
  isolation: undefined,
  resolveConflicts: undefined,
  sameFiles: undefined,
};

/** The variable by which all that a rig's agents start is found again. */
const RIG = 'TODO2_TEST_RIG';

/**
 * What differs from an agent that is a script, works unattended, and whose work nothing verifies.
 */
export type OrderSpec = Partial<Omit<WorkOrder, 'options' | 'files'>> & {
  readonly options?: Partial<RunOptions>;
  readonly stateFile?: string;
};

/** An attempt that goes on. */
export interface Started {
  readonly attemptNo: number;
  readonly files: WorkFiles;
  readonly end: Promise<WorkEnd>;
  /** `claimed <holder>` and `started`, as they came. */
  readonly heard: readonly string[];
  stop(): void;
  state(): WorkState | undefined;
  log(): string;
  /** Resolves with the first match in what the log holds, now or later. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
}

/** A backlog, the shipped supervisor, and windows that give it orders. */
export interface WorkRig extends AsyncDisposable {
  readonly root: string;
  readonly json: string;
  readonly other: NativeWriter;
  readonly logged: string[];
  readonly simulatedAgent: string;
  open(options?: Partial<SupervisedWorkerOptions>): SupervisedWorker;
  /** Writes an agent whose whole program is this JavaScript, and has it work on a task. */
  run(source: string, spec?: OrderSpec, worker?: SupervisedWorker, id?: string): Started;
  attach(to: Started, worker: SupervisedWorker): Promise<WorkEnd>;
  row(id?: string): Promise<SqlRow>;
  /** `status holder`, of the row as it is now. */
  lockOf(id?: string): Promise<string>;
  comments(): Promise<readonly string[]>;
  script(source: string): {
    readonly command: string;
    readonly args: readonly string[];
    readonly env: Record<string, string>;
  };
  /** The supervisor as the program of a terminal. */
  terminal(orderFile: string): ChildProcess;
}

export async function createWorkRig(
  spec: BacklogSpec = { tasks: [{ id: 'T-1' }] },
): Promise<WorkRig> {
  const [bundles, root] = await Promise.all([
    bundleAgents(),
    mkdtemp(join(tmpdir(), 'todo2-work-')),
  ]);
  const database = await createBacklog(root, spec);
  const other = await nativeWriter(root);
  const json = join(root, '.todo2', 'state.todo2.json');
  const folder = join(root, '.todo2', 'waves', 'runs', 'run-1');
  mkdirSync(folder, { recursive: true });
  // A handle that keeps this process alive: in a window the editor does that.
  const alive = setInterval(() => undefined, 1000);
  const workers: SupervisedWorker[] = [];
  const terminals: ChildProcess[] = [];
  const logged: string[] = [];
  const orders = new Map<number, WorkOrder>();
  let starts = 0;

  const filesOf = ({ attemptNo }: { readonly attemptNo: number }): WorkFiles => {
    const file = (kind: string): string => join(folder, `${attemptNo}.${kind}`);
    return {
      prompt: file('prompt.md'),
      answer: file('answer'),
      log: file('log'),
      state: file('state.json'),
      stop: file('stop'),
    };
  };
  const open: WorkRig['open'] = (options = {}) => {
    const worker = new SupervisedWorker({
      script: bundles.supervisor,
      node: () => Promise.resolve({ command: findSqliteNode(), args: [] }),
      prepare: (job) => Promise.resolve(ok(orders.get(job.attemptNo)!)),
      orderFolder: join(bundles.folder, 'orders'),
      askToResolve: () => Promise.resolve(true),
      stateFileOf: filesOf,
      releaseFor: async (holder, id) => {
        await other.run(
          `UPDATE tasks SET assignee = NULL, assigned_at = NULL, lock_until = NULL,
            status = CASE status WHEN 'In Progress' THEN 'Todo' ELSE status END WHERE id = ? AND assignee = ?`,
          id,
          holder,
        );
      },
      onActivity: () => undefined,
      clock: systemClock,
      processes: systemProcesses,
      processStartTime,
      log: (line) => void logged.push(line),
      ...options,
    });
    workers.push(worker);
    return worker;
  };
  const git = await findGit();
  const script: WorkRig['script'] = (source) => {
    const file = join(bundles.folder, `agent-${++starts}.cjs`);
    writeFileSync(file, source);
    return { command: process.execPath, args: [file], env: { [RIG]: bundles.folder } };
  };
  const row: WorkRig['row'] = async (id = 'T-1') =>
    (await other.all('SELECT * FROM tasks WHERE id = ?', id))[0]!;

  return {
    root,
    json,
    other,
    logged,
    open,
    script,
    row,
    simulatedAgent: bundles.simulatedAgent,
    run: (source, { options, stateFile, ...spec } = {}, worker = open(), id = 'T-1') => {
      const agent = script(source);
      const attemptNo = starts;
      const files = {
        ...filesOf({ attemptNo }),
        ...(stateFile === undefined ? {} : { state: stateFile }),
      };
      const job: Job = {
        runId: 'run-1',
        attemptNo,
        tryNo: 1,
        root,
        dependencies: [],
        sessionId: undefined,
        task: taskOf(id),
        agent: { agent: 'custom', model: undefined, agentMode: spec.agentMode ?? 'unattended' },
        options: { ...OPTIONS, ...options },
      };
      orders.set(attemptNo, {
        runId: 'run-1',
        attemptNo,
        taskId: taskId(id),
        sessionId: undefined,
        tell: undefined,
        root,
        folder: root,
        git,
        database,
        json,
        agentType: 'custom',
        label: 'Test agent',
        agent,
        output: 'text',
        stdinFile: undefined,
        agentMode: 'unattended',
        verify: undefined,
        graceMs: 300,
        lingerMs: 300,
        anew: undefined,
        files,
        options: job.options,
        ...spec,
      });
      const stop = new AbortController();
      const heard: string[] = [];
      const end = worker.work(job, stop.signal, {
        onClaimed: (holder) => void heard.push(`claimed ${holder}`),
        onStarted: () => void heard.push('started'),
      });
      const log = (): string => (existsSync(files.log) ? readFileSync(files.log, 'utf8') : '');
      return {
        attemptNo,
        files,
        end,
        heard,
        log,
        stop: () => stop.abort(),
        state: () =>
          existsSync(files.state) ? parseWorkState(readFileSync(files.state, 'utf8')) : undefined,
        said: async (pattern) => {
          await until(`the log says ${pattern.source}: ${log()}`, () => pattern.test(log()));
          return pattern.exec(log())!;
        },
      };
    },
    attach: ({ attemptNo }, worker) => {
      const { runId, options, agent } = {
        runId: 'run-1',
        options: OPTIONS,
        agent: { agent: 'custom', model: undefined },
      };
      const job = {
        runId,
        attemptNo,
        root,
        options,
        agent: { ...agent, agentMode: 'unattended' as const },
        id: taskId('T-1'),
      };
      return worker.attach(job, new AbortController().signal, {
        onClaimed: () => undefined,
        onStarted: () => undefined,
      });
    },
    lockOf: async (id) => {
      const { status, assignee } = await row(id);
      return `${textOf(status)} ${textOf(assignee)}`;
    },
    comments: async () => {
      const rows = await other.all(
        `SELECT content FROM task_comments WHERE comment_type = 'result' ORDER BY id`,
      );
      return rows.map(({ content }) => textOf(content));
    },
    terminal: (orderFile) => {
      const child = spawn(findSqliteNode(), [bundles.supervisor, orderFile], {
        env: plainNodeEnv(),
        stdio: ['pipe', 'pipe', 'pipe'],
        detached: true,
      });
      terminals.push(child);
      return child;
    },
    [Symbol.asyncDispose]: async () => {
      for (const worker of workers) worker.detach();
      for (const terminal of terminals) {
        if (terminal.exitCode !== null || terminal.signalCode !== null) continue;
        terminal.kill('SIGKILL');
        await once(terminal, 'close');
      }
      await other.close();
      clearInterval(alive);
      await until(
        'every supervisor has ended',
        () => supervisorsOf(bundles.supervisor).length === 0,
      );
      await until('nothing of any agent is left', () => agentsOf(bundles.folder).length === 0);
      await bundles.remove();
      await rm(root, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** True for a process that has not ended; one that has and was not collected yet counts as gone. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    if (process.platform !== 'linux') return true;
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** The host part of holders here. */
export const HOST = hostname();

function supervisorsOf(script: string): readonly number[] {
  return processesWith('cmdline', (text) => text.split('\0').includes(script));
}

/** Everything that the agents of a rig have started, wherever it went. */
function agentsOf(folder: string): readonly number[] {
  return processesWith('environ', (text) => text.split('\0').includes(`${RIG}=${folder}`));
}

function textOf(value: SqlRow[string] | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

/** On systems without /proc there is nothing to look at. */
function processesWith(file: 'cmdline' | 'environ', fits: (text: string) => boolean): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      return fits(readFileSync(`/proc/${name}/${file}`, 'latin1')) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

function taskOf(id: string): Task {
  return {
    id: taskId(id),
    title: id,
    description: '',
    status: 'Todo',
    rawStatus: 'Todo',
    priority: 'medium',
    rawPriority: 'medium',
    tags: [],
    dependencies: [],
    parentId: undefined,
    projectId: undefined,
    lock: undefined,
    metadata: {},
    estimatedHours: undefined,
    createdAt: undefined,
    modifiedAt: undefined,
    completedAt: undefined,
    version: 1,
  };
}

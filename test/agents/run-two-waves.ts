import { execFile, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PresetKind } from '../../src/agent-process/agent-presets.ts';
import type { RunState } from '../../src/core/run/run-events.ts';
import { runReport } from '../../src/core/run/report/run-report.ts';
import { taskId } from '../../src/core/task.ts';
import { utcTime } from '../../src/core/text.ts';
import { describeNode } from '../../src/ui/tree-item.ts';
import { describeRun, runCounts } from '../../src/ui/runs/run-row.ts';
import { task } from '../support/backlog.ts';
import { fakeBacklog, NO_AGENTS } from '../support/fake-backlog.ts';
import { createBacklog, nativeWriter, type TaskSpec } from '../support/fixture.ts';
import { textOf } from '../support/mcp-rig.ts';
import { openRunWindow, type Programs } from '../support/run-window.ts';
import { until } from '../support/until.ts';
import { setUp } from './agent-setups.ts';
import { LIMIT_MS } from './cases.ts';
import type { InstalledAgent } from './install.mjs';
import { startModel } from './model/model-server.ts';
import { processesMarked, processesWith } from './processes.ts';
import { findInstalled } from './run-case.ts';

const execute = promisify(execFile);

/** How a run ended that could get nothing done. */
export interface TwoWavesObserved {
  /** How many of its tasks are where, as the tree shows it. */
  readonly counts: string;
  readonly problems: readonly string[];
  /** What its agents wrote. */
  readonly log: string;
}

const FIRST = ['T-1', 'T-2', 'T-3'];
const SECOND = ['T-4', 'T-5', 'T-6'];
/** The last one waits for nothing but its wave, as in waves that a plan file orders. */
const TASKS: readonly TaskSpec[] = [
  ...FIRST.map((id) => ({ id })),
  { id: 'T-4', deps: ['T-1'] },
  { id: 'T-5', deps: ['T-2', 'T-3'] },
  { id: 'T-6' },
];
/** Where the reason must be, and what the user is to do. */
const ADVICE = /could not authenticate: log in with it once in a terminal, or set its API key/;
/** Marks the agents of a run and all that they start. */
const RUN_MARK = 'TODO2_TWO_WAVES';
const GONE_WITHIN_MS = 20_000;
const FIRST_START: Partial<Record<PresetKind, readonly string[]>> = {
  opencode: ['session', 'list'],
};

/**
 * A run over two waves, as a window leads it with the settings that a user begins with, of an agent
 * whose key is refused.
 */
export async function runTwoWavesOf(
  installed: InstalledAgent,
  programs: Programs,
): Promise<TwoWavesObserved> {
  const root = await mkdtemp(join(tmpdir(), 'todo2-waves-'));
  const home = await mkdtemp(join(tmpdir(), 'todo2-home-'));
  const mark = randomUUID();
  try {
    await createBacklog(root, { tasks: TASKS });
    const git = spawnSync('git', ['init', '--quiet'], { cwd: root, encoding: 'utf8' });
    if (git.status !== 0) throw new Error(`git init: ${git.stderr}`);
    await using model = await startModel(root);
    model.play([{ kind: 'refuse', status: 401, message: 'Incorrect API key provided.' }]);
    const env = { ...(await setUp(installed.preset, model.url, home)), [RUN_MARK]: mark };
    await using other = await nativeWriter(root);
    const rowsOf = async (ids: readonly string[]): Promise<readonly string[]> => {
      const all = await Promise.all(
        ids.map((id) => other.all('SELECT * FROM tasks WHERE id = ?', id)),
      );
      return all.flat().map((row) => JSON.stringify(row));
    };
    const before = await rowsOf(SECOND);
    await startFirst(installed, root, env);
    const window = openRunWindow(
      {
        ...{ root, programs, custom: undefined, cap: 2 },
        orderFolder: join(home, 'orders'),
        begunFile: join(home, 'begun'),
        run: { timeLimitMs: LIMIT_MS },
      },
      { findAgent: () => findInstalled(installed, env) },
    );
    const problems: string[] = [];
    let run: RunState;
    try {
      await window.ready;
      run = await runAll(window, installed);
    } finally {
      await window.close('stop');
    }
    const { bugs, failures } = window;
    if (bugs.length + failures.length > 0)
      problems.push(`the window tells of ${JSON.stringify([...bugs, ...failures])}`);
    if (String(await rowsOf(SECOND)) !== String(before))
      problems.push(`the second wave was touched: ${String(await rowsOf(SECOND))}`);
    const locks = await other.all('SELECT id, status, assignee, lock_until FROM tasks ORDER BY id');
    for (const row of locks) {
      const [id, ...rest] = ['id', 'status', 'assignee', 'lock_until'].map((name) =>
        textOf(row, name),
      );
      if (rest.join(' ') !== 'Todo null null') problems.push(`${id} is ${rest.join(' ')}`);
    }
    const left = (): ReturnType<typeof processesWith> => [
      ...processesMarked(RUN_MARK, mark),
      ...[programs.supervisor, programs.writer].flatMap(processesWith),
    ];
    await until('every process of the run has ended', () => left().length === 0, GONE_WITHIN_MS)
      // What is left is told below.
      .catch(() => undefined);
    for (const { pid, args } of left()) problems.push(`process ${pid} is left: ${args.join(' ')}`);
    const { counts, wrong } = lookAt(run);
    return { counts, problems: [...problems, ...wrong], log: logsOf(root) };
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    await rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/**
 * What whoever has signed in to an agent has done: opencode makes its database when it is started
 * for the first time, and two such starts at once disturb each other.
 */
async function startFirst(
  installed: InstalledAgent,
  root: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const args = FIRST_START[installed.preset];
  if (args === undefined) return;
  const found = await findInstalled(installed, env);
  if (!found.ok) throw new Error(JSON.stringify(found.failure));
  const { command, first, env: own } = found.value;
  const options = { cwd: root, env: { ...process.env, ...own, PWD: root } };
  await execute(command, [...first, ...args], options);
}

async function runAll(
  window: ReturnType<typeof openRunWindow>,
  { preset }: InstalledAgent,
): Promise<RunState> {
  const { runs } = window;
  const why = await runs.history.prepare();
  if (why !== undefined) throw new Error(JSON.stringify(why));
  const waves = [FIRST.map(taskId), SECOND.map(taskId)];
  const assignment = { agent: preset, model: undefined, agentMode: 'unattended' } as const;
  const started = runs.runner.start(window.request(waves, assignment));
  if (!started.ok) throw new Error(JSON.stringify(started.failure));
  const { runId, ended } = started.value;
  const isOver = (): boolean =>
    runs.runner.runs.find((run) => run.runId === runId)?.phase === 'ended';
  // Every task of the first wave in turn, at worst.
  await until('the run has ended', isOver, (FIRST.length + 1) * LIMIT_MS);
  return ended;
}

/** What the tree and the report tell of a run. */
function lookAt(run: RunState): { readonly counts: string; readonly wrong: readonly string[] } {
  const wrong: string[] = [];
  const backlog = fakeBacklog({
    tasks: [...run.tasks.keys()].map((id) => task(id)),
    runs: () => [run],
  });
  const { label, description } = describeRun(backlog, run.runId);
  const row = `${label} · ${description}`;
  if (!ADVICE.test(row)) wrong.push(`the row of the run has no advice: ${row}`);
  for (const { id, outcome } of run.tasks.values()) {
    const isFirst = FIRST.includes(id);
    if (outcome?.kind !== (isFirst ? 'failed' : 'skipped'))
      wrong.push(`${id} is ${JSON.stringify(outcome)}`);
    const told = describeNode({ kind: 'task', backlog, taskId: id }, NO_AGENTS).description;
    if (isFirst && !ADVICE.test(told)) wrong.push(`the row of ${id} has no advice: ${told}`);
  }
  const context = { titleOf: String, dependenciesOf: () => [], now: Date.now(), timeOf: utcTime };
  const report = runReport(run, context);
  if (!ADVICE.test(report)) wrong.push(`the report has no advice: ${report}`);
  return { counts: runCounts(run).join(', '), wrong };
}

function logsOf(root: string): string {
  const runs = join(root, '.todo2', 'waves', 'runs');
  if (!existsSync(runs)) return '';
  const files = readdirSync(runs, { recursive: true, encoding: 'utf8' }).sort();
  return files
    .filter((file) => file.endsWith('.log'))
    .map((file) => `${file}\n${readFileSync(join(runs, file), 'utf8')}`)
    .join('\n');
}

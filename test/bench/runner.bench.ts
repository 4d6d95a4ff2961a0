import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { taskId } from '../../src/core/task.ts';
import { createBacklog } from '../support/fixture.ts';
import { bundlePrograms } from '../support/run-programs.ts';
import { openRunWindow, type Programs } from '../support/run-window.ts';
import { median, type Row } from './bench.ts';

export const title = 'Running tasks';
export const needs = 'sqlite';

const TASKS = 200;
const CAP = 8;
const ROUNDS = 3;
const SHELL = ['/bin/sh', '/usr/bin/sh'].find((file) => existsSync(file)) ?? 'sh';
const SECONDS = 0.1;
/** An agent that works for a moment and says so; who says nothing has not succeeded. */
const AGENT = ['-c', `sleep ${SECONDS}; echo Done.`];
/**
 * The least that a supervisor per task can cost: a Node that starts the program and does nothing
 * else.
 */
const UNDER_A_NODE = [
  ...[process.execPath, '-e'],
  `require('child_process').spawn(${JSON.stringify(SHELL)}, ${JSON.stringify(AGENT)}, { stdio: 'ignore' })`,
];

/**
 * Ours is a whole run: prompts, journal, supervisors, claims, leases, states, logs, results,
 * releases. The references start the same program as often, and nothing else; one of them with a
 * Node process over each, which a supervisor that outlives its window cannot do without.
 */
export async function run(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'todo2-bench-'));
  try {
    const programs = await bundlePrograms(join(folder, 'bin'));
    const times = {
      ours: [] as number[],
      xargs: [] as number[],
      nodes: [] as number[],
      limit: [] as number[],
    };
    for (let round = 0; round < ROUNDS; round++) {
      times.ours.push(await runOurs(join(folder, String(round)), programs));
      times.xargs.push(await runXargs([SHELL, ...AGENT]));
      times.nodes.push(await runXargs(UNDER_A_NODE));
      times.limit.push(await runLimited());
    }
    const row = (
      what: string,
      reference: string,
      referenceTimes: readonly number[],
      aim?: string,
    ): Row => ({
      ...{
        what,
        size: TASKS,
        ours: median(times.ours),
        reference,
        referenceMs: median(referenceTimes),
      },
      ...(aim === undefined ? {} : { aim }),
    });
    const ideal = SECONDS * 1000 * (TASKS / CAP);
    const overhead = (time: number): number => ((time - ideal) * CAP) / TASKS;
    return [
      row(`tasks of 100 ms, ${CAP} at a time`, `xargs -P ${CAP}`, times.xargs, 'at most 1.15x'),
      row(`tasks of 100 ms, ${CAP} at a time`, 'xargs, a bare Node over each', times.nodes),
      row(`tasks of 100 ms, ${CAP} at a time`, 'p-limit over spawn', times.limit),
      {
        ...{
          what: 'what each of them costs on top',
          size: TASKS,
          ours: overhead(median(times.ours)),
        },
        ...{ reference: `xargs -P ${CAP}`, referenceMs: overhead(median(times.xargs)) },
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/**
 * The time from the start of a run to its end; a window that opens first, and closes afterwards, is
 * no part of it.
 */
async function runOurs(folder: string, programs: Programs): Promise<number> {
  const root = join(folder, 'project');
  const ids = Array.from({ length: TASKS }, (_, n) => taskId(`T-${n}`));
  await createBacklog(root, { tasks: ids.map((id) => ({ id })) });
  const window = openRunWindow({
    ...{
      root,
      programs,
      cap: CAP,
      orderFolder: join(folder, 'orders'),
      begunFile: join(folder, 'begun'),
    },
    custom: { command: SHELL, args: AGENT, stdin: 'none', env: {} },
  });
  try {
    await window.ready;
    const refusal = await window.runs.history.prepare();
    const agent = { agent: 'custom', model: undefined, agentMode: 'unattended' } as const;
    const begin = performance.now();
    const started = window.runs.runner.start(window.request([ids], agent));
    if (refusal !== undefined || !started.ok) throw new Error(JSON.stringify(refusal ?? started));
    const { tasks } = await started.value.ended;
    const time = performance.now() - begin;
    const failed = [...tasks.values()].filter(({ outcome }) => outcome?.kind !== 'succeeded');
    if (failed.length > 0 || window.bugs.length > 0)
      throw new Error(JSON.stringify([failed[0], window.bugs]));
    return time;
  } finally {
    await window.close('keep');
  }
}

async function runXargs(program: readonly string[]): Promise<number> {
  const begin = performance.now();
  const child = spawn('xargs', ['-P', String(CAP), '-I', '{}', ...program], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  child.stdin.end(Array.from({ length: TASKS }, (_, n) => `${n}\n`).join(''));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`xargs ended with ${code ?? 'a signal'}`);
  return performance.now() - begin;
}

async function runLimited(): Promise<number> {
  const limit = pLimit(CAP);
  const begin = performance.now();
  await Promise.all(
    Array.from({ length: TASKS }, () =>
      limit(() => once(spawn(SHELL, AGENT, { stdio: 'ignore' }), 'close')),
    ),
  );
  return performance.now() - begin;
}

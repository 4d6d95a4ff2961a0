import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { taskId } from '../../src/core/task.ts';
import { isAgentOutput } from '../../src/agent-process/output/agent-output.ts';
import { TaskTerminals } from '../../src/agent-process/terminals/task-terminals.ts';
import { systemClock } from '../../src/store/files/system-clock.ts';
import { createBacklog } from '../support/fixture.ts';
import { bundlePrograms } from '../support/run-programs.ts';
import { openRunWindow } from '../support/run-window.ts';
import { TerminalWindow } from '../support/terminal-window.ts';
import type { Row } from './bench.ts';

export const title = 'Memory of a window';
export const needs = 'sqlite';

const TASKS = 1000;
const CAP = 8;
/** What has ended is tidied up within seconds: supervisors without work, terminals, timers. */
const SETTLED_AFTER_MS = 8_000;
const AGENT = ['/bin/echo', '/usr/bin/echo'].find((file) => existsSync(file)) ?? 'echo';

/**
 * A window in which a thousand agents have ended, its terminals and its history with them, against
 * the same window before. Only what is still needed after a full collection counts as heap; what
 * the system has lent to the process may be more.
 */
export async function run(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'todo2-bench-'));
  const root = join(folder, 'project');
  const ids = Array.from({ length: TASKS }, (_, n) => taskId(`T-${n}`));
  await createBacklog(root, { tasks: ids.map((id) => ({ id })) });
  const programs = await bundlePrograms(join(folder, 'bin'));
  const bugs: unknown[] = [];
  const terminals = new TaskTerminals({
    ...{ window: new TerminalWindow() as never, clock: systemClock, log: () => undefined },
    ...{ onStopRequested: () => undefined, reportBug: (error) => void bugs.push(error) },
  });
  const window = openRunWindow(
    {
      ...{
        root,
        programs,
        cap: CAP,
        orderFolder: join(folder, 'orders'),
        begunFile: join(folder, 'begun'),
      },
      custom: {
        command: AGENT,
        args: ['Something that an agent might say.'],
        stdin: 'none',
        env: {},
      },
    },
    {
      onAttempt: ({ runId, attemptNo, taskId: id, label, output, logFile, tryNo, isAttached }) =>
        terminals.open({
          ...{
            key: `${runId}/${attemptNo}`,
            runId,
            attemptNo,
            id,
            title: id,
            label,
            logFile,
            tryNo,
            isAttached,
          },
          output: isAgentOutput(output) ? output : 'text',
        }),
    },
  );
  try {
    await window.ready;
    const starts = new Map<string, number>();
    window.runs.runner.onEvent((event) => {
      if (event.kind === 'taskStarting') starts.set(event.id, event.attemptNo);
      if (event.kind !== 'taskEnded') return;
      void terminals.ended(`${event.runId}/${starts.get(event.id) ?? 0}`, {
        mark: '✓',
        words: 'Ended',
      });
    });
    const refusal = await window.runs.history.prepare();
    const before = await used();
    const agent = { agent: 'custom', model: undefined, agentMode: 'unattended' } as const;
    const started = window.runs.runner.start(window.request([ids], agent));
    if (refusal !== undefined || !started.ok) throw new Error(JSON.stringify(refusal ?? started));
    const { tasks } = await started.value.ended;
    const failed = [...tasks.values()].filter(({ outcome }) => outcome?.kind !== 'succeeded');
    if (failed.length > 0 || bugs.length > 0) throw new Error(JSON.stringify([failed[0], bugs]));
    await pause(SETTLED_AFTER_MS);
    const after = await used();
    const reference = 'the same window before';
    return [
      {
        what: 'heap',
        size: TASKS,
        unit: 'MB',
        ours: after.heap,
        reference,
        referenceMs: before.heap,
      },
      {
        ...{ what: 'heap and buffers', size: TASKS, unit: 'MB', reference },
        ...{ ours: after.heap + after.buffers, referenceMs: before.heap + before.buffers },
      },
      {
        what: 'resident',
        size: TASKS,
        unit: 'MB',
        ours: after.resident,
        reference,
        referenceMs: before.resident,
      },
    ];
  } finally {
    terminals.dispose();
    await window.close('keep');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** In MB, of what a full collection leaves. */
async function used(): Promise<{
  readonly heap: number;
  readonly buffers: number;
  readonly resident: number;
}> {
  if (globalThis.gc === undefined) throw new Error('This needs --expose-gc.');
  for (let round = 0; round < 3; round++) {
    globalThis.gc();
    await pause(50);
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  const MB = 1024 * 1024;
  return { heap: heapUsed / MB, buffers: external / MB, resident: rss / MB };
}

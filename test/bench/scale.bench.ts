import { createReader, isAgentOutput } from '../../src/agent-process/output/agent-output.ts';
import { findAlike } from '../../src/core/batch/duplicates.ts';
import { filesOf } from '../../src/core/named-files.ts';
import { findLocations } from '../../src/core/plan/plan-locations.ts';
import { writeMainPlan } from '../../src/core/plan/main-plan.ts';
import { FilesInUse } from '../../src/core/run/engine/files-in-use.ts';
import { Scheduler } from '../../src/core/run/engine/scheduler.ts';
import { applyRunEvents } from '../../src/core/run/journal/run-state.ts';
import type { RunEvent } from '../../src/core/run/run-events.ts';
import { taskId } from '../../src/core/task.ts';
import { DEFAULT_WAVE_OPTIONS, planWaves } from '../../src/core/waves/waves.ts';
import { linksIn } from '../../src/store/files/docs-scan.ts';
import { task } from '../support/backlog.ts';
import { runStarted } from '../support/run-events.ts';
import { compare, type Row } from './bench.ts';

export const title = 'Growth: four times the input';

const FACTOR = 4;

/**
 * Each of these reads input that others wrote. Time squared would show as 16x, time linear in the
 * input as 4x.
 */
export async function run(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const [what, size, prepare] of READERS) {
    const [small, large] = [prepare(size), prepare(size * FACTOR)];
    rows.push({
      what,
      size: size * FACTOR,
      ...(await compare({ ours: large, reference: small }, { runs: 9, warmUp: 3 })),
      reference: `a quarter of it`,
      aim: '≤ 6x',
    });
  }
  return rows;
}

const READERS: readonly (readonly [
  what: string,
  size: number,
  prepare: (size: number) => () => unknown,
])[] = [
  [
    'agent output, escapes without an end',
    50_000,
    (size) => output('streamJson', '\x1b[1;'.repeat(size)),
  ],
  ['agent output, rate limits', 20_000, (size) => output('text', 'retry after 1 '.repeat(size))],
  [
    'files that a description names',
    100_000,
    (size) => () => filesOf('- Update: (((('.repeat(size / 10), { foldCase: false }),
  ],
  ['links of a document', 100_000, (size) => () => linksIn(`${'](<'.repeat(size)}\n`)],
  ['ids and waves in a plan', 2_000, plan],
  ['duplicates with the same words', 4_000, alike],
  ['events of a run folded', 5_000, fold],
  ['tasks that all name one file', 10_000, schedule],
];

function output(format: string, text: string): () => unknown {
  if (!isAgentOutput(format)) throw new Error(`Internal error: ${format} is no format`);
  const bytes = new TextEncoder().encode(text);
  return () => {
    const reader = createReader(format);
    reader.read(bytes);
    reader.end();
  };
}

function plan(size: number): () => unknown {
  const backlog = Array.from({ length: size }, (_, i) => task(`T-${i}`, { title: 'x'.repeat(60) }));
  const waves = planWaves(backlog, DEFAULT_WAVE_OPTIONS);
  const text = writeMainPlan({ title: 'x', rootName: 'x', plan: waves, date: '2026-01-02' });
  return () => findLocations(text);
}

function alike(size: number): () => unknown {
  const backlog = Array.from({ length: size }, (_, n) =>
    task(`T-${n}`, { title: `Update the part number ${n} of module ${n % 7}` }),
  );
  return () => findAlike(backlog);
}

function fold(size: number): () => unknown {
  const ids = Array.from({ length: size }, (_, i) => taskId(`T-${i}`));
  const outcome = { kind: 'skipped', reason: { kind: 'stopped' } } as const;
  const start = runStarted({ waves: [ids], at: 1 });
  const ends = ids.map((id): RunEvent => ({
    kind: 'taskEnded',
    runId: start.runId,
    id,
    outcome,
    at: 2,
  }));
  return () => applyRunEvents(undefined, [start, ...ends]);
}

function schedule(size: number): () => unknown {
  const candidates = Array.from({ length: size }, (_, v) => ({
    id: taskId(`t${v}`),
    wave: 0,
    agent: 'claude',
    dependencies: [],
    weight: 1,
    rank: 1,
    files: ['x'],
  }));
  return () => {
    const inUse = new FilesInUse();
    const scheduler = new Scheduler(candidates, 'flow', inUse);
    for (let i = 0; i < size; i++) {
      const { id } = scheduler.take(() => true);
      if (id === undefined) throw new Error('Internal error: a task is stuck');
      scheduler.ended(id, true);
      for (const file of inUse.release(id, scheduler.filesOf(id))) scheduler.freed(file);
    }
  };
}

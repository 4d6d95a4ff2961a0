import { findConflicts } from '../analysis/conflicts.ts';
import type { Backlog } from '../backlog.ts';
import type { BatchResult, BatchStatus, StepRun, ToolReport } from './batch-result.ts';
import * as ofBacklog from './backlog-tools.ts';
import * as ofLocks from './lock-tools.ts';
import { runParallel, type Tool } from './run-parallel.ts';
import type { BatchTool, ToolWorld, Workspace } from './tool.ts';
import * as ofWorkspace from './workspace-tools.ts';

/** Stages of tools that run one after the other; the tools of a stage run in parallel. */
export interface Batch {
  /** Names it in results: `daily`, `nightly`, `sprint`, or the name of a custom one. */
  readonly action: string;
  readonly title: string;
  readonly stages: readonly (readonly BatchTool[])[];
  /** Overrides the setting. */
  readonly maxParallel?: number;
}

/** Every tool of ours. */
export const TOOLS: readonly BatchTool[] = [ofLocks, ofBacklog, ofWorkspace].flatMap((tools) =>
  Object.values(tools),
);

/** The batches that are always there, with the steps of exarp-go's. */
export const BATCHES: readonly Batch[] = [
  {
    action: 'daily',
    title: 'Daily',
    stages: [
      [ofLocks.conflictDetection],
      [ofLocks.deadAgentCleanup],
      [ofWorkspace.alignment, ofBacklog.duplicateTasks, ofWorkspace.docsHealth],
      [ofBacklog.dependencyHealth, ofLocks.lockHealth],
      [ofWorkspace.handoffCheck],
      [ofWorkspace.progressInference],
      [ofBacklog.staleTasks],
    ],
  },
  {
    action: 'nightly',
    title: 'Nightly',
    stages: [
      [ofWorkspace.memoryCheck, ofBacklog.tagAnalysis, ofWorkspace.storeHealth],
      [ofLocks.staleLockCheck],
      [ofLocks.deadAgentCleanup],
    ],
  },
  {
    action: 'sprint',
    title: 'Sprint',
    stages: [
      [ofLocks.deadAgentCleanup],
      [ofWorkspace.alignment, ofBacklog.hierarchy, ofBacklog.overview],
      [ofBacklog.sprintOrder],
    ],
  },
];

export interface BatchOptions {
  readonly backlog: Backlog;
  readonly workspace: Workspace;
  readonly maxParallel: number;
  readonly signal: AbortSignal;
  /** After a step started or ended: how many have ended, of how many, and which are running. */
  readonly onProgress?: (ended: number, total: number, atWork: readonly string[]) => void;
}

/**
 * Runs a batch; undefined where the backlog has not been read. Each stage sees the changes of the
 * one before. Never rejects.
 */
export async function runBatch(
  batch: Batch,
  options: BatchOptions,
): Promise<BatchResult | undefined> {
  const { backlog, workspace, signal, onProgress } = options;
  const maxParallel = batch.maxParallel ?? options.maxParallel;
  const startedAt = backlog.now;
  const first = worldOf(backlog, workspace);
  if (first === undefined) return undefined;
  const total = batch.stages.reduce((sum, stage) => sum + stage.length, 0);
  const atWork = new Set<BatchTool>();
  const steps: StepRun[] = [];
  let ended = 0;
  const tell = (): void =>
    onProgress?.(
      ended,
      total,
      [...atWork].map(({ title }) => title),
    );
  for (const stage of batch.stages) {
    const world = worldOf(backlog, workspace) ?? first;
    const tools = stage.map((tool): Tool<ToolReport> => ({
      name: tool.title,
      run: (aborted) => tool.run(world, aborted),
    }));
    const runs = await runParallel(tools, {
      maxParallel,
      signal,
      now: () => backlog.now,
      onStarted: (index) => {
        const tool = stage[index];
        if (tool !== undefined) atWork.add(tool);
        tell();
      },
      onEnded: (index) => {
        const tool = stage[index];
        if (tool !== undefined) atWork.delete(tool);
        ended++;
        tell();
      },
    });
    steps.push(...runs.map((run, index) => ({ id: stage[index]?.id ?? '', ...run })));
  }
  const seconds = Math.max(0, backlog.now - startedAt) / 1000;
  const { action, title } = batch;
  return {
    action,
    title,
    status: statusOf(steps),
    startedAt,
    seconds,
    steps,
    conflicts: first.conflicts,
  };
}

function statusOf(steps: readonly StepRun[]): BatchStatus {
  if (steps.some(({ status }) => status === 'cancelled')) return 'cancelled';
  const failed = steps.filter(({ status }) => status === 'failed').length;
  return failed === 0 ? 'success' : failed === steps.length ? 'failed' : 'partial';
}

function worldOf(backlog: Backlog, workspace: Workspace): ToolWorld | undefined {
  const { snapshot, plan } = backlog;
  if (snapshot === undefined || plan === undefined) return undefined;
  const conflicts = findConflicts(snapshot.tasks, { foldCase: backlog.runs.caseFoldPaths });
  return { backlog, workspace, snapshot, plan, conflicts };
}

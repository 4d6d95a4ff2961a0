import assert from 'node:assert/strict';
import type { Job } from '../../src/core/ports.ts';
import type { PromptContext } from '../../src/core/run/attempt/prompt-text.ts';
import type { RunOptions } from '../../src/core/run/run-options.ts';
import { taskId, type Task } from '../../src/core/task.ts';

/** The options of a run that asks for nothing more than its attempt. */
export const NO_OPTIONS: RunOptions = {
  runMode: 'strict',
  onFailure: 'continue',
  pauseBetweenWaves: false,
  heldTasks: 'skip',
  reviewGate: 'inRun',
  retries: 0,
  retryAfterMs: 0,
  maxEqualFailures: 3,
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

/** A prompt of which nothing is told but its task. */
export const NO_CONTEXT: PromptContext = {
  files: [],
  results: new Map(),
  planFile: undefined,
  earlier: [],
};

/** A task with this much said of it. */
export function aTask(change: Partial<Omit<Task, 'id'>> & { readonly id?: string } = {}): Task {
  const id = taskId(change.id ?? 'T-1');
  return {
    title: `Title of ${id}`,
    description: `Description of ${id}`,
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
    ...change,
    id,
  };
}

/** The first attempt at such a task. */
export function aJob(change: Parameters<typeof aTask>[0] = {}): Job {
  return {
    runId: 'r1',
    attemptNo: 1,
    tryNo: 1,
    root: '/backlog',
    task: aTask(change),
    dependencies: [],
    agent: { agent: 'claude', model: undefined, agentMode: 'unattended' },
    options: NO_OPTIONS,
    sessionId: undefined,
  };
}

/** What stands between the fences of a prompt, block for block; each fence that opens closes. */
export function fencedBlocks(prompt: string): readonly string[] {
  const length = Number(/two fences of (\d+) backticks/.exec(prompt)?.[1]);
  const parts = `\n${prompt}`.split(`\n${'`'.repeat(length)}\n`);
  assert.equal(parts.length % 2, 1, 'every fence closes');
  return parts.filter((_, index) => index % 2 === 1);
}

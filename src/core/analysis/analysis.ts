import type { Failure } from '../failure.ts';
import { filesOf } from '../named-files.ts';
import { pushTo } from '../push-to.ts';
import type { Result } from '../result.ts';
import type { Snapshot } from '../snapshot.ts';
import { compareIds, type Task, type TaskId } from '../task.ts';
import type { Plan } from '../waves/waves.ts';
import { type Conflicts, findConflicts } from './conflicts.ts';
import {
  conflictsJson,
  dependenciesJson,
  dependenciesSummary,
  executionPlanJson,
  parallelizationJson,
} from './exarp-json.ts';
import { analyseParallelism, type Parallelism } from './parallelism.ts';
import type { WhatIf } from './what-if.ts';

/** A task that could start and names the same files as a task In Progress. */
export interface WouldCollide {
  readonly id: TaskId;
  readonly with: TaskId;
  readonly files: readonly string[];
}

/** The analysis of a backlog at one moment. */
export interface Analysis {
  readonly snapshot: Snapshot;
  readonly plan: Plan;
  readonly found: Parallelism;
  /** Among the tasks In Progress. */
  readonly conflicts: Conflicts;
  readonly wouldCollide: readonly WouldCollide[];
  /** Undefined where no task can start. */
  readonly whatIf: WhatIf | undefined;
}

/** What an analysis needs of a backlog. */
export interface AnalysedBacklog {
  readonly snapshot: Snapshot | undefined;
  readonly plan: Plan | undefined;
  readonly runs: {
    readonly caseFoldPaths: boolean;
    readonly forecasts: { whatIf(): Result<WhatIf, Failure> };
  };
}

/**
 * Undefined while nothing has been read. The same backlog and the same past runs give the same
 * answer.
 */
export function analyse(backlog: AnalysedBacklog): Analysis | undefined {
  const { snapshot, plan, runs } = backlog;
  if (snapshot === undefined || plan === undefined) return undefined;
  const { caseFoldPaths: foldCase } = runs;
  const whatIf = runs.forecasts.whatIf();
  return {
    snapshot,
    plan,
    found: analyseParallelism(plan, () => true, { foldCase }),
    conflicts: findConflicts(snapshot.tasks, { foldCase }),
    wouldCollide: findCollisions(snapshot.tasks, plan, foldCase),
    whatIf: whatIf.ok ? whatIf.value : undefined,
  };
}

/** Tasks of the first wave that are Todo against those In Progress; one entry for each pair. */
function findCollisions(
  tasks: readonly Task[],
  plan: Plan,
  foldCase: boolean,
): readonly WouldCollide[] {
  const users = new Map<string, TaskId[]>();
  for (const { id, status, description } of tasks.toSorted((a, b) => compareIds(a.id, b.id))) {
    if (status !== 'In Progress') continue;
    for (const file of filesOf(description, { foldCase })) pushTo(users, file, id);
  }
  if (users.size === 0) return [];
  return (plan.waves[0]?.tasks ?? []).flatMap((task) => {
    if (task.status !== 'Todo') return [];
    const shared = new Map<TaskId, string[]>();
    for (const file of filesOf(task.description, { foldCase })) {
      for (const id of users.get(file) ?? []) pushTo(shared, id, file);
    }
    return [...shared].map(([id, files]) => ({ id: task.id, with: id, files }));
  });
}

/**
 * All of it in the shapes of exarp-go's `task_analysis`, by action; `what_if` is ours alone. Times
 * in seconds.
 */
export function analysisJson(analysis: Analysis) {
  const { whatIf, wouldCollide } = analysis;
  const seconds = (ms: number): number => Math.round(ms / 1000);
  return {
    dependencies: dependenciesJson(analysis),
    parallelization: parallelizationJson(analysis),
    execution_plan: executionPlanJson(analysis),
    conflicts: {
      ...conflictsJson(analysis),
      would_collide: wouldCollide.map((each) => ({
        task_id: each.id,
        with: each.with,
        files: each.files,
      })),
      waves: analysis.found.sharedFiles.map(({ wave, ids, files }) => ({
        wave,
        task_ids: ids,
        files,
      })),
    },
    dependencies_summary: { action: 'dependencies_summary', report: dependenciesSummary(analysis) },
    ...(whatIf === undefined
      ? {}
      : {
          what_if: {
            tasks: whatIf.tasks,
            method: whatIf.method,
            caps: whatIf.caps.map(({ cap, ms }) => ({
              max_parallel_tasks: cap,
              duration_seconds: seconds(ms),
            })),
            chain: whatIf.chain.map(({ id, ms }) => ({ id, duration_seconds: seconds(ms) })),
            shorten: whatIf.toShorten && {
              id: whatIf.toShorten.id,
              duration_seconds: seconds(whatIf.toShorten.ms),
              saves_seconds: seconds(whatIf.toShorten.savesMs),
              max_parallel_tasks: whatIf.cap,
            },
            basis: whatIf.basis,
          },
        }),
  };
}

import { pushTo } from '../push-to.ts';
import { count, oneLine } from '../text.ts';
import type { Snapshot } from '../snapshot.ts';
import type { Task, TaskId } from '../task.ts';
import type { Plan } from '../waves/waves.ts';
import type { Conflicts } from './conflicts.ts';
import type { Parallelism, ParallelGroup } from './parallelism.ts';

/**
 * The answers of exarp-go's `task_analysis`, in its names and shapes, from our waves: a reader of
 * its results can read these. Differences: levels count open tasks alone, so they have no gaps;
 * tasks in a cycle have none; no list depends on the order of the tasks.
 */

export interface AnalysisInput {
  readonly snapshot: Pick<Snapshot, 'tasks'>;
  readonly plan: Plan;
  readonly found: Parallelism;
  readonly conflicts: Conflicts;
}

/** The action `dependencies`. */
export function dependenciesJson({ snapshot, plan, found }: AnalysisInput) {
  const { criticalPath } = found;
  const missing = missingDependencies(plan);
  return {
    action: 'dependencies',
    success: true,
    method: 'native',
    total_tasks: snapshot.tasks.length,
    dependency_graph: Object.fromEntries(
      snapshot.tasks.map(({ id, dependencies }) => [id, dependencies] as const),
    ),
    circular_dependencies: plan.cycles,
    missing_dependencies: missing,
    recommendations: recommendationsOf(plan, missing.length),
    critical_path: criticalPath.map(({ id }) => id),
    critical_path_length: criticalPath.length,
    critical_path_details: criticalPath.map((task) => ({
      id: task.id,
      content: oneLine(task.title),
      priority: task.priority,
      status: task.rawStatus,
      dependencies: task.dependencies,
      dependencies_count: task.dependencies.length,
    })),
    max_dependency_level: plan.waves.at(-1)?.number ?? 0,
    report: dependencyReport(plan, found, snapshot.tasks.length),
  };
}

/** The action `parallelization`. */
export function parallelizationJson({ snapshot, found }: AnalysisInput) {
  const groups = parallelGroups(found.groups);
  const inGroups = groups.reduce((sum, { tasks }) => sum + tasks.length, 0);
  return {
    action: 'parallelization',
    success: true,
    total_tasks: snapshot.tasks.length,
    parallel_groups: groups,
    recommendations:
      groups.length === 0
        ? []
        : [
            {
              type: 'parallel_execution',
              count: inGroups,
              groups: groups.length,
              message: `${count(inGroups, 'task')} in ${count(groups.length, 'group')} can be worked on side by side`,
            },
          ],
  };
}

/** The action `execution_plan`; `limit` is the most tasks in `details`. */
export function executionPlanJson(
  { plan, found }: Pick<AnalysisInput, 'plan' | 'found'>,
  limit = Infinity,
) {
  const levelOf = (id: TaskId): number => plan.waveOf.get(id) ?? 0;
  const waves = new Map<number, TaskId[]>();
  for (const { id } of found.order) {
    pushTo(waves, levelOf(id), id);
  }
  return {
    action: 'execution_plan',
    success: true,
    method: 'native',
    backlog_count: found.order.length,
    ordered_task_ids: found.order.map(({ id }) => id),
    waves: Object.fromEntries(waves),
    details: found.order.slice(0, limit).map((task) => ({
      id: task.id,
      content: oneLine(task.title),
      priority: task.priority,
      status: task.status,
      level: levelOf(task.id),
      tags: task.tags,
    })),
  };
}

/** The action `conflicts`, with shared files as `files`, which exarp-go does not have. */
export function conflictsJson({ conflicts }: Pick<AnalysisInput, 'conflicts'>) {
  const { overlaps, files } = conflicts;
  const reasonOf = ({ id, on }: (typeof overlaps)[number]): string =>
    `${oneLine(id)} is In Progress and so is ${oneLine(on)}, which it depends on`;
  return {
    action: 'conflicts',
    conflict: overlaps.length > 0 || files.length > 0,
    conflicts: overlaps.map((each) => ({
      task_id: each.id,
      dep_task_id: each.on,
      reason: reasonOf(each),
    })),
    overlapping: [...new Set(overlaps.flatMap(({ id, on }) => [id, on]))],
    reasons: overlaps.map(reasonOf),
    files: fileConflictsJson(conflicts),
  };
}

export function fileConflictsJson({ files }: Pick<Conflicts, 'files'>) {
  return files.map(({ ids, files: named }) => ({ task_ids: ids, files: named }));
}

/** The action `dependencies_summary`: three reports as one text. */
export function dependenciesSummary({ plan, found, snapshot, conflicts }: AnalysisInput): string {
  const groups = found.groups.map(
    ({ wave, priority, tasks }) => `  Wave ${wave}, ${priority}: ${idWords(tasks)}`,
  );
  const waves = plan.waves.map(({ number, tasks }) => `  Wave ${number}: ${idWords(tasks)}`);
  const overlaps = conflicts.overlaps.map(
    ({ id, on }) => `  ${oneLine(id)} and ${oneLine(on)} are both In Progress`,
  );
  return [
    dependencyReport(plan, found, snapshot.tasks.length),
    ['Parallel groups', ...(groups.length === 0 ? ['  none'] : groups)].join('\n'),
    ['Execution order', ...(waves.length === 0 ? ['  nothing is open'] : waves)].join('\n'),
    ...(overlaps.length === 0 ? [] : [['Conflicts', ...overlaps].join('\n')]),
  ].join('\n\n');
}

export function parallelGroups(groups: readonly ParallelGroup[]) {
  return groups.map(({ wave, priority, tasks }) => ({
    tasks: tasks.map(({ id }) => id),
    priority,
    reason: `${count(tasks.length, 'task')} of wave ${wave} with priority ${priority}, none of which waits for another`,
  }));
}

export function missingDependencies(plan: Plan) {
  return [...plan.missing].flatMap(([id, missing]) =>
    missing.map((dependency) => ({
      task_id: id,
      missing_dep: dependency,
      message: `${oneLine(id)} depends on ${oneLine(dependency)}, which does not exist`,
    })),
  );
}

function recommendationsOf(plan: Plan, missing: number) {
  const { length: circles } = plan.cycles;
  const all = [
    {
      type: 'circular_dependencies',
      count: circles,
      message: `Break ${count(circles, 'cycle')}: none of their tasks can start`,
    },
    {
      type: 'missing_dependencies',
      count: missing,
      message: `Remove or fix ${missing} dependencies on tasks that do not exist`,
    },
  ];
  return all.filter((each) => each.count > 0);
}

function dependencyReport(
  plan: Plan,
  { criticalPath, order, widest }: Parallelism,
  total: number,
): string {
  return [
    'Dependencies',
    `  ${count(total, 'task')}, ${order.length} open in ${count(plan.waves.length, 'wave')}, ${widest} of them in the widest`,
    `  Longest chain: ${criticalPath.length === 0 ? 'none' : idWords(criticalPath, ' → ')}`,
    ...plan.cycles.map((members) => `  Cycle: ${members.map(oneLine).join(', ')}`),
    ...missingDependencies(plan).map(({ message }) => `  ${message}`),
  ].join('\n');
}

function idWords(tasks: readonly Task[], separator = ', '): string {
  return tasks.map(({ id }) => oneLine(id)).join(separator);
}

import { executionPlanJson, missingDependencies, parallelGroups } from '../core/analysis/exarp-json.ts';
import { analyseParallelism } from '../core/analysis/parallelism.ts';
import { count, oneLine } from '../core/plan/text.ts';
import { ok } from '../core/result.ts';
import { withData } from './fence.ts';
import { hasTag, TAG } from './look-operations.ts';
import { operation, type Outcome, READS } from './operation.ts';
import { list, object } from './schema.ts';

const IDS = list({ type: 'string' });

const ANALYSIS = object(
  {
    backlog_count: { type: 'integer' },
    ordered_task_ids: list({ type: 'string' }, { description: 'The order in which one agent would take them' }),
    waves: {
      type: 'object',
      additionalProperties: IDS,
      description: 'Ids by the number of their wave',
    },
    details: list(
      object(
        {
          id: { type: 'string' },
          content: { type: 'string' },
          priority: { type: 'string' },
          status: { type: 'string' },
          level: { type: 'integer' },
          tags: IDS,
        },
        ['id', 'content', 'priority', 'status', 'level', 'tags'],
      ),
    ),
    widest_wave: { type: 'integer', description: 'More agents than this at once are of no use' },
    parallel_groups: list(
      object({ tasks: IDS, wave: { type: 'integer' }, priority: { type: 'string' }, reason: { type: 'string' } }, [
        'tasks',
        'wave',
        'priority',
        'reason',
      ]),
    ),
    critical_path: IDS,
    critical_path_length: { type: 'integer' },
    circular_dependencies: list(IDS),
    missing_dependencies: list(
      object({ task_id: { type: 'string' }, missing_dep: { type: 'string' } }, ['task_id', 'missing_dep']),
    ),
    shared_files: list(
      object({ wave: { type: 'integer' }, task_ids: IDS, files: IDS }, ['wave', 'task_ids', 'files']),
      { description: 'Tasks of one wave that name the same files; better not side by side' },
    ),
  },
  [
    'backlog_count',
    'ordered_task_ids',
    'waves',
    'details',
    'widest_wave',
    'parallel_groups',
    'critical_path',
    'critical_path_length',
    'circular_dependencies',
    'missing_dependencies',
    'shared_files',
  ],
);

export const analyse = operation({
  name: 'waves_analyse',
  title: 'Analyse parallelism',
  description:
    'Says how many agents could work at once and what stands against it: the order of execution, groups of tasks by wave and priority that can run side by side, the longest chain of dependencies (no number of agents makes it shorter), cycles, missing dependencies, and tasks of one wave that name the same files.',
  input: object(
    {
      tag: TAG,
      limit: { type: 'integer', minimum: 1, maximum: 5000, description: 'The most tasks in details, 500 if absent' },
    },
    [],
  ),
  output: ANALYSIS,
  effect: READS,
  run: (served, { tag, limit = 500 }): Outcome<typeof ANALYSIS> => {
    const { backlog, foldCase } = served;
    const { plan } = backlog;
    if (plan === undefined) throw new Error('Internal error: a snapshot without a plan');
    const isWanted = (task: { readonly tags: readonly string[] }): boolean =>
      tag === undefined || hasTag(task.tags, tag);
    const found = analyseParallelism(plan, isWanted, { foldCase });
    const missing = missingDependencies(plan);
    const { order, groups, criticalPath, widest, sharedFiles } = found;
    const {
      action: _action,
      success: _success,
      method: _method,
      ...execution
    } = executionPlanJson({ plan, found }, limit);
    const structured = {
      ...execution,
      widest_wave: widest,
      parallel_groups: parallelGroups(groups).map((group, index) => ({ ...group, wave: groups[index]?.wave ?? 0 })),
      critical_path: criticalPath.map(({ id }) => id),
      critical_path_length: criticalPath.length,
      circular_dependencies: plan.cycles,
      missing_dependencies: missing.map(({ task_id: id, missing_dep: on }) => ({ task_id: id, missing_dep: on })),
      shared_files: sharedFiles.map(({ wave, ids, files }) => ({ wave, task_ids: ids, files })),
    };
    const sentence = `${count(order.length, 'open task')} in ${count(Object.keys(structured.waves).length, 'wave')}. At most ${count(widest, 'agent')} can be at work at once, and the longest chain has ${count(criticalPath.length, 'task')}.`;
    const data = [
      `Longest chain: ${structured.critical_path.map(oneLine).join(' → ') || 'none'}`,
      ...structured.parallel_groups.map(
        ({ wave, priority, tasks }) => `Wave ${wave}, ${priority}: ${tasks.map(oneLine).join(', ')}`,
      ),
      ...plan.cycles.map((members) => `Cycle: ${members.map(oneLine).join(', ')}`),
      ...missing.map(({ message }) => message),
      ...sharedFiles.map(
        ({ wave, ids, files }) =>
          `Wave ${wave}: ${ids.map(oneLine).join(', ')} all name ${files.map(oneLine).join(', ')}`,
      ),
    ];
    return ok({ text: withData(sentence, data.join('\n')), structured });
  },
});

const WRITTEN = object({ files: list({ type: 'string' }, { description: 'Relative to the root' }) }, ['files']);

export const writePlans = operation({
  name: 'waves_write_plans',
  title: 'Write the plan files',
  description:
    'Writes the plans of the waves as they are now into .cursor/plans: the main plan (order, milestones; what people wrote into its later sections is kept), and the plan for subagents (one section per wave with the ids and a prompt). Existing plan files of these names are brought up to date.',
  input: object(
    {
      which: { type: 'string', enum: ['main', 'subagents', 'both'], description: 'Both if absent' },
    },
    [],
  ),
  output: WRITTEN,
  effect: { readOnly: false, destructive: false, idempotent: true },
  run: async (served, { which = 'both' }): Promise<Outcome<typeof WRITTEN>> => {
    const files: string[] = [];
    for (const kind of ['main', 'subagents'] as const) {
      if (which !== kind && which !== 'both') continue;
      const written = await served.writePlan(kind);
      if (!written.ok) return written;
      files.push(relativeTo(served.backlog.root, written.value));
    }
    return ok({ text: `Written: ${files.join(', ')}`, structured: { files } });
  },
});

function relativeTo(root: string, file: string): string {
  const [whole, start] = [file.replaceAll('\\', '/'), root.replaceAll('\\', '/').replace(/\/$/, '')];
  return whole.startsWith(`${start}/`) ? whole.slice(start.length + 1) : whole;
}

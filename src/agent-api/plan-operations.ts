import {
  executionPlanJson,
  missingDependencies,
  parallelGroups,
} from '../core/analysis/exarp-json.ts';
import { analyseParallelism } from '../core/analysis/parallelism.ts';
import { count, cut, named, firstLines } from '../core/text.ts';
import { ok } from '../core/result.ts';
import { withData } from './data-notice.ts';
import { hasTag, TAG } from './look-operations.ts';
import { operation, type Outcome, READS } from './operation.ts';
import { list, object } from './schema.ts';
import { idList } from '../core/messages.ts';

const IDS = list({ type: 'string' });

const ANALYSIS = object({
  backlog_count: { type: 'integer' },
  ordered_task_ids: list(
    { type: 'string' },
    { description: 'The order in which one agent would take them' },
  ),
  waves: {
    type: 'object',
    additionalProperties: IDS,
    description: 'Ids by the number of their wave',
  },
  details: list(
    object({
      id: { type: 'string' },
      content: { type: 'string' },
      priority: { type: 'string' },
      status: { type: 'string' },
      level: { type: 'integer' },
      tags: IDS,
    }),
  ),
  widest_wave: { type: 'integer', description: 'More agents than this at once are of no use' },
  parallel_groups: list(
    object({
      tasks: IDS,
      wave: { type: 'integer' },
      priority: { type: 'string' },
      reason: { type: 'string' },
    }),
  ),
  critical_path: IDS,
  critical_path_length: { type: 'integer' },
  circular_dependencies: list(IDS),
  missing_dependencies: list(
    object({ task_id: { type: 'string' }, missing_dep: { type: 'string' } }),
  ),
  shared_files: list(object({ wave: { type: 'integer' }, task_ids: IDS, files: IDS }), {
    description: 'Tasks of one wave that name the same files; better not side by side',
  }),
  left_out: { type: 'integer', description: 'Tasks that are too many to be listed' },
});

// An analysis of thousands of tasks has to leave a model room to think.
const DEFAULT_LIMIT = 200;
const MOST_LINES = 30;
const MOST_MEMBERS = 20;
const MAX_TITLE = 120;
const MAX_TAGS = 10;
const MAX_TAG = 60;

export const analyse = operation({
  name: 'waves_analyse',
  title: 'Analyse parallelism',
  description:
    'Says how many agents could work at once and what stands against it: the order of execution, groups of tasks by wave and priority that can run side by side, the longest chain of dependencies (no number of agents makes it shorter), cycles, missing dependencies, and tasks of one wave that name the same files.',
  input: object(
    {
      tag: TAG,
      limit: {
        type: 'integer',
        minimum: 1,
        maximum: 5000,
        description: `The most tasks in each list, the first ones; ${DEFAULT_LIMIT} if absent. Counts and lengths are of all`,
      },
    },
    [],
  ),
  output: ANALYSIS,
  effect: READS,
  run: (served, { tag, limit = DEFAULT_LIMIT }): Outcome<typeof ANALYSIS> => {
    const { backlog, foldCase } = served;
    const { plan } = backlog;
    if (plan === undefined) throw new Error('Internal error: a snapshot without a plan');
    const isWanted = (task: { readonly tags: readonly string[] }): boolean =>
      tag === undefined || hasTag(task.tags, tag);
    const found = analyseParallelism(plan, isWanted, { foldCase });
    const missing = missingDependencies(plan);
    const { order, groups, criticalPath, widest, sharedFiles } = found;
    const execution = executionPlanJson({ plan, found }, limit);
    const shown = new Set(order.slice(0, limit).map(({ id }) => id));
    const levels = Object.entries(execution.waves).map(
      ([number, ids]) => [number, ids.filter((id) => shown.has(id))] as const,
    );
    const structured = {
      backlog_count: order.length,
      ordered_task_ids: [...shown],
      waves: Object.fromEntries(levels.filter(([, ids]) => ids.length > 0)),
      details: execution.details.map(({ content, tags, ...rest }) => ({
        ...rest,
        content: cut(content, MAX_TITLE),
        tags: tags.slice(0, MAX_TAGS).map((each) => cut(each, MAX_TAG)),
      })),
      widest_wave: widest,
      parallel_groups: parallelGroups(groups)
        .slice(0, limit)
        .map((group, index) => ({
          ...group,
          wave: groups[index]?.wave ?? 0,
          tasks: group.tasks.filter((id) => shown.has(id)),
        }))
        .filter(({ tasks }) => tasks.length > 0),
      critical_path: criticalPath.slice(0, limit).map(({ id }) => id),
      critical_path_length: criticalPath.length,
      circular_dependencies: plan.cycles
        .slice(0, MOST_LINES)
        .map((members) => members.slice(0, MOST_MEMBERS)),
      missing_dependencies: missing
        .slice(0, limit)
        .map(({ task_id: id, missing_dep: on }) => ({ task_id: id, missing_dep: on })),
      shared_files: sharedFiles.slice(0, MOST_LINES).map(({ wave, ids: sharing, files }) => ({
        wave,
        task_ids: sharing.slice(0, MOST_MEMBERS),
        files: files.slice(0, MOST_MEMBERS).map((file) => cut(file, MAX_TITLE)),
      })),
      left_out: order.length - shown.size,
    };
    const sentence = `${count(order.length, 'open task')} in ${count(levels.length, 'wave')}. At most ${count(widest, 'agent')} can be at work at once, and the longest chain has ${count(criticalPath.length, 'task')}.${structured.left_out > 0 ? ` Lists show the first ${shown.size} tasks.` : ''}`;
    const data = [
      `Longest chain: ${firstLines(criticalPath, 12, ({ id }) => named(id)).join(' → ') || 'none'}`,
      ...firstLines(
        groups,
        MOST_LINES,
        ({ wave, priority, tasks }) =>
          `Wave ${wave}, ${priority}: ${idList(tasks.map(({ id }) => id))}`,
      ),
      ...firstLines(plan.cycles, MOST_LINES, (members) => `Cycle: ${idList(members)}`),
      ...firstLines(missing, MOST_LINES, ({ message }) => cut(message, MAX_TITLE)),
      ...firstLines(
        sharedFiles,
        MOST_LINES,
        ({ wave, ids: sharing, files }) =>
          `Wave ${wave}: ${idList(sharing)} all name ${idList(files)}`,
      ),
    ];
    return ok({ text: withData(sentence, data.join('\n')), structured });
  },
});

const WRITTEN = object({
  files: list({ type: 'string' }, { description: 'Relative to the root' }),
});

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
  const [whole, start] = [
    file.replaceAll('\\', '/'),
    root.replaceAll('\\', '/').replace(/\/$/, ''),
  ];
  return whole.startsWith(`${start}/`) ? whole.slice(start.length + 1) : whole;
}

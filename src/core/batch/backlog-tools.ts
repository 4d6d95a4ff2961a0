import { missingDependencies } from '../analysis/exarp-json.ts';
import { analyseParallelism } from '../analysis/parallelism.ts';
import { count, cut, oneLine } from '../text.ts';
import { isSettled, type Task, type TaskId } from '../task.ts';
import { findAlike } from './duplicates.ts';
import type { BatchTool } from './tool.ts';

export const duplicateTasks: BatchTool = {
  id: 'task_analysis_duplicates',
  title: 'Tasks that say the same',
  run: ({ snapshot }) => {
    const groups = findAlike(snapshot.tasks.filter(({ status }) => !isSettled(status)));
    return {
      summary:
        groups.length === 0
          ? 'No open tasks are alike'
          : `${count(groups.length, 'group')} of open tasks that are alike`,
      lines: groups.map(({ ids, likeness }) => {
        const title = snapshot.byId.get(ids[0] as TaskId)?.title ?? '';
        return `${ids.map(oneLine).join(', ')} (${Math.floor(likeness * 100)} %): ${cut(oneLine(title), 80)}`;
      }),
      output: {
        duplicates: groups.map(({ ids, likeness }) => ({ task_ids: ids, similarity: likeness })),
      },
      wantsLook: groups.length > 0,
    };
  },
};

export const dependencyHealth: BatchTool = {
  id: 'dependency_health',
  title: 'Dependencies',
  run: ({ plan, backlog }) => {
    const missing = missingDependencies(plan);
    const found = analyseParallelism(plan, () => true, { foldCase: backlog.runs.caseFoldPaths });
    const faults = plan.cycles.length + plan.selfDependent.length + missing.length;
    return {
      summary:
        faults === 0
          ? `All dependencies hold; the longest chain has ${count(found.criticalPath.length, 'task')}`
          : count(faults, 'dependency fault'),
      lines: [
        ...plan.cycles.map((members) => `In a cycle: ${members.map(oneLine).join(', ')}`),
        ...plan.selfDependent.map((id) => `${oneLine(id)} depends on itself`),
        ...missing.map(({ message }) => message),
      ],
      output: {
        circular_dependencies: plan.cycles,
        self_dependent: plan.selfDependent,
        missing_dependencies: missing,
        critical_path_length: found.criticalPath.length,
      },
      wantsLook: faults > 0,
    };
  },
};

/** A task without a change for this long counts as forgotten. */
const FORGOTTEN_DAYS = 90;

/** exarp-go deletes tasks with this tag; here only the user does. */
const STALE_TAG = /^#?stale$/i;

export const staleTasks: BatchTool = {
  id: 'stale_task_cleanup',
  title: 'Stale tasks (reported only)',
  params: { days: { least: 1, most: 3650 } },
  run: ({ snapshot, backlog }, _signal, { days: most = FORGOTTEN_DAYS } = {}) => {
    const { now } = backlog;
    const todo = snapshot.tasks.filter(({ status }) => status === 'Todo');
    const tagged = todo.filter(({ tags }) => tags.some((tag) => STALE_TAG.test(tag)));
    const forgotten = todo.filter(
      (task) => !tagged.includes(task) && now - (task.modifiedAt ?? now) > most * 86_400_000,
    );
    const days = (task: Task): number => Math.floor((now - (task.modifiedAt ?? now)) / 86_400_000);
    const found = tagged.length + forgotten.length;
    return {
      summary:
        found === 0
          ? 'No task is stale'
          : `${tagged.length} tagged as stale, ${forgotten.length} untouched for ${count(most, 'day')}; none was deleted`,
      lines: [
        ...tagged.map(({ id, title }) => `Tagged: ${oneLine(id)} ${cut(oneLine(title), 80)}`),
        ...forgotten.map(
          (task) => `${days(task)} days: ${oneLine(task.id)} ${cut(oneLine(task.title), 80)}`,
        ),
      ],
      output: {
        dry_run: true,
        deleted: 0,
        tagged: tagged.map(({ id }) => id),
        untouched: forgotten.map(({ id }) => id),
      },
      wantsLook: found > 0,
    };
  },
};

export const tagAnalysis: BatchTool = {
  id: 'task_analysis_tags',
  title: 'Tags',
  run: ({ snapshot }) => {
    const spellings = new Map<string, Map<string, number>>();
    let untagged = 0;
    for (const { tags, status } of snapshot.tasks) {
      if (tags.length === 0 && !isSettled(status)) untagged++;
      for (const tag of tags) {
        const key = tag.replace(/^#/, '').toLowerCase().replace(/[\s_]+/g, '-').replace(/(?<=[^s])s$/, ''); // prettier-ignore
        const known = spellings.get(key) ?? new Map<string, number>();
        spellings.set(key, known.set(tag, (known.get(tag) ?? 0) + 1));
      }
    }
    const variants = [...spellings.values()].filter((each) => each.size > 1);
    const listed = variants.map((each) =>
      [...each].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)),
    );
    const sorted = listed.sort((a, b) => ((a[0]?.[0] ?? '') < (b[0]?.[0] ?? '') ? -1 : 1));
    return {
      summary: `${count(spellings.size, 'tag')}, ${variants.length} in several spellings, ${count(untagged, 'open task')} without one`,
      lines: sorted.map((each) => each.map(([tag, n]) => `${oneLine(tag)} (${n})`).join(', ')),
      output: {
        tags: spellings.size,
        untagged,
        variants: sorted.map((each) => each.map(([tag, n]) => ({ tag, count: n }))),
      },
      wantsLook: variants.length > 0,
    };
  },
};

export const hierarchy: BatchTool = {
  id: 'task_analysis_hierarchy',
  title: 'Parents and children',
  run: ({ snapshot: { tasks, byId } }) => {
    const children = new Map<TaskId, number>();
    const orphans: Task[] = [];
    const early: Task[] = [];
    for (const task of tasks) {
      if (task.parentId === undefined) continue;
      children.set(task.parentId, (children.get(task.parentId) ?? 0) + 1);
      const parent = byId.get(task.parentId);
      if (parent === undefined) orphans.push(task);
      else if (isSettled(parent.status) && !isSettled(task.status)) early.push(task);
    }
    const found = orphans.length + early.length;
    return {
      summary: `${count(children.size, 'parent')}${found === 0 ? '' : `; ${orphans.length} children of tasks that do not exist, ${early.length} open below a finished parent`}`,
      lines: [
        ...orphans.map(
          ({ id, parentId = '' }) =>
            `${oneLine(id)}: its parent ${oneLine(parentId)} does not exist`,
        ),
        ...early.map(
          ({ id, parentId = '' }) =>
            `${oneLine(id)} is open, and its parent ${oneLine(parentId)} is finished`,
        ),
      ],
      output: {
        parents: children.size,
        orphans: orphans.map(({ id }) => id),
        open_below_finished: early.map(({ id }) => id),
      },
      wantsLook: found > 0,
    };
  },
};

export const overview: BatchTool = {
  id: 'report_overview',
  title: 'Overview',
  run: ({ snapshot, plan }) => {
    const [byStatus, byPriority] = [new Map<string, number>(), new Map<string, number>()];
    for (const { status, priority } of snapshot.tasks) {
      byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
      if (!isSettled(status)) byPriority.set(priority, (byPriority.get(priority) ?? 0) + 1);
    }
    const words = (counts: ReadonlyMap<string, number>): string =>
      [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, n]) => `${name} ${n}`).join(', '); // prettier-ignore
    return {
      summary: `${count(snapshot.tasks.length, 'task')}, ${snapshot.tasks.length - plan.settled.length} open in ${count(plan.waves.length, 'wave')}`,
      lines: [
        `By status: ${words(byStatus) || 'none'}`,
        `Open by priority: ${words(byPriority) || 'none'}`,
      ],
      output: { total: snapshot.tasks.length, by_status: Object.fromEntries(byStatus), by_priority: Object.fromEntries(byPriority), waves: plan.waves.length }, // prettier-ignore
      wantsLook: false,
    };
  },
};

/** exarp-go takes its `max_automation_iterations`, which is this by default. */
const SPRINT = 10;

export const sprintOrder: BatchTool = {
  id: 'sprint_backlog_order',
  title: 'What comes next',
  params: { limit: { least: 1, most: 1000 } },
  run: ({ plan, snapshot }, _signal, { limit = SPRINT } = {}) => {
    const order = plan.waves.flatMap(({ tasks }) => tasks).filter(({ status }) => status === 'Todo' || status === 'In Progress'); // prettier-ignore
    const next = order.slice(0, limit);
    return {
      summary:
        next.length === 0 ? 'Nothing can be begun' : `The next ${next.length} of ${order.length}`,
      lines: next.map(
        ({ id, title, priority }) => `${oneLine(id)} ${cut(oneLine(title), 80)} (${priority})`,
      ),
      output: { ordered_task_ids: next.map(({ id }) => id), total: snapshot.tasks.length },
      wantsLook: false,
    };
  },
};

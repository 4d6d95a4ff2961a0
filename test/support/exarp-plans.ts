/**
 * What exarp-go makes of a backlog and of a plan file, as far as the tests need it: its waves
 * (graph_helpers.go), its plan (report_plan_generate.go) and its sync (plan_sync.go), written from
 * their observed behaviour.
 */
import { parse } from 'yaml';
import type { Task } from '../../src/core/task.ts';

const NORMAL: Readonly<Record<string, string>> = {
  '': 'medium',
  lowest: 'low',
  highest: 'critical',
  urgent: 'critical',
  normal: 'medium',
  standard: 'medium',
};
const RANKS = ['critical', 'high', 'medium', 'low'];

function rankOf({ rawPriority }: Task): number {
  const word = rawPriority.trim().toLowerCase();
  const rank = RANKS.indexOf(NORMAL[word] ?? word);
  return rank === -1 ? RANKS.length : rank;
}

/** The level of each task, Done ones included, by dependencies and parents; without cycles. */
function levelsOf(tasks: readonly Task[]): ReadonlyMap<string, number> {
  const byId = new Map(tasks.map((task) => [task.id as string, task]));
  const levels = new Map<string, number>();
  const levelOf = (task: Task): number => {
    const known = levels.get(task.id);
    if (known !== undefined) return known;
    const before = [...task.dependencies, task.parentId].flatMap(
      (id) => (id === undefined ? undefined : byId.get(id)) ?? [],
    );
    const level = Math.max(-1, ...before.map(levelOf)) + 1;
    levels.set(task.id, level);
    return level;
  };
  tasks.forEach(levelOf);
  return levels;
}

/** Its waves by their number, in its order. */
export function exarpWaves(tasks: readonly Task[]): ReadonlyMap<number, readonly string[]> {
  const levels = levelsOf(tasks);
  const levelOf = (task: Task): number => levels.get(task.id) ?? 0;
  const sorted = tasks
    .filter(({ status }) => status === 'Todo' || status === 'In Progress')
    .toSorted((a, b) => levelOf(a) - levelOf(b) || rankOf(a) - rankOf(b) || (a.id < b.id ? -1 : 1));
  const waves = new Map<number, string[]>();
  for (const task of sorted) {
    const wave = waves.get(levelOf(task));
    if (wave === undefined) waves.set(levelOf(task), [task.id]);
    else wave.push(task.id);
  }
  return waves;
}

const WORDS: Readonly<Record<string, string>> = {
  Done: 'completed',
  'In Progress': 'in_progress',
  Review: 'in_progress',
};

/** Its `.plan.md`. Todos are its next actions: up to ten tasks whose dependencies are settled. */
export function exarpPlan(tasks: readonly Task[], name: string): string {
  const byId = new Map(tasks.map((task) => [task.id as string, task]));
  const waves = exarpWaves(tasks);
  const settled = ({ status }: Task): boolean => status === 'Done' || status === 'Cancelled';
  const next = [...waves.values()]
    .flat()
    .flatMap((id) => byId.get(id) ?? [])
    .filter(({ dependencies }) =>
      dependencies.every((id) => {
        const on = byId.get(id);
        return on === undefined || settled(on);
      }),
    )
    .slice(0, 10);
  const todos = next.flatMap(({ id, title, status }) => [
    `  - id: ${id}`,
    `    content: ${JSON.stringify(title)}`,
    `    status: ${WORDS[status] ?? 'pending'}`,
  ]);
  return [
    '---',
    `name: ${name} Plan`,
    `overview: "Deliver and maintain ${name} with clear milestones and quality gates."`,
    ...(todos.length > 0 ? ['todos:', ...todos] : ['todos: []']),
    ...(waves.size > 0 ? ['waves:'] : []),
    ...[...waves.values()].map((ids) => `  - [${ids.map((id) => `"${id}"`).join(', ')}]`),
    'isProject: true',
    'status: draft',
    'last_updated: "2026-11-23"',
    'tag_hints: [planning]',
    'referenced_by:',
    '  - .cursor/agents/wave-task-runner.md',
    'agents:',
    '  - name: wave-task-runner',
    '    path: .cursor/agents/wave-task-runner.md',
    '    role: Run one task per wave from this plan',
    '---',
    '',
    `# ${name} Plan`,
    '',
    '## 3. Iterative Milestones',
    '',
    ...next.map(({ id, title }) => `- [ ] **${title}** (${id})`),
    '',
    '---',
    '',
    '## 4. Recommended Execution Order',
    '',
    '### Waves (same wave = can run in parallel)',
    '',
    ...[...waves].map(([level, ids]) =>
      ids.length > 1
        ? `- **Wave ${level}** (parallel): ${ids.join(', ')}`
        : `- **Wave ${level}:** ${ids.join('')}`,
    ),
    '',
    '---',
    '',
  ].join('\n');
}

const STATUSES: Readonly<Record<string, string>> = {
  completed: 'Done',
  done: 'Done',
  in_progress: 'In Progress',
  inprogress: 'In Progress',
  review: 'Review',
};

const CHECK_BOX = /^\s*-\s*\[\s*([ xX])\s*\]\s*(?:\*\*[^*]+\*\*|.+?)\s*\(\s*([A-Za-z0-9_-]+)\s*\)/;

/** What its `sync_from_plan` would do to the backlog, as `T-1: Todo -> Done` or `new: T-1`. */
export function exarpSync(plan: string, tasks: readonly Task[]): readonly string[] {
  const byId = new Map(tasks.map((task) => [task.id as string, task]));
  const front = /^---\r?\n([\s\S]*?)\r?\n---\r?\n/.exec(plan)?.[1];
  const { todos = [] } = (front === undefined ? {} : parse(front)) as {
    todos?: readonly { readonly id: string; readonly status: string }[] | null;
  };
  const checked = new Map<string, boolean>();
  for (const line of plan.split('\n')) {
    const box = CHECK_BOX.exec(line);
    if (box?.[2] !== undefined) checked.set(box[2], box[1] !== ' ');
  }
  return (todos ?? []).flatMap(({ id, status }) => {
    let to = STATUSES[status.trim().toLowerCase()] ?? 'Todo';
    if (checked.get(id) === true) to = 'Done';
    else if (checked.get(id) === false && to === 'Done') to = 'Todo';
    const task = byId.get(id);
    if (task === undefined) return [`new: ${id}`];
    return task.rawStatus === to ? [] : [`${id}: ${task.rawStatus} -> ${to}`];
  });
}

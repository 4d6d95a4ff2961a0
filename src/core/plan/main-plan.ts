import type { Task } from '../task.ts';
import { inNoWave, type Plan } from '../waves/waves.ts';
import { findCriticalPath } from './critical-path.ts';
import { bareId, flowList, quoted, writeFrontmatter } from './frontmatter.ts';
import { inline, inlineId, mermaidLabel, fenced } from '../markdown.ts';
import { ownedSections, planRefs } from './main-plan-notes.ts';
import { ownTodos, type ReadPlan, readPlan } from './read-plan.ts';
import { writeOwnedSections } from './sections.ts';
import { count, cut, oneLine } from '../text.ts';
import {
  describeBlock,
  describeNumbering,
  displayName,
  idList,
  isForAgents,
  priorityWord,
  shortTitle,
  statusWord,
  todoStatus,
  waitingList,
} from './wave-facts.ts';

/** What a main plan is made of. */
export interface MainPlanInput {
  /** The title of the plan; its last path part names it. Empty: the root's name. */
  readonly title: string;
  /** The name of the root's folder, for display. */
  readonly rootName: string;
  readonly plan: Plan;
  /** The day it is written, as `YYYY-MM-DD`. */
  readonly date: string;
  /** The plan as it is on disk, with any line ends; undefined where there is none. */
  readonly existing?: string | undefined;
}

/**
 * The todos are the open tasks of this many first waves: what can be worked on now and right after.
 * Later waves are in `waves` and in section 4; as todos they would only invite an editor's Build
 * button to start them too early.
 */
const TODO_WAVES = 2;

/**
 * An editor shows every todo in one list and adds it to each prompt, so a longer list is of no use.
 */
export const MAX_TODOS = 500;

// The agents and the rule that exarp-go's plans name.
const RUNNER = '.cursor/agents/wave-task-runner.md';
const VERIFIER = '.cursor/agents/wave-verifier.md';
const RULE = '.cursor/rules/plan-execution.mdc';
const AGENTS = [
  {
    name: 'wave-task-runner',
    path: RUNNER,
    role: 'Works on one task of a wave and reports what it did',
  },
  {
    name: 'wave-verifier',
    path: VERIFIER,
    role: 'Checks the results of a wave before the next one starts',
  },
] as const;

/**
 * The text of `.cursor/plans/<slug>.plan.md`, with LF, in the format of exarp-go
 * (report_plan_generate.go), so that its repair and its sync read it. Sections 5 to 8 of `existing`
 * stay verbatim where the user changed them, and so do foreign keys and comments of its
 * frontmatter, and checked boxes. Idempotent: writing over its own output gives the same text.
 */
export function writeMainPlan(input: MainPlanInput): string {
  const { title, rootName, plan, date } = input;
  const name = `${displayName(title, rootName)} Plan`;
  const old = input.existing === undefined ? undefined : readPlan(input.existing);
  const next = plan.waves.slice(0, TODO_WAVES).flatMap((wave) => wave.tasks);
  const listed = next.slice(0, MAX_TODOS);
  const todos = listed.filter(isTodo);
  const checked = checkedIn(old);
  const path = findCriticalPath(plan);
  const frontmatter = writeFrontmatter(
    [
      ['name', name],
      ['overview', quoted(overview(plan))],
      ['todos', [...todos.map(toTodo), ...addedTodos(plan, old)]],
      ...(plan.waves.length === 0
        ? []
        : [
            [
              'waves',
              plan.waves.map((wave) => flowList(wave.tasks.map((task) => task.id))),
            ] as const,
          ]),
      ['isProject', true],
      ['status', 'draft'],
      ['last_updated', quoted(date)],
      ['tag_hints', flowList(['planning'])],
      ['referenced_by', [RUNNER, VERIFIER, RULE]],
      ['agents', AGENTS],
    ],
    old?.frontmatter?.map,
  );
  const generated = [
    header(inline(name), date),
    scope(plan),
    foundation(plan, path),
    backlogTable(listed, next.length),
    milestones([...listed, ...checkedElsewhere(plan, listed, checked)], checked, [
      listed.length,
      next.length,
    ]),
    executionOrder(plan, path),
  ];
  const owned = writeOwnedSections(ownedSections(plan, listed), old?.body);
  return `${frontmatter}\n${generated.map((text) => `${text}\n\n---\n\n`).join('')}${owned}\n`;
}

/**
 * exarp-go's `sync_from_plan` sets every todo to the status its word stands for, and a todo has no
 * word for Review and Blocked, nor for another spelling: such a task would be moved by a plan that
 * no author has touched.
 */
function isTodo(task: Task): boolean {
  return isForAgents(task) && task.rawStatus === task.status;
}

function overview(plan: Plan): string {
  const open = plan.waves.reduce((sum, wave) => sum + wave.tasks.length, 0);
  const others = openCount(plan) - open;
  const blocked = others === 0 ? '' : `, ${others} more in no wave`;
  return `${count(open, 'open task')} in ${count(plan.waves.length, 'wave')}${blocked}. Tasks of one wave do not wait for each other and can run in parallel.`;
}

function openCount(plan: Plan): number {
  const others = plan.blocked.length + inNoWave(plan).length;
  return plan.waves.reduce((sum, wave) => sum + wave.tasks.length, others);
}

function toTodo(task: Task): unknown {
  return {
    id: bareId(task.id),
    content: quoted(cut(oneLine(task.title), 120)),
    status: todoStatus(task.status),
  };
}

/** What an editor or a person added to the todos stays, behind those of the backlog. */
function addedTodos(plan: Plan, old: ReadPlan | undefined): readonly unknown[] {
  if (old === undefined) return [];
  const known = new Set<string>([
    ...plan.waves.flatMap((wave) => wave.tasks.map(({ id }) => id)),
    ...plan.blocked.map(({ task }) => task.id),
    ...plan.settled.map(({ id }) => id),
    ...(plan.asked?.kind === 'used' ? plan.asked.leftOut.map(({ id }) => id) : []),
  ]);
  return ownTodos(old.todos, (id) => known.has(id)).map(({ id, content, status }) => ({
    id: bareId(id),
    content: quoted(content),
    status: quoted(status),
  }));
}

function header(name: string, date: string): string {
  return [
    '_Written by Todo2 Waves from the backlog. “Todo2 Waves: Write Wave Plan” brings it up to date; what you change in sections 5 to 8 stays._',
    `# ${name}`,
    `**Generated:** ${date}`,
    '**Status:** draft',
    `**Last updated:** ${date}`,
    `**Referenced by:** ${[RUNNER, VERIFIER, RULE].map((path) => `\`${path}\``).join(', ')}`,
    '**Tag hints:** `#planning`',
    '## Agents',
    [
      '| Agent | Role |',
      '| --- | --- |',
      ...AGENTS.map(({ name, role }) => `| ${name} | ${role} |`),
    ].join('\n'),
  ].join('\n\n');
}

function scope(plan: Plan): string {
  return [
    '## Scope',
    `**Purpose:** ${overview(plan)}`,
    '**Success criteria:**',
    [
      '- Each task below is Done, or Cancelled with a reason.',
      '- A wave starts when nothing that its tasks wait for is open.',
      '- A task is claimed before it is worked on, and released after.',
    ].join('\n'),
  ].join('\n\n');
}

function foundation(plan: Plan, path: readonly Task[]): string {
  const bullets = [
    '- The backlog is in `.todo2/todo2.db`; it is the truth, and this plan a picture of it.',
    `- ${openCount(plan)} of ${count(openCount(plan) + plan.settled.length, 'task')} open, the others Done or Cancelled.`,
  ].join('\n');
  if (path.length < 2) return `## 1. Technical Foundation\n\n${bullets}`;
  const chain = path.map((task) => inlineId(task.id)).join(' → ');
  return `## 1. Technical Foundation\n\n${bullets}\n\n**Critical path (longest dependency chain):** ${chain}`;
}

function backlogTable(todos: readonly Task[], all: number): string {
  const rows = todos.map((task) => {
    const description = inline(cut(summary(task), 200));
    return `| **${inlineId(task.id)}** | ${priorityWord(task)} | ${description} |`;
  });
  const table = ['| Task | Priority | Description |', '| --- | --- | --- |', ...rows].join('\n');
  return [
    '## 2. Backlog Tasks',
    whichTasks(todos.length, all),
    ...(rows.length > 0 ? [table] : []),
  ].join('\n\n');
}

/** The description on one line, without bold and code marks; else the title. */
function summary({ description, title }: Task): string {
  return oneLine(description.replace(/\*\*|`/g, '')) || oneLine(title);
}

function whichTasks(shown: number, all: number): string {
  if (all === 0) return 'Nothing is open.';
  const rest = all > shown ? ` The first ${shown} of ${all} are listed.` : '';
  return `The open tasks of the first ${TODO_WAVES} waves; section 4 has all waves.${rest}`;
}

/** Ids whose check box is set. */
function checkedIn(old: ReadPlan | undefined): ReadonlySet<string> {
  return new Set((old?.marks ?? []).flatMap(({ id, isChecked }) => (isChecked ? [id] : [])));
}

/**
 * A checked box that is not synchronised with the backlog yet is kept when its task moves to
 * another wave.
 */
function checkedElsewhere(
  plan: Plan,
  todos: readonly Task[],
  checked: ReadonlySet<string>,
): readonly Task[] {
  if (checked.size === 0) return [];
  const listed = new Set(todos);
  const open = [
    ...plan.waves.flatMap((wave) => wave.tasks),
    ...plan.outside,
    ...plan.blocked.map(({ task }) => task),
  ];
  return open.filter((task) => checked.has(task.id) && !listed.has(task));
}

function milestones(
  tasks: readonly Task[],
  checked: ReadonlySet<string>,
  [shown, all]: readonly [shown: number, all: number],
): string {
  const lines = tasks.map((task) => {
    const box = checked.has(task.id) ? '[x]' : '[ ]';
    const name = shortTitle(task, 120);
    const refs = planRefs(task).map((ref) => inline(cut(oneLine(ref), 200)));
    const suffix = refs.length === 0 ? '' : ` — ${refs.join(', ')}`;
    return name === ''
      ? `- ${box} ${inlineId(task.id)}`
      : `- ${box} **${name}** (${inlineId(task.id)})${suffix}`;
  });
  return [
    '## 3. Iterative Milestones',
    whichTasks(shown, all),
    ...(lines.length > 0 ? [lines.join('\n')] : []),
  ].join('\n\n');
}

function executionOrder(plan: Plan, path: readonly Task[]): string {
  const parts = ['## 4. Recommended Execution Order'];
  if (path.length > 1) {
    const nodes = path.map((task, i) => `    CP${i + 1}[${mermaidLabel(task.id)}]`);
    const arrows = `    ${path.map((_, i) => `CP${i + 1}`).join(' --> ')}`;
    parts.push(fenced(['flowchart TD', ...nodes, arrows].join('\n'), 'mermaid'));
    parts.push(path.map((task, i) => `${i + 1}. ${inlineId(task.id)}`).join('\n'));
  }
  const first = plan.waves[0];
  if (first !== undefined) {
    const ready = first.tasks.filter(isForAgents);
    parts.push(
      `**Parallel:** wave ${first.number} has ${count(ready.length, 'task')} to start with.`,
    );
    parts.push('### Waves (same wave = can run in parallel)', describeNumbering(plan));
    parts.push(plan.waves.map(({ number, tasks }) => waveLine(number, tasks)).join('\n'));
    const waiting = plan.waves.flatMap((wave) => wave.tasks.filter((task) => !isForAgents(task)));
    if (waiting.length > 0)
      parts.push(`**Not to be started, a person decides:** ${waitingList(waiting)}`);
    parts.push(`**Full order:** ${idList(plan.waves.flatMap((wave) => wave.tasks))}`);
  }
  const leftOut = plan.asked?.kind === 'used' ? plan.asked.leftOut : [];
  if (leftOut.length > 0) {
    parts.push(
      '### Not in the waves',
      `Open, and named by no wave of the file that the waves are from: ${idList(leftOut)}`,
    );
  }
  if (plan.outside.length > 0) {
    parts.push(
      '### Waiting for a person',
      `Open, and in no wave of exarp-go: ${waitingList(plan.outside)}`,
    );
  }
  if (plan.blocked.length > 0) {
    parts.push('### In no wave');
    parts.push(
      plan.blocked
        .map(
          (blocked) =>
            `- **${inlineId(blocked.task.id)}** (${statusWord(blocked.task)}) ${describeBlock(blocked)}`,
        )
        .join('\n'),
    );
  }
  if (first === undefined && plan.blocked.length + plan.outside.length === 0)
    parts.push('Nothing is open.');
  return parts.join('\n\n');
}

/** exarp-go and we parse this line: only ids may follow the colon. */
function waveLine(number: number, tasks: readonly Task[]): string {
  return tasks.length > 1
    ? `- **Wave ${number}** (parallel): ${idList(tasks)}`
    : `- **Wave ${number}:** ${idList(tasks)}`;
}

import type { Failure } from '../failure.ts';
import { fail, ok, type Result } from '../result.ts';
import type { Task } from '../task.ts';
import type { Plan, Wave } from '../waves/waves.ts';
import { quoted, writeFrontmatter } from './frontmatter.ts';
import { inline, inlineId } from '../markdown.ts';
import { mainPlanFile } from './slug.ts';
import { count } from '../text.ts';
import {
  describeBlock,
  describeNumbering,
  displayName,
  idList,
  isForAgents,
  priorityWord,
  shortTitle,
  statusWord,
  waitingList,
  waveLabel,
} from './wave-facts.ts';

/** What a plan for subagents is made of; title and root name are those of its main plan. */
export interface SubagentsPlanInput {
  readonly title: string;
  readonly rootName: string;
  readonly plan: Plan;
}

/** More agents at once than this are hard to follow; exarp-go gives the same advice. */
const MANY_TASKS = 20;

/**
 * The text of `.cursor/plans/parallel-execution-subagents.plan.md`, with LF, in the format of
 * exarp-go (report_plan.go): one section per wave, whose ids are the tasks that an agent may take;
 * those that wait for the user are listed apart, and so are tasks in no wave. Fails with
 * `nothingToRun` where no wave has a task for an agent.
 */
export function writeSubagentsPlan({
  title,
  rootName,
  plan,
}: SubagentsPlanInput): Result<string, Failure> {
  const waves = plan.waves.map((wave) => ({ ...wave, runnable: wave.tasks.filter(isForAgents) }));
  const tasks = waves.reduce((sum, wave) => sum + wave.runnable.length, 0);
  if (tasks === 0) return fail({ kind: 'nothingToRun' });
  const label = waveLabel(plan.waves);
  const source = mainPlanFile(title || rootName);
  const summary = `${count(tasks, 'task')} for subagents in ${count(waves.length, 'wave')}`;
  const parts = [
    `# Parallel Execution Plan: Subagents (${label})`,
    `**Source plan:** [${inline(`.cursor/plans/${source}`)}](${encodePath(source)})`,
    '**Strategy:** one subagent per task. All subagents of a wave run at the same time; the next wave starts when this one is done and checked. A task is claimed before it is worked on: leave it alone where another holder has it.',
    '## Execution order',
    waves.map((wave, i) => `${i + 1}. **Wave ${wave.number}** — ${orderLine(wave)}`).join('\n'),
    describeNumbering(plan),
    ...waves.flatMap(waveSection),
    '## Subagents used',
    [
      '| Subagent | Used for |',
      '| --- | --- |',
      '| wave-task-runner | one task of a wave: does it, and reports what was done, which files changed, and what is in the way |',
      '| wave-verifier | the results of a wave, before the next one starts |',
    ].join('\n'),
    '## Quick reference',
    [
      '| Wave | Task count | Run |',
      '| --- | --- | --- |',
      ...waves.map(
        (wave) => `| ${wave.number} | ${wave.runnable.length} | ${runCell(wave.runnable.length)} |`,
      ),
    ].join('\n'),
    `**Order:** ${waves.map((wave) => `Wave ${wave.number}`).join(' → ')}`,
    ...blockedSection(plan),
    `_Written by Todo2 Waves from the backlog of ${inline(displayName(rootName, title))}. Write it again when the backlog has changed._`,
  ];
  const frontmatter = writeFrontmatter([
    ['name', `Parallel Execution (Subagents) — ${label}`],
    [
      'overview',
      quoted(`${summary}. Waves run one after the other, the tasks of a wave in parallel.`),
    ],
    ['isProject', false],
    ['status', 'draft'],
  ]);
  return ok(`${frontmatter}\n${parts.join('\n\n')}\n`);
}

interface RunnableWave extends Wave {
  readonly runnable: readonly Task[];
}

function orderLine({ runnable, tasks }: RunnableWave): string {
  const waiting = tasks.length - runnable.length;
  const rest = waiting === 0 ? '' : `, ${waiting} waiting for a person`;
  return `${count(runnable.length, 'task')} in parallel${rest}`;
}

function runCell(tasks: number): string {
  if (tasks === 0) return 'nothing to launch';
  return tasks === 1 ? 'one subagent' : `${tasks} subagents at the same time`;
}

function waveSection({ number, tasks, runnable }: RunnableWave): readonly string[] {
  const waiting = tasks.filter((task) => !isForAgents(task));
  const note =
    waiting.length === 0
      ? []
      : [`**Not to be launched, a person decides:** ${waitingList(waiting)}`];
  const heading = `## Wave ${number} (parallel)`;
  if (runnable.length === 0) return [heading, 'Nothing to launch in this wave.', ...note];
  return [
    heading,
    `Launch ${runCell(runnable.length)}: a wave-task-runner for each task.`,
    `**Task IDs (${count(runnable.length, 'task')}):**`,
    idList(runnable),
    ['| Task | Title | Priority |', '| --- | --- | --- |', ...runnable.map(row)].join('\n'),
    ...note,
    `**Prompt (Wave ${number}):**`,
    `> Work on Wave ${number} ${runnable.length === 1 ? 'task' : 'tasks'}: ${idList(runnable)}. ${runnable.length === 1 ? 'Launch one wave-task-runner subagent for it.' : 'Launch one wave-task-runner subagent for each task, all in the same message.'} Give each its task id, its description from the backlog, and a link to the source plan. When every task is reported on, let wave-verifier check the results.`,
    ...(runnable.length > MANY_TASKS
      ? [
          `**Practical note:** ${runnable.length} subagents at once are hard to follow. Launch this wave in batches of 10–15.`,
        ]
      : []),
  ];
}

function row(task: Task): string {
  return `| ${inlineId(task.id)} | ${shortTitle(task, 120)} | ${priorityWord(task)} |`;
}

function blockedSection({ blocked }: Plan): readonly string[] {
  if (blocked.length === 0) return [];
  const lines = blocked.map(
    (entry) =>
      `- **${inlineId(entry.task.id)}** (${statusWord(entry.task)}) ${describeBlock(entry)}: ${shortTitle(entry.task, 120)}`,
  );
  return [
    '## In no wave',
    'These tasks cannot start before the user changes what they wait for.',
    lines.join('\n'),
  ];
}

/**
 * A file name as a relative link: every character that could end the link or has a meaning in an
 * address is encoded.
 */
function encodePath(name: string): string {
  return encodeURIComponent(name).replace(
    /[()'*!]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16)}`,
  );
}

import type { DryRunReport, DryRunStep } from '../../core/run-forecasts.ts';
import { inline, fenced, section, page } from '../../core/markdown.ts';
import { count, duration } from '../../core/text.ts';
import type { TaskId } from '../../core/task.ts';
import { explainFailure } from '../messages.ts';
import { agentTitle, explainSkip, explainWait } from '../../core/run/run-messages.ts';

/** The most prompts in the document; the order and the commands are complete. */
const MOST_PROMPTS = 50;

/** What the text of a dry run needs beside it. */
export interface DryRunContext {
  readonly titleOf: (id: TaskId) => string | undefined;
  readonly now: number;
}

/**
 * A dry run in markdown: order, claims, command lines, prompts and estimates. Backlog text in it is
 * inert.
 */
export function dryRunDocument(report: DryRunReport, context: DryRunContext): string {
  const { steps, skipped, options } = report;
  const how =
    options.runMode === 'flow' ? 'each as soon as what it depends on is done' : 'wave after wave';
  return page(
    `# Dry run: ${inline(report.title)}`,
    [
      'Nothing was started, claimed or written.',
      `${count(steps.length, 'task')} would be run, ${how}, at most ${report.cap} at a time; each is claimed when it starts.`,
    ].join('  \n'),
    section('Where', placeWords(report, context.now)),
    section('How long', estimateTable(report)),
    section('Order', orderTable(steps)),
    section(
      'Not run',
      skipped
        .map(
          ({ id, reason }) =>
            `- ${name(id, context.titleOf(id))}: ${inline(explainSkip(reason, context.now))}`,
        )
        .join('\n'),
    ),
    section('Commands', steps.map((step) => commandEntry(step, context.now)).join('\n\n')),
    section('Prompts', promptList(steps)),
  );
}

function placeWords({ isolation }: DryRunReport, now: number): string {
  if (!isolation.ok) return inline(explainFailure(isolation.failure, now).message);
  const { why, remarks } = isolation.value;
  return [why, ...remarks].map((line) => `- ${inline(line)}`).join('\n');
}

function estimateTable({ estimates, basis, cap }: DryRunReport): string {
  if (estimates.length === 0) return '';
  const rows = estimates.map(
    (each) => `| ${each.cap}${each.cap === cap ? ' (as now)' : ''} | ${about(each.makespanMs)} |`,
  );
  const restsOn =
    basis === '' ? [] : ['', `The time of each task is an estimate: ${inline(basis)}.`];
  return ['| At a time | All of it |', '| ---: | --- |', ...rows, ...restsOn].join('\n');
}

function orderTable(steps: readonly DryRunStep[]): string {
  if (steps.length === 0) return '';
  const isOneWave = steps.every((step) => step.wave === steps[0]?.wave);
  const head = [
    '#',
    ...(isOneWave ? [] : ['Wave of the run']),
    'Task',
    'Starts',
    'Takes',
    'Why not sooner',
  ];
  const rows = steps.map((step, n) => [
    String(n + 1),
    // Counted from 1, like the tasks: it is the number in this run, which need not be that of the
    // tree.
    ...(isOneWave ? [] : [String(step.wave)]),
    nameOf(step),
    step.startsAtMs === 0 ? 'at once' : `after ${duration(step.startsAtMs)}`,
    about(step.endsAtMs - step.startsAtMs),
    step.waited.map((reason) => inline(explainWait(reason))).join('; '),
  ]);
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/** The program and its arguments, each quoted on a line of its own: no shell reads them. */
function commandEntry(step: DryRunStep, now: number): string {
  const { preview, agent } = step;
  const who = [agentTitle(agent.agent), ...(agent.model === undefined ? [] : [agent.model])]
    .map(inline)
    .join(', ');
  if (!preview.ok)
    return `**${nameOf(step)}** · ${who}: ${inline(explainFailure(preview.failure, now).message)}`;
  // The user and subagents are not programs.
  if (preview.value.command.length === 0) return `**${nameOf(step)}** · ${who}`;
  const lines = preview.value.command.map((part) => JSON.stringify(part)).join('\n');
  return [
    `**${nameOf(step)}** · ${who} · prompt in ${inline(preview.value.promptFile)}`,
    fenced(lines, 'text'),
  ].join('\n\n');
}

function promptList(steps: readonly DryRunStep[]): string {
  const prompts = steps.flatMap((step) =>
    step.preview.ok && step.preview.value.prompt !== ''
      ? [{ step, prompt: step.preview.value.prompt }]
      : [],
  );
  const shown = prompts.slice(0, MOST_PROMPTS);
  const more = prompts.length - shown.length;
  return [
    ...shown.map(({ step, prompt }) => `### ${nameOf(step)}\n\n${fenced(prompt, 'text')}`),
    ...(more > 0 ? [`… and ${count(more, 'more prompt')}.`] : []),
  ].join('\n\n');
}

function nameOf({ task }: DryRunStep): string {
  return name(task.id, task.title);
}

function name(id: TaskId, title = ''): string {
  return title.trim() === '' ? inline(id) : `${inline(title)} (${inline(id)})`;
}

function about(ms: number): string {
  return `about ${duration(ms)}`;
}

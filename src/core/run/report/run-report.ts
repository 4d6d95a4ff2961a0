import { inline, section } from '../../markdown.ts';
import { count, duration } from '../../text.ts';
import { findActualPath } from './actual-path.ts';
import { ganttBlock, type GanttBar } from './gantt.ts';
import { nextSteps } from './next-steps.ts';
import { type ReportContext, taskName } from './report-context.ts';
import { evidenceSection, verifyOf } from './report-evidence.ts';
import {
  evidenceOf,
  usageOf,
  usageOfTask,
  type RunState,
  type TaskOutcome,
  type TaskRun,
} from '../run-events.ts';
import type { RunIsolation } from '../isolation.ts';
import { sendsBack } from '../send-back.ts';
import { budgetWords } from '../run-budget.ts';
import { addUsage, costWords, shortNumber, usageWords, type Usage } from '../usage.ts';
import { durationOf, groupOf, summariseRun, type RunSummary } from './run-summary.ts';
import { decisionWords } from '../work-decision.ts';
import { agentTitle, explainStop, outcomeWords, verifyWords } from '../run-messages.ts';

/**
 * A run as a markdown document: results, times and evidence. The same run gives the same text;
 * times are UTC.
 *
 * Titles, ids and texts of agents are escaped: they add no link, image, HTML or diagram.
 */
export function runReport(run: RunState, context: ReportContext): string {
  const tasks = [...run.tasks.values()];
  const parts = [
    `# Run report: ${inline(run.title)}`,
    factTable(run, summariseRun(run, context.now), context),
    '## Tasks',
    taskTable(tasks, context),
    section('Usage', usageTable(tasks)),
    section('Timeline', ganttBlock(ganttSections(run, context))),
    section('Waves', waveList(run, context)),
    section('Evidence', evidenceSection(tasks, context)),
    section('Retries', retryList(tasks, context)),
    section('Critical path', criticalPath(run, context)),
    '## What to do next',
    nextSteps(run),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function factTable(run: RunState, summary: RunSummary, { now, timeOf }: ReportContext): string {
  const mode =
    run.options.runMode === 'strict' ? 'Waves one after the other' : 'As dependencies finish';
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['Run', inline(run.runId)],
    ['Started', timeOf(run.startedAt)],
    ['Ended', run.endedAt === undefined ? `not yet, as of ${timeOf(now)}` : timeOf(run.endedAt)],
    ['Took', inline(duration(summary.durationMs))],
    ['Order', mode],
    ['Worktrees', run.options.isolation && isolationWords(run.options.isolation)],
    ['Agents at a time', run.cap === undefined ? undefined : String(run.cap)],
    ['Result', totals(summary)],
    ['Attempts', String(summary.attempts)],
    ['Used', usageWords(run.usage)],
    ['Budget', run.options.budget && budgetWords(run.options.budget)],
    ['Its end', run.stop === undefined ? undefined : inline(explainStop(run.stop, now))],
    ...earlierRow(run),
  ];
  const lines = rows.flatMap(([name, value]) =>
    value === undefined ? [] : [`| ${name} | ${value} |`],
  );
  return ['| | |', '| --- | --- |', ...lines].join('\n');
}

function earlierRow(run: RunState): readonly (readonly [string, string])[] {
  if (run.resumes === undefined) return [];
  const isSentBack = sendsBack(run, run.resumes);
  return [[isSentBack ? 'Sent back after run' : 'Rest of run', inline(run.resumes)]];
}

/** Where the tasks of a run began, and for which branch. */
function isolationWords({ base, start, target }: RunIsolation): string {
  const from = `${start === 'snapshot' ? 'a snapshot, ' : ''}${base.slice(0, 10)}`;
  return `one for each task, from ${from}${target === undefined ? '' : `, for ${inline(target)}`}`;
}

function totals(summary: RunSummary): string {
  const { succeeded, verified, conflict, discarded, failed, unclear, stopped, skipped, open } =
    summary;
  const parts: readonly (readonly [number, string])[] = [
    [succeeded, `succeeded${verified === 0 ? '' : ` (${verified} verified)`}`],
    [conflict, 'in conflict'],
    [discarded, 'discarded'],
    [failed, 'failed'],
    [unclear, 'with an unknown end'],
    [stopped, 'stopped'],
    [skipped, 'skipped'],
    [open, 'not ended'],
  ];
  const shown = parts.flatMap(([n, words]) => (n === 0 ? [] : [`${n} ${words}`]));
  return `${count(summary.tasks, 'task')}${shown.length === 0 ? '' : `: ${shown.join(', ')}`}`;
}

function taskTable(tasks: readonly TaskRun[], { titleOf, now }: ReportContext): string {
  const isTold = tasks.some((task) => usageWords(usageOfTask(task)) !== undefined);
  const rows = tasks.map((task) => {
    const { outcome } = task;
    const ms = durationOf(task, now);
    const evidence = evidenceOf(outcome);
    const verify = verifyOf(outcome);
    const cells = [
      taskName(task.id, titleOf),
      outcome === undefined ? PHASES[task.phase] : inline(endWords(task, outcome, now)),
      agentName(task),
      task.tryNo === 0 ? '' : String(task.tryNo),
      ms === undefined ? '' : inline(duration(ms)),
      verify === undefined ? '' : verify.passed ? 'passed' : 'did not pass',
      evidence === undefined || evidence.files.length === 0 ? '' : String(evidence.files.length),
      ...(isTold ? [usageWords(usageOfTask(task)) ?? ''] : []),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const head = ['Task', 'Outcome', 'Agent', 'Attempts', 'Took', 'Verify', 'Files'];
  if (isTold) head.push('Used');
  return [`| ${head.join(' | ')} |`, `|${' --- |'.repeat(head.length)}`, ...rows].join('\n');
}

/** How its work ended, and what became of it; of a conflict that is over, that alone. */
function endWords({ decision }: TaskRun, outcome: TaskOutcome, now: number): string {
  if (decision === undefined) return outcomeWords(outcome, now);
  const words = decisionWords(decision);
  if (decision.kind === 'merged' || outcome.kind === 'conflict') return words;
  return `${outcomeWords(outcome, now)}, ${words}`;
}

/** What each agent used in all of its attempts; empty where none says anything of that. */
function usageTable(tasks: readonly TaskRun[]): string {
  const byAgent = new Map<string, { tasks: number; usage: Usage }>();
  for (const task of tasks) {
    const used = usageOfTask(task);
    if (used === undefined) continue;
    const name = agentName(task);
    const before = byAgent.get(name);
    byAgent.set(name, {
      tasks: (before?.tasks ?? 0) + 1,
      usage: addUsage(before?.usage, used) ?? used,
    });
  }
  if (byAgent.size === 0) return '';
  const rows = [...byAgent].map(([name, { tasks: n, usage }]) => {
    const cells = [name, String(n), ...usageCells(usage)];
    return `| ${cells.join(' | ')} |`;
  });
  const head = ['Agent', 'Tasks', 'Tokens in', 'Tokens out', 'Cost'];
  return [
    'All attempts, as far as agents say what they used.',
    '',
    `| ${head.join(' | ')} |`,
    `|${' --- |'.repeat(head.length)}`,
    ...rows,
  ].join('\n');
}

function usageCells({ inputTokens, outputTokens, costUsd }: Usage): readonly string[] {
  return [
    inputTokens === undefined ? '' : shortNumber(inputTokens),
    outputTokens === undefined ? '' : shortNumber(outputTokens),
    costUsd === undefined || costUsd === 0 ? '' : costWords(costUsd),
  ];
}

function agentName({ agent }: TaskRun): string {
  return inline([agentTitle(agent.agent), agent.model].filter(Boolean).join(', '));
}

const PHASES: Readonly<Record<TaskRun['phase'], string>> = {
  queued: 'waits for its turn',
  starting: 'starts',
  claimed: 'claimed',
  running: 'at work',
  ended: 'ended',
};

function ganttSections(run: RunState, { titleOf, now }: ReportContext) {
  return run.waves.map((ids, wave) => ({
    name: run.waves.length === 1 ? 'Tasks' : `Wave ${wave}`,
    bars: ids.flatMap((id): GanttBar[] => {
      const task = run.tasks.get(id);
      const ms = task === undefined ? undefined : durationOf(task, now);
      if (task?.startedAt === undefined || ms === undefined) return [];
      const group = groupOf(task);
      const look =
        group === 'open'
          ? 'active'
          : group === 'succeeded' || group === 'discarded'
            ? 'done'
            : 'crit';
      return [
        { name: `${id} ${titleOf(id) ?? ''}`, look, from: task.startedAt, to: task.startedAt + ms },
      ];
    }),
  }));
}

function waveList(run: RunState, { now, timeOf }: ReportContext): string {
  return run.waveRuns
    .flatMap(({ startedAt, endedAt, verify }, wave) => {
      if (startedAt === undefined) return [];
      const took = inline(duration((endedAt ?? now) - startedAt));
      const said = verify === undefined ? '' : `; ${inline(verifyWords(verify))}`;
      const tasks = count(run.waves[wave]?.length ?? 0, 'task');
      return [
        `- Wave ${wave}: ${tasks}, ${timeOf(startedAt)}, ${endedAt === undefined ? 'since' : 'in'} ${took}${said}`,
      ];
    })
    .join('\n');
}

function retryList(tasks: readonly TaskRun[], { titleOf, now, timeOf }: ReportContext): string {
  return tasks
    .flatMap(({ id, earlier }) =>
      earlier.map(({ outcome, at }) => {
        const used = usageWords(usageOf(outcome));
        const said = used === undefined ? '' : `; ${used}`;
        return `- ${taskName(id, titleOf)}: ${timeOf(at)}, ${inline(outcomeWords(outcome, now))}${said}`;
      }),
    )
    .join('\n');
}

function criticalPath(run: RunState, { dependenciesOf, titleOf, now }: ReportContext): string {
  const { ids, ms } = findActualPath(run, dependenciesOf, now);
  if (ids.length === 0) return '';
  const steps = ids.map((id, index) => {
    const task = run.tasks.get(id);
    const took = task === undefined ? undefined : durationOf(task, now);
    return `${index + 1}. ${taskName(id, titleOf)}${took === undefined ? '' : ` (${inline(duration(took))})`}`;
  });
  const intro = `The longest chain of work took ${inline(duration(ms))}; with more agents the run could not have been shorter.`;
  return `${intro}\n\n${steps.join('\n')}`;
}

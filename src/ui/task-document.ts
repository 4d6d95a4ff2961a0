import type { Backlog } from '../core/backlog.ts';
import { inertMarkdown, inline, fenced, section, page, paragraphs } from '../core/markdown.ts';
import { evidenceText } from '../core/run/report/report-evidence.ts';
import { cut } from '../core/text.ts';
import { isSettled, type Task, type TaskId } from '../core/task.ts';
import type { NotReady } from '../core/waves/readiness.ts';
import type { BlockReason } from '../core/waves/waves.ts';
import { runTaskState } from './runs/task-part.ts';
import { clockTime, localTime, blockText, reasonText, leaseText } from '../core/messages.ts';

/** The most that a tooltip shows of a description, in characters; the details show all of it. */
const TOOLTIP_DESCRIPTION = 600;

/**
 * A task in markdown for a tooltip: description, dependencies, holder and lease. Backlog text in it
 * is inert. `note` is a line of its own, such as how a run ended.
 */
export function taskTooltip(backlog: Backlog, task: Task, note = ''): string {
  const description = task.description.trim();
  return paragraphs(
    `**${inline(task.title || task.id)}**`,
    inline(note),
    facts(backlog, task).join('  \n'),
    whyNot(backlog, task),
    description === '' ? '' : inertMarkdown(cut(description, TOOLTIP_DESCRIPTION)),
    task.dependencies.length === 0 ? '' : `Depends on:\n\n${dependencyList(backlog, task)}`,
  );
}

/** Everything about a task, as a markdown document. Backlog text in it is inert. */
export function taskDocument(backlog: Backlog, task: Task): string {
  const dependents = (backlog.snapshot?.tasks ?? []).filter((other) =>
    other.dependencies.includes(task.id),
  );
  const metadata = Object.entries(task.metadata);
  return page(
    `# ${inline(task.title || task.id)}`,
    facts(backlog, task).join('  \n'),
    section('Why not now', whyNot(backlog, task)),
    section(
      'Description',
      task.description.trim() === '' ? '*None.*' : inertMarkdown(task.description.trim()),
    ),
    section('Latest work', latestWork(backlog, task)),
    section('Depends on', dependencyList(backlog, task)),
    section('Needed by', dependents.map((t) => taskLine(backlog, t.id)).join('\n')),
    section('Runs in this window', runLines(backlog, task)),
    section(
      'Metadata',
      metadata.length === 0 ? '' : fenced(JSON.stringify(task.metadata, undefined, 2), 'json'),
    ),
    section('Record', record(backlog, task)),
  );
}

function facts(backlog: Backlog, task: Task): string[] {
  const wave = backlog.plan?.waveOf.get(task.id);
  const level = backlog.plan?.exarpLevelOf.get(task.id);
  const status =
    task.status === 'Unknown' ? `${inline(task.rawStatus)} (not a known status)` : task.status;
  const place = [
    ...(wave === undefined ? [] : [`wave ${wave}`]),
    ...(level === undefined || level === wave ? [] : [`exarp-go: wave ${level}`]),
  ];
  const lease = leaseText(backlog.leaseOf(task), backlog.now).map(inline);
  const until = task.lock?.until;
  const ends = until === undefined || until <= backlog.now ? [] : [`until ${clockTime(until)}`];
  return [
    `${inline(task.id)} · **${status}** · ${inline(task.rawPriority || task.priority)} priority${place.map((p) => ` · ${p}`).join('')}`,
    ...(lease.length === 0 ? [] : [`Lock: ${[...lease, ...ends].join(', ')}`]),
    ...(task.tags.length === 0 ? [] : [`Tags: ${task.tags.map(inline).join(', ')}`]),
  ];
}

function whyNot(backlog: Backlog, task: Task): string {
  if (isSettled(task.status)) return '';
  const blocked = backlog.plan?.blockedOf.get(task.id);
  const readiness = backlog.readinessOf(task);
  const reasons = readiness.kind === 'notReady' ? readiness.reasons : [];
  // What keeps it out of every wave is one of the reasons, too.
  const others =
    blocked === undefined ? reasons : reasons.filter(({ kind }) => !SAME[blocked.kind].has(kind));
  return [
    ...(blocked === undefined ? [] : [blockText(blocked)]),
    ...others.map((reason) => reasonText(reason, backlog.now)),
  ]
    .map((reason) => `- ${inline(reason)}`)
    .join('\n');
}

const CYCLES: ReadonlySet<NotReady['kind']> = new Set(['cycle', 'behindCycle']);

/** By what keeps a task out of every wave, the reasons that say the same. */
const SAME: Readonly<Record<BlockReason['kind'], ReadonlySet<NotReady['kind']>>> = {
  cycle: CYCLES,
  behindCycle: CYCLES,
  missing: new Set(['missing']),
  behindMissing: new Set(),
};

function dependencyList(backlog: Backlog, task: Task): string {
  const missing = backlog.plan?.missing.get(task.id) ?? [];
  return task.dependencies
    .map((id) => (missing.includes(id) ? `- ${inline(id)}: does not exist` : taskLine(backlog, id)))
    .join('\n');
}

function taskLine(backlog: Backlog, id: TaskId): string {
  const task = backlog.task(id);
  if (task === undefined) return `- ${inline(id)}: does not exist`;
  const lease = leaseText(backlog.leaseOf(task), backlog.now).map(inline);
  return `- ${isSettled(task.status) ? '✓' : '○'} ${inline(id)} ${inline(task.title)} (${[task.status, ...lease].join(', ')})`;
}

/** How the work on a task ended last, as far as the runs tell. */
function latestWork({ runs, now }: Backlog, { id }: Task): string {
  const latest = [...runs.all.toReversed(), ...runs.past]
    .map(({ tasks }) => tasks.get(id))
    .find((part) => part?.outcome !== undefined && part.attemptNo !== undefined);
  if (latest === undefined) return '';
  return `- ${inline(runTaskState(latest, now))}\n${evidenceText(latest)}`.trimEnd();
}

function runLines(backlog: Backlog, task: Task): string {
  return backlog.runs.all
    .flatMap((run) => {
      const part = run.tasks.get(task.id);
      if (part === undefined) return [];
      const state = runTaskState(part, backlog.now);
      const at = part.startedAt === undefined ? '' : `${clockTime(part.startedAt)}: `;
      return [`- ${at}${inline(run.title)}, ${inline(state)}`];
    })
    .join('\n');
}

function record(backlog: Backlog, task: Task): string {
  const at = (time: number | undefined): string | undefined =>
    time === undefined ? undefined : localTime(time);
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['Created', at(task.createdAt)],
    ['Modified', at(task.modifiedAt)],
    ['Completed', at(task.completedAt)],
    ['Estimate', task.estimatedHours === undefined ? undefined : `${task.estimatedHours} h`],
    ['Parent', task.parentId],
    ['Project', task.projectId],
    ['Version', task.version === 0 ? undefined : String(task.version)],
    ['File', backlog.snapshot?.file],
  ];
  return lines
    .flatMap(([name, value]) => (value === undefined ? [] : [`- ${name}: ${inline(value)}`]))
    .join('\n');
}

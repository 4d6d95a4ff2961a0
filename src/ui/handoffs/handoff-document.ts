import type { Backlog } from '../../core/backlog.ts';
import type { Handoff, HandoffRun, HandoffTask } from '../../core/handoff.ts';
import { inertMarkdown, inline, fenced, section, page } from '../../core/markdown.ts';
import { count } from '../../core/text.ts';
import { isSettled, taskId } from '../../core/task.ts';
import { statusWord, whenWords } from './handoff-row.ts';

/** Fields that the document words; all others are shown as they are in the file. */
const KNOWN: ReadonlySet<string> = new Set([
  ...[
    'id',
    'timestamp',
    'host',
    'status',
    'summary',
    'blockers',
    'next_steps',
    'tasks_in_progress',
    'git_status',
  ],
  ...['tasks_completed', 'tasks_completed_today', 'task_journal', 'runs', 'warnings'],
  // A whole compressed backlog is not readable.
  ...[
    'point_in_time_snapshot',
    'point_in_time_snapshot_format',
    'point_in_time_snapshot_task_count',
  ],
]);

/** Everything about a handoff, as a markdown document. Text of the file in it is inert. */
export function handoffDocument(backlog: Backlog, handoff: Handoff): string {
  const when = whenWords(handoff.at, backlog.now);
  const rest = Object.entries(handoff.entry).filter(([key]) => !KNOWN.has(key));
  const packed = handoff.entry['point_in_time_snapshot_task_count'];
  return page(
    `# Handoff${handoff.host === '' ? '' : ` from ${inline(handoff.host)}`}`,
    [`**${inline(statusWord(handoff))}**`, inline(when), inline(handoff.id)]
      .filter(Boolean)
      .join(' · '),
    handoff.summary.trim() === '' ? '*Without a summary.*' : inertMarkdown(handoff.summary.trim()),
    section('Blockers', bullets(handoff.blockers.map(inline))),
    section(
      'Next steps',
      handoff.nextSteps.map((step, index) => `${index + 1}. ${inline(step)}`).join('\n'),
    ),
    section(
      'Tasks in progress',
      bullets(handoff.inProgress.map((task) => taskLine(backlog, task))),
    ),
    section('Tasks completed', bullets(handoff.completed.map((task) => taskLine(backlog, task)))),
    section('Runs', bullets(handoff.runs.map(runLine))),
    section(
      'Locks and changes',
      bullets(handoff.journal.map(({ id, action }) => `${inline(id)}: ${inline(action)}`)),
    ),
    section('Warnings', bullets(handoff.warnings.map(inline))),
    section('Working copy', gitLines(handoff)),
    typeof packed === 'number'
      ? `The handoff has a packed copy of the backlog in it, with ${count(packed, 'task')}.`
      : '',
    section(
      'Also in the file',
      rest.length === 0
        ? ''
        : fenced(JSON.stringify(Object.fromEntries(rest), undefined, 2), 'json'),
    ),
  );
}

/** A task as the handoff has it, and its current status where that differs. */
function taskLine(backlog: Backlog, { id, title, note }: HandoffTask): string {
  const task = backlog.task(taskId(id));
  const now =
    task?.status === note
      ? []
      : [task === undefined ? 'not in the backlog any more' : `now ${task.status}`];
  const mark = task === undefined || !isSettled(task.status) ? '○' : '✓';
  const states = [note, ...(id === '' ? [] : now)].filter(Boolean).map(inline).join(', ');
  const name = [inline(id), inline(title || (task?.title ?? ''))].filter(Boolean).join(' ');
  return `${mark} ${name}${states === '' ? '' : ` (${states})`}`;
}

function runLine({ id, title, status, result }: HandoffRun): string {
  return [title || id, status, result].filter(Boolean).map(inline).join(' · ');
}

function gitLines({ git }: Handoff): string {
  if (git === undefined) return '';
  const { branch, uncommittedFiles: files, changedFiles, ahead = 0, behind = 0 } = git;
  const facts = [
    ...(branch === undefined ? [] : [`Branch ${inline(branch)}`]),
    ...(files === undefined
      ? []
      : [files === 0 ? 'everything committed' : count(files, 'uncommitted file')]),
    ...(ahead > 0 ? [`${count(ahead, 'commit')} not pushed`] : []),
    ...(behind > 0 ? [`${count(behind, 'commit')} not pulled`] : []),
  ];
  const more = (files ?? 0) - changedFiles.length;
  const names = [
    ...changedFiles.map(inline),
    ...(changedFiles.length > 0 && more > 0 ? [`and ${more} more`] : []),
  ];
  return [facts.join(' · '), bullets(names)].filter(Boolean).join('\n\n');
}

function bullets(lines: readonly string[]): string {
  return lines.map((line) => `- ${line}`).join('\n');
}

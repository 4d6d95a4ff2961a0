import { fenced, inline } from '../../markdown.ts';
import type { Evidence, VerifyResult } from '../evidence.ts';
import { evidenceOf, type TaskOutcome, type TaskRun } from '../run-events.ts';
import { type ReportContext, taskName } from './report-context.ts';
import { duration, firstOf } from '../../text.ts';
import { changesWords } from '../isolation.ts';
import { verifyWords } from '../run-messages.ts';
import { usageWords } from '../usage.ts';

/** More files than this are counted. */
const FILES_SHOWN = 20;

/**
 * What shows how the work on each task went: its verify command, files, log and last words. Empty
 * where there is none.
 */
export function evidenceSection(tasks: readonly TaskRun[], context: ReportContext): string {
  return tasks
    .flatMap((task) => {
      const text = evidenceText(task);
      return text === '' ? [] : [`### ${taskName(task.id, context.titleOf)}\n\n${text}`];
    })
    .join('\n\n');
}

/** The result of the verify command, from the evidence or the cause of a failure. */
export function verifyOf(outcome: TaskOutcome | undefined): VerifyResult | undefined {
  const ofCause =
    outcome?.kind === 'failed' && outcome.cause.kind === 'verify'
      ? outcome.cause.result
      : undefined;
  return evidenceOf(outcome)?.verify ?? ofCause;
}

/** The same of one task, as a list. */
export function evidenceText({ outcome, decision }: TaskRun): string {
  const evidence = evidenceOf(outcome);
  const verify = verifyOf(outcome);
  return [
    ...(verify === undefined ? [] : verifyLines(verify)),
    ...(evidence === undefined ? [] : rest(evidence)),
    ...(decision?.kind === 'discarded' ? [`- Kept as: ${inline(decision.ref)}`] : []),
  ]
    .join('\n')
    .trimEnd();
}

function verifyLines(verify: VerifyResult): readonly string[] {
  const line = `- Verify: ${inline(verifyWords(verify))}, in ${inline(duration(verify.durationMs))}`;
  return verify.passed || verify.tail.trim() === ''
    ? [line]
    : [line, '', fenced(verify.tail.trimEnd(), 'text'), ''];
}

function rest({
  files,
  logFile,
  sessionId,
  summary,
  remarks = [],
  usage,
  changes,
}: Evidence): readonly string[] {
  const lines: string[] = remarks.map((remark) => `- ${inline(remark)}`);
  const used = usageWords(usage);
  if (used !== undefined) lines.push(`- Used: ${used}`);
  if (changes !== undefined)
    lines.push(`- Changed: ${inline(changesWords(changes))}, on branch ${inline(changes.branch)}`);
  if (files.length > 0) lines.push(`- Files: ${firstOf(files, FILES_SHOWN, inline)}`);
  if (logFile !== undefined) lines.push(`- Log: ${inline(logFile)}`);
  if (sessionId !== undefined) lines.push(`- Session: ${inline(sessionId)}`);
  if (summary !== undefined && summary.trim() !== '') {
    lines.push(
      '- What the agent said (its words, not what was verified):',
      '',
      fenced(summary.trimEnd(), 'text'),
    );
  }
  return lines;
}

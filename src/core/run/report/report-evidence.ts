import { inline } from '../../markdown.ts';
import type { Evidence, VerifyResult } from '../evidence.ts';
import type { TaskOutcome, TaskRun } from '../run-events.ts';
import { type ReportContext, taskName } from './report-context.ts';

/** More files than this are counted. */
const FILES_SHOWN = 20;

/** What shows how the work on each task went: its verify command, files, log and last words. Empty where there is none. */
export function evidenceSection(tasks: readonly TaskRun[], context: ReportContext): string {
  return tasks
    .flatMap(({ id, outcome }) => {
      const lines = evidenceLines(outcome, context);
      return lines.length === 0 ? [] : [`### ${taskName(id, context.titleOf)}\n\n${lines.join('\n').trimEnd()}`];
    })
    .join('\n\n');
}

function evidenceLines(outcome: TaskOutcome | undefined, { words }: ReportContext): readonly string[] {
  if (outcome?.kind !== 'succeeded' && outcome?.kind !== 'failed') return [];
  const { evidence } = outcome;
  const ofCause = outcome.kind === 'failed' && outcome.cause.kind === 'verify' ? outcome.cause.result : undefined;
  const verify = evidence?.verify ?? ofCause;
  return [
    ...(verify === undefined ? [] : verifyLines(verify, words)),
    ...(evidence === undefined ? [] : rest(evidence)),
  ];
}

function verifyLines(verify: VerifyResult, { verify: wordsOf, duration }: ReportContext['words']): readonly string[] {
  const line = `- Verify: ${inline(wordsOf(verify))}, in ${inline(duration(verify.durationMs))}`;
  return verify.passed || verify.tail.trim() === '' ? [line] : [line, '', quoted(verify.tail), ''];
}

function rest({ files, logFile, sessionId, summary }: Evidence): readonly string[] {
  const lines: string[] = [];
  if (files.length > 0) {
    const shown = files.slice(0, FILES_SHOWN).map(inline).join(', ');
    const more = files.length - FILES_SHOWN;
    lines.push(`- Files: ${shown}${more > 0 ? `, and ${more} more` : ''}`);
  }
  if (logFile !== undefined) lines.push(`- Log: ${inline(logFile)}`);
  if (sessionId !== undefined) lines.push(`- Session: ${inline(sessionId)}`);
  if (summary !== undefined && summary.trim() !== '') {
    lines.push('- What the agent said (its words, not what was verified):', '', quoted(summary));
  }
  return lines;
}

/** Text of others as a block of code that it cannot end. */
function quoted(text: string): string {
  // What steers a terminal or turns the reading order is no text to be read.
  const plain = text
    .replace(/\r\n?/g, '\n')
    .replace(/[^\P{Cc}\n\t]|[\p{Cs}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '')
    .trimEnd();
  const longest = Math.max(2, ...Array.from(plain.matchAll(/`+/g), ([run]) => run.length));
  const ticks = '`'.repeat(longest + 1);
  return `${ticks}text\n${plain}\n${ticks}`;
}

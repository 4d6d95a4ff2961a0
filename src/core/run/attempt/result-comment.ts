import { code, fenced, inline } from '../../markdown.ts';
import { cut, duration, firstLines } from '../../text.ts';
import type { WorkEnd } from '../../ports.ts';
import type { Evidence, VerifyResult } from '../evidence.ts';
import { usageWords } from '../usage.ts';

/** Further files are only counted, since users and the agents of later tasks read the comment. */
const MAX_FILES = 50;
const MAX_LINE = 500;

/**
 * The `result` comment of a task, in markdown: how the work ended, the evidence, and the fenced
 * last message of the agent. Only for success, conflict and failure.
 */
export function formatResult(end: WorkEnd, label: string): string {
  if (end.kind !== 'succeeded' && end.kind !== 'failed' && end.kind !== 'conflict') {
    throw new Error(`Internal error: there is no result to tell of work that ended as ${end.kind}`);
  }
  const { evidence } = end;
  const headline =
    end.kind === 'failed'
      ? `**Failed**: ${explainCause(end)}`
      : `**${end.kind === 'succeeded' ? 'Succeeded' : 'Not merged'}**, now ${end.status}`;
  const parts = [
    `${headline} · ${inline(cut(label, MAX_LINE))}`,
    ...(evidence === undefined ? [] : evidenceLines(evidence)),
  ];
  const said = evidence?.summary;
  if (said !== undefined)
    parts.push(`What the agent said last:\n\n${fenced(said.trimEnd(), 'text')}`);
  return `${parts.join('\n\n')}\n`;
}

function explainCause(end: Extract<WorkEnd, { kind: 'failed' }>): string {
  const { cause, exitCode, signal } = end;
  switch (cause.kind) {
    case 'exit':
      if (exitCode !== undefined) return `exit code ${exitCode}`;
      return signal === undefined ? 'its exit code is unknown' : `ended by ${signal}`;
    case 'said':
      return inline(cut(cause.detail, MAX_LINE));
    case 'timeLimit':
      return `it took longer than ${duration(cause.limitMs)}`;
    case 'verify':
      return 'the command that verifies it did not pass';
  }
}

function evidenceLines({
  startedAt,
  endedAt,
  verify,
  files,
  logFile,
  sessionId,
  remarks = [],
  usage,
}: Evidence): string[] {
  const used = usageWords(usage);
  const facts = [
    `- Took ${duration(endedAt - startedAt)}, until ${new Date(endedAt).toISOString()}`,
    verify === undefined
      ? '- Verified by nothing'
      : `- Verified by ${code(cut(verify.command, MAX_LINE))}: ${verdict(verify)}`,
    ...(used === undefined ? [] : [`- Used ${used}`]),
    ...remarks.map((remark) => `- ${inline(cut(remark, MAX_LINE))}`),
    ...(logFile === undefined ? [] : [`- Log: ${code(cut(logFile, MAX_LINE))}`]),
    ...(sessionId === undefined
      ? []
      : [`- Session of the agent: ${code(cut(sessionId, MAX_LINE))}`]),
    // An empty list may mean that changes are not known, as without git.
    ...(files.length === 0 ? [] : [`- Files changed (${files.length}):`]),
    ...firstLines(files, MAX_FILES, (file) => `  - ${code(cut(file, MAX_LINE))}`, '  - '),
  ];
  const failed = verify !== undefined && !verify.passed && verify.tail.trim() !== '';
  return [
    facts.join('\n'),
    ...(failed
      ? [`The end of what verifying it printed:\n\n${fenced(verify.tail.trimEnd(), 'text')}`]
      : []),
  ];
}

function verdict({ passed, exitCode, durationMs }: VerifyResult): string {
  const how = passed
    ? 'passed'
    : exitCode === undefined
      ? 'did not finish'
      : `failed with exit code ${exitCode}`;
  return `${how} after ${duration(durationMs)}`;
}

import type { WorkEnd } from '../../ports.ts';
import type { Evidence, VerifyResult } from '../evidence.ts';

/** More are only counted: a comment is read by people, and by the agents of the tasks that come next. */
const MAX_FILES = 50;

/**
 * The `result` comment of a task, in markdown: how the work ended, the evidence for it, and last what the agent itself said,
 * fenced, so that nothing in it can pass for ours. Only for ends that say something about the task: success and failure.
 */
export function formatResult(end: WorkEnd, label: string): string {
  if (end.kind !== 'succeeded' && end.kind !== 'failed') {
    throw new Error(`Internal error: there is no result to tell of work that ended as ${end.kind}`);
  }
  const { evidence } = end;
  const headline = end.kind === 'succeeded' ? `**Succeeded**, now ${end.status}` : `**Failed**: ${explainCause(end)}`;
  const parts = [`${headline} · ${inline(label)}`, ...(evidence === undefined ? [] : evidenceLines(evidence))];
  const said = evidence?.summary;
  if (said !== undefined) parts.push(`What the agent said last:\n\n${fence(said)}`);
  return `${parts.join('\n\n')}\n`;
}

function explainCause(end: Extract<WorkEnd, { kind: 'failed' }>): string {
  const { cause, exitCode, signal } = end;
  switch (cause.kind) {
    case 'exit':
      if (exitCode !== undefined) return `exit code ${exitCode}`;
      return signal === undefined ? 'nobody knows its exit code' : `ended by ${signal}`;
    case 'said':
      return inline(cause.detail);
    case 'timeLimit':
      return `it took longer than ${duration(cause.limitMs)}`;
    case 'verify':
      return 'the command that verifies it did not pass';
  }
}

function evidenceLines({ startedAt, endedAt, verify, files, logFile, sessionId }: Evidence): string[] {
  const facts = [
    `- Took ${duration(endedAt - startedAt)}, until ${new Date(endedAt).toISOString()}`,
    verify === undefined ? '- Verified by nothing' : `- Verified by ${code(verify.command)}: ${verdict(verify)}`,
    ...(logFile === undefined ? [] : [`- Log: ${code(logFile)}`]),
    ...(sessionId === undefined ? [] : [`- Session of the agent: ${code(sessionId)}`]),
    // None may mean that nobody could tell, as where there is no git.
    ...(files.length === 0 ? [] : [`- Files changed (${files.length}):`]),
    ...files.slice(0, MAX_FILES).map((file) => `  - ${code(file)}`),
    ...(files.length > MAX_FILES ? [`  - and ${files.length - MAX_FILES} more`] : []),
  ];
  const failed = verify !== undefined && !verify.passed && verify.tail.trim() !== '';
  return [facts.join('\n'), ...(failed ? [`The end of what verifying it printed:\n\n${fence(verify.tail)}`] : [])];
}

function verdict({ passed, exitCode, durationMs }: VerifyResult): string {
  const how = passed
    ? 'passed'
    : exitCode === undefined
      ? 'did not come to its end'
      : `failed with exit code ${exitCode}`;
  return `${how} after ${duration(durationMs)}`;
}

function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** One line, in which nothing is markup. */
function inline(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim().slice(0, 500);
  return line.replace(/[\\`*_{}[\]<>#|!~&]/g, '\\$&');
}

/** One line as code, within more backticks than it has itself. */
function code(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim().slice(0, 500);
  const ticks = '`'.repeat(longestRun(line) + 1);
  return `${ticks}${/^`|`$/.test(line) ? ` ${line} ` : line}${ticks}`;
}

function fence(text: string): string {
  const ticks = '`'.repeat(Math.max(3, longestRun(text) + 1));
  return `${ticks}text\n${text.replace(/\r\n?/g, '\n').trimEnd()}\n${ticks}`;
}

function longestRun(text: string): number {
  return (text.match(/`+/g) ?? []).reduce((longest, run) => Math.max(longest, run.length), 0);
}

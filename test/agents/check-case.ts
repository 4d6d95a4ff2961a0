import type { Observed } from './run-case.ts';
import type { Expected } from './expected.ts';

/** The outcome as the table of what is right has it. */
export function outcomeOf({ end }: Observed): string {
  return end.kind === 'failed' && end.cause.kind === 'timeLimit' ? 'timeLimit' : end.kind;
}

/** What an attempt ended with, for the table: `rateLimited 7200 s`, `failed: its words`. */
export function describe(observed: Observed): string {
  const { end } = observed;
  const wait =
    end.kind === 'rateLimited' && end.retryAfterMs !== undefined
      ? ` ${Math.round(end.retryAfterMs / 1000)} s`
      : '';
  return `${outcomeOf(observed)}${wait}`;
}

/** Everything that is not as it should be; empty where all is. */
export function differences(observed: Observed, expected: Expected): readonly string[] {
  const { end, sessionId, resumed } = observed;
  const wrong: string[] = [];
  const outcome = outcomeOf(observed);
  if (outcome !== expected.outcome) wrong.push(`it is ${outcome} in place of ${expected.outcome}`);
  const words = wordsOf(observed);
  if (expected.says !== undefined && !expected.says.test(words))
    wrong.push(`it says ${JSON.stringify(words)}, which has no ${String(expected.says)}`);
  if (end.kind === 'rateLimited') {
    const waitS = end.retryAfterMs === undefined ? undefined : end.retryAfterMs / 1000;
    const isRight =
      expected.waitS === undefined
        ? waitS === undefined
        : waitS !== undefined && Math.abs(waitS - expected.waitS) <= 60;
    if (!isRight) wrong.push(`it asks to wait ${waitS ?? 'for no time'} (s)`);
  }
  if (expected.session === 'resumed' && sessionId !== resumed)
    wrong.push(`its session is ${String(sessionId)} in place of ${String(resumed)}`);
  if (expected.session === 'new' && (sessionId === undefined || sessionId === resumed))
    wrong.push(`its session is ${String(sessionId)}, which is no new one`);
  const evidence = 'evidence' in end ? end.evidence : undefined;
  for (const file of expected.files ?? []) {
    if (evidence?.files.includes(file) !== true) wrong.push(`${file} is not among its files`);
  }
  const remarks = (evidence?.remarks ?? []).join('\n');
  if (expected.remarks !== undefined && !expected.remarks.test(remarks))
    wrong.push(`its remarks ${JSON.stringify(remarks)} have no ${String(expected.remarks)}`);
  return wrong;
}

function wordsOf({ end }: Observed): string {
  switch (end.kind) {
    case 'succeeded':
      return end.evidence?.summary ?? '';
    case 'failed':
      return end.cause.kind === 'said' ? end.cause.detail : (end.signal ?? `${end.exitCode ?? ''}`);
    case 'rateLimited':
    case 'unknown':
      return end.detail;
    default:
      return 'failure' in end ? JSON.stringify(end.failure) : '';
  }
}

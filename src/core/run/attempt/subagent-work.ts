import { whenAborted } from '../../abort.ts';
import type { AgentEnd, Clock } from '../../ports.ts';
import type { SubagentAnswer, SubagentHostRegistry } from './subagent-host-registry.ts';
import type { AgentReport, AgentVerdict } from './task-work.ts';
import { messageOf, cleanLines } from '../../text.ts';

export interface SubagentWork {
  readonly prompt: string;
  readonly description: string;
  /** In ms; 0: no limit. */
  readonly timeLimitMs: number;
  readonly signal: AbortSignal;
  readonly onStarted: () => void;
  readonly onActivity: () => void;
}

/**
 * Runs a subagent of the editor; its answer is its last message. An empty answer or a refusal
 * counts as a failure; the end of its chat request stops it. Never waits for a host that ignores an
 * abort.
 */
export async function workBySubagent(
  work: SubagentWork,
  subagentHosts: SubagentHostRegistry,
  clock: Clock,
): Promise<AgentReport> {
  const entered = subagentHosts.enter();
  if (!entered.ok) return reportOf({ kind: 'notStarted', failure: entered.failure });
  const { host, closed } = entered.value;
  const limit = new AbortController();
  const timer =
    work.timeLimitMs > 0 ? clock.after(work.timeLimitMs, () => limit.abort()) : undefined;
  const signal = AbortSignal.any([work.signal, closed, limit.signal]);
  const aborted = whenAborted(signal);
  work.onStarted();
  try {
    const { prompt, description, onActivity } = work;
    const answer = await Promise.race([
      answerOf(() => host.run({ prompt, description, signal, onActivity })),
      aborted.promise,
    ]);
    if (answer === undefined || signal.aborted) {
      const isLate = limit.signal.aborted && !work.signal.aborted && !closed.aborted;
      if (!isLate) return reportOf({ kind: 'stopped' });
      const end = { kind: 'exited', exitCode: undefined, signal: undefined } as const;
      return reportOf(end, { kind: 'tooLong', limitMs: work.timeLimitMs });
    }
    const failed = (reason: string): AgentReport =>
      reportOf(ENDED_WELL, { kind: 'failed', reason });
    if ('refusal' in answer) return failed(answer.refusal);
    const { text, rateLimit } = answer;
    if (rateLimit !== undefined) return reportOf(ENDED_WELL, { kind: 'rateLimited', ...rateLimit });
    const said = cleanLines(text).trim();
    if (said === '') return failed('the subagent answered nothing');
    return { ...reportOf(ENDED_WELL), lastSaid: said };
  } finally {
    timer?.dispose();
    aborted.dispose();
  }
}

const ENDED_WELL = { kind: 'exited', exitCode: 0, signal: undefined } as const;

/** The report of a worker that is not a program; its verdict needs no further sign. */
export function reportOf(
  end: AgentEnd,
  verdict: AgentVerdict = { kind: 'succeeded' },
): AgentReport {
  return { end, judge: () => verdict, lastSaid: undefined, sessionId: undefined, remarks: [] };
}

async function answerOf(
  run: () => Promise<SubagentAnswer>,
): Promise<SubagentAnswer | { readonly refusal: string }> {
  try {
    return await run();
  } catch (error) {
    const words = cleanLines(messageOf(error)).trim();
    return { refusal: words === '' ? 'the subagent was refused' : words };
  }
}

import type { AgentEnd } from '../core/ports.ts';
import type { AgentReport, WorkWorld } from '../core/run/attempt/task-work.ts';
import { createReader } from './output/agent-output.ts';
import { runChild, type ChildEnd } from './child-work.ts';
import { runVerify } from './run-verify.ts';
import { startLimit } from './time-limit.ts';
import { explainExitCode } from './output/error-patterns.ts';
import type { WorkLog } from './work-log.ts';
import type { WorkOrder } from './work-order.ts';

/** Short, since the terminal is gone and the system may be about to end this process too. */
const GONE_GRACE_MS = 1500;

export interface WorkPlace {
  readonly order: WorkOrder;
  readonly mark: string;
  readonly log: WorkLog;
  /** Resolves when everything is there that the agent's work is compared with. */
  readonly ready: Promise<unknown>;
  /** Aborted when the terminal that the agent works in is gone. */
  readonly terminalGone: AbortSignal;
  readonly onProcess: (pid: number) => void;
  /** The agent wrote something; its session and what it is doing, as far as it said. */
  readonly onOutput: (sessionId: string | undefined, activity: string | undefined) => void;
}

/**
 * Runs the agent of an order: without a shell, its output to the log, ended when it takes too long.
 */
export function agentOf(place: WorkPlace): WorkWorld['agent'] {
  const { order, mark, log, terminalGone } = place;
  return async (signal, onStarted): Promise<AgentReport> => {
    await place.ready;
    const reader = createReader(order.output);
    const limit = startLimit(order.options.timeLimitMs);
    const options = {
      spec: order.agent,
      cwd: order.root,
      stdinFile: order.stdinFile,
      mark,
      inTerminal: order.agentMode === 'interactive',
      graceMs: () =>
        terminalGone.aborted ? Math.min(GONE_GRACE_MS, order.graceMs) : order.graceMs,
      onOutput: (bytes: Uint8Array) => {
        log.write(bytes);
        reader.read(bytes);
        place.onOutput(reader.sessionId ?? order.sessionId, reader.activity);
      },
      onStarted: (pid: number) => {
        place.onProcess(pid);
        onStarted();
      },
    };
    const ended = await runChild(options, AbortSignal.any([signal, limit.signal, terminalGone]));
    limit.clear();
    reader.end();
    const timedOut =
      ended.kind === 'ended' && ended.stopped && limit.signal.aborted && !signal.aborted;
    const { rateLimit, lastSaid, sessionId = order.sessionId } = reader;
    const end = endOf(ended, order.agent.command, timedOut);
    const exitCode = end.kind === 'exited' ? end.exitCode : undefined;
    return {
      rateLimit,
      lastSaid,
      sessionId,
      end,
      complaint:
        reader.complaint ??
        (exitCode === undefined ? undefined : explainExitCode(order.agentType, exitCode)),
      limitMs: timedOut ? order.options.timeLimitMs : undefined,
      unseen: terminalGone.aborted
        ? 'Its terminal went away while the agent was at work.'
        : undefined,
    };
  };
}

function endOf(ended: ChildEnd, command: string, timedOut: boolean): AgentEnd {
  if (ended.kind === 'notStarted') {
    return {
      kind: 'notStarted',
      failure: { kind: 'agentNotStarted', command, detail: ended.detail },
    };
  }
  if (ended.stopped && !timedOut) return { kind: 'stopped' };
  return { kind: 'exited', exitCode: ended.exitCode, signal: ended.signal };
}

/**
 * Verifies the work; what that prints follows the agent's output in the log. Undefined where
 * nothing verifies it.
 */
export function verifyOf({ order, mark, log, onProcess }: WorkPlace): WorkWorld['verify'] {
  const { verify, root: cwd, graceMs } = order;
  return verify && ((signal) => runVerify({ verify, cwd, mark, log, graceMs, onProcess }, signal));
}

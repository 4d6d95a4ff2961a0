import type { AgentEnd } from '../core/ports.ts';
import type { AgentReport, WorkWorld } from '../core/run/attempt/task-work.ts';
import { addUsage, usageSince, type Usage } from '../core/run/usage.ts';
import { createReader } from './output/agent-output.ts';
import { runChild, type ChildEnd } from './child-work.ts';
import { runVerify } from './run-verify.ts';
import { startLimit } from './time-limit.ts';
import { deniedLine } from './output/denied-line.ts';
import { judge, judgeUnseen, type Verdict } from './output/verdict.ts';
import type { WorkState } from '../core/run/journal/work-state.ts';
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
  /** The agent has ended; what its session used since its beginning, as far as it said. */
  readonly onSessionUsage: (usage: Usage | undefined) => void;
  /** Its provider refuses work; see `WorkState`. */
  readonly onRefused: (refusal: WorkState['refusal']) => void;
}

/**
 * Runs the agent of an order: without a shell, its output to the log, ended when it takes too long
 * or stays after its last word. Where the session that it was to resume cannot be resumed, it runs
 * once more with a new one.
 */
export function agentOf(place: WorkPlace): WorkWorld['agent'] {
  return async (signal, onStarted): Promise<AgentReport> => {
    await place.ready;
    const { order, log } = place;
    const failed = await setUp(place, signal);
    if (failed !== undefined) return failed;
    const limit = startLimit(order.options.timeLimitMs);
    const run = (start: AgentStart): Promise<AgentRun> =>
      runAgent(place, start, { signal, limit: limit.signal, onStarted });
    const { agent, anew } = order;
    let last = await run({ ...order, resumes: anew !== undefined });
    const first = last.verdict([]);
    if (anew !== undefined && first.kind === 'noSession' && !signal.aborted) {
      log.note(`Its session could not be resumed, a new one begins: ${first.reason}`);
      place.onOutput(anew.sessionId, undefined);
      const { usage } = last;
      last = await run({ ...anew, agent: { ...agent, args: anew.args }, resumes: false });
      last = { ...last, usage: addUsage(usage, last.usage) };
    }
    limit.clear();
    const { verdict, endedAt, ...report } = last;
    return {
      ...report,
      judge: (files) => {
        const judged = verdict(files);
        if (judged.kind === 'noSession') return { kind: 'failed', reason: judged.reason };
        if (judged.kind === 'tooLong')
          return { kind: 'tooLong', limitMs: order.options.timeLimitMs };
        if (judged.kind !== 'rateLimited') return judged;
        const { words, ...refused } = judged;
        place.onRefused({ words, at: endedAt });
        return refused;
      },
      unseen: place.terminalGone.aborted
        ? 'Its terminal went away while the agent was at work.'
        : undefined,
    };
  };
}

/**
 * Runs the agent of an order once more, in its own session where that can be resumed, to resolve a
 * conflict; undefined where it is not to be asked.
 */
export function resolverOf(
  place: WorkPlace,
  now: () => Pick<WorkState, 'sessionId' | 'sessionUsage'>,
): WorkWorld['resolve'] {
  const { resolve } = place.order;
  return (
    resolve &&
    ((...asked) => {
      const { sessionId, sessionUsage } = now();
      const { resumed, anew, mark } = resolve;
      // A session is a word that needs no escape.
      const change =
        resumed && sessionId
          ? (JSON.parse(JSON.stringify(resumed).replaceAll(mark, sessionId)) as Partial<WorkOrder>)
          : anew;
      const begun = { ...place.order, sessionId: undefined, anew: undefined, sessionUsage };
      return agentOf({ ...place, order: { ...begun, ...change } })(...asked);
    })
  );
}

/** Makes a new worktree ready; the report of the attempt where that failed or was stopped. */
async function setUp(
  { order: { folder: cwd, graceMs, setup = [] }, ...place }: WorkPlace,
  signal: AbortSignal,
): Promise<AgentReport | undefined> {
  for (const verify of setup) {
    const doing = 'Setting up';
    const result = await runVerify({ ...place, verify, cwd, graceMs, doing }, signal);
    if (result.passed) continue;
    const { exitCode } = result;
    return {
      end: signal.aborted ? { kind: 'stopped' } : { kind: 'exited', exitCode, signal: undefined },
      judge: () => ({
        kind: 'failed',
        reason: `its worktree was not set up: ${result.command} failed`,
      }),
      lastSaid: undefined,
      sessionId: undefined,
      remarks: [],
    };
  }
  return undefined;
}

/** How the agent is started this time. */
interface AgentStart extends Pick<WorkOrder, 'agent' | 'sessionId' | 'stdinFile'> {
  readonly resumes: boolean;
}

/** One process of an agent, from its start to its end. */
interface AgentRun extends Omit<AgentReport, 'judge' | 'unseen'> {
  readonly verdict: (files: readonly string[]) => Verdict;
  /** Epoch ms. */
  readonly endedAt: number;
}

async function runAgent(
  place: WorkPlace,
  { agent, sessionId, stdinFile, resumes }: AgentStart,
  {
    signal,
    limit,
    onStarted,
  }: { readonly signal: AbortSignal; readonly limit: AbortSignal; readonly onStarted: () => void },
): Promise<AgentRun> {
  const { order, mark, log, terminalGone } = place;
  const reader = createReader(order.output);
  const lingering = new Countdown(order.lingerMs);
  const inTerminal = order.agentMode === 'interactive';
  const options = {
    spec: agent,
    cwd: order.folder,
    stdinFile,
    mark,
    inTerminal,
    graceMs: () => (terminalGone.aborted ? Math.min(GONE_GRACE_MS, order.graceMs) : order.graceMs),
    onOutput: (bytes: Uint8Array) => {
      log.write(bytes);
      reader.read(bytes);
      // What it says once it is being ended is no last word of its work.
      if (!reader.isDone) lingering.cancel();
      else if (!limit.aborted) lingering.begin();
      place.onOutput(reader.sessionId ?? sessionId, reader.activity);
    },
    onStarted: (pid: number) => {
      place.onProcess(pid);
      onStarted();
    },
  };
  let wasDoneAtLimit = false;
  limit.addEventListener('abort', () => (wasDoneAtLimit = reader.isDone), { once: true });
  const ending = [signal, limit, terminalGone, lingering.over];
  const ended = await runChild(options, AbortSignal.any(ending));
  lingering.cancel();
  reader.end();
  const wasEnded = ended.kind === 'ended' && ended.stopped && !signal.aborted;
  const hasLingered = wasEnded && (lingering.over.aborted || wasDoneAtLimit);
  const timedOut = wasEnded && limit.aborted && !hasLingered;
  if (hasLingered) log.note('It stayed after its last word and was ended.');
  const end = endOf(ended, agent.command, hasLingered || timedOut);
  const { facts, lastSaid } = reader;
  const { exitCode, signal: endedBy } =
    end.kind === 'exited' ? end : { exitCode: undefined, signal: undefined };
  const phase = hasLingered ? 'lingered' : timedOut ? 'tooLong' : 'ended';
  const exit = { agent: order.agentType, exitCode, signal: endedBy };
  const endedAt = Date.now();
  const before = resumes ? order.sessionUsage : undefined;
  const { usage: told, isUsageOfSession } = reader;
  const usage = told && isUsageOfSession ? usageSince(told, before) : told;
  place.onSessionUsage(told && isUsageOfSession ? told : addUsage(before, told));
  return {
    end,
    lastSaid,
    sessionId: reader.sessionId ?? sessionId,
    usage,
    remarks: [...reader.remarks, ...deniedLine(order.agentType, reader.denied)],
    verdict: (files) =>
      inTerminal && phase === 'ended'
        ? judgeUnseen(exit)
        : judge({ ...facts, ...exit, phase, resumes, files }),
    endedAt,
  };
}

/** Something that happens a while after it began, unless it is cancelled before. */
class Countdown {
  readonly #over = new AbortController();
  readonly #ms: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number) {
    this.#ms = ms;
  }

  get over(): AbortSignal {
    return this.#over.signal;
  }

  begin(): void {
    this.#timer ??= setTimeout(() => this.#over.abort(), this.#ms);
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** `isOwn`: where it was stopped, its end counts as if it had come by itself. */
function endOf(ended: ChildEnd, command: string, isOwn: boolean): AgentEnd {
  if (ended.kind === 'notStarted') {
    return {
      kind: 'notStarted',
      failure: { kind: 'agentNotStarted', command, detail: ended.detail },
    };
  }
  if (ended.stopped && !isOwn) return { kind: 'stopped' };
  return { kind: 'exited', exitCode: ended.exitCode, signal: ended.signal };
}

/**
 * Verifies the work; what that prints follows the agent's output in the log. Undefined where
 * nothing verifies it.
 */
export function verifyOf({ order, mark, log, onProcess }: WorkPlace): WorkWorld['verify'] {
  const { verify, folder: cwd, graceMs } = order;
  return verify && ((signal) => runVerify({ verify, cwd, mark, log, graceMs, onProcess }, signal));
}

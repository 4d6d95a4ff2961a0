import type { VerifyResult } from '../core/run/evidence.ts';
import { runChild } from './child-work.ts';
import { TextReader } from './output/text-reader.ts';
import { startLimit } from './time-limit.ts';
import type { WorkLog } from './work-log.ts';
import type { LimitedCommand } from './work-order.ts';

const MAX_TAIL = 2000;

export interface VerifyPlace {
  readonly verify: LimitedCommand;
  readonly cwd: string;
  /** See `MARK`. */
  readonly mark: string;
  readonly log: WorkLog;
  readonly graceMs: number;
  /** What the log calls it. */
  readonly doing?: string;
  /**
   * Gets the process id, which is recorded so that the command can be found if this process is
   * killed.
   */
  readonly onProcess?: (pid: number) => void;
}

/**
 * Runs a command that verifies work, without a shell; its output goes to the log. Only exit code 0
 * passes. Aborting ends it and everything it started, and then it has not passed.
 */
export async function runVerify(place: VerifyPlace, signal: AbortSignal): Promise<VerifyResult> {
  const { verify, cwd, mark, log, graceMs, doing = 'Verifying' } = place;
  const command = [verify.command, ...verify.args].join(' ');
  log.note(`${doing} with ${command}`);
  const beganAt = performance.now();
  const limit = startLimit(verify.limitMs);
  const reader = new TextReader({ judgedByWords: false });
  const onOutput = (bytes: Uint8Array): void => {
    log.write(bytes);
    reader.read(bytes);
  };
  const ended = await runChild(
    {
      spec: verify,
      cwd,
      stdinFile: undefined,
      mark,
      inTerminal: false,
      onOutput,
      graceMs: () => graceMs,
      onStarted: (pid) => place.onProcess?.(pid),
    },
    AbortSignal.any([signal, limit.signal]),
  );
  limit.clear();
  const isDone = ended.kind === 'ended' && !ended.stopped;
  const exitCode = isDone ? ended.exitCode : undefined;
  const trouble =
    ended.kind === 'notStarted' ? ended.detail : limit.signal.aborted ? 'It took too long.' : '';
  const durationMs = Math.round(performance.now() - beganAt);
  const passed = exitCode === 0;
  log.note(`${doing}: ${passed ? 'passed' : trouble || `exit code ${exitCode ?? 'unknown'}`}`);
  reader.end();
  const text = `${reader.lastSaid ?? ''}\n${trouble}`.trim();
  return { command, passed, exitCode, durationMs, tail: text.slice(-MAX_TAIL) };
}

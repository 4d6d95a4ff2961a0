import type { VerifyResult } from '../core/run/evidence.ts';
import { runChild } from './child-work.ts';
import { startLimit } from './time-limit.ts';
import type { WorkLog } from './work-log.ts';
import type { CommandSpec } from './work-order.ts';

const MAX_TAIL = 2000;

export interface VerifyPlace {
  readonly verify: CommandSpec & { readonly limitMs: number };
  readonly cwd: string;
  /** See `MARK`. */
  readonly mark: string;
  readonly log: WorkLog;
  readonly graceMs: number;
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
  const { verify, cwd, mark, log, graceMs } = place;
  const command = [verify.command, ...verify.args].join(' ');
  log.note(`Verifying with ${command}`);
  const beganAt = performance.now();
  const limit = startLimit(verify.limitMs);
  let tail = Buffer.alloc(0);
  const onOutput = (bytes: Uint8Array): void => {
    log.write(bytes);
    tail = Buffer.concat([tail, bytes]).subarray(-4 * MAX_TAIL);
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
  log.note(
    passed ? 'Verified' : `Not verified: ${trouble || `exit code ${exitCode ?? 'unknown'}`}`,
  );
  const text = toPlainText(tail.toString('utf8'));
  return { command, passed, exitCode, durationMs, tail: `${text}${trouble}`.slice(-MAX_TAIL) };
}

/**
 * Text without terminal control sequences: ECMA-48, and xterm's commands that end with BEL or ST.
 */
function toPlainText(text: string): string {
  return text
    .replace(/\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?/g, '')
    .replace(/\r\n?/g, '\n')
    .replace(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, '');
}

import { isAborted } from '../core/abort.ts';
import type { VerifyCommand } from '../core/run/agent-rules.ts';
import type { VerifyResult } from '../core/run/evidence.ts';
import type { RunnerWorld } from '../core/run/engine/run-world.ts';
import type { JudgedRun } from './isolation.ts';
import { GRACE_MS, resolveVerify } from './work-order.ts';
import { runVerify } from '../agent-process/run-verify.ts';
import { type Marked, type MarkedWorkParts, withMark } from './marked-work.ts';

export interface VerifyWaveParts extends MarkedWorkParts {
  /** Runs `judge` in the folder that the work of a run is in; see `GitIsolation`. */
  readonly inWork: <T>(
    runId: string,
    marked: Marked,
    signal: AbortSignal,
    judge: (folder: string) => Promise<T>,
  ) => Promise<JudgedRun<T>>;
  /** Asked for each wave; undefined while nothing verifies waves. */
  readonly command: () => VerifyCommand | undefined;
}

/**
 * Runs the command that verifies a wave, its output in `wave-<n>.log` of the run. One that cannot
 * be found or started has not passed, and says why; one that was ended by the signal answers
 * nothing, as does one whose folder was not made ready.
 */
export function verifyWaveWith(parts: VerifyWaveParts): NonNullable<RunnerWorld['verifyWave']> {
  return async (runId, wave, signal): Promise<VerifyResult | undefined> => {
    const command = parts.command();
    if (command === undefined || isAborted(signal)) return undefined;
    const words = [command.command, ...command.args].join(' ');
    const resolved = await resolveVerify(command);
    if (!resolved.ok) {
      const { failure } = resolved;
      const tail = 'detail' in failure ? failure.detail : `${command.command} was not found.`;
      return { command: words, passed: false, exitCode: undefined, durationMs: 0, tail };
    }
    const name = markOfWave(wave);
    return withMark(parts, runId, { name, logFile: `${name}.log` }, async (marked) => {
      const judged = await parts.inWork(runId, marked, signal, (cwd) =>
        runVerify({ verify: resolved.value, cwd, ...marked, graceMs: GRACE_MS }, signal),
      );
      const told = judged.kind === 'notRun' ? `Not verified: ${judged.why}` : judged.changed;
      if (told !== undefined) {
        marked.log.note(told);
        parts.log(`Wave ${wave} of ${runId}: ${told}`);
      }
      return judged.kind === 'notRun' || isAborted(signal) ? undefined : judged.value;
    });
  };
}

/** See `endMarked`. */
export function markOfWave(wave: number): string {
  return `wave-${wave}`;
}

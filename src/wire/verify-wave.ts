import { isAborted } from '../core/abort.ts';
import type { VerifyCommand } from '../core/run/agent-rules.ts';
import type { VerifyResult } from '../core/run/evidence.ts';
import type { RunnerWorld } from '../core/run/engine/run-world.ts';
import { GRACE_MS, resolveVerify } from './work-order.ts';
import { runVerify } from '../agent-process/run-verify.ts';
import { type Marked, type MarkedWorkParts, withMark } from './marked-work.ts';

export interface VerifyWaveParts extends MarkedWorkParts {
  /** The folder that the work of a run is in, ready for the command; or why it is not ready. */
  readonly folderOf: (
    runId: string,
    marked: Marked,
    signal: AbortSignal,
  ) => Promise<{ readonly folder: string } | { readonly why: string }>;
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
      const place = await parts.folderOf(runId, marked, signal);
      if ('why' in place) {
        marked.log.note(`Not verified: ${place.why}`);
        parts.log(`Wave ${wave} of ${runId} is not verified: ${place.why}`);
        return undefined;
      }
      const cwd = place.folder;
      const request = { verify: resolved.value, cwd, ...marked, graceMs: GRACE_MS };
      const result = await runVerify(request, signal);
      return isAborted(signal) ? undefined : result;
    });
  };
}

/** See `endMarked`. */
export function markOfWave(wave: number): string {
  return `wave-${wave}`;
}

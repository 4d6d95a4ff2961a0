import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { VerifyCommand } from './core/run/agent-rules.ts';
import type { VerifyResult } from './core/run/evidence.ts';
import type { RunnerWorld } from './core/run/run-world.ts';
import { resolveVerify } from './prepare-work.ts';
import { runVerify } from './run/run-verify.ts';
import { WorkLog } from './run/work-log.ts';
import type { RunJournals } from './store/run-journals.ts';

export interface VerifyWaveParts {
  readonly journals: Pick<RunJournals, 'folderOf' | 'prepareRun'>;
  /** The folder that it runs in. */
  readonly root: string;
  /** Asked for each wave; undefined while nothing verifies waves. */
  readonly command: () => VerifyCommand | undefined;
  readonly log: (line: string) => void;
}

const GRACE_MS = 5000;

/**
 * Runs the command that verifies a wave, its output in `wave-<n>.log` of the run. One that cannot be found or started has not
 * passed, and says why; one that was ended by the signal answers nothing.
 */
export function verifyWaveWith(parts: VerifyWaveParts): NonNullable<RunnerWorld['verifyWave']> {
  return async (runId, wave, signal): Promise<VerifyResult | undefined> => {
    const command = parts.command();
    if (command === undefined || isEnded(signal)) return undefined;
    const words = [command.command, ...command.args].join(' ');
    const resolved = await resolveVerify(command);
    if (!resolved.ok) {
      const { failure } = resolved;
      const tail = 'detail' in failure ? failure.detail : `${command.command} was not found.`;
      return { command: words, passed: false, exitCode: undefined, durationMs: 0, tail };
    }
    const prepared = await parts.journals.prepareRun(runId);
    if (!prepared.ok) parts.log(`Wave ${wave} of ${runId} is verified without a log (${prepared.failure.kind}).`);
    const log = new WorkLog(join(parts.journals.folderOf(runId), `wave-${wave}.log`));
    try {
      const mark = randomBytes(16).toString('hex');
      const result = await runVerify({ verify: resolved.value, cwd: parts.root, mark, log, graceMs: GRACE_MS }, signal);
      return isEnded(signal) ? undefined : result;
    } finally {
      log.close();
    }
  };
}

/** Asked again after a wait, so a function: the compiler would take a second look for the first one. */
function isEnded(signal: AbortSignal): boolean {
  return signal.aborted;
}

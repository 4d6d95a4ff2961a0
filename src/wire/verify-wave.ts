import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isAborted } from '../core/abort.ts';
import type { VerifyCommand } from '../core/run/agent-rules.ts';
import type { VerifyResult } from '../core/run/evidence.ts';
import type { RunnerWorld } from '../core/run/engine/run-world.ts';
import { GRACE_MS, resolveVerify } from './work-order.ts';
import { endOrphan } from '../agent-process/process-tree.ts';
import { runVerify } from '../agent-process/run-verify.ts';
import { WorkLog } from '../agent-process/work-log.ts';
import { readPlainFile } from '../disk/plain-file.ts';
import { replaceFile } from '../disk/replace-file.ts';
import type { RunJournals } from '../store/runs/run-journals.ts';

export interface VerifyWaveParts {
  readonly journals: Pick<RunJournals, 'folder'>;
  /** The folder that the work of a run is in. */
  readonly folderOf: (runId: string) => Promise<string>;
  /** Asked for each wave; undefined while nothing verifies waves. */
  readonly command: () => VerifyCommand | undefined;
  readonly log: (line: string) => void;
}

const LEFT_GRACE_MS = 1500;
const MARK_LENGTH = 32;

/**
 * Runs the command that verifies a wave, its output in `wave-<n>.log` of the run. One that cannot
 * be found or started has not passed, and says why; one that was ended by the signal answers
 * nothing.
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
    const prepared = await parts.journals.folder.prepareRun(runId);
    // A folder that cannot be used may be a link by now, and lead anywhere.
    if (!prepared.ok)
      parts.log(`Wave ${wave} of ${runId} is verified without a log (${prepared.failure.kind}).`);
    const folder = prepared.ok ? parts.journals.folder.folderOf(runId) : undefined;
    const log = new WorkLog(folder && join(folder, `wave-${wave}.log`));
    const mark = randomBytes(MARK_LENGTH / 2).toString('hex');
    try {
      if (folder !== undefined) {
        await endLeftVerification(parts.journals, runId, wave);
        await noteMark(join(folder, markFile(wave)), mark, parts.log);
      }
      const cwd = await parts.folderOf(runId);
      const result = await runVerify(
        { verify: resolved.value, cwd, mark, log, graceMs: GRACE_MS },
        signal,
      );
      return isAborted(signal) ? undefined : result;
    } finally {
      log.close();
      if (folder !== undefined) await rm(join(folder, markFile(wave)), { force: true });
    }
  };
}

/**
 * Ends what verifies a wave still for a window that was killed: it is known by its mark alone,
 * which is random. To be called where this window leads the run. Does nothing where nothing was
 * left behind.
 */
export async function endLeftVerification(
  journals: Pick<RunJournals, 'folder'>,
  runId: string,
  wave: number,
): Promise<void> {
  const file = join(journals.folder.folderOf(runId), markFile(wave));
  const left = await readPlainFile(file, 0, MARK_LENGTH);
  if (left === undefined) return;
  const mark = left.bytes.toString('latin1');
  await endOrphan(
    { agentPid: undefined, agentBegin: null, mark },
    () => Promise.resolve(undefined),
    LEFT_GRACE_MS,
  );
  await rm(file, { force: true });
}

function markFile(wave: number): string {
  return `wave-${wave}.mark`;
}

async function noteMark(file: string, mark: string, log: (line: string) => void): Promise<void> {
  try {
    await replaceFile(file, mark, 0o600);
  } catch (error) {
    // Verification runs anyway; only if this window is killed meanwhile, the command is not ended.
    log(`The mark of what verifies a wave could not be written: ${String(error)}`);
  }
}

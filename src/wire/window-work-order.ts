import { randomBytes } from 'node:crypto';
import type { Failure } from '../core/failure.ts';
import type { Job } from '../core/ports.ts';
import { ok, type Result } from '../core/result.ts';
import type { WindowJob } from '../core/run/attempt/window-worker.ts';
import { below, GRACE_MS, type PrepareParts, verifySpecOf, writePrompt } from './work-order.ts';
import { writePromptFile } from '../agent-process/prompt.ts';
import { runVerify } from '../agent-process/run-verify.ts';
import { findGit } from '../agent-process/git.ts';
import { rememberFiles } from '../agent-process/touched-files.ts';
import { WorkLog } from '../agent-process/work-log.ts';

/**
 * Makes ready what the user or a subagent of the editor works on: its log, for a subagent its
 * prompt, and what verifies the work. That command is a child of the window, as nothing else is
 * there to start it. Fails with what cannot be found or written.
 */
export async function prepareWindowWork(
  job: Job,
  parts: PrepareParts,
): Promise<Result<WindowJob, Failure>> {
  const files = parts.filesOf(job.runId, job.attemptNo);
  const isHuman = job.agent.agentMode === 'human';
  const verify = await verifySpecOf(job, parts);
  if (!verify.ok) return verify;
  const prompt = isHuman ? '' : await writePrompt(job, parts);
  if (!isHuman) {
    const written = await writePromptFile(files.prompt, prompt);
    if (!written.ok) return written;
  }
  const log = new WorkLog(files.log);
  log.note(isHuman ? 'The user works on it' : 'A subagent works on it');
  const touched = rememberFiles(job.root, await findGit());
  const mark = randomBytes(16).toString('hex');
  const spec = verify.value;
  return ok({
    prompt,
    label: isHuman ? 'the user' : 'a subagent',
    verify:
      spec &&
      ((signal) =>
        runVerify({ verify: spec, cwd: job.root, mark, log, graceMs: GRACE_MS }, signal)),
    touchedFiles: async () => (await touched)(),
    logFile: log.failure === undefined ? below(job.root, files.log) : undefined,
    tell: (text) => log.write(Buffer.from(`${text}\n`)),
    close: () => log.close(),
  });
}

import { basename, resolve } from 'node:path';
import type { VerifyCommand } from '../core/run/agent-rules.ts';
import type { VerifyResult } from '../core/run/evidence.ts';
import type { TaskId } from '../core/task.ts';
import { runVerify } from '../agent-process/run-verify.ts';
import { type MarkedWorkParts, withMark } from './marked-work.ts';
import type { RunPlace } from './run-place.ts';
import { type SetUpParts, setUpRun } from './set-up-run.ts';
import { GRACE_MS, resolveVerify } from './work-order.ts';

/** The name of its mark: in a run, one merge after the other is verified. See `endMarked`. */
export const MARK_OF_MERGE = 'merge';

/** How the merged state was judged; `notRun`: why it was not, without a full stop. */
export type Verified =
  | { readonly kind: 'passed' | 'broken'; readonly result: VerifyResult }
  | { readonly kind: 'notRun'; readonly why: string };

/** Whose merge is verified; the output is in the log of the attempt, where that is known. */
export interface VerifiedAttempt {
  readonly runId: string;
  readonly id: TaskId;
  readonly attemptNo?: number | undefined;
}

/**
 * Judges the merged state of a run, in the folder of its worktree, by the command that verifies a
 * task; undefined without one.
 */
export type VerifyMerged = (
  place: RunPlace,
  attempt: VerifiedAttempt,
  signal: AbortSignal,
) => ((folder: string) => Promise<Verified>) | undefined;

export interface VerifyMergedParts extends MarkedWorkParts, SetUpParts {
  /** What verifies a task now. */
  readonly commandFor: (id: TaskId) => VerifyCommand | undefined;
}

/** Runs the command that verifies a task in the worktree of its run, which is made ready before. */
export function verifyMergedWith(parts: VerifyMergedParts): VerifyMerged {
  return (place, { runId, id, attemptNo }, signal) => {
    const command = parts.commandFor(id);
    if (command === undefined) return undefined;
    const files = parts.journals.folder;
    const logFile =
      attemptNo === undefined ? undefined : basename(files.filesOf(runId, attemptNo).log);
    const where = { name: MARK_OF_MERGE, logFile };
    return (folder) =>
      withMark(parts, runId, where, async (marked) => {
        const notRun = (why: string): Verified => {
          marked.log.note(`The merged state is not verified: ${why}`);
          return { kind: 'notRun', why };
        };
        const spec = await resolveVerify(command);
        if (!spec.ok) return notRun(`${command.command} was not found`);
        const why = await setUpRun(parts, { ...place, folder }, runId, marked, signal);
        if (why !== undefined) return notRun(why);
        const cwd = resolve(folder, place.repository.prefix);
        const request = { verify: spec.value, cwd, ...marked, graceMs: GRACE_MS };
        const doing = 'Verifying the merged state';
        const result = await runVerify({ ...request, doing }, signal);
        return { kind: result.passed ? 'passed' : 'broken', result };
      });
  };
}

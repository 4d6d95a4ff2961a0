import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Failure } from '../core/failure.ts';
import type { Result } from '../core/result.ts';
import { messageOf } from '../core/text.ts';
import { runVerify } from '../agent-process/run-verify.ts';
import type { LimitedCommand } from '../agent-process/work-order.ts';
import { bringFiles } from '../git/bring-files.ts';
import { recordOf } from '../git/worktree-records.ts';
import { markReady } from '../git/worktrees.ts';
import type { Marked } from './marked-work.ts';
import { ownerOf, type RunPlace } from './run-place.ts';
import { GRACE_MS } from './work-order.ts';

export interface SetUpParts {
  /** Which ignored files a worktree gets, in the syntax of `.gitignore`. */
  readonly files: () => readonly string[];
  /** What makes a new worktree ready, one after the other. */
  readonly setup: () => Promise<Result<readonly LimitedCommand[], Failure>>;
  readonly log: (line: string) => void;
}

/**
 * Makes the worktree of a run ready for commands that verify what it has merged, once. Answers why
 * they cannot run, without a full stop of ours, or undefined.
 */
export async function setUpRun(
  parts: SetUpParts,
  place: RunPlace,
  runId: string,
  marked: Marked,
  signal: AbortSignal,
): Promise<string | undefined> {
  const why = await whyNot(parts, place, runId, marked, signal).catch(messageOf);
  return why === undefined ? undefined : notSetUp(why);
}

/** In the words of a verification that was not done. */
export function notSetUp(why: string): string {
  return `the worktree of the run was not set up: ${why}`;
}

async function whyNot(
  parts: SetUpParts,
  { repository, folder }: RunPlace,
  runId: string,
  marked: Marked,
  signal: AbortSignal,
): Promise<string | undefined> {
  const owner = ownerOf(runId);
  const record = await recordOf(repository.commonDir, owner);
  if (record?.isReady === true) return undefined;
  const brought = await bringFiles({ repository, folder, patterns: parts.files() });
  if (!brought.ok) return brought.failure.detail;
  for (const remark of brought.value.remarks) parts.log(`${folder}: ${remark}`);
  const cwd = resolve(folder, repository.prefix);
  await mkdir(cwd, { recursive: true });
  const setup = await parts.setup();
  if (!setup.ok) {
    const { failure } = setup;
    return 'detail' in failure ? failure.detail : 'a command was not found';
  }
  for (const verify of setup.value) {
    const request = { verify, cwd, ...marked, graceMs: GRACE_MS };
    const { passed, command } = await runVerify({ ...request, doing: 'Setting up' }, signal);
    if (!passed) return `${command} failed`;
  }
  const ready = await markReady(repository, owner);
  // It is made ready once more then.
  if (!ready.ok) parts.log(`${folder}: ${ready.failure.detail}`);
  return undefined;
}

import type { Failure } from '../core/failure.ts';
import { ok, type Result } from '../core/result.ts';
import type { VerifyCommand } from '../core/run/agent-rules.ts';
import type { LimitedCommand } from '../agent-process/work-order.ts';
import { CURSOR_SETUP_FILE, cursorSetup, readCursorSetup } from './cursor-setup.ts';
import { resolveVerify } from './work-order.ts';

export interface WorktreeSetupParts {
  /** The folder of the backlog. */
  readonly root: string;
  /** Of the user's settings. */
  readonly commands: () => readonly VerifyCommand[];
  /** Whether the user has allowed the commands of Cursor's file, where there are no others. */
  readonly allowsCursor: () => boolean;
}

/** What makes a new worktree ready, one after the other, as it is started. */
export async function worktreeSetup({
  root,
  commands,
  allowsCursor,
}: WorktreeSetupParts): Promise<Result<readonly LimitedCommand[], Failure>> {
  const own = commands();
  if (own.length === 0 && allowsCursor()) return cursorSetup(root);
  const specs: LimitedCommand[] = [];
  for (const command of own) {
    const spec = await resolveVerify(command);
    if (!spec.ok) return spec;
    specs.push(spec.value);
  }
  return ok(specs);
}

/** For a dry run: what the user should know of Cursor's file; undefined for nothing. */
export async function setupRemark({
  root,
  commands,
  allowsCursor,
}: WorktreeSetupParts): Promise<string | undefined> {
  if (commands().length > 0) return undefined;
  const found = await readCursorSetup(root);
  if (!found.ok)
    return allowsCursor() && 'detail' in found.failure ? found.failure.detail : undefined;
  if (found.value === undefined) return undefined;
  return allowsCursor()
    ? `The set-up commands of ${CURSOR_SETUP_FILE} run in each worktree.`
    : `${CURSOR_SETUP_FILE} has set-up commands; they are not run unless todo2Waves.cursorWorktreeSetup is on.`;
}

import { cut } from '../text.ts';
import type { TaskChanges } from './isolation.ts';
import type { Usage } from './usage.ts';

/** The result of one verify command. */
export interface VerifyResult {
  /** The command line, for display. */
  readonly command: string;
  /**
   * True for exit code 0 and nothing else: a command that could not be started or ran too long has
   * not passed.
   */
  readonly passed: boolean;
  readonly exitCode: number | undefined;
  readonly durationMs: number;
  /** The end of what it wrote, plain text, at most 2,000 characters. */
  readonly tail: string;
}

/** The evidence for the end of an attempt. Times are epoch ms. */
export interface Evidence {
  readonly startedAt: number;
  readonly endedAt: number;
  /** Undefined where there is no verify command, or the work did not get so far. */
  readonly verify: VerifyResult | undefined;
  /**
   * Files that changed while it worked, relative to the root, with forward slashes; at most 200.
   */
  readonly files: readonly string[];
  /** The agent's last message, plain text, at most 4,000 characters. */
  readonly summary: string | undefined;
  /** Relative to the root. */
  readonly logFile: string | undefined;
  /** With this id the agent can resume its session. */
  readonly sessionId: string | undefined;
  /**
   * What the user should know beside the result, each as one plain line: what the agent was not
   * allowed to do, and that it began to cost more.
   */
  readonly remarks?: readonly string[] | undefined;
  /** What the agent used in this attempt; undefined where it does not say. */
  readonly usage?: Usage | undefined;
  /** What it changed in a worktree of its own; undefined where it had none. */
  readonly changes?: TaskChanges | undefined;
}

const MAX_FILES = 200;
/** Of a name, in characters: an agent can choose any file names, and records must stay readable. */
const MAX_FILE_NAME = 500;
const MAX_SUMMARY = 4000;

/** The evidence with no more of files and summary than may be recorded. */
export function withinLimits(evidence: Evidence): Evidence {
  const { files, summary } = evidence;
  return {
    ...evidence,
    files: files.slice(0, MAX_FILES).map((file) => cut(file, MAX_FILE_NAME)),
    summary: summary?.trim().slice(0, MAX_SUMMARY) || undefined,
  };
}

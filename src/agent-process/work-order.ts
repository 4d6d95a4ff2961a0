import type { AgentOutput } from './output/agent-output.ts';
import type { RunOptions } from '../core/run/run-options.ts';
import type { Usage } from '../core/run/usage.ts';
import type { TaskId } from '../core/task.ts';
import type { StoredWorkState } from '../core/run/journal/work-state.ts';

/** A program to start without a shell; paths are absolute. */
export interface CommandSpec {
  readonly command: string;
  readonly args: readonly string[];
  /**
   * On top of the supervisor's environment, from which the editor's own variables are taken away.
   */
  readonly env: Readonly<Record<string, string>>;
}

/** A command of the user's, ended after a while. */
export type LimitedCommand = CommandSpec & { readonly limitMs: number };

/** Everything that a supervisor needs to know of one attempt; paths are absolute. */
export interface WorkOrder {
  readonly runId: string;
  readonly attemptNo: number;
  readonly taskId: TaskId;
  /** The folder of the backlog. */
  readonly root: string;
  /** The folder that the agent works in: the root, or one in a worktree of its own. */
  readonly folder: string;
  /** To see what changes there; see `findGit`. */
  readonly git: string | undefined;
  readonly database: string;
  /** The JSON file that is kept in step with statuses; it need not exist. */
  readonly json: string;
  /** First part of the holder's name, without `-`: `claude`. */
  readonly agentType: string;
  readonly label: string;
  readonly agent: CommandSpec;
  readonly output: AgentOutput;
  /** The agent's session, where it is known in advance. */
  readonly sessionId: string | undefined;
  /** What that session used before, where `agent` resumes it and its state file says so. */
  readonly sessionUsage?: Usage | undefined;
  /**
   * Set where `agent` resumes a session: how a new one is begun instead, should that one not be
   * there any more.
   */
  readonly anew:
    (Pick<WorkOrder, 'sessionId' | 'stdinFile'> & { readonly args: readonly string[] }) | undefined;
  /**
   * The message that the user has to type in the terminal; undefined where the command line
   * contains it.
   */
  readonly tell: string | undefined;
  /** Undefined: an empty stdin, or, in an interactive terminal, the terminal. */
  readonly stdinFile: string | undefined;
  readonly agentMode: 'unattended' | 'interactive';
  /** Undefined: nothing verifies this task. */
  readonly verify: LimitedCommand | undefined;
  /**
   * The work is merged before its end is recorded: a window does that in the phases `merging` and
   * `mergingAgain`, and answers in this file; see `formatAnswer`.
   */
  readonly answer?: string | undefined;
  /** How the agent is asked to resolve a conflict; undefined: it is not. */
  readonly resolve?: ResolveOrder | undefined;
  /** What makes a new worktree ready before the agent starts, one after the other. */
  readonly setup?: readonly LimitedCommand[] | undefined;
  readonly options: Pick<RunOptions, 'leaseMs' | 'statusOnSuccess' | 'timeLimitMs'>;
  /** How long after a polite request to end the agent is ended by force. */
  readonly graceMs: number;
  /** How long after its last word an unattended agent is ended that does not end by itself. */
  readonly lingerMs: number;
  readonly files: WorkFiles;
}

/** The agent of an order, asked once more: what is different then. */
export interface ResolveOrder {
  /** With `mark` in place of its session; undefined where a session cannot be resumed. */
  readonly resumed: Partial<WorkOrder> | undefined;
  readonly anew: Partial<WorkOrder>;
  readonly mark: string;
}

/** The files of one attempt, in the folder of its run. */
export interface WorkFiles {
  readonly prompt: string;
  /** See `WorkOrder.answer`. */
  readonly answer: string;
  readonly log: string;
  /** See `WorkState`. */
  readonly state: string;
  /** As soon as this file is there, the attempt is to be ended. */
  readonly stop: string;
}

/**
 * The messages of a window to its supervisor. The channel may close at any time; that ends nothing.
 */
export type ToSupervisor =
  { readonly kind: 'work'; readonly order: WorkOrder } | { readonly kind: 'stop' };

/** The messages of a supervisor to its window, sent as soon as the state file has the same. */
export type FromSupervisor = { readonly kind: 'state'; readonly state: StoredWorkState };

import type { Backlog } from '../core/backlog.ts';
import type { Disposable, Event } from '../core/events.ts';
import type { Failure } from '../core/failure.ts';
import type { Result } from '../core/result.ts';
import type { PullRequests } from '../core/run/pull-request.ts';
import type { Reviews } from '../core/run/review.ts';
import type { RunChoice } from '../core/run/run-choice.ts';
import type { Task, TaskId } from '../core/task.ts';

/** The backlogs of this window, one for each root that its folders have. */
export interface Backlogs {
  readonly all: readonly Backlog[];
  /** After a backlog came, went or changed. */
  readonly onDidChange: Event<undefined>;
  /** Looks for stores and reads them anew, at once. */
  refresh(): Promise<void>;
  /** Updates every view, since their content depends on the time. */
  timePassed(): void;
  /** After the activity of an agent changed; only `activityOf` is affected. */
  readonly onDidChangeActivity: Event<undefined>;
  /**
   * What the window can do for one of them; does as much as it still can for one that was closed.
   */
  of(backlog: Backlog): BacklogServices;
}

/** What a window can do for one backlog: terminals, documents, and what the user chose. */
export interface BacklogServices {
  hasTerminal(id: TaskId): boolean;
  /** False where the task has no terminal. */
  showTerminal(id: TaskId): boolean;
  /** What the agent of a task is doing now, in one plain line; undefined where it does not say. */
  activityOf(id: TaskId): string | undefined;
  /** Shows what the agent of one attempt of a run wrote. */
  openLog(runId: string, attemptNo: number): Promise<void>;
  /**
   * Follows what the agent of one attempt writes, as the end of its text, until that is disposed;
   * undefined where there is no such attempt.
   */
  followLog(
    runId: string,
    attemptNo: number,
    onText: (text: string) => void,
  ): Disposable | undefined;
  /** The work of runs that keep their tasks apart. */
  readonly reviews: Reviews;
  /** Makes pull requests of that work. */
  readonly pullRequests: PullRequests;
  /** Adds a note to a task, whoever holds it. Fails as `Edits.apply`. */
  addNote(id: TaskId, text: string): Promise<Result<undefined, Failure>>;
  /** The report on a run, in markdown. */
  reportOf(runId: string): string;
  /** What the user chose for a run last; empty where they never did. */
  lastChoice(): RunChoice;
  rememberChoice(choice: RunChoice): PromiseLike<void>;
  /** Writes a plan document and returns its absolute path. */
  writePlan(kind: 'main' | 'subagents', as?: string): Promise<Result<string, Failure>>;
  /** Replaces the text of a plan file (absolute path) if it still has the expected one. */
  replacePlan(file: string, expected: string, text: string): Promise<Result<undefined, Failure>>;
  /** The agents that can be chosen, whether they are installed, and where. */
  agents(): Promise<readonly AgentChoice[]>;
  /** Tasks of the JSON file beside the database, if there is one. Fails with `unreadable`. */
  importable(): Promise<Result<readonly Task[], Failure>>;
  /** Makes missing tables with these tasks. False where a table of tasks exists already. */
  initialise(tasks: readonly Task[]): Promise<Result<boolean, Failure>>;
}

/** One agent that the user may choose. */
export interface AgentChoice {
  readonly id: string;
  readonly title: string;
  /** The command that would be started; undefined where there is none. */
  readonly command: string | undefined;
  readonly isChosen: boolean;
}

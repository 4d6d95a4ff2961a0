import { count } from '../text.ts';

/**
 * Where the agents of a run work: each task in a Git worktree of its own, or all in the folder of
 * the backlog. `auto`: worktrees where the folder is in a repository that allows them and more than
 * one agent may work at a time.
 */
export type IsolationChoice = 'auto' | 'worktree' | 'shared';

/** Every choice, the default first. */
export const ISOLATION_CHOICES: readonly [IsolationChoice, ...IsolationChoice[]] = [
  'auto',
  'worktree',
  'shared',
];

/** What the worktrees of a run begin with: the last commit, or the files as they are. */
export type IsolationStart = 'commit' | 'snapshot';

export const ISOLATION_STARTS: readonly IsolationStart[] = ['commit', 'snapshot'];

/** `ask`: where something is not committed, whoever starts the run chooses. */
export type IsolationStartSetting = IsolationStart | 'ask';

/** Every value, the default first. */
export const ISOLATION_START_SETTINGS: readonly [
  IsolationStartSetting,
  ...IsolationStartSetting[],
] = ['ask', ...ISOLATION_STARTS];

/** How the tasks of a run are kept apart; recorded when it starts. */
export interface RunIsolation {
  /** The branch that the user had checked out; undefined for a detached HEAD. */
  readonly target: string | undefined;
  /** The commit that the first worktrees are made from, by its full name. */
  readonly base: string;
  readonly start: IsolationStart;
}

/** What is asked of where a run works. */
export interface AskedIsolation {
  readonly choice: IsolationChoice;
  /** How many agents may work at a time. */
  readonly parallel: number;
  readonly start: IsolationStartSetting;
  /** The run whose rest this is: its branch is gone on with, where it has one. */
  readonly resumes: string | undefined;
  /** The target branch of that run. */
  readonly target?: string | undefined;
  /** True for a dry run. */
  readonly isDry: boolean;
}

/** Where a run would work, and why there. */
export interface IsolationDecision {
  /** Undefined: in the folder of the backlog. */
  readonly isolation: RunIsolation | undefined;
  /** One plain sentence, for the user. */
  readonly why: string;
  /** What is worth knowing of the repository, one plain sentence each. */
  readonly remarks: readonly string[];
}

/** What the work on a task changed, by its commits. */
export interface TaskChanges {
  readonly branch: string;
  /** The commit that the task began with, and the last one of its work, by their full names. */
  readonly base: string;
  readonly commit: string;
  /** How many files, and lines of them; lines of binary files count nothing. */
  readonly files: number;
  readonly added: number;
  readonly removed: number;
}

/** How a remark begins that says why work is not merged. */
export const NOT_MERGED = 'It is not merged: ';

/** “+120 −30 · 5 files”. */
export function changesWords({ added, removed, files }: TaskChanges): string {
  return files === 0 ? 'no changes' : `+${added} −${removed} · ${count(files, 'file')}`;
}

/**
 * What came of merging the work of an attempt that is not over yet. `resolve`: these files, relative
 * to the repository, have the marks of conflicts in its folder, for its agent to resolve. `conflict`:
 * it stays so. `stopped`: nothing was merged.
 */
export type MergeOutcome =
  | { readonly kind: 'merged' | 'conflict' | 'stopped' }
  | { readonly kind: 'resolve'; readonly files: readonly string[] };

/** Where an agent works: absolute; `isNew`: no agent has begun there, so it must be made ready. */
export interface WorkFolder {
  readonly path: string;
  readonly isNew: boolean;
}

import type { Backlog } from '../backlog.ts';
import type { Conflicts } from '../analysis/conflicts.ts';
import type { Plan } from '../waves/waves.ts';
import type { Snapshot } from '../snapshot.ts';
import type { ToolReport } from './batch-result.ts';
import type { ExarpCall } from './exarp-rules.ts';

/**
 * What the documents of a workspace say; every path is relative to the root, with forward slashes.
 */
export interface DocsScan {
  /** How many documents were read. */
  readonly documents: number;
  /** True where there was more than is ever read. */
  readonly isCut: boolean;
  readonly hasReadme: boolean;
  readonly empty: readonly string[];
  /** Relative links that lead to nothing, or out of the root. `line` counts from 1. */
  readonly broken: readonly {
    readonly file: string;
    readonly line: number;
    readonly target: string;
    readonly why: 'missing' | 'outside';
  }[];
}

/** A document of a workspace that is about the backlog. */
export interface WorkspaceText {
  readonly file: string;
  readonly text: string;
}

/**
 * The workspace around a backlog. Reads only within the root, follows no link out of it, and bounds
 * what it reads.
 */
export interface Workspace {
  scanDocs(signal: AbortSignal): Promise<DocsScan>;
  /** The project's goals file, if any. */
  readGoals(): Promise<WorkspaceText | undefined>;
  /** Plan documents, in the order of their names. */
  readPlans(): Promise<readonly WorkspaceText[]>;
  /** The first lines of the newest commits; undefined where git has nothing to say. */
  commits(): Promise<readonly { readonly subject: string; readonly at: number }[] | undefined>;
  /** Custom batches in the order of their names; `unread` are those beyond the limits. */
  readWorkflows(): Promise<{
    readonly texts: readonly WorkspaceText[];
    readonly unread: readonly string[];
  }>;
  readonly exarp: Exarp;
  /**
   * Notes the files below the root, but those of git, of packages and of the store; the answer says
   * which were made, changed or removed since, relative to the root, in the order of their names.
   */
  watchFiles?(): Promise<() => Promise<readonly string[]>>;
}

/** The program exarp-go, where it is installed. */
export interface Exarp {
  /**
   * Has it do one thing, and answers what it says. Rejects with `ToolTrouble` where it is not
   * there, does not answer in time or says that it failed, and where `refusalOf` has a reason
   * against the call: then it is never made.
   */
  call(call: ExarpCall, signal: AbortSignal): Promise<string>;
}

/** What a tool works on: one moment of the backlog, and what it may ask for. */
export interface ToolWorld {
  readonly backlog: Backlog;
  readonly workspace: Workspace;
  readonly snapshot: Snapshot;
  readonly plan: Plan;
  readonly conflicts: Conflicts;
}

/** A tool of a batch, by the id that stands in results and in custom batches. */
export interface BatchTool {
  readonly id: string;
  readonly title: string;
  /** What it has exarp-go do, where it is one of exarp-go's. */
  readonly exarp?: ExarpCall;
  /** The whole numbers that it takes from a custom batch, each within these bounds. */
  readonly params?: Readonly<Record<string, { readonly least: number; readonly most: number }>>;
  readonly run: (
    world: ToolWorld,
    signal: AbortSignal,
    params?: Readonly<Record<string, number>>,
  ) => Promise<ToolReport> | ToolReport;
}

/** A failure of a tool that the world can cause; it is no bug. */
export class ToolTrouble extends Error {}

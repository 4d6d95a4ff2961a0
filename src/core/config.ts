import { STALE_AFTER_MS } from './lease/lease.ts';
import type { IsolationChoice, IsolationStartSetting } from './run/isolation.ts';
import type { AgentRule, VerifyCommand, VerifyRule } from './run/agent-rules.ts';
import type { AgentAssignment, RunOptions } from './run/run-options.ts';
import type { Priority, Status } from './task.ts';
import type { WaveOptions } from './waves/waves.ts';

/** A priority that may be written. */
type KnownPriority = Exclude<Priority, 'other'>;

/**
 * The values of `.exarp/config.yaml` or `.exarp/config.pb` that we know; undefined where the file
 * is silent. Durations in ms.
 */
export interface ProjectConfig {
  readonly maxTasksPerWave: number | undefined;
  /** How many agents work on the project, wherever; `maxTasksPerHost` of them on one machine. */
  readonly maxParallelTasks: number | undefined;
  readonly maxTasksPerHost: number | undefined;
  /**
   * The length of a lease, how often it is renewed, and how long after its end its holder counts as
   * gone.
   */
  readonly leaseMs: number | undefined;
  readonly renewalMs: number | undefined;
  readonly staleLockMs: number | undefined;
  /** How long a task may be In Progress without a change. */
  readonly staleTaskMs: number | undefined;
  readonly defaultStatus: Exclude<Status, 'Unknown'> | undefined;
  readonly defaultPriority: KnownPriority | undefined;
  readonly defaultTags: readonly string[] | undefined;
  /** How exarp-go spells the ids of new tasks; ours are always `T-` and digits, its default. */
  readonly idFormat: string | undefined;
  readonly idPrefix: string | undefined;
  /** In characters. */
  readonly minDescriptionLength: number | undefined;
  readonly projectName: string | undefined;
  /** Where the store is, absolute and within the root. */
  readonly sqlitePath: string | undefined;
  readonly jsonPath: string | undefined;
}

/** A project without a configuration file. */
export const NO_CONFIG: ProjectConfig = {
  maxTasksPerWave: undefined,
  maxParallelTasks: undefined,
  maxTasksPerHost: undefined,
  leaseMs: undefined,
  renewalMs: undefined,
  staleLockMs: undefined,
  staleTaskMs: undefined,
  defaultStatus: undefined,
  defaultPriority: undefined,
  defaultTags: undefined,
  idFormat: undefined,
  idPrefix: undefined,
  minDescriptionLength: undefined,
  projectName: undefined,
  sqlitePath: undefined,
  jsonPath: undefined,
};

/** Used where neither a setting nor the project's configuration says anything. */
export const DEFAULTS = {
  maxTasksPerWave: 0,
  maxParallelTasks: 4,
  maxParallelTools: 3,
  leaseMs: 30 * 60_000,
  staleLockMs: STALE_AFTER_MS,
  staleTaskMs: 2 * 3_600_000,
  priority: 'medium',
  minDescriptionLength: 50,
} as const;

/** How runs behave without settings. */
export const RUN_DEFAULTS: RunSettings = {
  runMode: 'strict',
  onFailure: 'continue',
  pauseBetweenWaves: false,
  heldTasks: 'skip',
  retries: 0,
  retryAfterMs: 30_000,
  maxEqualFailures: 3,
  timeLimitMs: 120 * 60_000,
  stuckAfterMs: 10 * 60_000,
  budget: undefined,
  isolation: 'auto',
  isolationStart: 'ask',
  resolveConflicts: true,
  sameFiles: 'advise',
  whenWindowCloses: 'keep',
};

/** How runs behave unless the user chose otherwise for one of them. Durations in ms, 0: never. */
export interface RunSettings extends Omit<
  RunOptions,
  'reviewGate' | 'leaseMs' | 'statusOnSuccess' | 'agentCaps' | 'isolation'
> {
  readonly isolation: IsolationChoice;
  readonly isolationStart: IsolationStartSetting;
  /** Whether running agents continue without their window, or end with it. */
  readonly whenWindowCloses: 'keep' | 'stop';
}

/** Which tasks have agents or commands of their own. */
export interface RunRules {
  readonly agentRules: readonly AgentRule[];
  /** What verifies tasks, and what verifies a wave as a whole; undefined where nothing does. */
  readonly verify: readonly VerifyRule[];
  readonly verifyWave: VerifyCommand | undefined;
  /** What makes a new worktree ready, one after the other. */
  readonly worktreeSetup: readonly VerifyCommand[];
  /** Whether commands of Cursor's `.cursor/worktrees.json` may do that where there are none. */
  readonly cursorWorktreeSetup: boolean;
}

/** What the user's settings decide alone. */
interface SettingsAlone extends RunRules {
  readonly statusOnSuccess: 'Review' | 'Done';
  readonly reviewOpensGate: 'inRun' | 'always' | 'never';
  readonly run: RunSettings;
  /** Who works on a task that no rule and no choice says anything about. */
  readonly agent: AgentAssignment;
}

/**
 * What the user's settings say; undefined where they leave the choice to the project's
 * configuration.
 */
export interface Settings extends SettingsAlone {
  readonly waveNumbering: 'open' | 'exarp';
  readonly missingDependencies: 'satisfied' | 'blocked';
  readonly maxTasksPerWave: number | undefined;
  readonly maxParallelTasks: number | undefined;
  readonly leaseMs: number | undefined;
}

/** What holds in one backlog: the setting, else the project's configuration, else the default. */
export interface Options extends SettingsAlone {
  readonly waves: WaveOptions;
  readonly maxParallelTasks: number;
  /** How many tools of a batch run at a time. */
  readonly maxParallelTools: number;
  readonly leaseMs: number;
  /** At the latest; the lease may ask for it sooner. Undefined where the lease alone decides. */
  readonly renewalMs: number | undefined;
  readonly staleLockMs: number;
  readonly staleTaskMs: number;
  /** What a new task begins with, and how short a description is worth a hint (0: none is). */
  readonly newTask: {
    readonly priority: KnownPriority;
    readonly tags: readonly string[];
    readonly minDescriptionLength: number;
  };
}

/** Lets settings override the project's configuration, and both the defaults. */
export function resolveOptions(settings: Settings, config: ProjectConfig): Options {
  const { waveNumbering, missingDependencies, maxTasksPerWave, ...kept } = settings;
  return {
    ...kept,
    waves: {
      numbering: waveNumbering,
      missing: missingDependencies,
      maxTasksPerWave: maxTasksPerWave ?? config.maxTasksPerWave ?? DEFAULTS.maxTasksPerWave,
    },
    // A window is on one machine, so the smaller of the project's two limits holds for it.
    maxParallelTasks:
      settings.maxParallelTasks ??
      Math.min(
        config.maxParallelTasks ?? DEFAULTS.maxParallelTasks,
        config.maxTasksPerHost ?? Infinity,
      ),
    maxParallelTools:
      settings.maxParallelTasks ?? config.maxParallelTasks ?? DEFAULTS.maxParallelTools,
    leaseMs: settings.leaseMs ?? config.leaseMs ?? DEFAULTS.leaseMs,
    renewalMs: config.renewalMs,
    staleLockMs: config.staleLockMs ?? DEFAULTS.staleLockMs,
    staleTaskMs: config.staleTaskMs ?? DEFAULTS.staleTaskMs,
    newTask: {
      priority: config.defaultPriority ?? DEFAULTS.priority,
      tags: config.defaultTags ?? [],
      minDescriptionLength: config.minDescriptionLength ?? DEFAULTS.minDescriptionLength,
    },
  };
}

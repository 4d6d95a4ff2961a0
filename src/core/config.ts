import type { WaveOptions } from './waves.ts';

/** The values of `.exarp/config.yaml` or `.exarp/config.pb` that we use; undefined where the file is silent. */
export interface ProjectConfig {
  readonly maxTasksPerWave: number | undefined;
  readonly maxParallelTasks: number | undefined;
  /** Length of a lease in ms. */
  readonly leaseMs: number | undefined;
}

/** A project without a configuration file. */
export const NO_CONFIG: ProjectConfig = { maxTasksPerWave: undefined, maxParallelTasks: undefined, leaseMs: undefined };

/** Used where neither a setting nor the project's configuration says anything. */
export const DEFAULTS = { maxTasksPerWave: 0, maxParallelTasks: 4, leaseMs: 30 * 60_000 } as const;

/** What the user's settings say; undefined where they leave the choice to the project's configuration. */
export interface Settings {
  readonly waveNumbering: 'open' | 'exarp';
  readonly missingDependencies: 'satisfied' | 'blocked';
  readonly parentEdges: 'exarp' | 'ignore';
  readonly maxTasksPerWave: number | undefined;
  readonly maxParallelTasks: number | undefined;
  readonly leaseMs: number | undefined;
  readonly statusOnSuccess: 'Review' | 'Done';
  readonly reviewOpensGate: 'inRun' | 'always' | 'never';
}

/** What holds in one backlog: the setting, else the project's configuration, else the default. */
export interface Options {
  readonly waves: WaveOptions;
  readonly maxParallelTasks: number;
  readonly leaseMs: number;
  readonly statusOnSuccess: 'Review' | 'Done';
  readonly reviewOpensGate: 'inRun' | 'always' | 'never';
}

/** Lets settings override the project's configuration, and both the defaults. */
export function resolveOptions(settings: Settings, config: ProjectConfig): Options {
  return {
    waves: {
      numbering: settings.waveNumbering,
      missing: settings.missingDependencies,
      parentEdges: settings.parentEdges,
      maxTasksPerWave: settings.maxTasksPerWave ?? config.maxTasksPerWave ?? DEFAULTS.maxTasksPerWave,
    },
    maxParallelTasks: settings.maxParallelTasks ?? config.maxParallelTasks ?? DEFAULTS.maxParallelTasks,
    leaseMs: settings.leaseMs ?? config.leaseMs ?? DEFAULTS.leaseMs,
    statusOnSuccess: settings.statusOnSuccess,
    reviewOpensGate: settings.reviewOpensGate,
  };
}

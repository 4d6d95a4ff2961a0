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

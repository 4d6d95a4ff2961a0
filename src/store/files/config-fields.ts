import type { ProjectConfig } from '../../core/config.ts';

type Bounds = readonly [least: number, most: number];

/** The form and the bounds of a value. Bounds are inclusive, of durations in ms. */
export type Shape =
  | { readonly kind: 'count'; readonly bounds: Bounds }
  /** A Go duration in YAML, seconds in protobuf. */
  | { readonly kind: 'duration'; readonly bounds: Bounds }
  | { readonly kind: 'hours'; readonly bounds: Bounds }
  | { readonly kind: 'text' | 'texts' | 'status' | 'priority' }
  /** A file path relative to the root, within it. */
  | { readonly kind: 'path' };

/**
 * A configuration value: its section and name in YAML, and the field numbers of both in exarp-go's
 * `FullConfig`.
 */
export interface Field {
  readonly section: readonly [name: string, number: number];
  readonly name: string;
  readonly number: number;
  readonly shape: Shape;
  /**
   * exarp-go's own default. It writes every value into a configuration, so that this one says
   * nothing where another field of the same meaning differs from its default.
   */
  readonly fallback?: number;
}

const DAY_MS = 24 * 3_600_000;
const TIMEOUTS = ['timeouts', 2] as const;
const THRESHOLDS = ['thresholds', 3] as const;
const TASKS = ['tasks', 4] as const;
const DATABASE = ['database', 5] as const;
const PROJECT = ['project', 11] as const;

const LIMIT: Shape = { kind: 'count', bounds: [1, 10_000] };
const LEASE: Shape = { kind: 'duration', bounds: [1_000, DAY_MS] }; // exarp-go's own bounds
const STALE: Shape = { kind: 'duration', bounds: [1_000, 30 * DAY_MS] };
const TEXT: Shape = { kind: 'text' };
const PATH: Shape = { kind: 'path' };

/**
 * All values that we read; of several fields the first that is set counts, first of all one that is
 * not exarp-go's default. Numbers: exarp-go's
 * `proto/config.proto`.
 */
export const FIELDS: Readonly<Record<keyof ProjectConfig, readonly [Field, ...Field[]]>> = {
  maxTasksPerWave: [
    {
      section: THRESHOLDS,
      name: 'max_tasks_per_wave',
      number: 18,
      shape: { kind: 'count', bounds: [1, 1_000_000] },
    },
  ],
  maxParallelTasks: [{ section: THRESHOLDS, name: 'max_parallel_tasks', number: 8, shape: LIMIT }],
  maxTasksPerHost: [{ section: THRESHOLDS, name: 'max_tasks_per_host', number: 9, shape: LIMIT }],
  leaseMs: [{ section: TIMEOUTS, name: 'task_lock_lease', number: 1, shape: LEASE }],
  renewalMs: [{ section: TIMEOUTS, name: 'task_lock_renewal', number: 2, shape: LEASE }],
  staleLockMs: [{ section: TIMEOUTS, name: 'stale_lock_threshold', number: 3, shape: STALE }],
  staleTaskMs: [
    {
      section: TASKS,
      name: 'stale_threshold_hours',
      number: 5,
      shape: { kind: 'hours', bounds: [1, 10_000] },
    },
  ],
  defaultStatus: [{ section: TASKS, name: 'default_status', number: 1, shape: { kind: 'status' } }],
  defaultPriority: [
    { section: TASKS, name: 'default_priority', number: 2, shape: { kind: 'priority' } },
  ],
  defaultTags: [{ section: TASKS, name: 'default_tags', number: 3, shape: { kind: 'texts' } }],
  idFormat: [{ section: TASKS, name: 'id_format', number: 8, shape: TEXT }],
  idPrefix: [{ section: TASKS, name: 'id_prefix', number: 9, shape: TEXT }],
  minDescriptionLength: [
    { section: TASKS, name: 'min_description_length', number: 10, shape: LIMIT, fallback: 50 },
    { section: THRESHOLDS, name: 'min_description_length', number: 2, shape: LIMIT, fallback: 50 },
  ],
  projectName: [{ section: PROJECT, name: 'name', number: 1, shape: TEXT }],
  sqlitePath: [{ section: DATABASE, name: 'sqlite_path', number: 1, shape: PATH }],
  jsonPath: [{ section: DATABASE, name: 'json_fallback_path', number: 2, shape: PATH }],
};

/** The name of a field, for messages. */
export function fieldName({ section, name }: Field): string {
  return `${section[0]}.${name}`;
}

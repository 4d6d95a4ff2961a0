import { SEED_TAGS } from './seed-tags.ts';

/** The newest migration of exarp-go that this schema contains. */
export const SCHEMA_VERSION = 8;

/** The entries of `schema_migrations`; with all of them exarp-go has nothing to migrate. */
const MIGRATIONS = [
  'initial schema',
  'add task locking fields',
  'add protobuf support',
  'add tag cache',
  'add task tag suggestions',
  'ensure version column',
  'add parent id',
  'add distributed tracking',
] as const;

// A function call as a default needs the brackets; the column affinity turns the text of strftime
// into a number.
const NOW = `(strftime('%s', 'now'))`;
const CREATED = `created_at INTEGER NOT NULL DEFAULT ${NOW}`;
const STAMPS = `${CREATED}, updated_at INTEGER NOT NULL DEFAULT ${NOW}`;
const OF_TASK = 'REFERENCES tasks(id) ON DELETE CASCADE';

/**
 * All tables and indexes of exarp-go's own migrations, as single idempotent statements.
 *
 * With their seed rows. No pragma is set; the caller chooses the journal mode. Format: exarp-go's
 * `migrations/001` to `008`.
 */
export const SCHEMA: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS schema_migrations (
    version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL DEFAULT ${NOW}, description TEXT
  )`,
  `CREATE TABLE IF NOT EXISTS tasks (
    id TEXT PRIMARY KEY, name TEXT, content TEXT, long_description TEXT,
    status TEXT NOT NULL DEFAULT 'Todo', priority TEXT, completed INTEGER DEFAULT 0, task_number INTEGER,
    estimated_hours REAL, actual_hours REAL,
    created TEXT NOT NULL, last_modified TEXT, completed_at TEXT,
    project_id TEXT, metadata TEXT, version INTEGER NOT NULL DEFAULT 1, ${STAMPS},
    assignee TEXT, assigned_at INTEGER, lock_until INTEGER,
    metadata_protobuf BLOB, metadata_format TEXT DEFAULT 'json',
    parent_id TEXT, assigned_to TEXT, host TEXT, agent TEXT
  )`,
  ...indexes('tasks', {
    idx_tasks_status: 'status',
    idx_tasks_priority: 'priority',
    idx_tasks_created: 'created_at',
    idx_tasks_completed: 'completed',
    idx_tasks_last_modified: 'last_modified',
    idx_tasks_project: 'project_id',
    idx_tasks_status_assignee: 'status, assignee',
    idx_tasks_lock_until: 'lock_until) WHERE (lock_until > 0',
    idx_tasks_id_version: 'id, version',
    idx_tasks_metadata_format: 'metadata_format',
    idx_tasks_parent: 'parent_id',
    idx_tasks_assigned_to: 'assigned_to) WHERE (assigned_to IS NOT NULL',
    idx_tasks_host: 'host) WHERE (host IS NOT NULL',
    idx_tasks_agent: 'agent) WHERE (agent IS NOT NULL',
  }),

  `CREATE TABLE IF NOT EXISTS task_tags (
    task_id TEXT NOT NULL ${OF_TASK}, tag TEXT NOT NULL, PRIMARY KEY (task_id, tag)
  )`,
  ...indexes('task_tags', { idx_task_tags_task: 'task_id', idx_task_tags_tag: 'tag' }),

  `CREATE TABLE IF NOT EXISTS task_dependencies (
    task_id TEXT NOT NULL ${OF_TASK}, depends_on_id TEXT NOT NULL ${OF_TASK},
    PRIMARY KEY (task_id, depends_on_id), CHECK (task_id <> depends_on_id)
  )`,
  ...indexes('task_dependencies', {
    idx_task_deps_task: 'task_id',
    idx_task_deps_depends: 'depends_on_id',
  }),

  `CREATE TABLE IF NOT EXISTS task_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, task_id TEXT NOT NULL ${OF_TASK},
    field TEXT NOT NULL, old_value TEXT, new_value TEXT, timestamp TEXT NOT NULL, ${CREATED}
  )`,
  ...indexes('task_changes', {
    idx_task_changes_task: 'task_id',
    idx_task_changes_timestamp: 'timestamp',
  }),

  `CREATE TABLE IF NOT EXISTS task_comments (
    id TEXT PRIMARY KEY, task_id TEXT NOT NULL ${OF_TASK},
    comment_type TEXT NOT NULL, content TEXT NOT NULL, created TEXT NOT NULL, last_modified TEXT, ${CREATED}
  )`,
  ...indexes('task_comments', {
    idx_task_comments_task: 'task_id',
    idx_task_comments_type: 'comment_type',
  }),

  `CREATE TABLE IF NOT EXISTS task_activities (
    id TEXT PRIMARY KEY, activity_type TEXT NOT NULL, task_id TEXT NOT NULL ${OF_TASK},
    task_name TEXT, timestamp TEXT NOT NULL, details TEXT, ${CREATED}
  )`,
  ...indexes('task_activities', {
    idx_task_activities_task: 'task_id',
    idx_task_activities_type: 'activity_type',
    idx_task_activities_timestamp: 'timestamp',
  }),

  `CREATE TABLE IF NOT EXISTS canonical_tags (
    old_tag TEXT PRIMARY KEY, new_tag TEXT NOT NULL, category TEXT, ${STAMPS}
  )`,
  ...indexes('canonical_tags', {
    idx_canonical_tags_new: 'new_tag',
    idx_canonical_tags_category: 'category',
  }),

  `CREATE TABLE IF NOT EXISTS discovered_tags (
    id INTEGER PRIMARY KEY AUTOINCREMENT, file_path TEXT NOT NULL, file_hash TEXT, tag TEXT NOT NULL, source TEXT,
    llm_suggested INTEGER DEFAULT 0, ${STAMPS}, UNIQUE (file_path, tag)
  )`,
  ...indexes('discovered_tags', {
    idx_discovered_tags_file: 'file_path',
    idx_discovered_tags_tag: 'tag',
    idx_discovered_tags_source: 'source',
  }),
  `CREATE TABLE IF NOT EXISTS tag_frequency (
    tag TEXT PRIMARY KEY, count INTEGER NOT NULL DEFAULT 0, last_seen_at INTEGER,
    is_canonical INTEGER DEFAULT 0, ${STAMPS}
  )`,
  ...indexes('tag_frequency', {
    idx_tag_frequency_count: 'count DESC',
    idx_tag_frequency_canonical: 'is_canonical',
  }),

  `CREATE TABLE IF NOT EXISTS file_task_tags (
    id INTEGER PRIMARY KEY AUTOINCREMENT, file_path TEXT NOT NULL, task_id TEXT NOT NULL ${OF_TASK}, tag TEXT NOT NULL,
    applied INTEGER DEFAULT 0, ${CREATED}, UNIQUE (file_path, task_id, tag)
  )`,
  ...indexes('file_task_tags', {
    idx_file_task_tags_file: 'file_path',
    idx_file_task_tags_task: 'task_id',
    idx_file_task_tags_tag: 'tag',
  }),
  `CREATE TABLE IF NOT EXISTS task_tag_suggestions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, task_id TEXT NOT NULL, tag TEXT NOT NULL, source TEXT,
    applied INTEGER DEFAULT 1, ${CREATED}, UNIQUE (task_id, tag)
  )`,
  ...indexes('task_tag_suggestions', {
    idx_task_tag_suggestions_task: 'task_id',
    idx_task_tag_suggestions_tag: 'tag',
  }),

  ...SEED_TAGS,

  // Last, so that exarp-go completes an interrupted store instead of taking it for complete.
  `INSERT OR IGNORE INTO schema_migrations (version, description) VALUES ${MIGRATIONS.map(
    (description, index) => `(${index + 1}, '${description}')`,
  ).join(', ')}`,
];

function indexes(table: string, columnsOf: Readonly<Record<string, string>>): string[] {
  return Object.entries(columnsOf).map(
    ([name, columns]) => `CREATE INDEX IF NOT EXISTS ${name} ON ${table} (${columns})`,
  );
}

import { list, type ObjectSchema, object, type Schema } from '../../src/agent-api/schema.ts';

// exarp-go's results as its code writes them: names and kinds of values. Seconds are checked as
// whole numbers, see `problemsIn`.
const TEXT = { type: 'string' } as const;
const NUMBER = { type: 'integer' } as const;
const FLAG = { type: 'boolean' } as const;
const IDS = list(TEXT);

/** All of these are there, and nothing else but what `optional` names. */
function whole(
  properties: Readonly<Record<string, Schema>>,
  optional: readonly string[] = [],
): ObjectSchema {
  return object(
    properties,
    Object.keys(properties).filter((name) => !optional.includes(name)),
  );
}

const RECOMMENDATIONS = list(
  whole({ type: TEXT, count: NUMBER, groups: NUMBER, message: TEXT }, ['groups']),
);

/** `task_analysis`, by action. */
export const TASK_ANALYSIS = {
  dependencies: whole({
    action: TEXT,
    success: FLAG,
    method: TEXT,
    total_tasks: NUMBER,
    dependency_graph: { type: 'object', additionalProperties: IDS },
    circular_dependencies: list(IDS),
    missing_dependencies: list(whole({ task_id: TEXT, missing_dep: TEXT, message: TEXT })),
    recommendations: RECOMMENDATIONS,
    critical_path: IDS,
    critical_path_length: NUMBER,
    critical_path_details: list(
      whole({
        id: TEXT,
        content: TEXT,
        priority: TEXT,
        status: TEXT,
        dependencies: IDS,
        dependencies_count: NUMBER,
      }),
    ),
    max_dependency_level: NUMBER,
    report: TEXT,
  }),
  parallelization: whole({
    action: TEXT,
    success: FLAG,
    total_tasks: NUMBER,
    parallel_groups: list(whole({ tasks: IDS, priority: TEXT, reason: TEXT })),
    recommendations: RECOMMENDATIONS,
  }),
  execution_plan: whole({
    action: TEXT,
    success: FLAG,
    method: TEXT,
    backlog_count: NUMBER,
    ordered_task_ids: IDS,
    waves: { type: 'object', additionalProperties: IDS },
    details: list(
      whole({ id: TEXT, content: TEXT, priority: TEXT, status: TEXT, level: NUMBER, tags: IDS }),
    ),
  }),
  /** With what we add about files. */
  conflicts: whole(
    {
      action: TEXT,
      conflict: FLAG,
      overlapping: IDS,
      reasons: IDS,
      conflicts: list(whole({ task_id: TEXT, dep_task_id: TEXT, reason: TEXT })),
      files: list(whole({ task_ids: IDS, files: IDS })),
      would_collide: list(whole({ task_id: TEXT, with: TEXT, files: IDS })),
      waves: list(whole({ wave: NUMBER, task_ids: IDS, files: IDS })),
    },
    ['would_collide', 'waves'],
  ),
  dependencies_summary: whole({ action: TEXT, report: TEXT }),
} satisfies Readonly<Record<string, ObjectSchema>>;

/** What a server of MCP says of a tool; hints, not promises. Absent: it says nothing. */
export interface ToolHints {
  readonly readOnlyHint?: boolean;
  readonly destructiveHint?: boolean;
  readonly openWorldHint?: boolean;
}

/** A tool of exarp-go that a step asks for. */
export interface ExarpCall {
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
  /**
   * True where the author of the step allows it to delete, overwrite or push; the user is asked
   * first.
   */
  readonly allowed: boolean;
}

/**
 * What exarp-go's tools are known to do no more than read with, by tool and action. All others of
 * them write somewhere: `automation` deletes tasks, `task_workflow` rewrites all of them, `session`
 * takes locks away and pushes, `report` overwrites plans, `task_execute` edits files.
 */
const READING: Readonly<Record<string, readonly string[]>> = {
  report: ['overview'],
  health: ['docs', 'server'],
  task_analysis: [
    ...[
      'dependencies',
      'parallelization',
      'execution_plan',
      'conflicts',
      'dependencies_summary',
      'complexity',
    ],
    ...['duplicates', 'hierarchy', 'validate', 'suggest_dependencies'],
  ],
  task_workflow: ['sync/list'],
  session: ['handoff/latest', 'handoff/list'],
};

/** Its tools of which nothing that their server says makes a harmless one. */
const WRITING: ReadonlySet<string> = new Set([
  ...Object.keys(READING),
  'automation',
  'task_execute',
]);

/**
 * Arguments that only choose what is read. With any other, a call is not known to read: `apply`,
 * `output_path` and the like write.
 */
const CHOOSING: ReadonlySet<string> = new Set([
  'action',
  'sub_action',
  'status',
  'priority',
  'filter_tag',
  'filter_tags',
  'task_id',
  'limit',
  'order',
  'compact',
  'include_closed',
  'output_format',
  'similarity_threshold',
]);

/** What takes away, sends or starts says so in its name, more often than in a hint. */
const TAKES_AWAY =
  /(?:^|[^a-z])(?:delete|remove|purge|prune|clean|cleanup|drop|reset|push|commit|merge|sync|deploy|publish|release|execute|exec|run|apply|fix|write|overwrite)(?:[^a-z]|$)/;

/** Why a call is not made; undefined where it may be. */
export function refusalOf(
  { tool, args, allowed }: ExarpCall,
  hints: ToolHints | undefined,
): string | undefined {
  if (allowed) return undefined;
  const explicit = hints?.destructiveHint === true && hints.readOnlyHint !== true;
  if (explicit) return 'its server says that it may delete or overwrite';
  if (isKnownToRead(tool, args)) return undefined;
  if (WRITING.has(tool)) return 'with these params it may delete, overwrite or send something';
  const named = [tool, args['action'], args['sub_action']].find(
    (name) => typeof name === 'string' && TAKES_AWAY.test(spacedOut(name)),
  );
  if (named !== undefined) return 'by its name it may delete, overwrite or send something';
  const harmless =
    hints?.readOnlyHint === true ||
    (hints?.destructiveHint === false && hints.openWorldHint === false);
  return harmless ? undefined : 'nothing says that it only reads';
}

function isKnownToRead(tool: string, args: ExarpCall['args']): boolean {
  const { action, sub_action: below, output_format: format = 'json' } = args;
  if (typeof action !== 'string' || (format !== 'json' && format !== 'text')) return false;
  if (Object.keys(args).some((name) => !CHOOSING.has(name))) return false;
  const actions = Object.hasOwn(READING, tool) ? (READING[tool] ?? []) : [];
  return actions.includes(typeof below === 'string' ? `${action}/${below}` : action);
}

/** `deleteTask` and `delete_task` alike as words of small letters. */
function spacedOut(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/_/g, ' ')
    .toLowerCase();
}

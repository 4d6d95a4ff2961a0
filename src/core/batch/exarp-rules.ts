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
 * takes locks away and pushes, `task_execute` edits files, and `report`, `task_analysis` and their
 * like overwrite documents in `docs`.
 */
const READING: Readonly<Record<string, readonly string[]>> = {
  task_workflow: ['sync/list'],
  session: ['handoff/latest', 'handoff/list'],
};

/**
 * Its tools that ignore all their arguments: they do what they do by default, `dry_run` or not, and
 * for every `action`.
 */
const DEAF: ReadonlySet<string> = new Set([
  'task_analysis',
  'health',
  'analyze_alignment',
  'setup_hooks',
  'check_attribution',
  'add_external_tool_hints',
  'task_discovery',
]);

/** Its tools of which nothing that their server says makes a harmless one. */
const WRITING: ReadonlySet<string> = new Set([
  ...Object.keys(READING),
  ...DEAF,
  'automation',
  'report',
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
]);

/** What takes away, sends or starts says so in its name, more often than in a hint. */
const TAKES_AWAY =
  /(?:^|[^a-z])(?:delete|remove|purge|prune|clean|cleanup|drop|reset|push|commit|merge|sync|deploy|publish|release|execute|exec|run|apply|fix|write|overwrite)(?:[^a-z]|$)/;

/** Why a call is not made; undefined where it may be. */
export function refusalOf(
  { tool, args, allowed }: ExarpCall,
  hints: ToolHints | undefined,
): string | undefined {
  if (args['dry_run'] === true && DEAF.has(tool))
    return 'exarp-go ignores “dry_run” for this tool, and would do it';
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

/**
 * How an answer says that something else was done than was asked for; undefined where it does not
 * say so.
 */
export function mismatchOf(
  { args }: Pick<ExarpCall, 'args'>,
  answer: Readonly<Record<string, unknown>>,
): string | undefined {
  const { action } = args;
  const did = answer['action'];
  if (typeof action === 'string' && typeof did === 'string' && plain(did) !== plain(action))
    return `it was asked for the action “${action}” and did “${did}”`;
  if (args['dry_run'] === true && answer['dry_run'] === false)
    return 'it was asked for a dry run and did it in earnest';
  return undefined;
}

/** Some answers spell an action with hyphens. */
function plain(action: string): string {
  return action
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_');
}

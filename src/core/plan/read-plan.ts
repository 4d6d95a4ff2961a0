import { isMap, isNode, isScalar } from 'yaml';
import { PLAN_YAML, readYaml } from '../yaml.ts';
import { readMilestone } from './milestone.ts';
import { quoteNames, splitFrontmatter } from './frontmatter.ts';

/** One entry of the frontmatter's `todos` as written; `status` is any word. */
export interface PlanTodo {
  readonly id: string;
  readonly content: string;
  readonly status: string;
}

/** A milestone of section 3 with its check box. */
export interface PlanMark {
  readonly id: string;
  readonly isChecked: boolean;
}

/**
 * Damage by an editor or another program that keeps exarp-go, or an editor's Build button, from
 * reading a plan.
 */
export type PlanDamage =
  | {
      readonly kind:
        | 'byteOrderMark'
        | 'carriageReturns'
        | 'noFrontmatter'
        | 'brokenFrontmatter'
        | 'doubleEscapes';
    }
  | { readonly kind: 'missingKeys'; readonly keys: readonly string[] }
  | { readonly kind: 'missingHeading'; readonly heading: string };

/** A plan document as far as it can be read. */
export interface ReadPlan {
  readonly todos: readonly PlanTodo[];
  readonly marks: readonly PlanMark[];
  /** Those of the frontmatter, else of section 4; undefined where neither has any. */
  readonly waves: readonly (readonly string[])[] | undefined;
  readonly damage: readonly PlanDamage[];
}

/** The keys that every main plan of exarp-go has. */
const KEYS = [
  'name',
  'overview',
  'todos',
  'isProject',
  'status',
  'last_updated',
  'tag_hints',
  'referenced_by',
  'agents',
];

/** The headings that exarp-go parses; its repair refuses a file without them. */
export const HEADINGS = [
  '## 3. Iterative Milestones',
  '## 4. Recommended Execution Order',
] as const;

/** A wave of section 4: its number and its list of ids. */
export const WAVE_LINE = /^- \*\*Wave (\d+)(?::\*\*|\*\* \(parallel\):) (.+)$/;

/** The ids of a comma-separated list. */
export function splitIds(list: string): readonly string[] {
  return list
    .split(',')
    .map((id) => id.trim())
    .filter(Boolean);
}

/**
 * Reads a main plan in any state: any line ends, a byte order mark, missing, cut or invalid
 * frontmatter. Never fails; what breaks other programs is in `damage`.
 */
export function readPlan(text: string): ReadPlan {
  const { yaml, body } = splitFrontmatter(text);
  const damage: PlanDamage[] = [];
  if (text.startsWith('\ufeff')) damage.push({ kind: 'byteOrderMark' });
  if (text.includes('\r')) damage.push({ kind: 'carriageReturns' });
  const front = yaml === undefined ? undefined : readFront(yaml);
  if (front === undefined) damage.push({ kind: 'noFrontmatter' });
  else {
    if (front.isBroken) damage.push({ kind: 'brokenFrontmatter' });
    if (yaml?.includes('\\\\\\"') === true) damage.push({ kind: 'doubleEscapes' });
    const keys = KEYS.filter((key) => !front.keys.has(key));
    if (keys.length > 0) damage.push({ kind: 'missingKeys', keys });
  }
  const lines = body.split('\n');
  for (const heading of HEADINGS) {
    if (!lines.some((line) => line.trimEnd() === heading))
      damage.push({ kind: 'missingHeading', heading });
  }
  const inBody = wavesIn(lines);
  return {
    todos: front?.todos ?? [],
    marks: marksIn(lines),
    waves: front?.waves ?? (inBody.length > 0 ? inBody : undefined),
    damage,
  };
}

function marksIn(lines: readonly string[]): readonly PlanMark[] {
  return lines.flatMap((line) => {
    const milestone = readMilestone(line);
    return milestone === undefined ? [] : [{ id: milestone.id, isChecked: milestone.isChecked }];
  });
}

function wavesIn(lines: readonly string[]): readonly (readonly string[])[] {
  return lines.flatMap((line) => {
    const list = WAVE_LINE.exec(line)?.[2];
    return list === undefined ? [] : [splitIds(list)];
  });
}

interface Front {
  readonly keys: ReadonlySet<string>;
  readonly todos: readonly PlanTodo[];
  readonly waves: readonly (readonly string[])[] | undefined;
  /** True where it is invalid YAML as written. */
  readonly isBroken: boolean;
}

function readFront(yaml: string): Front {
  const strict = readMap(yaml);
  const map = strict ?? readMap(quoteNames(yaml)) ?? new Map<string, unknown>();
  const todos = map.get('todos');
  const waves = map.get('waves');
  return {
    keys: new Set(map.keys()),
    todos: Array.isArray(todos) ? todos.flatMap(readTodo) : [],
    waves: Array.isArray(waves) && waves.length > 0 ? waves.map(textsOf) : undefined,
    isBroken: strict === undefined,
  };
}

/**
 * Undefined where it is no YAML map. Scalars stay as written, so that an id of digits stays text.
 */
function readMap(yaml: string): ReadonlyMap<string, unknown> | undefined {
  const { document, problems } = readYaml(yaml, PLAN_YAML, { schema: 'failsafe' });
  if (document === undefined || problems.length > 0 || !isMap(document.contents)) return undefined;
  const map = new Map<string, unknown>();
  try {
    for (const { key, value } of document.contents.items) {
      if (isScalar(key))
        map.set(String(key.value), isNode(value) ? (value.toJS(document) as unknown) : null);
    }
  } catch (error) {
    // Aliases without an anchor, or that expand without bounds.
    if (error instanceof ReferenceError) return undefined;
    throw error;
  }
  return map;
}

function readTodo(entry: unknown): readonly PlanTodo[] {
  if (typeof entry !== 'object' || entry === null) return [];
  const { id, content, status } = entry as Readonly<Record<string, unknown>>;
  if (typeof id !== 'string' || id === '') return [];
  return [
    {
      id,
      content: typeof content === 'string' ? content : '',
      status: typeof status === 'string' ? status : '',
    },
  ];
}

function textsOf(list: unknown): readonly string[] {
  const all: readonly unknown[] = Array.isArray(list) ? list : [list];
  return all.filter((each) => typeof each === 'string' && each !== '') as readonly string[];
}

/**
 * True for a main plan of this backlog, even a damaged one: it has a heading of exarp-go’s plans or
 * a todo of the backlog. Others, such as a plan that an editor made of a chat, are not ours to
 * rewrite.
 */
export function isPlanOf(text: string, isKnown: (id: string) => boolean): boolean {
  const { damage, todos } = readPlan(text);
  const missing = damage.filter(({ kind }) => kind === 'missingHeading').length;
  return missing < HEADINGS.length || todos.some(({ id }) => isKnown(id));
}

/** The todos that somebody added to a plan: their ids are none that a backlog could have had. */
export function ownTodos(
  todos: readonly PlanTodo[],
  isKnown: (id: string) => boolean,
): readonly PlanTodo[] {
  return todos.filter(({ id }) => !/^T-\d+$/.test(id) && !isKnown(id));
}

import { readMilestone } from './milestone.ts';
import { type Frontmatter, readFrontmatter, splitFrontmatter } from './read-frontmatter.ts';

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
  /** Undefined where it has none. */
  readonly frontmatter: Frontmatter | undefined;
  /** Behind the frontmatter, with LF. */
  readonly body: string;
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
  const frontmatter = yaml === undefined ? undefined : readFrontmatter(yaml);
  const values = frontmatter?.map?.values ?? new Map<string, unknown>();
  if (frontmatter === undefined) damage.push({ kind: 'noFrontmatter' });
  else {
    if (frontmatter.isBroken) damage.push({ kind: 'brokenFrontmatter' });
    if (textsOfExarp(values).some((each) => each.includes('\\"')))
      damage.push({ kind: 'doubleEscapes' });
    const keys = KEYS.filter((key) => !values.has(key));
    if (keys.length > 0) damage.push({ kind: 'missingKeys', keys });
  }
  const lines = body.split('\n');
  for (const heading of HEADINGS) {
    if (!lines.some((line) => line.trimEnd() === heading))
      damage.push({ kind: 'missingHeading', heading });
  }
  const inBody = wavesIn(lines);
  const todos = values.get('todos');
  const waves = values.get('waves');
  return {
    todos: Array.isArray(todos) ? todos.flatMap(readTodo) : [],
    marks: marksIn(lines),
    waves:
      Array.isArray(waves) && waves.length > 0
        ? waves.map(textsOf)
        : inBody.length > 0
          ? inBody
          : undefined,
    damage,
    frontmatter,
    body,
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

/** The texts that exarp-go writes with its quotes escaped twice. */
function textsOfExarp(values: ReadonlyMap<string, unknown>): readonly string[] {
  const todos = values.get('todos');
  const contents = Array.isArray(todos)
    ? todos.flatMap(readTodo).map(({ content }) => content)
    : [];
  const texts = [values.get('name'), values.get('overview'), ...contents];
  return texts.filter((each) => typeof each === 'string');
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
export function isPlanOf(
  { damage, todos }: Pick<ReadPlan, 'damage' | 'todos'>,
  isKnown: (id: string) => boolean,
): boolean {
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

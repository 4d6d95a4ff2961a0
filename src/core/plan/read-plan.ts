import { isMap, isNode, isScalar, parseDocument } from 'yaml';
import { mendFrontmatter, splitFrontmatter } from './frontmatter.ts';

/** One entry of the frontmatter's `todos`, as its author has it; `status` is any word. */
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

/** What an editor or another program did to a plan that keeps exarp-go, or an editor's Build button, from reading it. */
export type PlanDamage =
  | { readonly kind: 'byteOrderMark' | 'carriageReturns' | 'noFrontmatter' | 'brokenFrontmatter' | 'doubleEscapes' }
  | { readonly kind: 'missingKeys'; readonly keys: readonly string[] }
  | { readonly kind: 'missingHeading'; readonly heading: string };

/** A plan document as far as it can be read. */
export interface ReadPlan {
  readonly todos: readonly PlanTodo[];
  readonly marks: readonly PlanMark[];
  /** Of the frontmatter, else of section 4; undefined where neither has any. */
  readonly waves: readonly (readonly string[])[] | undefined;
  readonly damage: readonly PlanDamage[];
}

/** The keys that a main plan of exarp-go has for every backlog. */
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

/** By which exarp-go finds its way in a plan; its repair refuses a file without them. */
export const HEADINGS = ['## 3. Iterative Milestones', '## 4. Recommended Execution Order'] as const;

// As exarp-go reads them (plan_sync.go), and bare ids, which its generator writes for tasks without a name.
const MILESTONE =
  /^\s*-\s*\[\s*([ xX])\s*\]\s*(?:(?:\*\*.+?\*\*|.+?)\s*\(\s*([A-Za-z0-9_-]+)\s*\)|([A-Za-z0-9_-]+)\s*$)/;
const WAVE_LINE = /^- \*\*Wave (\d+)(?::\*\*|\*\* \(parallel\):) (.+)$/;

/**
 * Reads a main plan in any state: any line ends, a byte order mark, frontmatter that is gone, cut or no YAML. Never
 * fails; what is in the way of others is in `damage`.
 */
export function readPlan(text: string): ReadPlan {
  const { yaml, body } = splitFrontmatter(text);
  const damage: PlanDamage[] = [];
  if (text.startsWith('\ufeff')) damage.push({ kind: 'byteOrderMark' });
  if (text.includes('\r')) damage.push({ kind: 'carriageReturns' });
  const front = yaml === undefined ? undefined : readFront(yaml);
  if (front === undefined) damage.push({ kind: 'noFrontmatter' });
  else {
    if (front.isMended) damage.push({ kind: 'brokenFrontmatter' });
    if (yaml?.includes('\\\\\\"') === true) damage.push({ kind: 'doubleEscapes' });
    const keys = KEYS.filter((key) => !front.keys.has(key));
    if (keys.length > 0) damage.push({ kind: 'missingKeys', keys });
  }
  const lines = body.split('\n');
  for (const heading of HEADINGS) {
    if (!lines.some((line) => line.trimEnd() === heading)) damage.push({ kind: 'missingHeading', heading });
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
    const match = MILESTONE.exec(line);
    const id = match?.[2] ?? match?.[3];
    return id === undefined ? [] : [{ id, isChecked: match?.[1] !== ' ' }];
  });
}

function wavesIn(lines: readonly string[]): readonly (readonly string[])[] {
  return lines.flatMap((line) => {
    const list = WAVE_LINE.exec(line)?.[2];
    return list === undefined
      ? []
      : [
          list
            .split(',')
            .map((id) => id.trim())
            .filter(Boolean),
        ];
  });
}

interface Front {
  readonly keys: ReadonlySet<string>;
  readonly todos: readonly PlanTodo[];
  readonly waves: readonly (readonly string[])[] | undefined;
  /** It is YAML only after it was mended. */
  readonly isMended: boolean;
}

function readFront(yaml: string): Front {
  const strict = readMap(yaml);
  const map = strict ?? readMap(mendFrontmatter(yaml)) ?? new Map<string, unknown>();
  const todos = map.get('todos');
  const waves = map.get('waves');
  return {
    keys: new Set(map.keys()),
    todos: Array.isArray(todos) ? todos.flatMap(readTodo) : [],
    waves: Array.isArray(waves) && waves.length > 0 ? waves.map(textsOf) : undefined,
    isMended: strict === undefined,
  };
}

/** Undefined where it is no YAML map. Scalars are left as they are written: an id of digits is none less. */
function readMap(yaml: string): ReadonlyMap<string, unknown> | undefined {
  const document = parseDocument(yaml, { schema: 'failsafe' });
  if (document.errors.length > 0 || !isMap(document.contents)) return undefined;
  const map = new Map<string, unknown>();
  try {
    for (const { key, value } of document.contents.items) {
      if (isScalar(key)) map.set(String(key.value), isNode(value) ? (value.toJS(document) as unknown) : null);
    }
  } catch (error) {
    // Aliases that name nothing, or that would grow without end.
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
    { id, content: typeof content === 'string' ? content : '', status: typeof status === 'string' ? status : '' },
  ];
}

function textsOf(list: unknown): readonly string[] {
  const all: readonly unknown[] = Array.isArray(list) ? list : [list];
  return all.filter((each) => typeof each === 'string' && each !== '') as readonly string[];
}

/** True for a text that is a main plan, or what an editor left of one: others are not ours to rewrite. */
export function isPlanLike(text: string): boolean {
  const { damage, todos } = readPlan(text);
  const missing = damage.filter(({ kind }) => kind === 'missingHeading').length;
  return missing < HEADINGS.length || todos.length > 0;
}

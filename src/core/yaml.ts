import {
  type Document,
  isCollection,
  isScalar,
  type LineCounter,
  parseDocument,
  type Scalar,
  visit,
} from 'yaml';
import { oneLine } from './text.ts';

/** How much YAML of one kind may hold: parsing takes a microsecond for each sign, and more in bad text. */
export interface YamlLimits {
  /** In UTF-16 units. */
  readonly chars: number;
  /** Line ends, brackets, colons and other signs that make structure. */
  readonly signs: number;
  /** Commas and quotes: a list of ids has four or five of them for each. */
  readonly separators: number;
  /** Of all maps together. */
  readonly keys: number;
  /** Levels of maps and lists. */
  readonly depth: number;
  readonly aliases: number;
}

/** A plan of a hundred thousand tasks has a list of two million characters and five hundred todos. */
export const PLAN_YAML: YamlLimits = {
  chars: 2 * 1024 * 1024,
  signs: 12_000,
  separators: 500_000,
  keys: 10_000,
  depth: 16,
  aliases: 100,
};

/** A batch is written by hand; nothing in it may stand for something else. */
export const BATCH_YAML: YamlLimits = {
  chars: 32 * 1024,
  signs: 5_000,
  separators: 10_000,
  keys: 1_000,
  depth: 64,
  aliases: 0,
};

export const CONFIG_YAML: YamlLimits = {
  chars: 64 * 1024,
  signs: 10_000,
  separators: 20_000,
  keys: 2_000,
  depth: 16,
  aliases: 100,
};

/** `offset` counts UTF-16 units; the text is a part of a sentence. */
export interface YamlProblem {
  readonly offset: number;
  readonly text: string;
  /** True where it is no YAML, false where it is too much or of a kind that is not taken. */
  readonly isSyntax: boolean;
}

/** The document is undefined where a limit is passed or the YAML is too deep to be parsed. */
export interface ParsedYaml {
  readonly document: Document.Parsed | undefined;
  readonly problems: readonly YamlProblem[];
}

/** Enough to mend a file by; each bad sign is one. */
const MOST_PROBLEMS = 20;
const SIGNS = /[[\]{}&*!?%@`|>#:]|-(?=\s)|\n/g;
const SEPARATORS = /[,"']/g;

/**
 * Parses YAML from outside, in time linear in it and below these limits. Never throws: what is
 * wrong with it, or too much of it, is in `problems`.
 */
export function readYaml(
  text: string,
  limits: YamlLimits,
  options: { readonly schema?: 'failsafe'; readonly lineCounter?: LineCounter } = {},
): ParsedYaml {
  const tooMuch = (what: string): ParsedYaml => ({
    document: undefined,
    problems: [{ offset: 0, text: what, isSyntax: false }],
  });
  if (text.length > limits.chars) return tooMuch(`it is longer than ${limits.chars} characters`);
  if (countOf(SIGNS, text) > limits.signs)
    return tooMuch(
      `it has more than ${limits.signs} lines, brackets, colons and other signs of YAML`,
    );
  if (countOf(SEPARATORS, text) > limits.separators)
    return tooMuch(`it has more than ${limits.separators} commas and quotes`);
  try {
    // The parser itself compares each key of a map with all others.
    const document = withoutStacks(() =>
      parseDocument(text, {
        ...options,
        uniqueKeys: false,
        prettyErrors: false,
        logLevel: 'silent',
      }),
    );
    const tooDeep = `it is nested deeper than ${limits.depth} levels`;
    const problems = document.errors.slice(0, MOST_PROBLEMS).map(({ code, message, pos }) => ({
      offset: pos[0],
      // The parser is recursive, so deep nesting overflows its stack.
      text: code === 'RESOURCE_EXHAUSTION' ? tooDeep : oneLine(message),
      isSyntax: code !== 'RESOURCE_EXHAUSTION',
    }));
    if (problems.length === 0) problems.push(...problemsOf(document, limits));
    return { document, problems };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return tooMuch(`it is nested deeper than ${limits.depth} levels`);
  }
}

/** Repeated keys, and what passes a limit; the first of each kind. */
function problemsOf(document: Document.Parsed, limits: YamlLimits): readonly YamlProblem[] {
  const found = new Map<string, YamlProblem>();
  const complain = (node: unknown, text: string): void => {
    const [offset = 0] = (node as { readonly range?: readonly [number] | null }).range ?? [];
    if (!found.has(text)) found.set(text, { offset, text, isSyntax: false });
  };
  let [keys, aliases] = [0, 0];
  const anchors = new Set<string>();
  const noteAnchor = ({ anchor }: { readonly anchor?: string }): void => {
    if (anchor !== undefined) anchors.add(anchor);
  };
  const deeper = (node: unknown, path: readonly unknown[]): typeof visit.BREAK | undefined => {
    if (path.filter(isCollection).length < limits.depth) return undefined;
    complain(node, `it is nested deeper than ${limits.depth} levels`);
    return visit.BREAK;
  };
  visit(document, {
    Alias: (_, node) => {
      if (++aliases <= limits.aliases) {
        // The parser would find out when the value is asked for.
        if (!anchors.has(node.source)) complain(node, `the alias “*${shown(node.source)}” has no anchor before it`); // prettier-ignore
        return;
      }
      const most = limits.aliases === 0 ? 'aliases are not followed' : `it has more than ${limits.aliases} aliases`; // prettier-ignore
      complain(node, most);
    },
    Scalar: (_, node) => {
      noteAnchor(node);
    },
    Map: (_, node, path) => {
      noteAnchor(node);
      const names = new Set<unknown>();
      for (const { key } of node.items) {
        if (++keys === limits.keys + 1) complain(node, `it has more than ${limits.keys} keys`);
        if (!isScalar(key)) continue;
        if (names.has(key.value) && key.value !== '<<') complain(key, repeated(key));
        names.add(key.value);
      }
      return deeper(node, path);
    },
    Seq: (_, node, path) => {
      noteAnchor(node);
      return deeper(node, path);
    },
  });
  return [...found.values()];
}

function repeated(key: Scalar): string {
  return `the key “${shown(String(key.value))}” is there twice`;
}

function shown(name: string): string {
  return oneLine(name).slice(0, 60);
}

function countOf(pattern: RegExp, text: string): number {
  let count = 0;
  pattern.lastIndex = 0;
  while (pattern.test(text)) count++;
  return count;
}

/** The parser makes an error for each bad sign, and most of its time would go into their stacks. */
function withoutStacks<T>(parse: () => T): T {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return parse();
  } finally {
    Error.stackTraceLimit = before;
  }
}

import { trimSigns } from './text.ts';
/** How paths are compared. */
export interface PathOptions {
  /** True where the file system does not tell `A` from `a`: macOS and Windows. */
  readonly foldCase: boolean;
}

/**
 * More than this of a description is not looked at, nor more files than that: hostile text must not
 * slow a start down.
 */
const MAX_TEXT = 200_000;
const MAX_LINE = 4_000;
const MAX_FILES = 500;

/**
 * A bullet that says what happens to a file, as exarp-go reads them and with `*` and more verbs.
 */
const ACTION =
  /^\s*[-*+]\s*\**(?:Update|Create|Modify|Delete|Edit|Add|Remove|Rename|Move|Change|Touch)\**:([^\n]*)/i;
/** `Files: a, b`, as a bullet or not; with nothing after it, the bullets below are its list. */
const FILES =
  /^\s*(?:[-*+]\s*)?\**(?:Files?|Paths?)(?: (?:to (?:change|touch|edit|modify)|changed|touched))?\**:([^\n]*)/i;
const HEADING =
  /^\s*#+\s*\**(?:Files?|Paths?)(?: (?:to (?:change|touch|edit|modify)|changed|touched))?[*:]*\s*$/i;
const BULLET = /^\s*[-*+]\s([^\n]*)/;

/**
 * The files that a description names, relative to the root: bullets such as `- Update: src/a.ts`,
 * lists after `Files:`, and what stands in backticks and looks like a path. Each once, in the order
 * of the text, with forward slashes.
 *
 * Absolute paths and paths out of the root are left out. Takes time linear in any text.
 */
export function filesOf(description: string, options: PathOptions): readonly string[] {
  const files = new Set<string>();
  let isInList = false;
  const add = (text: string): void => {
    const file = normalise(text, options);
    if (file !== undefined && files.size < MAX_FILES) files.add(file);
  };
  for (const whole of description.slice(0, MAX_TEXT).split(/\r\n|\n|\r/)) {
    const line = whole.slice(0, MAX_LINE);
    const list = HEADING.test(line) ? '' : FILES.exec(line)?.[1];
    const bullet = BULLET.exec(line)?.[1];
    const action = ACTION.exec(line)?.[1];
    if (action !== undefined) {
      const [path] = splitPaths(action);
      if (path !== undefined) add(path);
    } else if (list !== undefined) {
      for (const path of splitPaths(list)) if (looksLikePath(path)) add(path);
      isInList = trimMarks(list.trim()) === '';
      continue;
    } else if (isInList && bullet !== undefined) {
      const [path] = splitPaths(bullet);
      if (path !== undefined && looksLikePath(path)) add(path);
    } else if (line.trim() !== '') {
      isInList = false;
    }
    for (const code of codeSpans(line)) if (looksLikePath(code)) add(code);
  }
  return [...files];
}

/**
 * `a.ts, b.ts and c.ts`: what stands between blanks and commas, without the marks around it; a `#`
 * begins a remark.
 */
function splitPaths(text: string): readonly string[] {
  const paths: string[] = [];
  for (const word of text.split(/[\s,;]+/)) {
    if (word.startsWith('#')) break;
    const path = trimMarks(word);
    if (path !== '' && path !== 'and') paths.push(path);
  }
  return paths;
}

const MARKS = '`"\'()[]<>*';

function trimMarks(word: string): string {
  return trimSigns(word, MARKS, `${MARKS}:`);
}

/** What stands between two backticks of one line. */
function codeSpans(line: string): readonly string[] {
  return line.split('`').filter((_, at, all) => at % 2 === 1 && at < all.length - 1);
}

const EXTENSION = /\.[A-Za-z][A-Za-z0-9]{0,9}$/;
/**
 * A version, a host or a call is no path, although it has a dot; nor is an address, although it has
 * slashes.
 */
const NO_PATH = /[\s(){}<>|"'`$&;=,*?!]|:\/\/|^[@#-]/;

function looksLikePath(text: string): boolean {
  if (text.length > 400 || NO_PATH.test(text)) return false;
  return EXTENSION.test(text) || /[^/\\][/\\]/.test(text) || /^\.[A-Za-z]/.test(text);
}

function normalise(text: string, { foldCase }: PathOptions): string | undefined {
  if (text.length > 400 || /\p{Cc}/u.test(text)) return undefined;
  const path = text.replaceAll('\\', '/').replace(/(?::\d+){1,2}$/, '');
  if (path.startsWith('/') || path.startsWith('~') || path.includes(':')) return undefined;
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length === 0 || parts.includes('..')) return undefined;
  const file = parts.join('/');
  return foldCase ? file.toLowerCase() : file;
}

import type { Dirent } from 'node:fs';
import { opendir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, posix } from 'node:path';
import type { DocsScan } from '../../core/batch/tool.ts';
import { isWithin } from '../../disk/within.ts';
import { readPlainFile } from '../../disk/plain-file.ts';

/** Limits that keep a daily scan within seconds; `isCut` reports when one was reached. */
const LIMITS = {
  documents: 2_000,
  entries: 50_000,
  bytes: 1024 * 1024,
  allBytes: 32 * 1024 * 1024,
  broken: 500,
};

/** Folders of tools and dependencies; names with a leading dot are skipped too. */
const PASSED_OVER = new Set([
  'node_modules',
  'vendor',
  'dist',
  'build',
  'out',
  'target',
  'coverage',
  '__pycache__',
  'venv',
]);

/**
 * Checks the relative links of every Markdown document below a root. Follows no file system links,
 * and only tests whether a link's target exists. Unreadable files are skipped.
 */
export async function scanDocs(
  root: string,
  signal: AbortSignal,
  limits = LIMITS,
): Promise<DocsScan> {
  const base = await realpath(root);
  const { files, isCut, hasReadme } = await findDocuments(base, signal, limits);
  const [empty, broken]: [string[], DocsScan['broken'][number][]] = [[], []];
  const known = new Map<string, Promise<'there' | 'missing' | 'outside'>>();
  let [read, documents, isCutShort] = [0, 0, isCut];
  for (const file of files) {
    signal.throwIfAborted();
    if (read >= limits.allBytes || broken.length >= limits.broken) {
      isCutShort = true;
      break;
    }
    const part = await readPlainFile(join(base, file), 0, limits.bytes);
    if (part === undefined) continue;
    documents++;
    read += part.bytes.length;
    if (part.size > part.bytes.length) isCutShort = true;
    const text = part.bytes.toString('utf8');
    if (text.trim() === '') empty.push(file);
    for (const { line, target } of linksIn(text)) {
      const path = pathOf(target, file);
      if (path === undefined) continue;
      let state = known.get(path);
      if (state === undefined) known.set(path, (state = lookAt(base, path)));
      const why = await state;
      if (why !== 'there' && broken.length < limits.broken)
        broken.push({ file, line, target, why });
    }
  }
  return { documents, isCut: isCutShort, hasReadme, empty, broken };
}

async function findDocuments(base: string, signal: AbortSignal, limits: typeof LIMITS) {
  const files: string[] = [];
  const folders = [''];
  let [entries, hasReadme, isCut] = [0, false, false];
  for (const folder of folders) {
    signal.throwIfAborted();
    for (const entry of await listFolder(join(base, folder))) {
      if (++entries > limits.entries) return { files: files.sort(), hasReadme, isCut: true };
      if (entry.name.startsWith('.')) continue;
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory() && !PASSED_OVER.has(entry.name)) folders.push(path);
      if (!entry.isFile()) continue;
      if (folder === '' && /^readme(?:\.\w+)?$/i.test(entry.name)) hasReadme = true;
      if (!/\.(?:md|markdown)$/i.test(entry.name)) continue;
      if (files.length < limits.documents) files.push(path);
      else isCut = true;
    }
  }
  return { files: files.sort(), hasReadme, isCut };
}

/** Sorted by name; empty where the folder may not be read. */
async function listFolder(folder: string): Promise<readonly Dirent[]> {
  try {
    const entries: Dirent[] = [];
    for await (const entry of await opendir(folder)) entries.push(entry);
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (error instanceof Error && 'code' in error) return [];
    throw error;
  }
}

const MOST_LINE = 4_000;

/**
 * Inline links, images and definitions outside of code. Lines are parsed one by one, without
 * patterns of quadratic time.
 */
export function linksIn(
  text: string,
): readonly { readonly line: number; readonly target: string }[] {
  const links: { readonly line: number; readonly target: string }[] = [];
  let fence: string | undefined;
  for (const [n, whole] of text.split(/\r\n|\n|\r/).entries()) {
    const line = whole.slice(0, MOST_LINE);
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== undefined) {
      if (mark?.startsWith(fence) === true) fence = undefined;
      continue;
    }
    if (mark !== undefined) {
      fence = mark;
      continue;
    }
    const prose = line.split('`').filter((_, at, all) => at % 2 === 0 || at === all.length - 1).join(' '); // prettier-ignore
    const definition = /^ {0,3}\[[^\]^][^\]]*\]:\s+(\S+)/.exec(prose)?.[1];
    if (definition !== undefined) links.push({ line: n + 1, target: definition });
    for (const piece of prose.split('](').slice(1)) {
      const target = piece.startsWith('<')
        ? /^<([^<>]*)>/.exec(piece)?.[1]
        : /^([^\s()]*(?:\([^\s()]*\)[^\s()]*)*)/.exec(piece)?.[1];
      if (target !== undefined && target !== '') links.push({ line: n + 1, target });
    }
  }
  return links;
}

/** The target path relative to the root; undefined where the link is not to a file. */
function pathOf(target: string, file: string): string | undefined {
  const bare = (target.split(/[#?]/, 1)[0] ?? '').replace(/^<|>$/g, '');
  // A URL, an anchor, or a path on a host.
  if (bare === '' || /^[a-z][a-z0-9+.-]*:/i.test(bare) || bare.startsWith('//')) return undefined;
  let path = bare;
  try {
    path = decodeURIComponent(bare);
  } catch {
    // A stray percent sign is taken literally.
  }
  if (path.includes('\0')) return undefined;
  return path.startsWith('/')
    ? posix.normalize(path.slice(1))
    : posix.join(posix.dirname(file), path);
}

async function lookAt(base: string, path: string): Promise<'there' | 'missing' | 'outside'> {
  if (path === '..' || path.startsWith('../') || isAbsolute(path)) return 'outside';
  try {
    const real = await realpath(join(base, path));
    if (real !== base && !isWithin(base, real)) return 'outside';
    await stat(real);
    return 'there';
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENAMETOOLONG')
      return 'missing';
    if (code === undefined) throw error;
    // The folder is not accessible, so the link may be right.
    return 'there';
  }
}

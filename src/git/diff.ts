import { ok } from '../core/result.ts';
import { git } from './git-command.ts';
import { gitFailure, printed, run, type GitResult } from './git-failure.ts';

/** A file that differs between two commits. Paths are from the top of the repository. */
export interface FileChange {
  readonly path: string;
  /** Where a renamed file was. */
  readonly from: string | undefined;
  readonly kind: 'added' | 'deleted' | 'modified' | 'renamed';
  /** Lines; 0 where it is binary. */
  readonly added: number;
  readonly removed: number;
  readonly isBinary: boolean;
  /** A commit of another repository, and no file. */
  readonly isSubmodule: boolean;
}

/** The files that differ, with the sum of their lines. */
export interface Changes {
  readonly files: readonly FileChange[];
  readonly added: number;
  readonly removed: number;
}

const DIFF = [
  'diff-tree',
  '-r',
  '-z',
  '-M',
  '--raw',
  '--numstat',
  '--no-ext-diff',
  '--no-textconv',
];

/**
 * What differs between two commits, by path. What lies below `leaveOut`, with a slash at its end, is
 * left out.
 */
export async function filesOf(
  cwd: string,
  base: string,
  tip: string,
  leaveOut?: string,
): Promise<GitResult<Changes>> {
  const output = await run(cwd, [...DIFF, '--no-abbrev', base, tip, '--']);
  if (!output.ok) return output;
  const files = parseChanges(output.value).filter(
    ({ path }) => leaveOut === undefined || !path.startsWith(leaveOut),
  );
  const sum = (of: (file: FileChange) => number): number =>
    files.reduce((total, file) => total + of(file), 0);
  return ok({ files, added: sum((file) => file.added), removed: sum((file) => file.removed) });
}

const KINDS: Readonly<Record<string, FileChange['kind']>> = {
  A: 'added',
  C: 'added',
  D: 'deleted',
  R: 'renamed',
};

/** Reads what `git diff-tree -z --raw --numstat` prints. Format: git-diff(1). */
export function parseChanges(output: string): readonly FileChange[] {
  const lines = new Map<string, readonly [added: string, removed: string]>();
  const raw: Omit<FileChange, 'added' | 'removed' | 'isBinary'>[] = [];
  const records = output.split('\0').values();
  const next = (): string => records.next().value ?? '';
  for (const record of records) {
    if (record.startsWith(':')) {
      const [before = '', after, , , status = ''] = record.slice(1).split(' ');
      const isMoved = status.startsWith('R') || status.startsWith('C');
      const from = isMoved ? next() : undefined;
      const isSubmodule = [before, after].includes('160000');
      const kind = KINDS[status.charAt(0)] ?? 'modified';
      raw.push({ path: next(), from: kind === 'renamed' ? from : undefined, kind, isSubmodule });
      continue;
    }
    const [added, removed, ...rest] = record.split('\t');
    if (added === undefined || removed === undefined) continue;
    const path = rest.join('\t');
    // Of a renamed file, both names follow in records of their own.
    if (path === '') next();
    lines.set(path === '' ? next() : path, [added, removed]);
  }
  return raw.map((file) => {
    const [added = '0', removed = '0'] = lines.get(file.path) ?? [];
    const isBinary = added === '-';
    return isBinary
      ? { ...file, added: 0, removed: 0, isBinary }
      : { ...file, added: Number(added), removed: Number(removed), isBinary };
  });
}

/** A file of a commit as it is stored; its bytes for a document of a review. */
export type ShownFile =
  | { readonly kind: 'file'; readonly bytes: Buffer }
  /** There is no such file in the commit. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'submodule'; readonly commit: string }
  | { readonly kind: 'tooLarge'; readonly bytes: number };

/** Larger files are not shown; bytes. */
const MOST_SHOWN = 8 * 1024 * 1024;

/** A file of a commit, by its path from the top of the repository. */
export async function showFile(
  cwd: string,
  commit: string,
  path: string,
): Promise<GitResult<ShownFile>> {
  const entry = await run(cwd, ['ls-tree', '-z', '-l', '--full-tree', '--', commit, path]);
  if (!entry.ok) return entry;
  const [, type, oid, size] =
    /^\d{1,6} ([a-z]{1,10}) ([0-9a-f]{40,64}) +(\d{1,15}|-)\t/.exec(entry.value) ?? [];
  if (type === 'commit' && oid !== undefined) return ok({ kind: 'submodule', commit: oid });
  if (type !== 'blob' || oid === undefined) return ok({ kind: 'absent' });
  if (Number(size) > MOST_SHOWN) return ok({ kind: 'tooLarge', bytes: Number(size) });
  const args = ['cat-file', 'blob', oid];
  const answer = await git(cwd, args, { encoding: 'latin1' });
  if (answer.kind === 'ok')
    return ok({ kind: 'file', bytes: Buffer.from(answer.stdout, 'latin1') });
  const failed = printed(answer, args);
  return failed.ok ? gitFailure('refused', 'Git printed nothing.') : failed;
}

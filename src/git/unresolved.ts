import { ok } from '../core/result.ts';
import { parts, type GitResult } from './git-failure.ts';
import type { Staged } from './stage.ts';
import { runIn, type WorkTree } from './work-tree.ts';

/** The beginning of what Git writes around both sides of a conflict. */
const MARKER = '^<<<<<<< ';

/**
 * The files of a half-done merge whose conflict the agent has left: marks of the conflict are still
 * in it, or it is as one of both sides had it and was not added.
 */
export async function unresolvedFiles(
  work: WorkTree,
  staged: Staged,
): Promise<GitResult<readonly string[]>> {
  const listed = await runIn(work, ['ls-files', '--unmerged', '-z']);
  if (!listed.ok || listed.value === '') return listed.ok ? ok([]) : listed;
  const env = { GIT_INDEX_FILE: staged.index };
  const now = await runIn(work, ['ls-files', '--stage', '-z'], { env });
  if (!now.ok) return now;
  const marked = await runIn(work, ['grep', '--cached', '-I', '-l', '-z', '-e', MARKER], { env });
  // Exit code 1 with no output: no such line.
  const withMarks = new Set(marked.ok ? parts(marked.value) : []);
  const current = new Map(entriesOf(now.value).map(({ path, oid }) => [path, oid]));
  const files = entriesOf(listed.value)
    .filter(
      ({ path, oid, stage }) => withMarks.has(path) || (stage > 1 && current.get(path) === oid),
    )
    .map(({ path }) => path);
  return ok([...new Set(files)].sort());
}

interface Entry {
  readonly path: string;
  readonly oid: string;
  /** 0, or 1 to 3 in a conflict: the base, ours, theirs. */
  readonly stage: number;
}

function entriesOf(output: string): readonly Entry[] {
  return parts(output).map((record) => {
    const tab = record.indexOf('\t');
    const [, oid = '', stage] = record.slice(0, tab).split(' ');
    return { path: record.slice(tab + 1), oid, stage: Number(stage) };
  });
}

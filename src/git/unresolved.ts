import { ok } from '../core/result.ts';
import { tipOf } from './branch-home.ts';
import { gitFailure, parts, run, type GitResult } from './git-failure.ts';
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

/**
 * The files in which a commit has marks of a conflict with a branch: they were added, or committed,
 * with the marks in them.
 */
export async function markedFiles(
  top: string,
  branch: string,
  commit: string,
): Promise<GitResult<readonly string[]>> {
  const tip = await tipOf(top, branch);
  if (!tip.ok) return gitFailure('refused', `The branch ${branch} is gone.`);
  // Git names the other side behind the last mark.
  const mark = `-G^>>>>>>>+ .*${branch}[[:space:]]*$`;
  const plain = ['--no-ext-diff', '--no-textconv', '--no-renames'];
  const args = ['diff', '--name-only', '-z', ...plain, mark, `${tip.value}...${commit}`];
  const found = await run(top, [...args, '--']);
  return found.ok ? ok(parts(found.value)) : found;
}

/**
 * Writes the files in conflict of a work tree that was deleted, as one side has them: like that they
 * are still in conflict, and no file seems to be deleted.
 */
export async function bringBackUnmerged(work: WorkTree): Promise<GitResult<string>> {
  const listed = await runIn(work, ['ls-files', '--unmerged', '-z'], { encoding: 'latin1' });
  if (!listed.ok) return listed;
  const entries = entriesOf(listed.value);
  const ours = new Set(entries.filter(({ stage }) => stage === 2).map(({ path }) => path));
  for (const wanted of [2, 3]) {
    const isWanted = ({ path, stage }: Entry): boolean =>
      stage === wanted && (stage === 2 || !ours.has(path));
    const names = entries.filter(isWanted).map(({ path }) => `${path}\0`);
    const args = ['checkout-index', '--quiet', `--stage=${wanted}`, '-z', '--stdin'];
    const written = await runIn(work, args, { input: Buffer.from(names.join(''), 'latin1') });
    if (!written.ok) return written;
  }
  return ok('');
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

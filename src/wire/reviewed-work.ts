import type { Failure } from '../core/failure.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { TaskChanges } from '../core/run/isolation.ts';
import type { Review, WorkPart } from '../core/run/review.ts';
import { evidenceOf, type RunState } from '../core/run/run-events.ts';
import { sentBackIn } from '../core/run/send-back.ts';
import type { TaskId } from '../core/task.ts';
import { tipOf } from '../git/branch-home.ts';
import { holds, run as runGit } from '../git/git-failure.ts';
import type { Repository } from '../git/repository.ts';
import { recordOf } from '../git/worktree-records.ts';
import { lineOf } from './earlier-runs.ts';
import { isGoneOnWith } from './gone-on.ts';
import { NO_WORKTREE, ownerOf } from './run-place.ts';

const NO_BRANCH = 'This run has no branch any more.';

export function failed({ detail }: { readonly detail: string }): Result<never, Failure> {
  return fail({ kind: 'isolation', detail });
}

/** The commits that stand for the work on a task, or for what a wave or a run has merged. */
export async function rangeOf(
  repository: Repository,
  run: RunState,
  all: readonly RunState[],
  part: WorkPart | undefined,
): Promise<Result<Omit<Review, 'files'>, Failure>> {
  const { top } = repository;
  const isTask = typeof part === 'string';
  const whole = isTask ? await workOn(repository, run, part) : await mergedBy(repository, run);
  if (whole === undefined) return failed({ detail: isTask ? NO_WORKTREE : NO_BRANCH });
  const ofPart = isTask || part === undefined ? ok(whole) : await mergedIn(top, run, whole, part);
  if (!ofPart.ok) return ofPart;
  const { branch, base } = ofPart.value;
  const isOpen = isTask && !(await isGoneOnWith(repository, run, part));
  const commit = isOpen ? await latestOf(top, ofPart.value) : ofPart.value.commit;
  const { target } = run.options.isolation ?? {};
  const line = lineOf(run, all);
  const first = line.at(-1)?.options.isolation?.base ?? base;
  const comes = await commitsOf(top, commit, [
    first,
    ...(target === undefined ? [] : [`refs/heads/${target}`]),
  ]);
  if (!comes.ok) return comes;
  const tasks = tasksOf(line, all, (each) => comes.value.has(each));
  return ok({ top, branch, base, commit, tasks });
}

type Range = Pick<TaskChanges, 'branch' | 'base' | 'commit'>;

/**
 * From before the first merge of a wave to after its last one. There is no such state where work of
 * another wave was merged in between, as after a conflict that was resolved late.
 */
async function mergedIn(
  top: string,
  { tasks }: RunState,
  { branch, base }: Range,
  { wave }: { readonly wave: number },
): Promise<Result<Range, Failure>> {
  const merges = await mergesOf(top, branch, base);
  if (!merges.ok) return merges;
  const waveOf = new Map(
    [...tasks.values()].map((task) => [evidenceOf(task.outcome)?.changes?.commit, task.wave]),
  );
  const isOfWave = ({ work }: RunMerge): boolean => waveOf.get(work) === wave;
  const first = merges.value.findIndex(isOfWave);
  const last = merges.value.findLastIndex(isOfWave);
  const [from, to] = [merges.value[first], merges.value[last]];
  if (from === undefined || to === undefined) return failed({ detail: NOTHING_MERGED });
  if (!merges.value.slice(first, last).every(isOfWave)) return failed({ detail: INTERLEAVED });
  return ok({ branch, base: from.before, commit: to.commit });
}

const NOTHING_MERGED = 'Nothing of this wave is merged into the run.';
const INTERLEAVED =
  'Work of other waves was merged in between, so this wave cannot be taken by itself. Choose a task or the run.';

/** What an agent did, and what the user has committed on top of it in its worktree. */
async function workOn(
  { top, commonDir }: Repository,
  run: RunState,
  id: TaskId,
): Promise<Range | undefined> {
  const changes = evidenceOf(run.tasks.get(id)?.outcome)?.changes;
  const record = changes && (await recordOf(commonDir, ownerOf(run.runId, id)));
  const tip = record && (await tipOf(top, record.branch));
  if (tip?.ok !== true || changes === undefined || tip.value === changes.commit) return changes;
  const { branch, base, commit } = changes;
  const isOnTop = await isAncestor(top, commit, tip.value);
  if (!isOnTop) return changes;
  // Where the target was merged into it, its commits are none of the work.
  const target = run.options.isolation?.target;
  const fork = await runGit(top, ['merge-base', `refs/heads/${target ?? branch}`, tip.value]);
  const isMerged = fork.ok && fork.value !== tip.value && (await isAncestor(top, base, fork.value));
  return { branch, base: isMerged ? fork.value : base, commit: tip.value };
}

/** A commit of the branch of a run that brought in the work of a task. */
interface RunMerge {
  readonly commit: string;
  /** The state of the run before it, and the last commit of the work. */
  readonly before: string;
  readonly work: string;
}

/** What a run has merged since `base`, in order. */
export async function mergesOf(
  top: string,
  branch: string,
  base: string,
): Promise<Result<readonly RunMerge[], Failure>> {
  const args = ['rev-list', '--first-parent', '--parents', '--reverse', `refs/heads/${branch}`];
  const listed = await runGit(top, [...args, `^${base}`, '--']);
  if (!listed.ok) return failed(listed.failure);
  return ok(
    listed.value.split('\n').flatMap((line) => {
      const [commit, before, work] = line.split(' ');
      return commit === undefined || before === undefined || work === undefined
        ? []
        : [{ commit, before, work }];
    }),
  );
}

async function isAncestor(top: string, older: string, newer: string): Promise<boolean> {
  const found = await holds(top, ['merge-base', '--is-ancestor', older, newer]);
  return found.ok && found.value;
}

export async function mergedBy(
  { top, commonDir }: Repository,
  { runId, options }: RunState,
): Promise<Range | undefined> {
  const record = await recordOf(commonDir, ownerOf(runId));
  const tip = record && (await tipOf(top, record.branch));
  if (record === undefined || tip?.ok !== true || options.isolation === undefined) return undefined;
  return { branch: record.branch, base: options.isolation.base, commit: tip.value };
}

/** The commits that one has and others have not; a branch that is gone has none. */
export async function commitsOf(
  top: string,
  tip: string,
  without: readonly string[],
): Promise<Result<ReadonlySet<string>, Failure>> {
  const args = ['rev-list', '--ignore-missing', tip, ...without.map((each) => `^${each}`), '--'];
  const listed = await runGit(top, args);
  return listed.ok ? ok(new Set(listed.value.split('\n'))) : failed(listed.failure);
}

/** The tasks of these runs that succeeded with such a commit, and were not sent back since. */
export function tasksOf(
  runs: readonly RunState[],
  all: readonly RunState[],
  has: (commit: string) => boolean,
): readonly TaskId[] {
  const ids = runs.flatMap(({ runId, tasks }) =>
    [...tasks.values()].flatMap(({ id, outcome }) => {
      const changes = outcome?.kind === 'failed' ? undefined : evidenceOf(outcome)?.changes;
      if (changes === undefined || !has(changes.commit)) return [];
      return sentBackIn(all, runId, id) === undefined ? [id] : [];
    }),
  );
  return [...new Set(ids)];
}

/** The tip of the branch of a task, where a person went on from what its agent had left. */
async function latestOf(
  top: string,
  { branch, commit }: Pick<TaskChanges, 'branch' | 'commit'>,
): Promise<string> {
  if (!(await isIn(top, commit, branch))) return commit;
  const tip = await tipOf(top, branch);
  return tip.ok ? tip.value : commit;
}

async function isIn(top: string, commit: string, branch: string): Promise<boolean> {
  const found = await holds(top, ['merge-base', '--is-ancestor', commit, `refs/heads/${branch}`]);
  return found.ok && found.value;
}

import type { Failure } from '../core/failure.ts';
import { ok, type Result } from '../core/result.ts';
import {
  pullRequestBody,
  pullRequestTitle,
  type PullRequest,
  type PullRequestPlan,
  type PullRequests,
} from '../core/run/pull-request.ts';
import type { RunState } from '../core/run/run-events.ts';
import type { TaskId } from '../core/task.ts';
import { oneLine } from '../core/text.ts';
import { tipOf } from '../git/branch-home.ts';
import { run as runGit } from '../git/git-failure.ts';
import { gh, lastUrl, whyNoGh } from '../git/github-cli.ts';
import { pushBranch, remoteOf } from '../git/push-branch.ts';
import { inspectRepository } from '../git/repository.ts';
import { failed, rangeOf } from './reviewed-work.ts';

export interface PullRequestParts {
  /** The folder of the backlog. */
  readonly root: string;
  readonly runs: () => readonly RunState[];
  readonly titleOf: (id: TaskId) => string;
}

/** Pull requests by Git and the GitHub CLI; see `PullRequests`. */
export function pullRequestsOf(parts: PullRequestParts): PullRequests {
  return {
    plan: (run, id) => plan(parts, run, id),
    push: async ({ top, remote, branch, commit }) => {
      const pushed = await pushBranch({ top, remote, branch, commit });
      return pushed.ok ? pushed : failed(pushed.failure);
    },
    create,
  };
}

async function plan(
  { root, runs, titleOf }: PullRequestParts,
  run: RunState,
  id: TaskId | undefined,
): Promise<Result<PullRequestPlan, Failure>> {
  const target = run.options.isolation?.target;
  if (target === undefined) return failed({ detail: NO_TARGET });
  const inspected = await inspectRepository(root, { whileUnderWay: true });
  if (inspected.kind === 'unusable') return failed(inspected);
  const { repository } = inspected;
  const range = await rangeOf(repository, run, runs(), id);
  if (!range.ok) return range;
  const { top, branch, commit, tasks } = range.value;
  const tip = await tipOf(top, branch);
  if (!tip.ok || tip.value !== commit) return failed({ detail: `The branch ${branch} is gone.` });
  const remote = await remoteOf(top, target);
  if (!remote.ok) return failed(remote.failure);
  const counted = await runGit(top, ['rev-list', '--count', commit, `^refs/heads/${target}`, '--']);
  if (!counted.ok) return failed(counted.failure);
  if (counted.value === '0') return failed({ detail: `${target} has all of it already.` });
  return ok({
    ...{ top, branch, commit, target, commits: Number(counted.value) },
    ...{ remote: remote.value.name, url: remote.value.url },
    title: pullRequestTitle(id === undefined ? run.title : titleOf(id)),
    body: pullRequestBody(run, id === undefined ? tasks : [...new Set([id, ...tasks])], titleOf),
    whyNoCli: await whyNoGh(top),
  });
}

const NO_TARGET = 'The run was started with a detached HEAD, so there is no branch to merge into.';

async function create(request: PullRequestPlan): Promise<Result<PullRequest, Failure>> {
  const { top, title, body, target, branch } = request;
  const flags = [`--title=${title}`, '--body-file=-', `--base=${target}`, `--head=${branch}`];
  const made = await gh(top, ['pr', 'create', ...flags], body);
  if (made.kind === 'missing') return failed({ detail: 'The GitHub CLI (gh) was not found.' });
  const isThere = made.kind === 'failed' && / already exists:\n/.test(made.detail);
  const url = made.kind === 'ok' ? lastUrl(made.stdout) : isThere && lastUrl(made.detail);
  if (typeof url === 'string') return ok({ kind: isThere ? 'exists' : 'created', url });
  const said = made.kind === 'ok' ? 'It printed no address of a pull request.' : made.detail;
  return failed({ detail: `${branch} was pushed, but gh made no pull request. ${oneLine(said)}` });
}

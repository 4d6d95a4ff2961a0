import type { Failure } from '../failure.ts';
import { code, fenced, inline, paragraphs } from '../markdown.ts';
import type { Result } from '../result.ts';
import type { TaskId } from '../task.ts';
import { cut, oneLine } from '../text.ts';
import { changesWords } from './isolation.ts';
import { evidenceOf, type RunState } from './run-events.ts';
import { verifyWords } from './run-messages.ts';

/** What a pull request would be made of; nothing is pushed or made before the user has agreed. */
export interface PullRequestPlan {
  /** The top of the repository, absolute. */
  readonly top: string;
  readonly remote: string;
  /** Where its pushes go, without a password. */
  readonly url: string;
  /** The branch that is pushed under its own name, and the commit that it is at. */
  readonly branch: string;
  readonly commit: string;
  /** How many commits of it the target has not. */
  readonly commits: number;
  /** The branch that it is to be merged into. */
  readonly target: string;
  readonly title: string;
  /** Markdown. */
  readonly body: string;
  /** Undefined where the GitHub CLI can make it; else why it cannot, a plain sentence. */
  readonly whyNoCli: string | undefined;
}

/** `exists`: there is one for the branch already, which has the commits now. */
export interface PullRequest {
  readonly kind: 'created' | 'exists';
  /** An https address. */
  readonly url: string;
}

/** Makes pull requests of the work of isolated runs. Fails with `isolation`. */
export interface PullRequests {
  /** `id` undefined means all that a run has merged. Changes nothing. */
  plan(run: RunState, id: TaskId | undefined): Promise<Result<PullRequestPlan, Failure>>;
  /** Pushes the branch, if it is still at the commit that the user was shown; never by force. */
  push(plan: PullRequestPlan): Promise<Result<undefined, Failure>>;
  /** Makes one of a branch that was pushed. */
  create(plan: PullRequestPlan): Promise<Result<PullRequest, Failure>>;
}

/** GitHub takes 65,536 characters. */
const MOST_BODY = 60_000;
const MOST_SUMMARY = 8_000;
const MOST_TITLE = 200;

export function pullRequestTitle(text: string): string {
  return cut(oneLine(text), MOST_TITLE);
}

/**
 * What tasks did, in markdown for a page that everybody may read: no log, session or path of this
 * computer. Texts of the backlog and of agents are inert; they mention nobody and close nothing.
 */
export function pullRequestBody(
  { runId, tasks }: RunState,
  ids: readonly TaskId[],
  titleOf: (id: TaskId) => string,
): string {
  const parts = ids.map((id) => {
    const evidence = evidenceOf(tasks.get(id)?.outcome);
    const facts = [
      ...(evidence?.changes === undefined
        ? []
        : [`- Changed: ${inline(changesWords(evidence.changes))}`]),
      ...(evidence?.verify === undefined
        ? []
        : [`- Verify: ${code(verifyWords(evidence.verify))}`]),
    ];
    const said = evidence?.summary?.trim() ?? '';
    return paragraphs(
      `### ${code(id)}`,
      code(titleOf(id)),
      facts.join('\n'),
      said === '' ? '' : `What the agent said last:\n\n${fenced(cut(said, MOST_SUMMARY), 'text')}`,
    );
  });
  const trailer = `Made by Todo2 Waves from the run ${inline(runId)}.`;
  const shown: string[] = [];
  let left = MOST_BODY - trailer.length;
  for (const part of parts) {
    left -= part.length + 2;
    // Whole parts alone, so that no fence stays open.
    if (left < 100) break;
    shown.push(part);
  }
  const more = parts.length - shown.length;
  return paragraphs(...shown, more === 0 ? '' : `And ${more} more.`, trailer);
}

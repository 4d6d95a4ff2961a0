import { ok } from '../core/result.ts';
import { gitFailure, run, type GitResult } from './git-failure.ts';
import { BRANCHES } from './names.ts';

/**
 * A repository elsewhere; `url` is where pushes go, several places with “and” between them, without
 * what proves who the user is.
 */
export interface Remote {
  readonly name: string;
  readonly url: string;
}

/** The remote that a branch of the user's is pulled from, else `origin`, else the only one. */
export async function remoteOf(top: string, branch: string): Promise<GitResult<Remote>> {
  const listed = await run(top, ['remote']);
  if (!listed.ok) return listed;
  const names = listed.value.split('\n').filter((name) => /^[^-\s]/.test(name));
  const configured = await run(top, ['config', '--get', `branch.${branch}.remote`]);
  const wanted = configured.ok && names.includes(configured.value) ? configured.value : undefined;
  const name = wanted ?? (names.includes('origin') || names.length !== 1 ? 'origin' : names[0]);
  if (name === undefined || !names.includes(name))
    return gitFailure('refused', `No remote of ${branch} is known, and none is called origin.`);
  const urls = await run(top, ['remote', 'get-url', '--push', '--all', name]);
  return urls.ok ? ok({ name, url: withoutSecrets(urls.value.split('\n').join(' and ')) }) : urls;
}

/**
 * A text with its `https://user:token@host/path?query` without user, token, which may have an `@`,
 * and query.
 */
function withoutSecrets(text: string): string {
  return text
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^/\s'"]*@/gi, '$1')
    .replace(/(:\/\/[^\s'"?#]*)[?#][^\s'"]*/g, '$1');
}

export interface PushBranch {
  readonly top: string;
  readonly remote: string;
  /** One of ours, without `refs/heads/`. */
  readonly branch: string;
  /** Where it has to be. */
  readonly commit: string;
}

/**
 * Pushes one branch of ours under its own name and nothing else: no tag, no submodule, and never by
 * force. The user's `pre-push` hook runs: it is the user's check, and Git LFS sends its files by it.
 */
export async function pushBranch(request: PushBranch): Promise<GitResult<undefined>> {
  const { top, remote, branch, commit } = request;
  if (!branch.startsWith(BRANCHES) || remote.startsWith('-'))
    throw new Error(`Internal error: ${branch} is not pushed to ${remote}`);
  const ref = `refs/heads/${branch}`;
  const tip = await run(top, ['rev-parse', '--quiet', '--verify', `${ref}^{commit}`]);
  if (!tip.ok) return gitFailure('refused', `The branch ${branch} is gone.`);
  if (tip.value !== commit)
    return gitFailure('refused', `The branch ${branch} has changed meanwhile. Nothing was pushed.`);
  // The commit by its name, so that what moves the branch in between pushes nothing else.
  const what = ['--no-follow-tags', '--recurse-submodules=no', '--', remote, `${commit}:${ref}`];
  const pushed = await run(top, ['push', '--quiet', ...what], { withHooks: true });
  if (pushed.ok) return ok(undefined);
  // A hook of the user's, and Git of an address that it cannot read, may say it.
  const { cause, detail } = pushed.failure;
  return gitFailure(cause, withoutSecrets(detail));
}

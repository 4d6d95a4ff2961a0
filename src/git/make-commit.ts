import { run, type GitResult } from './git-failure.ts';

export interface NewCommit {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly message: string;
  /** Each a line `Name: value` at the end of the message. */
  readonly trailers?: Readonly<Record<string, string>>;
}

const FALLBACK_NAME = 'Todo2 Waves';
const FALLBACK_EMAIL = 'todo2-waves@localhost';

/**
 * Makes a commit object, by the author of Git's configuration or, where none is configured, in the
 * name of the extension. Moves no branch; answers its id.
 */
export async function makeCommit(
  cwd: string,
  { tree, parents, message, trailers = {} }: NewCommit,
): Promise<GitResult<string>> {
  const args = ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent]), '-F', '-'];
  return run(cwd, args, {
    input: `${messageWith(message, trailers)}\n`,
    env: await identity(cwd),
  });
}

/** The message with its trailers as a last paragraph. No value can begin a line of its own. */
export function messageWith(message: string, trailers: Readonly<Record<string, string>>): string {
  // A zero byte would end the message for Git.
  const text = message.replaceAll('\0', '').trim() || 'Work of an agent';
  const lines = Object.entries(trailers).map(
    ([name, value]) => `${name}: ${value.replace(/[\0\s]+/g, ' ').trim()}`,
  );
  return lines.length === 0 ? text : `${text}\n\n${lines.join('\n')}`;
}

async function identity(cwd: string): Promise<Readonly<Record<string, string>>> {
  const env: Record<string, string> = {};
  for (const [key, field, fallback] of [
    ['user.name', 'NAME', FALLBACK_NAME],
    ['user.email', 'EMAIL', FALLBACK_EMAIL],
  ] as const) {
    const isSet = (await run(cwd, ['config', '--get', key])).ok;
    for (const role of ['AUTHOR', 'COMMITTER']) {
      const ownKey = `${role.toLowerCase()}.${field.toLowerCase()}`;
      const name = `GIT_${role}_${field}`;
      if (isSet || process.env[name] !== undefined) continue;
      if (!(await run(cwd, ['config', '--get', ownKey])).ok) env[name] = fallback;
    }
  }
  return env;
}

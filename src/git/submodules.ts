import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { oneLine } from '../core/text.ts';
import { parts, run } from './git-failure.ts';
import type { Repository } from './repository.ts';

/**
 * Fills the submodules of a new worktree from what the repository already has of them, without a
 * network. Answers which stay empty, in a plain sentence each.
 */
export async function bringSubmodules(
  { top, commonDir }: Pick<Repository, 'top' | 'commonDir'>,
  folder: string,
): Promise<readonly string[]> {
  if (!existsSync(join(folder, '.gitmodules'))) return [];
  const remarks: string[] = [];
  for (const { name, path } of await submodulesOf(folder)) {
    // A `.gitmodules` may hold any text; Git itself refuses such names, too.
    const isPlain = !name.split(/[\\/]/).includes('..') && !name.startsWith('-');
    const store = join(commonDir, 'modules', name);
    const url = isPlain ? await run(top, ['config', '--get', `submodule.${name}.url`]) : undefined;
    // Where the user has not asked for it, there is nothing to bring.
    if (url?.ok !== true || !existsSync(join(store, 'HEAD'))) {
      remarks.push(`The submodule ${oneLine(path)} stays empty: it is not on this computer.`);
      continue;
    }
    const env = {
      // In the environment, since a name may hold any sign.
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: `submodule.${name}.url`,
      GIT_CONFIG_VALUE_0: store,
      GIT_ALLOW_PROTOCOL: 'file',
    };
    const updated = await run(folder, ['submodule', 'update', '--quiet', '--', path], { env });
    const inside = join(folder, path);
    if (updated.ok && existsSync(join(inside, '.git')))
      await run(inside, ['config', 'remote.origin.url', url.value]);
    else
      remarks.push(
        `The submodule ${oneLine(path)} stays empty: its commit is not on this computer.`,
      );
  }
  return remarks;
}

async function submodulesOf(
  folder: string,
): Promise<readonly { readonly name: string; readonly path: string }[]> {
  const args = ['config', '-z', '--file', '.gitmodules', '--get-regexp', '^submodule\\..*\\.path$'];
  const listed = await run(folder, args);
  if (!listed.ok) return [];
  return parts(listed.value).flatMap((entry) => {
    const at = entry.indexOf('\n');
    const name = entry.slice('submodule.'.length, at - '.path'.length);
    return at < 0 ? [] : [{ name, path: entry.slice(at + 1) }];
  });
}

import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkspaceText } from '../../core/batch/tool.ts';
import { isWithin } from './locate.ts';
import { readPlainFile } from './plain-file.ts';

/** Where goals may be; the first that exists counts. exarp-go reads the first one. */
const GOALS = ['PROJECT_GOALS.md', 'docs/PROJECT_GOALS.md', 'GOALS.md', 'docs/GOALS.md'];

const PLANS = '.cursor/plans';
const MOST_PLANS = 50;
const MOST_BYTES = 4 * 1024 * 1024;

/** The goals of a project; undefined where it has none. */
export async function readGoals(root: string): Promise<WorkspaceText | undefined> {
  for (const file of GOALS) {
    const text = await readWithin(root, file);
    if (text !== undefined) return { file, text };
  }
  return undefined;
}

/** The plan documents below the root, by name, fifty at most. */
export async function readPlans(root: string): Promise<readonly WorkspaceText[]> {
  const names = await listNames(root, PLANS);
  const plans = names.filter((name) => name.endsWith('.plan.md')).sort().slice(0, MOST_PLANS); // prettier-ignore
  const texts: WorkspaceText[] = [];
  for (const name of plans) {
    const file = `${PLANS}/${name}`;
    const text = await readWithin(root, file);
    if (text !== undefined) texts.push({ file, text });
  }
  return texts;
}

/**
 * The first `most` bytes of a file as text; undefined where it does not exist, or where a link
 * leads out of the root.
 */
export async function readWithin(
  root: string,
  file: string,
  most = MOST_BYTES,
): Promise<string | undefined> {
  try {
    const real = await realWithin(root, file);
    return real === undefined
      ? undefined
      : (await readPlainFile(real, 0, most))?.bytes.toString('utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

/**
 * The names in a folder below the root; none where it does not exist, or where a link leads out of
 * the root.
 */
export async function listNames(root: string, folder: string): Promise<readonly string[]> {
  try {
    const real = await realWithin(root, folder);
    return real === undefined ? [] : await readdir(real);
  } catch (error) {
    if (error instanceof Error && 'code' in error) return [];
    throw error;
  }
}

async function realWithin(root: string, path: string): Promise<string | undefined> {
  const [base, real] = await Promise.all([
    realpath(root),
    realpath(join(root, ...path.split('/'))),
  ]);
  return real === base || isWithin(base, real) ? real : undefined;
}

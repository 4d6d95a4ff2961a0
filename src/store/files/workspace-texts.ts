import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkspaceText } from '../../core/batch/tool.ts';
import { isWithin } from '../../disk/within.ts';
import { readPlainFile } from '../../disk/plain-file.ts';

/** Where goals may be; the first that exists counts. exarp-go reads the first one. */
const GOALS = ['PROJECT_GOALS.md', 'docs/PROJECT_GOALS.md', 'GOALS.md', 'docs/GOALS.md'];

const PLANS = '.cursor/plans';
const MOST_PLANS = 50;
const MOST_BYTES = 4 * 1024 * 1024;

/** The goals of a project; undefined where it has none. */
export async function readGoals(root: string): Promise<WorkspaceText | undefined> {
  for (const file of GOALS) {
    const [goals] = await readTexts(root, [file]);
    if (goals !== undefined) return goals;
  }
  return undefined;
}

/** The plan documents below the root, by name, fifty at most. */
export async function readPlans(root: string): Promise<readonly WorkspaceText[]> {
  const names = await listNames(root, PLANS);
  const plans = names.filter((name) => name.endsWith('.plan.md')).sort().slice(0, MOST_PLANS); // prettier-ignore
  return readTexts(
    root,
    plans.map((name) => `${PLANS}/${name}`),
  );
}

/**
 * The first `most` bytes of these files as text; without those that do not exist, or where a link
 * leads out of the root.
 */
export async function readTexts(
  root: string,
  files: readonly string[],
  most = MOST_BYTES,
): Promise<readonly WorkspaceText[]> {
  const texts: WorkspaceText[] = [];
  for (const file of files) {
    const real = await realWithin(root, file);
    const part = real === undefined ? undefined : await readPlainFile(real, 0, most);
    if (part !== undefined) texts.push({ file, text: part.bytes.toString('utf8') });
  }
  return texts;
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
  try {
    const [base, real] = await Promise.all([
      realpath(root),
      realpath(join(root, ...path.split('/'))),
    ]);
    return real === base || isWithin(base, real) ? real : undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

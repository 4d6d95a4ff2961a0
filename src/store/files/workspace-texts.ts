import { readdir, realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import type { WorkspaceText } from '../../core/batch/tool.ts';
import { readPlainFile } from './plain-file.ts';

/** Where goals are looked for, the first that is there counts; exarp-go has the first of them. */
const GOALS = ['PROJECT_GOALS.md', 'docs/PROJECT_GOALS.md', 'GOALS.md', 'docs/GOALS.md'];

const PLANS = '.cursor/plans';
const MOST_PLANS = 50;
const MOST_BYTES = 4 * 1024 * 1024;

/** The file in which a project says what it is for; undefined where there is none. */
export async function readGoals(root: string): Promise<WorkspaceText | undefined> {
  for (const file of GOALS) {
    const text = await readWithin(root, file);
    if (text !== undefined) return { file, text };
  }
  return undefined;
}

/** Every plan document below the root, in the order of names, fifty at most. */
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

/** The text of a file, its first `most` bytes; undefined where there is none, or where a link on the way leads out of the root. */
export async function readWithin(root: string, file: string, most = MOST_BYTES): Promise<string | undefined> {
  try {
    const real = await realWithin(root, file);
    return real === undefined ? undefined : (await readPlainFile(real, 0, most))?.bytes.toString('utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

/** What is in a folder below the root; nothing where there is none, or where a link on the way leads out of the root. */
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
  const [base, real] = await Promise.all([realpath(root), realpath(join(root, ...path.split('/')))]);
  const way = relative(base, real);
  return way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way) ? undefined : real;
}

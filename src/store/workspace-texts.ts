import { readdir, realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import type { WorkspaceText } from '../core/batch/tool.ts';
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
  const names = await listNames(join(root, ...PLANS.split('/')));
  const plans = names.filter((name) => name.endsWith('.plan.md')).sort().slice(0, MOST_PLANS); // prettier-ignore
  const texts: WorkspaceText[] = [];
  for (const name of plans) {
    const file = `${PLANS}/${name}`;
    const text = await readWithin(root, file);
    if (text !== undefined) texts.push({ file, text });
  }
  return texts;
}

/** The text of a file, its first four megabytes; undefined where there is none, or where a link on the way leads out of the root. */
async function readWithin(root: string, file: string): Promise<string | undefined> {
  try {
    const [base, real] = await Promise.all([realpath(root), realpath(join(root, ...file.split('/')))]);
    const way = relative(base, real);
    if (way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)) return undefined;
    return (await readPlainFile(real, 0, MOST_BYTES))?.bytes.toString('utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

async function listNames(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error) return [];
    throw error;
  }
}

import type { WorkspaceText } from '../../core/batch/tool.ts';
import { listNames, readTexts } from './workspace-texts.ts';

const FOLDER = '.exarp/workflows';
const MOST_FILES = 50;

/** In bytes; a batch written by hand is shorter. */
const MOST_BYTES = 32 * 1024;

/**
 * The custom batches below a root, by name. Files that are too long or too many are listed as
 * unread; a link that leads out of the root is skipped.
 */
export async function readWorkflows(
  root: string,
): Promise<{ readonly texts: readonly WorkspaceText[]; readonly unread: readonly string[] }> {
  const names = (await listNames(root, FOLDER))
    .filter((name) => /^[^.].*\.ya?ml$/i.test(name))
    .sort();
  const files = names.map((name) => `${FOLDER}/${name}`);
  // One more byte tells that a file is longer.
  const read = await readTexts(root, files.slice(0, MOST_FILES), MOST_BYTES + 1);
  const isTooLong = ({ text }: WorkspaceText): boolean => Buffer.byteLength(text) > MOST_BYTES;
  const texts = read.filter((each) => !isTooLong(each));
  const unread = [...files.slice(MOST_FILES), ...read.filter(isTooLong).map(({ file }) => file)];
  return { texts, unread };
}

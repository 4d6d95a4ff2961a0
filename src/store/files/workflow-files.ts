import type { WorkspaceText } from '../../core/batch/tool.ts';
import { listNames, readWithin } from './workspace-texts.ts';

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
  const texts: WorkspaceText[] = [];
  const unread = files.slice(MOST_FILES);
  for (const file of files.slice(0, MOST_FILES)) {
    // One more byte tells that the file is longer.
    const text = await readWithin(root, file, MOST_BYTES + 1);
    if (text === undefined) continue;
    if (Buffer.byteLength(text) > MOST_BYTES) unread.push(file);
    else texts.push({ file, text });
  }
  return { texts, unread };
}

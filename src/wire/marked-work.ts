import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { endOrphan } from '../agent-process/process-tree.ts';
import { WorkLog } from '../agent-process/work-log.ts';
import { readPlainFile } from '../disk/plain-file.ts';
import { replaceFile } from '../disk/replace-file.ts';
import type { RunJournals } from '../store/runs/run-journals.ts';

/** What a command that a window starts for a run has. */
export interface Marked {
  readonly log: WorkLog;
  /** See `MARK`. */
  readonly mark: string;
}

export interface MarkedWorkParts {
  readonly journals: Pick<RunJournals, 'folder'>;
  readonly log: (line: string) => void;
}

const LEFT_GRACE_MS = 1500;
const MARK_LENGTH = 32;

/**
 * Runs `body`, whose commands have a log in the folder of the run, and a mark by which `endMarked`
 * ends them where this window is killed meanwhile. Of the same name there is one at a time.
 */
export async function withMark<T>(
  { journals, log: tell }: MarkedWorkParts,
  runId: string,
  { name, logFile }: { readonly name: string; readonly logFile: string | undefined },
  body: (marked: Marked) => Promise<T>,
): Promise<T> {
  const prepared = await journals.folder.prepareRun(runId);
  // A folder that cannot be used may be a link by now, and lead anywhere.
  if (!prepared.ok) tell(`${name} of ${runId} is without a log (${prepared.failure.kind}).`);
  const folder = prepared.ok ? journals.folder.folderOf(runId) : undefined;
  const log = new WorkLog(folder && logFile && join(folder, logFile));
  const mark = randomBytes(MARK_LENGTH / 2).toString('hex');
  try {
    if (folder !== undefined) {
      await endMarked(journals, runId, name);
      await noteMark(join(folder, markFile(name)), mark, tell);
    }
    return await body({ log, mark });
  } finally {
    log.close();
    if (folder !== undefined) await rm(join(folder, markFile(name)), { force: true });
  }
}

/**
 * Ends what a window that was killed has left at work: it is known by its mark alone, which is
 * random. To be called where this window leads the run. Does nothing where nothing was left behind.
 */
export async function endMarked(
  journals: Pick<RunJournals, 'folder'>,
  runId: string,
  name: string,
): Promise<void> {
  const file = join(journals.folder.folderOf(runId), markFile(name));
  const left = await readPlainFile(file, 0, MARK_LENGTH);
  if (left === undefined) return;
  const mark = left.bytes.toString('latin1');
  await endOrphan(
    { agentPid: undefined, agentBegin: null, mark },
    () => Promise.resolve(undefined),
    LEFT_GRACE_MS,
  );
  await rm(file, { force: true });
}

function markFile(name: string): string {
  return `${name}.mark`;
}

async function noteMark(file: string, mark: string, tell: (line: string) => void): Promise<void> {
  try {
    await replaceFile(file, mark, 0o600);
  } catch (error) {
    // It runs anyway; only if this window is killed meanwhile, the command is not ended.
    tell(`The mark of ${file} could not be written: ${String(error)}`);
  }
}

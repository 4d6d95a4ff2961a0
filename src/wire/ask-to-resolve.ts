import { rm } from 'node:fs/promises';
import { writeResolveText } from '../core/run/attempt/follow-up-text.ts';
import { count } from '../core/text.ts';
import { writePromptFile } from '../agent-process/prompt.ts';
import { WorkLog } from '../agent-process/work-log.ts';
import { readWholeText } from '../disk/read-whole.ts';
import type { RunFolder } from '../store/runs/run-folder.ts';

const MOST_BYTES = 64 * 1024 * 1024;

/**
 * Writes what an agent is asked that is to resolve conflicts: for its session, and for a new one,
 * which gets the prompt of the attempt as well. False where that cannot be written.
 */
export async function askToResolve(
  files: ReturnType<RunFolder['filesOf']>,
  conflicts: readonly string[],
  tell: (line: string) => void,
): Promise<boolean> {
  const usual = await readWholeText(files.prompt, { mostBytes: MOST_BYTES });
  const asked = writeResolveText(conflicts);
  const texts: readonly (readonly [file: string, text: string])[] = [
    [files.resolve, asked],
    [files.resolveAnew, `${(usual.ok ? usual.value : undefined) ?? ''}\n${asked}`],
  ];
  for (const [file, text] of texts) {
    // A window that is gone may have written it.
    await rm(file, { force: true });
    const written = await writePromptFile(file, text);
    if (written.ok) continue;
    tell(`${file} could not be written (${written.failure.kind}), so no agent is asked.`);
    return false;
  }
  const log = new WorkLog(files.log);
  log.note(`Resolving a conflict in ${count(conflicts.length, 'file')}`);
  log.close();
  return true;
}

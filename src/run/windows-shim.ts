import { win32 } from 'node:path';
import { findCommand, type Disk, type Env } from './find-command.ts';

/** A program and the arguments that come before all others. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * What a batch file that npm wrote starts in the end: Node with a script, or a program. Undefined for any other batch file.
 *
 * Node refuses to start batch files without a shell, and with a shell nothing may be passed safely; npm's are all alike
 * and name their target as `"%dp0%\node_modules\…" %*`.
 */
export async function resolveShim(file: string, env: Env, disk: Disk): Promise<Launch | undefined> {
  const target = /"%(?:~dp0|dp0%)\\?([^"%]+\.(?:[cm]?js|exe))"\s+%\*/i.exec(await disk.readText(file))?.[1];
  if (target === undefined) return undefined;
  const here = win32.dirname(file);
  const program = win32.join(here, target);
  if (/\.exe$/i.test(target)) return { command: program, args: [] };
  const beside = win32.join(here, 'node.exe');
  const node = (await disk.isExecutable(beside)) ? beside : await findCommand('node.exe', env, 'win32', disk);
  return node === undefined ? undefined : { command: node, args: [program] };
}

import { win32 } from 'node:path';
import type { Failure } from '../core/failure.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { findCommand, type Disk, type Env } from '../disk/find-command.ts';

/** A program and the arguments that come before all others. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * How a file that may be executed is started without a shell. Fails with `agentNotStarted` for a
 * batch file that hides it.
 */
export async function toLaunch(
  file: string,
  env: Env,
  platform: NodeJS.Platform,
  disk: Disk,
): Promise<Result<Launch, Failure>> {
  if (platform !== 'win32' || !/\.(cmd|bat)$/i.test(file)) return ok({ command: file, args: [] });
  const shim = await resolveShim(file, env, disk);
  if (shim !== undefined) return ok(shim);
  const detail =
    'It is a batch file that does not say which program it starts, and a shell is never used.';
  return fail({ kind: 'agentNotStarted', command: file, detail });
}

/** npm's shims of packages: the last line starts `"%dp0%\node_modules\…" %*`. */
const OF_PACKAGE = /"%(?:~dp0|dp0%)\\?([^"%]+\.(?:[cm]?js|exe))"\s+%\*/i;
/** npm.cmd and npx.cmd themselves. */
const OF_NPM = /SET "NP[MX]_CLI_JS=%~dp0\\?([^"%]*np[mx]-cli\.js)"(?![^]*SET "NPX_CLI_JS=)/i;

/**
 * What a batch file that npm wrote starts in the end: Node with a script, or a program. Undefined
 * for any other batch file.
 *
 * Node refuses to start batch files without a shell, and with a shell nothing may be passed safely;
 * npm's are all alike.
 */
async function resolveShim(file: string, env: Env, disk: Disk): Promise<Launch | undefined> {
  const text = await disk.readText(file);
  const target = (OF_PACKAGE.exec(text) ?? OF_NPM.exec(text))?.[1];
  if (target === undefined) return undefined;
  const here = win32.dirname(file);
  const program = win32.join(here, target);
  if (/\.exe$/i.test(target)) return { command: program, args: [] };
  const beside = win32.join(here, 'node.exe');
  const node = (await disk.isExecutable(beside))
    ? beside
    : await findCommand('node.exe', env, 'win32', disk);
  return node === undefined ? undefined : { command: node, args: [program] };
}

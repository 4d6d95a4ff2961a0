import { join, resolve } from 'node:path';
import type { Failure } from '../core/failure.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { anyOf, listOf, maybe, objectOf, parseAs, type FieldsOf, text } from '../core/shape.ts';
import type { LimitedCommand } from '../agent-process/work-order.ts';
import { readWholeText } from '../disk/read-whole.ts';
import { isWithin, staysWithin } from '../disk/within.ts';
import { resolveVerify } from './work-order.ts';

/** Where Cursor looks for what makes a worktree ready, relative to the root. */
export const CURSOR_SETUP_FILE = '.cursor/worktrees.json';

const MOST_BYTES = 64 * 1024;
const MOST_COMMANDS = 50;
const LIMIT_MS = 10 * 60_000;

const setup = maybe(anyOf<string | readonly string[]>(text, listOf(text)));
const FIELDS = {
  'setup-worktree': setup,
  'setup-worktree-unix': setup,
  'setup-worktree-windows': setup,
};
const fileShape = objectOf<FieldsOf<typeof FIELDS>>(FIELDS);

/**
 * What the file of Cursor says for this system: commands for a shell, or the path of a script
 * relative to `.cursor`; undefined where it says nothing, or is not there. It is the file of the
 * root that counts, not its copy in a worktree, which agents can change.
 */
export async function readCursorSetup(
  root: string,
): Promise<Result<string | readonly string[] | undefined, Failure>> {
  const read = await readWholeText(join(root, CURSOR_SETUP_FILE), { root, mostBytes: MOST_BYTES });
  if (!read.ok) return unusable(`could not be read (${read.failure.detail})`);
  if (read.value === undefined) return ok(undefined);
  const found = parseAs(fileShape, read.value);
  if (found === undefined) return unusable('is not what Cursor reads');
  const own =
    found[process.platform === 'win32' ? 'setup-worktree-windows' : 'setup-worktree-unix'];
  const said = own ?? found['setup-worktree'];
  if (said === undefined || said.length === 0) return ok(undefined);
  if (typeof said !== 'string' && said.length > MOST_COMMANDS)
    return unusable(`has more than ${MOST_COMMANDS} commands`);
  return ok(said);
}

/**
 * The commands of that file as they are started: by a shell, as Cursor does. To be called only
 * where the user has allowed that. Fails where the file cannot be used.
 */
export async function cursorSetup(
  root: string,
): Promise<Result<readonly LimitedCommand[], Failure>> {
  const said = await readCursorSetup(root);
  if (!said.ok) return said;
  if (said.value === undefined) return ok([]);
  const lines =
    typeof said.value === 'string'
      ? await scriptLine(root, said.value)
      : ok(said.value.map(commandLine));
  if (!lines.ok) return lines;
  const commands: LimitedCommand[] = [];
  for (const [command, ...args] of lines.value) {
    const spec = await resolveVerify({ command, args, limitMs: LIMIT_MS });
    if (!spec.ok) return spec;
    const env = { ...spec.value.env, ROOT_WORKTREE_PATH: root };
    commands.push({ ...spec.value, env });
  }
  return ok(commands);
}

type Line = readonly [command: string, ...args: string[]];

function commandLine(command: string): Line {
  return process.platform === 'win32'
    ? ['powershell.exe', '-NoProfile', '-NonInteractive', '-Command', command]
    : ['/bin/sh', '-c', command];
}

/** A script runs by itself where it may be executed; its path is an argument and no text of a shell. */
async function scriptLine(root: string, path: string): Promise<Result<readonly Line[], Failure>> {
  const file = resolve(root, '.cursor', path);
  if (!isWithin(root, file) || !(await staysWithin(root, file)))
    return unusable('names a script that lies elsewhere');
  return ok([
    process.platform === 'win32'
      ? ['powershell.exe', '-NoProfile', '-NonInteractive', '-File', file]
      : ['/bin/sh', '-c', 'if [ -x "$1" ]; then exec "$1"; else exec sh "$1"; fi', 'sh', file],
  ]);
}

function unusable(why: string): Result<never, Failure> {
  return fail({ kind: 'isolation', detail: `${CURSOR_SETUP_FILE} ${why}.` });
}

import { spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../core/text.ts';
import { findCommand, THIS_DISK } from '../disk/find-command.ts';
import { lockAt, ownLockIn, removeIfSame, removeLocksOf, type Lock } from './left-locks.ts';

/**
 * What came of a Git command. `failed`: its exit code, 128 where it could not be started; `missing`:
 * no Git on this computer; `tooLong`: it took longer, or printed more, than it may.
 */
export type GitAnswer =
  | { readonly kind: 'ok'; readonly stdout: string }
  | {
      readonly kind: 'failed';
      readonly code: number;
      readonly stderr: string;
      readonly stdout: string;
    }
  | { readonly kind: 'missing' }
  | { readonly kind: 'tooLong' };

export interface GitOptions {
  /** For its standard input, which is empty otherwise. */
  readonly input?: string | Buffer;
  /** Beside the environment that every command gets. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * How its output is read. `latin1` keeps every byte, for names of files that go back to Git: they
   * need not be UTF-8.
   */
  readonly encoding?: 'utf8' | 'latin1';
  /** Undefined: ten minutes, since a checkout or a filter may take its time. */
  readonly timeoutMs?: number;
  /** Most bytes of standard output. Undefined: 64 MB. */
  readonly mostBytes?: number;
  /** Aborted, it is ended, and answers `tooLong`. */
  readonly signal?: AbortSignal | undefined;
  /** The hooks of the user run: they are the user's own check on a push. */
  readonly withHooks?: boolean;
  /** Paths among the arguments are names, and no patterns, unless this is true. */
  readonly isPattern?: boolean;
}

const TIMEOUT_MS = 600_000;
const MOST_BYTES = 64 * 1024 * 1024;
const MOST_ERROR_BYTES = 64 * 1024;
/** After the first signal; then the process is killed. Git removes its lock files in this time. */
const GRACE_MS = 5_000;

/**
 * Nothing of the repository is started, nothing is signed, packed or fetched by the way, and a
 * setting of the user's does not change what a command means.
 */
const SETTINGS = [
  'core.fsmonitor=false',
  'core.quotePath=false',
  'core.safecrlf=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'commit.gpgSign=false',
  'log.showSignature=false',
  'submodule.recurse=false',
  'merge.autoStash=false',
  'branch.autoSetupMerge=false',
  'i18n.commitEncoding=UTF-8',
  'advice.detachedHead=false',
  ...(process.platform === 'win32' ? ['core.longpaths=true'] : []),
].flatMap((setting) => ['-c', setting]);

/** No such folder on any system, so no hook. */
const NO_HOOKS = ['-c', 'core.hooksPath=/dev/null/no-hooks'];

/** Of the caller's variables for Git, those alone that say who the user is and where Git lies. */
const KEPT =
  /^GIT_(?:(?:AUTHOR|COMMITTER)_(?:NAME|EMAIL)|CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM)|EXEC_PATH|LFS_.*)$/i;

const FIXED = {
  LC_ALL: 'C',
  GIT_TERMINAL_PROMPT: '0',
  GIT_EDITOR: ':',
  GIT_SEQUENCE_EDITOR: ':',
  GIT_PAGER: 'cat',
  // Or a mere look would write the index of the user.
  GIT_OPTIONAL_LOCKS: '0',
  // Or a merge of several agents' work would wait for a message.
  GIT_MERGE_AUTOEDIT: 'no',
};

/** The environment of a Git command: the caller's, without what points it at another repository. */
export function gitEnvironment(own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(own).filter(
    ([name]) => !/^(?:GIT_|SSH_ASKPASS$|ELECTRON_|NODE_OPTIONS$)/i.test(name) || KEPT.test(name),
  );
  return { ...Object.fromEntries(kept), ...FIXED };
}

/** The pauses before a command is tried again, in ms, while another process holds a lock of Git. */
const LOCK_PAUSES_MS = [30, 60, 120, 250, 500, 1000, 2000, 3000];

/**
 * Runs Git in a folder, without a shell and without the hooks of the repository. Waits a while for
 * locks of other processes, and never removes one, except of refs of ours, where it was there
 * unchanged all the while. What a command that was killed has left locked is free again. Only for trusted folders: filters and merge
 * drivers of the configuration are Git's own business.
 */
export async function git(
  cwd: string,
  args: readonly string[],
  options: GitOptions = {},
): Promise<GitAnswer> {
  const program = await findCommand('git', process.env, process.platform, THIS_DISK);
  if (program === undefined) return { kind: 'missing' };
  if (!(await isFolder(cwd)))
    return { kind: 'failed', code: 128, stderr: `${cwd} is not a folder`, stdout: '' };
  let first: (Lock & { readonly file: string }) | undefined;
  for (let attempt = 0; ; attempt++) {
    const from = Date.now();
    const { answer, wasKilled } = await once(program, cwd, args, options);
    if (wasKilled) await freeLocks(program, cwd, args, from);
    if (answer.kind !== 'failed' || !isLocked(answer.stderr)) return answer;
    const next = LOCK_PAUSES_MS[attempt];
    if (next !== undefined) {
      const file = ownLockIn(answer.stderr);
      const lock = file === undefined ? undefined : await lockAt(file);
      if (file !== undefined && lock !== undefined) first ??= { file, ...lock };
      await pause(next);
    } else if (
      attempt > LOCK_PAUSES_MS.length ||
      first?.file !== ownLockIn(answer.stderr) ||
      first === undefined ||
      !(await removeIfSame(first.file, first))
    ) {
      return answer;
    }
  }
}

/** After a command that was killed. What cannot be removed is said by the next command it stops. */
async function freeLocks(
  program: string,
  cwd: string,
  args: readonly string[],
  from: number,
): Promise<void> {
  const to = Date.now();
  const gitDir = args.find((arg) => arg.startsWith('--git-dir='))?.slice('--git-dir='.length);
  const where = ['rev-parse', '--path-format=absolute', '--git-common-dir'];
  const own = gitDir === undefined ? [] : [`--git-dir=${gitDir}`];
  const { answer } = await once(program, cwd, [...own, ...where], {});
  if (answer.kind !== 'ok') return;
  const commonDir = answer.stdout.replace(/\r?\n$/, '');
  await removeLocksOf({ commonDir, gitDir, from, to }).catch(() => undefined);
}

/** True where Git failed because another process holds one of its locks. */
export function isLocked(stderr: string): boolean {
  return (
    /Unable to create '[^'\n]*\.lock': (?:File exists|Permission denied)/i.test(stderr) ||
    /could not lock config file [^\n]*: File exists/i.test(stderr) ||
    /\bUnable to (?:lock|write new) index\b|\bunable to write new index file/i.test(stderr)
  );
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

function once(
  program: string,
  cwd: string,
  args: readonly string[],
  options: GitOptions,
): Promise<{ readonly answer: GitAnswer; readonly wasKilled: boolean }> {
  const all = [
    ...['--no-pager', ...(options.isPattern === true ? [] : ['--literal-pathspecs'])],
    ...(options.withHooks === true ? [] : NO_HOOKS),
    ...SETTINGS,
    ...args,
  ];
  const env = { ...gitEnvironment(process.env), ...options.env };
  return new Promise((resolve) => {
    const child = spawn(program, all, { cwd, env, windowsHide: true, stdio: 'pipe' });
    const output: Buffer[] = [];
    let errors = '';
    let bytes = 0;
    let isTooLong = false;
    let killer: NodeJS.Timeout | undefined;
    const stop = (): void => {
      if (isTooLong) return;
      isTooLong = true;
      child.kill('SIGTERM');
      killer = setTimeout(() => {
        child.kill('SIGKILL');
        // What a filter of it started may hold the pipes open.
        child.stdout.destroy();
        child.stderr.destroy();
      }, GRACE_MS);
    };
    const timer = setTimeout(stop, options.timeoutMs ?? TIMEOUT_MS);
    options.signal?.addEventListener('abort', stop);
    if (options.signal?.aborted === true) stop();
    const end = (answer: GitAnswer, signal: NodeJS.Signals | null = null): void => {
      clearTimeout(timer);
      clearTimeout(killer);
      options.signal?.removeEventListener('abort', stop);
      const wasKilled = signal === 'SIGKILL';
      resolve({ answer: isTooLong ? { kind: 'tooLong' } : answer, wasKilled });
    };
    child.stdout.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > (options.mostBytes ?? MOST_BYTES)) stop();
      else output.push(part);
    });
    child.stderr.on('data', (part: Buffer) => {
      if (errors.length < MOST_ERROR_BYTES) errors += part.toString('utf8');
    });
    child.on('error', (error) =>
      end({ kind: 'failed', code: 128, stderr: messageOf(error), stdout: '' }),
    );
    child.on('close', (code, signal) => {
      const stdout = Buffer.concat(output).toString(options.encoding ?? 'utf8');
      const stderr = signal === null ? errors.trim() : `Git was ended by ${signal}.`;
      if (code === 0) end({ kind: 'ok', stdout });
      else end({ kind: 'failed', code: code ?? 128, stderr, stdout }, signal);
    });
    // A command that does not read it all closes it early.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, statSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { READ_FLAGS } from '../disk/read-whole.ts';
import { childEnvironment } from './child-environment.ts';
import {
  endTree,
  isGroupAlive,
  isMarkAlive,
  killGroup,
  MARK,
  ticksOf,
  type Tree,
} from './process-tree.ts';
import type { CommandSpec } from './work-order.ts';
import { messageOf } from '../core/text.ts';

/** For what a program left behind in its group. */
const LEFTOVER_GRACE_MS = 1000;
/** Timeout for pipes that another process holds open. */
const DRAIN_MS = 500;
const DRAIN_EVERY_MS = 10;

export interface ChildOptions {
  readonly spec: CommandSpec;
  readonly cwd: string;
  /** Undefined: an empty stdin. */
  readonly stdinFile: string | undefined;
  /** See `MARK`. */
  readonly mark: string;
  /** How long after a polite request to end it is ended by force. */
  readonly graceMs: () => number;
  /**
   * True where it gets the terminal of this process, and stays in its group: in one of its own it
   * could not read there.
   */
  readonly inTerminal: boolean;
  /** What it writes on stdout and stderr, in pieces that may end within a character. */
  readonly onOutput: (bytes: Uint8Array) => void;
  readonly onStarted: (pid: number) => void;
}

/** `stopped`: it was ended by an abort. */
export type ChildEnd =
  | { readonly kind: 'notStarted'; readonly detail: string }
  | {
      readonly kind: 'ended';
      readonly exitCode: number | undefined;
      readonly signal: string | undefined;
      readonly stopped: boolean;
    };

/** Programs that have not ended: they are ended together with this process. */
const atWork = new Set<number>();
process.on('exit', () => {
  for (const pid of atWork) killGroup(pid);
});

/**
 * Starts a program without a shell, in a process group of its own, and resolves when it and
 * everything it started have ended.
 *
 * Aborting ends all of it: politely, and by force after the grace. What it leaves behind when it
 * ends by itself is ended too. Never rejects: what cannot be started is `notStarted`.
 */
export function runChild(options: ChildOptions, signal: AbortSignal): Promise<ChildEnd> {
  if (signal.aborted)
    return Promise.resolve({
      kind: 'ended',
      exitCode: undefined,
      signal: undefined,
      stopped: true,
    });
  let child: ChildProcess;
  try {
    child = start(options);
  } catch (error) {
    return Promise.resolve({ kind: 'notStarted', detail: messageOf(error) });
  }
  return new Promise((resolve) => {
    child.on('error', (error) => {
      // Also comes when a signal cannot be sent; only without a process id was nothing started.
      if (child.pid === undefined) resolve({ kind: 'notStarted', detail: error.message });
    });
    if (child.pid !== undefined) resolve(watch(child, child.pid, options, signal));
  });
}

function start({ spec, cwd, stdinFile, mark, inTerminal }: ChildOptions): ChildProcess {
  let stdin: number | undefined;
  try {
    if (!statSync(cwd).isDirectory()) throw new Error(`${cwd} is not a folder`);
    if (stdinFile !== undefined) stdin = openSync(stdinFile, READ_FLAGS);
    return spawn(spec.command, spec.args, {
      cwd,
      env: { ...childEnvironment(process.env, spec.env, cwd), [MARK]: mark },
      stdio: inTerminal
        ? [stdin ?? 'inherit', 'inherit', 'inherit']
        : [stdin ?? 'ignore', 'pipe', 'pipe'],
      // A group of its own on POSIX, so that it can be ended as a whole. On Windows that would be a
      // console window.
      detached: process.platform !== 'win32' && !inTerminal,
      windowsHide: !inTerminal,
    });
  } finally {
    if (stdin !== undefined) closeSync(stdin);
  }
}

async function watch(
  child: ChildProcess,
  pid: number,
  options: ChildOptions,
  signal: AbortSignal,
): Promise<ChildEnd> {
  const tree: Tree = {
    leader: pid,
    leadsGroup: !options.inTerminal,
    mark: options.mark,
    since: ticksOf(pid),
  };
  let outputAt = performance.now();
  let ending: Promise<void> | undefined;
  const stop = (): void => void (ending ??= endTree(tree, options.graceMs()));
  if (tree.leadsGroup === true) atWork.add(pid);
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (bytes: Buffer) => {
      outputAt = performance.now();
      options.onOutput(bytes);
    });
    // A pipe that breaks has nothing more to say.
    stream?.on('error', () => undefined);
  }
  const drained = new Promise<'drained'>((resolve) =>
    child.once('close', () => resolve('drained')),
  );
  const exited = new Promise<{ code: number | null; name: string | null; stopped: boolean }>(
    (resolve) =>
      child.once('exit', (code, name) => resolve({ code, name, stopped: signal.aborted })),
  );
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  options.onStarted(pid);

  const { code, name, stopped } = await exited;
  signal.removeEventListener('abort', stop);
  await ending;
  // This process is in the terminal's own group; there only the mark identifies the rest.
  // An id is given out again once nothing has it any more, neither a process nor a group.
  const leader = tree.leadsGroup === true && isGroupAlive(pid) ? pid : undefined;
  const isLeft = leader !== undefined || (await isMarkAlive(tree));
  if (isLeft) await endTree({ ...tree, leader }, LEFTOVER_GRACE_MS);
  atWork.delete(pid);
  outputAt = Math.max(outputAt, performance.now());
  let state: 'drained' | undefined;
  while (state === undefined && performance.now() - outputAt < DRAIN_MS) {
    state = await Promise.race([drained, wait(DRAIN_EVERY_MS, undefined)]);
  }
  child.stdout?.destroy();
  child.stderr?.destroy();
  return { kind: 'ended', exitCode: code ?? undefined, signal: name ?? undefined, stopped };
}

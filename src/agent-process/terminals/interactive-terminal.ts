import { win32 } from 'node:path';
import type { Terminal, TerminalOptions, ThemeIcon, window } from 'vscode';
import { Emitter, type Disposable, type Event } from '../../core/events.ts';
import type { Failure } from '../../core/failure.ts';
import type { Clock } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { cut, plain } from '../../core/text.ts';

type Window = Pick<
  typeof window,
  'createTerminal' | 'terminals' | 'onDidOpenTerminal' | 'onDidCloseTerminal'
>;

/**
 * Why a terminal closed, according to the editor. `shutdown`: the window closed, and the outcome is
 * unknown.
 */
export type CloseReason = 'unknown' | 'shutdown' | 'process' | 'user' | 'extension';

/**
 * `code` is the exit code of its program; undefined where it is not known, which is neither success
 * nor failure.
 */
export interface TerminalClose {
  readonly code: number | undefined;
  readonly reason: CloseReason;
}

/** The parts of a command line that are ours alone. Paths are absolute. */
export interface InteractiveSpec {
  /** For display; may come from the backlog. */
  readonly name: string;
  readonly node: { readonly command: string; readonly args: readonly string[] };
  /** The bundled supervisor. */
  readonly script: string;
  /** From which the supervisor reads what to start, so that nothing of it is in an argument. */
  readonly orderFile: string;
  readonly cwd: string;
  /** On top of the editor's own environment; the editor takes its own variables away first. */
  readonly env: Readonly<Record<string, string>>;
  readonly icon?: ThemeIcon;
  /** The system's, unless a test says otherwise. */
  readonly platform?: NodeJS.Platform;
}

/** How long a window may take to bring its terminals back; a first one takes up to 5 s. */
const FIND_MS = 10_000;

/** In the order of the editor's `TerminalExitReason`. */
const REASONS: readonly CloseReason[] = ['unknown', 'shutdown', 'process', 'user', 'extension'];

/**
 * A real terminal of the editor whose program is a supervisor of ours, with an agent in it that the
 * user talks to. It outlives a reload of its window. Disposing looks away and leaves the terminal
 * alone.
 */
export class InteractiveTerminal implements Disposable {
  readonly terminal: Terminal;
  readonly #closed = new Emitter<TerminalClose>();
  readonly #listening: Disposable;

  /** Once, when the terminal is gone. */
  readonly onDidClose: Event<TerminalClose> = this.#closed.event;

  constructor(terminal: Terminal, window: Pick<Window, 'onDidCloseTerminal'>) {
    this.terminal = terminal;
    this.#listening = window.onDidCloseTerminal((closed) => {
      if (closed !== terminal) return;
      const { exitStatus } = closed;
      this.#closed.fire({
        code: exitStatus?.code,
        reason: REASONS[exitStatus?.reason ?? 0] ?? 'unknown',
      });
      this.dispose();
    });
  }

  /** The supervisor's process; undefined if it could not be started. */
  get processId(): Promise<number | undefined> {
    return Promise.resolve(this.terminal.processId);
  }

  /** Closes the terminal and so ends the work in it. */
  close(): void {
    this.terminal.dispose();
  }

  dispose(): void {
    this.#listening.dispose();
    this.#closed.dispose();
  }
}

/**
 * Opens a terminal with a supervisor in it, behind what has the focus. Fails with `agentNotStarted`
 * where the editor would not run exactly this command line.
 */
export function openInteractive(
  window: Window,
  spec: InteractiveSpec,
): Result<InteractiveTerminal, Failure> {
  const { node, script, orderFile, cwd, env, icon, platform = process.platform } = spec;
  const refuse = (detail: string): Result<never, Failure> =>
    fail({ kind: 'agentNotStarted', command: node.command, detail });
  const shellArgs = [...node.args, script, orderFile];
  // The editor replaces ${env:X}, ${workspaceFolder} and the like in all of these, and there is no
  // way to quote them.
  const replaced = [node.command, ...shellArgs, cwd, ...Object.entries(env).flat()].find((part) =>
    part.includes('${'),
  );
  if (replaced !== undefined)
    return refuse(`The editor would replace what follows "\${" in ${replaced}.`);
  if (platform === 'win32' && !isConsoleNode(node.command)) {
    return refuse(
      'On Windows an interactive agent needs a Node.js of its own: the editor’s program cannot run in a terminal. Set todo2Waves.nodePath.',
    );
  }
  const options: TerminalOptions = {
    name: plain(cut(spec.name, 80)),
    shellPath: node.command,
    shellArgs,
    cwd,
    env,
    isTransient: false,
    ...(icon && { iconPath: icon }),
  };
  return ok(new InteractiveTerminal(window.createTerminal(options), window));
}

/**
 * Finds a terminal again that an earlier window opened: by its process, since names may be changed
 * and nothing else is kept. Resolves with undefined when the window has had time to bring it back
 * and has not.
 */
export function findAgain(
  window: Window,
  processId: number,
  clock: Pick<Clock, 'after'>,
): Promise<InteractiveTerminal | undefined> {
  return new Promise((resolve) => {
    let isOver = false;
    const finish = (found: InteractiveTerminal | undefined): void => {
      if (isOver) {
        found?.dispose();
        return;
      }
      isOver = true;
      opening.dispose();
      deadline.dispose();
      resolve(found);
    };
    const look = (terminal: Terminal): void => {
      // A terminal that never starts never tells its process, and one that cannot has none: neither
      // is the one.
      void Promise.resolve(terminal.processId).then(
        (id) => {
          if (id === processId) finish(new InteractiveTerminal(terminal, window));
        },
        () => undefined,
      );
    };
    const opening = window.onDidOpenTerminal(look);
    const deadline = clock.after(FIND_MS, () => finish(undefined));
    window.terminals.forEach(look);
  });
}

/**
 * Editors are programs without a console on Windows: in a terminal they would show nothing and
 * return at once. This was reasoned about and not tried; a Node that calls itself `node…` is one
 * with a console.
 */
function isConsoleNode(command: string): boolean {
  return /^node/i.test(win32.basename(command));
}

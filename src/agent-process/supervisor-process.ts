import { spawn, type ChildProcess } from 'node:child_process';
import { dirname } from 'node:path';
import { readWorkState } from '../core/run/journal/read-work-state.ts';
import type { WorkState } from '../core/run/journal/work-state.ts';
import { withWait } from './refused-for.ts';
import type { FromSupervisor, ToSupervisor, WorkOrder } from './work-order.ts';

/** A way to run Node. */
export interface NodeCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * One supervisor that this window started, and the channel to it. It lives on when the channel is
 * closed.
 */
export class SupervisorProcess {
  readonly #child: ChildProcess;
  #onState: ((state: WorkState) => void) | undefined;
  #complaint = '';
  #detached = false;

  /**
   * Resolves, after the process ended and all its messages were received, with the reason as a
   * text.
   */
  readonly ended: Promise<string>;
  /** Resolves when the channel is closed, by either end. */
  readonly silent: Promise<void>;

  /** Throws the errors of `spawn`; a missing program makes `ended` resolve. */
  constructor(script: string, { command, args }: NodeCommand) {
    const child = spawn(command, [...args, script], {
      // Not the workspace: Windows looks for programs there first.
      cwd: dirname(script),
      env: supervisorEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // Out of the editor's session: what ends that must not end this. On Windows, out of the job
      // that ends with its parent.
      detached: true,
      windowsHide: true,
    });
    this.#child = child;
    // Empty unless it has a bug, of which this is the only trace.
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-4000);
    });
    child.on('message', (message: FromSupervisor) => {
      // A channel leaves out what is undefined, as a file does.
      const state = readWorkState(message.state);
      if (state === undefined) throw new Error('Internal error: a supervisor reported no state');
      this.#onState?.(withWait(state));
    });
    this.silent = new Promise((resolve) => {
      for (const event of ['disconnect', 'close', 'error'] as const)
        child.once(event, () => resolve());
    });
    this.ended = new Promise((resolve) => {
      child.on('error', (error) => {
        // Also comes when a message cannot be sent; only without a process id was nothing started.
        if (child.pid === undefined) resolve(error.message);
      });
      // `close` comes after `exit` and after the channel has been read to its end.
      child.once('close', (code, signal) =>
        resolve(`${signal ?? `exit code ${code ?? '?'}`} ${this.#complaint}`.trim()),
      );
    });
    this.rest();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** True where it can be given an order. */
  get isReachable(): boolean {
    return (
      this.#child.connected && this.#child.exitCode === null && this.#child.signalCode === null
    );
  }

  /** Sends an order, and reports each state of it. Only while it has no other order. */
  work(order: WorkOrder, onState: (state: WorkState) => void): void {
    this.#onState = onState;
    this.#child.ref();
    this.#child.channel?.ref();
    this.#send({ kind: 'work', order });
  }

  /** Keeps this process alive for it no longer, as there is nothing to wait for. */
  rest(): void {
    this.#onState = undefined;
    this.#child.unref();
    (this.#child.stderr as { unref?: () => void } | null)?.unref?.();
    this.#child.channel?.unref();
  }

  stop(): void {
    this.#send({ kind: 'stop' });
  }

  /** Disconnects from it: it completes its order, or ends without one. */
  detach(): void {
    if (this.#detached) return;
    this.#detached = true;
    this.#onState = undefined;
    if (this.#child.connected) this.#child.disconnect();
    this.#child.stderr?.destroy();
    this.#child.unref();
  }

  #send(message: ToSupervisor): void {
    // An error here is a process that has just died, which `ended` is about to say.
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }
}

function supervisorEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => name !== 'NODE_OPTIONS');
  return { ...Object.fromEntries(kept), ELECTRON_RUN_AS_NODE: '1', NODE_NO_WARNINGS: '1' };
}

import { spawn, type ChildProcess } from 'node:child_process';
import { dirname } from 'node:path';
import type { Clock } from '../../core/ports.ts';
import type { WriterResponse, WriterRequest, Hello, WriterMessage, Start } from './writer-protocol.ts';
import { messageOf } from '../../core/text.ts';

/** A way to run Node: a path or a name on the PATH, and its options. */
export interface NodeCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/** The ways to run Node, best first: the editor's own, then the configured one, then the one on the PATH. */
export function listNodeCommands(configured: string | undefined): NodeCommand[] {
  const commands = [process.execPath, ...(configured === undefined || configured === '' ? [] : [configured]), 'node'];
  // Node 22.5 to 22.12 has the module behind this option; 20 refuses the option, and is tried all the same.
  return [...new Set(commands)].flatMap((command) => [
    { command, args: [] },
    { command, args: ['--experimental-sqlite'] },
  ]);
}

/** A process that has been silent for so long with a question open is ended: it waits for a lock 300 ms at a time. */
const HUNG_MS = 5_000;
const HELLO_MS = 10_000;

/** `died` leaves open whether a question that was sent has been carried out. */
export type Reply = Exclude<WriterResponse, { kind: 'malformed' }> | { readonly kind: 'died'; readonly sent: boolean };

/** One living writer process. */
export interface WriterChild {
  readonly pid: number;
  /** What it runs on. */
  readonly node: NodeCommand;
  /** Whether it ever answered a question. */
  readonly answered: boolean;
  /** What it ended with, once it has. */
  readonly ended: Promise<string>;
  request(request: WriterRequest): Promise<Reply>;
  /** Ends it at once; what it was doing is rolled back or done. */
  kill(): void;
  /** Leaves it alone: it lets go of all locks after its grace time, and ends. */
  abandon(): void;
}

/** Starts the process and waits for its first word; text says why it cannot serve. */
export async function startChild(
  node: NodeCommand,
  script: string,
  start: Start,
  clock: Clock,
): Promise<WriterChild | string> {
  const child = spawnNode(node.command, [...node.args, script], script);
  if (typeof child === 'string') return child;
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-2000)));
  const ended = new Promise<string>((resolve) => {
    // `error` alone is what comes where the program could not be started.
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) =>
      resolve(`${signal === null ? `exit code ${code ?? '?'}` : signal}${stderr === '' ? '' : `: ${stderr.trim()}`}`),
    );
  });
  child.on('error', () => child.kill('SIGKILL')); // a channel that broke; `ended` tells

  const timer = new Promise<undefined>((resolve) => {
    const timeout = clock.after(HELLO_MS, () => resolve(undefined));
    void ended.then(() => timeout.dispose());
    child.once('message', () => timeout.dispose());
  });
  const hello = new Promise<Hello>((resolve) => child.once('message', (message) => resolve(message as Hello)));
  const first = await Promise.race([hello, ended, timer]);
  if (first === undefined || typeof first === 'string' || first.kind === 'noSqlite') {
    child.kill('SIGKILL');
    if (first === undefined) return `no answer in ${HELLO_MS} ms`;
    return typeof first === 'string' ? first : `${first.node}: ${first.detail}`;
  }
  const living = new LivingChild(child, node, ended, clock);
  child.send(start);
  return living;
}

function spawnNode(command: string, args: readonly string[], script: string): ChildProcess | string {
  try {
    return spawn(command, args, {
      // Not the workspace: Windows looks for programs there first, and nothing should keep the folder busy.
      cwd: dirname(script),
      env: nodeEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // Out of the editor's process group, so that a Ctrl+C or a kill of the group does not take the locks' keeper along.
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
  } catch (error) {
    return messageOf(error); // e.g. a configured path that no path can be
  }
}

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (bug: Error) => void;
}

class LivingChild implements WriterChild {
  readonly pid: number;
  readonly node: NodeCommand;
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();
  #seq = 0;
  #heardAt: number;
  #dead = false;
  #answered = false;
  #abandoned = false;

  constructor(child: ChildProcess, node: NodeCommand, ended: Promise<string>, clock: Clock) {
    this.pid = child.pid ?? 0;
    this.node = node;
    this.#child = child;
    this.#clock = clock;
    this.#heardAt = clock.now();
    child.on('message', (message) => this.#hear(message as WriterResponse));
    // Without a channel it would take us for gone and let go of our locks while we still count on them.
    child.on('disconnect', () => {
      if (!this.#abandoned) this.kill();
    });
    this.ended = ended.then((detail) => {
      this.#dead = true;
      for (const { resolve } of this.#waiting.values()) resolve({ kind: 'died', sent: true });
      this.#waiting.clear();
      return detail;
    });
  }

  get answered(): boolean {
    return this.#answered;
  }

  async request(request: WriterRequest): Promise<Reply> {
    if (this.#dead || !this.#child.connected) return { kind: 'died', sent: false };
    const seq = ++this.#seq;
    const sentAt = this.#clock.now();
    const message: WriterMessage = { kind: 'request', seq, request };
    const reply = new Promise<Reply>((resolve, reject) => this.#waiting.set(seq, { resolve, reject }));
    const check = (): void => {
      const quietMs = this.#clock.now() - Math.max(sentAt, this.#heardAt);
      if (quietMs >= HUNG_MS) this.kill();
      else timer = this.#clock.after(HUNG_MS - quietMs, check);
    };
    let timer = this.#clock.after(HUNG_MS, check);
    this.#child.send(message);
    try {
      return await reply;
    } finally {
      timer.dispose();
    }
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  abandon(): void {
    this.#abandoned = true;
    if (this.#child.connected) this.#child.disconnect();
    this.#child.stderr?.destroy();
    this.#child.unref();
  }

  #hear(answer: WriterResponse): void {
    this.#heardAt = this.#clock.now();
    this.#answered = true;
    const waiting = answer.seq === undefined ? undefined : this.#waiting.get(answer.seq);
    if (answer.kind === 'malformed') {
      const bug = new Error(`Internal error: the writer was asked ${answer.detail}`);
      if (waiting === undefined) throw bug;
      waiting.reject(bug);
    } else {
      waiting?.resolve(answer);
    }
    if (answer.seq !== undefined) this.#waiting.delete(answer.seq);
  }
}

function nodeEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => name !== 'NODE_OPTIONS' && !name.startsWith('VSCODE_'));
  return { ...Object.fromEntries(kept), ELECTRON_RUN_AS_NODE: '1', NODE_NO_WARNINGS: '1' };
}

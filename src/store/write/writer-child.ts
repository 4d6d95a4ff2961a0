import { spawn, type ChildProcess } from 'node:child_process';
import { dirname } from 'node:path';
import type { Clock } from '../../core/ports.ts';
import type {
  WriterResponse,
  WriterRequest,
  Hello,
  WriterMessage,
  Start,
  WriterNotice,
} from './writer-protocol.ts';
import { messageOf } from '../../core/text.ts';

/** A command that runs Node: a path or a name on the PATH, and its options. */
export interface NodeCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * The Node commands to try, in order: the editor's own, the configured one, the one on the PATH.
 */
export function listNodeCommands(configured: string | undefined): NodeCommand[] {
  const commands = [
    process.execPath,
    ...(configured === undefined || configured === '' ? [] : [configured]),
    'node',
  ];
  // Node 22.5 to 22.12 needs this option for `node:sqlite`; Node 20 rejects it.
  return [...new Set(commands)].flatMap((command) => [
    { command, args: [] },
    { command, args: ['--experimental-sqlite'] },
  ]);
}

/**
 * A process that is silent for this long with a request open is killed: its lock waits are 300 ms
 * each.
 */
const HUNG_MS = 5_000;
const HELLO_MS = 10_000;

/** `died`: whether a sent request was carried out is unknown. */
export type Reply =
  | Exclude<WriterResponse, { kind: 'malformed' }>
  | { readonly kind: 'died'; readonly sent: boolean };

/** Starts the process and waits for its hello; a string is the reason why it cannot serve. */
export async function startChild(
  node: NodeCommand,
  script: string,
  start: Start,
  clock: Clock,
): Promise<WriterChild | string> {
  const child = spawnNode(node.command, [...node.args, script], script);
  if (typeof child === 'string') return child;
  let stderr = '';
  child.stderr
    ?.setEncoding('utf8')
    .on('data', (text: string) => (stderr = (stderr + text).slice(-2000)));
  const ended = new Promise<string>((resolve) => {
    // `error` without `close`: the program could not be started.
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) =>
      resolve(
        `${signal === null ? `exit code ${code ?? '?'}` : signal}${stderr === '' ? '' : `: ${stderr.trim()}`}`,
      ),
    );
  });
  child.on('error', () => child.kill('SIGKILL')); // a broken channel; `ended` reports it

  const timer = new Promise<undefined>((resolve) => {
    const timeout = clock.after(HELLO_MS, () => resolve(undefined));
    void ended.then(() => timeout.dispose());
    child.once('message', () => timeout.dispose());
  });
  const hello = new Promise<Hello>((resolve) =>
    child.once('message', (message) => resolve(message as Hello)),
  );
  const first = await Promise.race([hello, ended, timer]);
  if (first === undefined || typeof first === 'string' || first.kind === 'noSqlite') {
    child.kill('SIGKILL');
    if (first === undefined) return `no answer in ${HELLO_MS} ms`;
    return typeof first === 'string' ? first : `${first.node}: ${first.detail}`;
  }
  const living = new WriterChild(child, node, ended, clock);
  child.send(start);
  return living;
}

function spawnNode(
  command: string,
  args: readonly string[],
  script: string,
): ChildProcess | string {
  try {
    return spawn(command, args, {
      // Not the workspace: Windows searches the working directory for programs, and the folder must
      // not be kept busy.
      cwd: dirname(script),
      env: nodeEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // A process group of its own, so that Ctrl+C or a kill of the editor's group leaves the lock
      // holder running.
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
  } catch (error) {
    return messageOf(error); // e.g. an invalid configured path
  }
}

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (bug: Error) => void;
}

/** A running writer process. */
export class WriterChild {
  readonly pid: number;
  readonly node: NodeCommand;
  /** Resolves with the reason when it has ended. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();
  /** To be set, for what the process says unasked. */
  onNotice: ((notice: WriterNotice) => void) | undefined;
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
    child.on('message', (message) => this.#hear(message as WriterResponse | WriterNotice));
    // Without a channel it takes us for gone and releases locks that we still rely on.
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

  /** Whether it has answered any request. */
  get answered(): boolean {
    return this.#answered;
  }

  async request(request: WriterRequest): Promise<Reply> {
    if (this.#dead || !this.#child.connected) return { kind: 'died', sent: false };
    const seq = ++this.#seq;
    const sentAt = this.#clock.now();
    const message: WriterMessage = { kind: 'request', seq, request };
    const reply = new Promise<Reply>((resolve, reject) =>
      this.#waiting.set(seq, { resolve, reject }),
    );
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

  /** Kills it; SQLite rolls an open transaction back. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Detaches from it: it releases all locks after its grace period, and exits. */
  abandon(): void {
    this.#abandoned = true;
    if (this.#child.connected) this.#child.disconnect();
    this.#child.stderr?.destroy();
    this.#child.unref();
  }

  #hear(answer: WriterResponse | WriterNotice): void {
    this.#heardAt = this.#clock.now();
    if (answer.kind === 'log' || answer.kind === 'again') {
      this.onNotice?.(answer);
      return;
    }
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
  const kept = Object.entries(process.env).filter(
    ([name]) => name !== 'NODE_OPTIONS' && !name.startsWith('VSCODE_'),
  );
  return { ...Object.fromEntries(kept), ELECTRON_RUN_AS_NODE: '1', NODE_NO_WARNINGS: '1' };
}

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { endTree } from './process-tree.ts';

/** A server of MCP as it is started: without a shell, in a group of its own. */
export interface ServerStart {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** All of its environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Why an MCP server gave no answer, for the user. */
export class ServerTrouble extends Error {}

type Json = Readonly<Record<string, unknown>>;

const VERSION = '2025-06-18';
const MOST_LINE = 16 * 1024 * 1024;
const MOST_COMPLAINT = 2_000;
/** A server should end when its input does; it is killed after this time. */
const LEAVE_MS = 500;
const GRACE_MS = 1_500;

/**
 * An MCP client over stdio, JSON-RPC line by line: only what calling tools takes. Requests reject
 * with `ServerTrouble` where the server ends, returns an error, or is too late.
 */
export class McpClient {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #decoder = new TextDecoder();
  readonly #waiting = new Map<
    number,
    { resolve: (result: Json) => void; reject: (error: Error) => void }
  >();
  readonly #gone: Promise<unknown>;
  #pieces: string[] = [];
  #length = 0;
  #complaint = '';
  #ended: ServerTrouble | undefined;
  #next = 1;

  constructor({ command, args, cwd, env }: ServerStart) {
    const detached = process.platform !== 'win32';
    this.#child = spawn(command, args, { cwd, env, stdio: 'pipe', detached, windowsHide: true });
    const { stdin, stdout, stderr } = this.#child;
    this.#gone = new Promise((resolve) =>
      this.#child.once('close', resolve).once('error', resolve),
    );
    this.#child.on('error', ({ message }) => this.#end(`it could not be started: ${message}`));
    this.#child.on('close', (code, signal) => {
      const said = this.#complaint.trim().split('\n').at(-1) ?? '';
      this.#end(
        `it ended before it answered (${signal ?? `exit code ${code ?? 'unknown'}`})${said && `: ${said}`}`,
      );
    });
    // The end of the server reports that it no longer reads.
    stdin.on('error', () => undefined);
    stdout.on('data', (bytes: Buffer) => this.#take(this.#decoder.decode(bytes, { stream: true })));
    stderr.on('data', (bytes: Buffer) => {
      this.#complaint = (this.#complaint + bytes.toString('utf8')).slice(-MOST_COMPLAINT);
    });
  }

  /** The first that has to be said. */
  async initialize(version: string, limitMs: number, signal: AbortSignal): Promise<void> {
    const params = {
      protocolVersion: VERSION,
      capabilities: {},
      clientInfo: { name: 'todo2-waves', version },
    };
    await this.request('initialize', params, limitMs, signal);
    this.#send({ method: 'notifications/initialized' });
  }

  /**
   * Rejects with the signal's reason where that aborts; a later answer of the server is ignored.
   */
  request(method: string, params: Json, limitMs: number, signal: AbortSignal): Promise<Json> {
    const id = this.#next++;
    const late = AbortSignal.timeout(limitMs);
    const answer = new Promise<Json>((resolve, reject) => {
      if (this.#ended !== undefined) reject(this.#ended);
      signal.throwIfAborted();
      this.#waiting.set(id, { resolve, reject });
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      const seconds = Math.round(limitMs / 1000);
      late.addEventListener('abort', () =>
        reject(new ServerTrouble(`it did not answer within ${seconds} s`)),
      );
      this.#send({ id, method, params });
    });
    return answer.finally(() => this.#waiting.delete(id));
  }

  /** Ends the server and the processes that it started. */
  async close(): Promise<void> {
    this.#child.stdin.end();
    const { pid } = this.#child;
    if (pid === undefined) return;
    await Promise.race([this.#gone, once(AbortSignal.timeout(LEAVE_MS), 'abort')]);
    await endTree({ leader: pid }, GRACE_MS);
  }

  #send(message: Json): void {
    if (this.#ended === undefined)
      this.#child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  #take(text: string): void {
    const lines = text.split('\n');
    for (const [index, piece] of lines.entries()) {
      this.#pieces.push(piece);
      this.#length += piece.length;
      if (this.#length > MOST_LINE)
        this.#end(`it answered with more than ${MOST_LINE / 1024 / 1024} MB`);
      if (index === lines.length - 1) return;
      const line = this.#pieces.join('');
      [this.#pieces, this.#length] = [[], 0];
      if (this.#ended === undefined && line.trim() !== '') this.#hear(line);
    }
  }

  #hear(line: string): void {
    const message = parsed(line);
    // Other output on the same stream is not a message.
    if (message === undefined) return;
    const { id, method, result, error } = message;
    if (typeof method === 'string') {
      if (id === undefined) return; // a notification
      this.#send(
        method === 'ping'
          ? { id, result: {} }
          : { id, error: { code: -32601, message: 'Not offered' } },
      );
      return;
    }
    const waiting = typeof id === 'number' ? this.#waiting.get(id) : undefined;
    if (error !== undefined)
      waiting?.reject(new ServerTrouble(`it answered: ${textOf((error as Json)['message'])}`));
    else waiting?.resolve((result ?? {}) as Json);
  }

  #end(why: string): void {
    this.#ended ??= new ServerTrouble(why);
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : 'an error without words';
}

function parsed(line: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}

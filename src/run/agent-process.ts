import { fork } from 'node:child_process';
import type { AgentEnd } from '../core/ports.ts';
import { endTree } from './process-tree.ts';
import type { AgentSpec, FromSupervisor, ToSupervisor } from './supervisor-protocol.ts';

/** Where the supervisor is, and who wants to know what. */
export interface AgentProcessOptions {
  /** The bundled `supervisor.cjs`, absolute. */
  readonly supervisor: string;
  /** The Node that runs it; an editor's own program will do. */
  readonly node?: string;
  readonly onStarted?: (pid: number) => void;
  /** What the agent writes on stdout and stderr, in pieces that may end within a character. */
  readonly onOutput?: (bytes: Uint8Array) => void;
  /** The log file could not be written (any more); the agent works on. */
  readonly onLogFailed?: (detail: string) => void;
}

/**
 * Starts an agent under a supervisor of its own and resolves when it and everything it started have ended.
 *
 * Aborting ends it: politely, and by force after the spec's grace. Never rejects: what cannot be started is `notStarted`,
 * and if the supervisor itself dies the agent is ended and its exit code is unknown.
 */
export function runAgentProcess(spec: AgentSpec, signal: AbortSignal, options: AgentProcessOptions): Promise<AgentEnd> {
  if (signal.aborted) return Promise.resolve({ kind: 'stopped' });
  return new Promise((resolve) => {
    const notStarted = (detail: string): AgentEnd => {
      return { kind: 'notStarted', failure: { kind: 'agentNotStarted', command: spec.command, detail } };
    };
    const supervisor = fork(options.supervisor, [], {
      ...(options.node === undefined ? {} : { execPath: options.node }),
      // None of the flags of this process: a debugger's port is taken, and loaders are not ours to pass on.
      execArgv: [],
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', NODE_OPTIONS: '' },
      // Out of the editor's group: a signal for that must not end the supervisor before it has ended its agent.
      detached: process.platform !== 'win32',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // Pieces of output go as bytes, not as JSON.
      serialization: 'advanced',
    });
    // Empty unless the supervisor has a bug, of which this is the only trace.
    let complaint = '';
    supervisor.stderr?.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(-4000)));
    const send = (message: ToSupervisor): void => {
      // An error here is a supervisor that has just died, which `exit` is about to say.
      if (supervisor.connected) supervisor.send(message, () => undefined);
    };
    const stop = (): void => send({ kind: 'stop' });
    let [pid, end]: [number | undefined, AgentEnd | undefined] = [undefined, undefined];

    supervisor.on('message', (message: FromSupervisor) => {
      switch (message.kind) {
        case 'started':
          pid = message.pid;
          options.onStarted?.(pid);
          return;
        case 'output':
          options.onOutput?.(message.bytes);
          return;
        case 'logFailed':
          options.onLogFailed?.(message.detail);
          return;
        case 'notStarted':
          end = notStarted(message.detail);
          return;
        case 'ended': {
          const { exitCode, signal: name, stopped } = message;
          end = stopped ? { kind: 'stopped' } : { kind: 'exited', exitCode, signal: name };
          return;
        }
      }
    });
    const settle = (last: AgentEnd): void => {
      signal.removeEventListener('abort', stop);
      resolve(last);
    };
    supervisor.once('error', (error) => {
      if (supervisor.pid === undefined) settle(notStarted(error.message));
    });
    // `close` comes after `exit` and after the channel has been read to its end.
    supervisor.once('close', (code, name) => {
      if (end !== undefined) {
        settle(end);
        return;
      }
      if (pid === undefined) {
        settle(
          notStarted(
            `The supervisor ended with ${name ?? String(code)} before the agent was started. ${complaint}`.trim(),
          ),
        );
        return;
      }
      const unknown: AgentEnd = { kind: 'exited', exitCode: undefined, signal: undefined };
      const last: AgentEnd = signal.aborted ? { kind: 'stopped' } : unknown;
      endTree(pid, 0).then(
        () => settle(last),
        () => settle(last),
      );
    });
    signal.addEventListener('abort', stop, { once: true });
    send({ kind: 'start', spec });
  });
}

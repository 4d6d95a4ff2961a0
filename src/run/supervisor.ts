/*
 * The parent of one agent: a small process that starts it without a shell, passes on what it writes, and sees to it that
 * the agent and everything it started end when the task is stopped, when the agent itself has ended, and when the window
 * that asked for it is gone. It is started by `agent-process.ts` and lives as long as its agent.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { endTree, isGroupAlive, killGroup } from './process-tree.ts';
import type { AgentSpec, FromSupervisor, ToSupervisor } from './supervisor-protocol.ts';

/** For what the agent left behind in its group. */
const LEFTOVER_GRACE_MS = 1000;
/** When the window is gone nobody waits, and the editor may be about to end us too. */
const ORPHAN_GRACE_MS = 1500;
/** How long nothing may come from pipes that something else holds open before they are given up. */
const DRAIN_MS = 500;
const DRAIN_EVERY_MS = 10;
/** A log is for reading; an agent that writes without end must not fill the disk. */
const MAX_LOG_BYTES = 64 * 1024 * 1024;

let agent: ChildProcess | undefined;
let log: { readonly fd: number; bytes: number } | undefined;
let graceMs = 5000;
let stopping = false;
let exited = false;
/** Every attempt to end the agent that is under way. */
const endings: Promise<void>[] = [];
/** When output came last, and how much of it is on its way to the window. */
const output = { at: 0, sending: 0 };

process.on('message', (message: ToSupervisor) => {
  if (message.kind === 'start') start(message.spec);
  else stop();
});
process.on('disconnect', () => void leave());
for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => void leave());
// The last net: whatever ends this process, the agent does not work on unseen.
process.on('exit', () => {
  if (agent?.pid !== undefined && !exited) killGroup(agent.pid);
});

function start(spec: AgentSpec): void {
  if (agent !== undefined) throw new Error('Internal error: a supervisor has one agent');
  graceMs = spec.graceMs;
  let stdin: number | undefined;
  try {
    if (!statSync(spec.cwd).isDirectory()) throw new Error(`${spec.cwd} is not a folder`);
    if (spec.stdinFile !== undefined) stdin = openSync(spec.stdinFile, 'r');
    openLog(spec.logFile);
    agent = spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: agentEnvironment(process.env, spec.env),
      stdio: [stdin ?? 'ignore', 'pipe', 'pipe'],
      // A group of its own on POSIX, so that it can be ended as a whole. On Windows that would be a console window.
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
  } catch (error) {
    void finish({ kind: 'notStarted', detail: String(error instanceof Error ? error.message : error) });
    return;
  } finally {
    if (stdin !== undefined) closeSync(stdin);
  }
  watch(agent);
}

function watch(child: ChildProcess): void {
  child.on('error', (error) => {
    // Also comes when a signal cannot be sent; only without a process id was nothing started.
    if (child.pid === undefined) void finish({ kind: 'notStarted', detail: error.message });
  });
  if (child.pid === undefined) return;
  const { pid } = child;
  void tell({ kind: 'started', pid });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (bytes: Buffer) => {
      // One piece on its way at a time: a window that is slow slows the agent down, and memory stays flat.
      stream.pause();
      output.sending++;
      writeLog(bytes);
      void tell({ kind: 'output', bytes }).then(() => {
        output.sending--;
        output.at = performance.now();
        stream.resume();
      });
    });
  }
  let closed = false;
  child.once('close', () => (closed = true));
  child.once('exit', (code, signal) => {
    const stopped = stopping;
    void (async () => {
      if (isGroupAlive(pid)) void endAgent(pid, stopped ? graceMs : LEFTOVER_GRACE_MS);
      for (const ending of endings) await ending;
      exited = true;
      output.at = performance.now();
      while (!closed && (output.sending > 0 || performance.now() - output.at < DRAIN_MS)) await wait(DRAIN_EVERY_MS);
      await finish({ kind: 'ended', exitCode: code ?? undefined, signal: signal ?? undefined, stopped });
    })();
  });
}

function stop(): void {
  if (stopping || agent?.pid === undefined || exited) return;
  stopping = true;
  void endAgent(agent.pid, graceMs);
}

/** The window is gone, or the system ends us: end everything, and then ourselves. */
async function leave(): Promise<void> {
  if (agent?.pid !== undefined && !exited) {
    stopping = true;
    await endAgent(agent.pid, ORPHAN_GRACE_MS);
  }
  process.exit(0);
}

function endAgent(pid: number, grace: number): Promise<void> {
  const ending = endTree(pid, grace);
  endings.push(ending);
  return ending;
}

/** Says the last word and ends this process when it has been heard. */
async function finish(last: FromSupervisor): Promise<void> {
  await tell(last);
  process.exit(0);
}

/** Resolves when the message is on its way, or when nobody is there to hear it. */
async function tell(message: FromSupervisor): Promise<void> {
  if (process.send === undefined || !process.connected) return;
  // An error here is a window that has just gone, which `disconnect` is about to say.
  await new Promise<void>((resolve) => process.send?.(message, undefined, undefined, () => resolve()));
}

function openLog(file: string | undefined): void {
  if (file === undefined) return;
  try {
    log = { fd: openSync(file, 'a', 0o600), bytes: 0 };
  } catch (error) {
    void tell({ kind: 'logFailed', detail: String(error) });
  }
}

function writeLog(bytes: Uint8Array): void {
  if (log === undefined) return;
  try {
    if (log.bytes + bytes.length > MAX_LOG_BYTES) {
      writeSync(log.fd, '\n[The log ends here; the agent wrote more than it may hold.]\n');
      throw new Error(`the log has reached ${MAX_LOG_BYTES} bytes`);
    }
    for (let done = 0; done < bytes.length;) done += writeSync(log.fd, bytes, done);
    log.bytes += bytes.length;
  } catch (error) {
    // The agent goes on without a log: its work is worth more, and the window is told.
    closeSync(log.fd);
    log = undefined;
    void tell({ kind: 'logFailed', detail: String(error) });
  }
}

/** Our own environment without what belongs to the editor, and then what the agent is to have. */
function agentEnvironment(own: NodeJS.ProcessEnv, extra: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const isEditors = (name: string): boolean => /^(VSCODE_.*|ELECTRON_.*|NODE_OPTIONS|NODE_CHANNEL_.*)$/i.test(name);
  const kept = Object.entries(own).filter(([name]) => !isEditors(name));
  return { ...Object.fromEntries(kept), ...extra };
}

import type { Terminal, ThemeIcon, window } from 'vscode';
import type { Disposable } from '../core/events.ts';
import type { Failure } from '../core/failure.ts';
import type { AgentEnd, Clock, Job, TaskRunner } from '../core/ports.ts';
import type { Result } from '../core/result.ts';
import type { Task, TaskId } from '../core/task.ts';
import { createReader, type OutputReader } from './agent-output.ts';
import { runAgentProcess } from './agent-process.ts';
import { AgentTerminal, toPlainLine, type TerminalMark } from './agent-terminal.ts';
import { fillArgs, type Agent } from './agents.ts';
import { AgentFolder, writePromptText, type AgentFiles } from './prompt.ts';

export interface TerminalRunnerOptions {
  readonly window: Pick<typeof window, 'createTerminal'>;
  readonly icon?: ThemeIcon;
  /** The bundled `supervisor.cjs`, absolute. */
  readonly supervisor: string;
  /** A folder of ours alone, for prompts and logs; absolute, made when needed. */
  readonly folder: string;
  /** Asked for each task, so that a changed setting or a new installation counts at once. */
  readonly findAgent: () => Promise<Result<Agent, Failure>>;
  readonly explain: (failure: Failure) => string;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: (line: string) => void;
  /** How long a stopped agent has to end by itself; 5 s unless said. */
  readonly graceMs?: number;
}

/** Terminals of agents that have ended; older ones are closed, their logs stay. */
const MAX_ENDED_TERMINALS = 40;

interface Shown {
  readonly terminal: Terminal;
  readonly pty: AgentTerminal;
}

/**
 * Runs each task's agent in a terminal of its own. Nothing of a task reaches a command line: its prompt is a file on the
 * agent's stdin, and a terminal of ours takes no command at all.
 */
export class TerminalRunner implements TaskRunner, Disposable {
  readonly #options: TerminalRunnerOptions;
  readonly #files: AgentFolder;
  /** The latest terminal of each task, the oldest first. */
  readonly #shown = new Map<TaskId, Shown>();
  readonly #disposed = new AbortController();

  constructor(options: TerminalRunnerOptions) {
    this.#options = options;
    this.#files = new AgentFolder(options.folder);
  }

  async run(job: Job, signal: AbortSignal, onStarted: () => void): Promise<AgentEnd> {
    const found = await this.#options.findAgent();
    if (!found.ok) return { kind: 'notStarted', failure: found.failure };
    const agent = found.value;
    let files: AgentFiles;
    try {
      files = await this.#files.write(job.runId, writePromptText(job));
    } catch (error) {
      const detail = `The prompt could not be written: ${String(error)}`;
      return { kind: 'notStarted', failure: { kind: 'agentNotStarted', command: agent.command, detail } };
    }
    const stop = new AbortController();
    const any = AbortSignal.any([signal, stop.signal, this.#disposed.signal]);
    if (any.aborted) return { kind: 'stopped' };
    const pty = this.#openTerminal(job.task, () => stop.abort());
    return this.#runAgent(job, agent, files, pty, any, onStarted);
  }

  /** Brings the terminal of a task to the front; false where it has none (any more). */
  show(id: TaskId, preserveFocus = false): boolean {
    const shown = this.#shown.get(id);
    shown?.terminal.show(preserveFocus);
    return shown !== undefined;
  }

  /** Whether the terminal of a task is there to be shown. */
  has(id: TaskId): boolean {
    return this.#shown.has(id);
  }

  /** Removes prompts and logs of runs that ended before then (epoch ms). */
  removeOlderThan(then: number): Promise<void> {
    return this.#files.removeOlderThan(then);
  }

  /** Stops every agent and closes every terminal. */
  dispose(): void {
    this.#disposed.abort();
    for (const { terminal } of [...this.#shown.values()]) terminal.dispose();
    this.#shown.clear();
  }

  async #runAgent(
    job: Job,
    agent: Agent,
    files: AgentFiles,
    pty: AgentTerminal,
    signal: AbortSignal,
    onStarted: () => void,
  ): Promise<AgentEnd> {
    const { clock, log, supervisor, graceMs = 5000 } = this.#options;
    const { root: cwd, runId, task } = job;
    const args = fillArgs(agent.args, { promptFile: files.promptFile, cwd, taskId: task.id, runId });
    const stdinFile = agent.stdin === 'prompt' ? files.promptFile : undefined;
    const command = toPlainLine([agent.command, ...args].map(quote).join(' '));
    const began = clock.now();
    log(`${toPlainLine(task.id)}: ${command} in ${cwd}, prompt ${files.promptFile}, log ${files.logFile}`);
    pty.write(header(job, agent));

    const reader = createReader(agent.output);
    const spec = { command: agent.command, args, cwd, env: agent.env, stdinFile, logFile: files.logFile, graceMs };
    const raw = await runAgentProcess(spec, signal, {
      supervisor,
      onStarted,
      onOutput: (bytes) => pty.write(reader.read(bytes)),
      onLogFailed: (detail) => log(`${toPlainLine(task.id)}: no more log in ${files.logFile}: ${detail}`),
    });
    pty.write(reader.end());
    const end = judge(raw, reader);
    const [mark, words] = this.#describe(end, reader);
    const seconds = Math.round((clock.now() - began) / 1000);
    pty.end(`${mark} ${words} after ${seconds} s. Any key closes this terminal.`, mark);
    log(`${toPlainLine(task.id)}: ${words} after ${seconds} s`);
    return end;
  }

  #openTerminal({ id, title }: Task, onStop: () => void): AgentTerminal {
    this.#shown.get(id)?.terminal.dispose();
    this.#shown.delete(id);
    const ended = [...this.#shown.values()].filter(({ pty }) => pty.isEnded);
    for (const { terminal } of ended.slice(0, Math.max(0, ended.length - MAX_ENDED_TERMINALS + 1))) terminal.dispose();

    // The title first: the ids of one backlog often differ in their last digits only.
    const name = [title, id]
      .map((text) => toPlainLine(text).slice(0, 40).replaceAll('$(', '$\u200b('))
      .filter(Boolean)
      .join(' · ');
    const onClosed = (): void => {
      if (this.#shown.get(id)?.pty === pty) this.#shown.delete(id);
    };
    const pty = new AgentTerminal({ name, onStop, onClosed });
    const { window, icon } = this.#options;
    // Transient: after a reload there is no agent behind it any more, so an empty terminal must not come back.
    const terminal = window.createTerminal({ name, pty, isTransient: true, ...(icon && { iconPath: icon }) });
    this.#shown.set(id, { terminal, pty });
    return pty;
  }

  #describe(end: AgentEnd, { complaint }: OutputReader): [TerminalMark, string] {
    switch (end.kind) {
      case 'stopped':
        return ['■', 'Stopped'];
      case 'notStarted':
        return ['✗', `Not started: ${toPlainLine(this.#options.explain(end.failure))}`];
      case 'exited':
        if (complaint !== undefined) return ['✗', `The agent says that it failed (${toPlainLine(complaint)})`];
        if (end.signal !== undefined) return ['✗', `Ended by ${end.signal}`];
        if (end.exitCode === undefined) return ['✗', 'Ended, nobody knows how,'];
        return [end.exitCode === 0 ? '✓' : '✗', `Ended with exit code ${end.exitCode}`];
    }
  }
}

/** An exit code of 0 that the agent's own last word contradicts says nothing: unknown, and so no success. */
function judge(end: AgentEnd, { complaint }: OutputReader): AgentEnd {
  const contradicted = end.kind === 'exited' && end.exitCode === 0 && complaint !== undefined;
  return contradicted ? { kind: 'exited', exitCode: undefined, signal: undefined } : end;
}

/** Short lines: what wraps is moved about by every change of the panel's width. Paths are in our log. */
function header({ task }: Job, agent: Agent): string {
  const lines = [
    `\x1b[1m${toPlainLine(task.id)} · ${toPlainLine(task.title)}\x1b[0m`,
    `\x1b[2m${toPlainLine(agent.label)}. Ctrl+C, or closing this terminal, stops it.\x1b[0m`,
  ];
  return `${lines.join('\n')}\n\n`;
}

function quote(word: string): string {
  return /^[\w@%+=:,./\\-]+$/.test(word) ? word : JSON.stringify(word);
}

import type * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import type { Failure } from '../core/failure.ts';
import type { RunScope } from '../core/run/run-choice.ts';
import type {
  SubagentHostRegistry,
  SubagentHost,
} from '../core/run/attempt/subagent-host-registry.ts';
import { beginText, endText, pauseText, progressText } from './chat-text.ts';
import { followRun } from './follow-run.ts';

/** One run that lives as long as the chat request which asked for it. */
export interface ChatRun {
  readonly backlog: Backlog;
  /** Undefined for all waves. */
  readonly wave: number | undefined;
  readonly host: SubagentHost;
  /** Through which the runs of that backlog start their subagents. */
  readonly subagentHosts: SubagentHostRegistry;
  readonly response: Pick<vscode.ChatResponseStream, 'markdown' | 'progress' | 'button'>;
  readonly token: vscode.CancellationToken;
  readonly reportBug: (error: unknown) => void;
}

/** How it went: the run that was started, or why none was. */
export type ChatRunEnd =
  | { readonly kind: 'ended'; readonly runId: string; readonly isCancelled: boolean }
  | { readonly kind: 'notStarted'; readonly failure: Failure };

/**
 * Starts a run whose tasks are done by subagents, says in the chat how it goes, and resolves when
 * the run has ended, with nothing of it at work and nothing locked. Cancelling the request stops
 * the run first.
 */
export async function runInChat(parts: ChatRun): Promise<ChatRunEnd> {
  const { backlog, wave, host, response, token } = parts;
  const refusal = host.available();
  if (refusal !== undefined) return { kind: 'notStarted', failure: refusal };
  const opened = parts.subagentHosts.open(host);
  try {
    response.progress('Starting the run…');
    // They work in the folder that the editor has open.
    const choice = { agentMode: 'subagent', isolation: 'shared' } as const;
    const scope: RunScope = wave === undefined ? { kind: 'all' } : { kind: 'wave', number: wave };
    const started = await backlog.runs.start(scope, choice);
    if (!started.ok) return { kind: 'notStarted', failure: started.failure };
    const runId = started.value;
    await tellAndWait(parts, runId);
    return { kind: 'ended', runId, isCancelled: token.isCancellationRequested };
  } finally {
    opened.dispose();
  }
}

async function tellAndWait(
  { backlog, response, token, reportBug }: ChatRun,
  runId: string,
): Promise<void> {
  const run = backlog.runs.all.find((each) => each.runId === runId);
  if (run !== undefined) response.markdown(`${beginText(run, backlog)}\n\n`);
  const stop = (): void => void backlog.runs.steer(runId, { ask: 'stopRun' }).catch(reportBug);
  const cancelled = token.onCancellationRequested(stop);
  if (token.isCancellationRequested) stop();
  try {
    const ended = await followRun(backlog, runId, {
      onTask: (task) => {
        const line = progressText(task, backlog);
        if (line !== undefined) response.markdown(`${line}\n\n`);
      },
      onPaused: (paused) => {
        response.markdown(`${pauseText(paused)}\n\n`);
        response.button({ command: 'todo2Waves.goOnRun', title: 'Go On' });
      },
    });
    if (ended === undefined) return;
    response.markdown(`${endText(ended)}\n\n`);
    const node = { kind: 'run', backlog, runId };
    response.button({
      command: 'todo2Waves.openRunReport',
      title: 'Open Run Report',
      arguments: [node],
    });
  } finally {
    cancelled.dispose();
  }
}

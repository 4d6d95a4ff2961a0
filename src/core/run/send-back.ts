import { cleanLines, oneLine } from '../text.ts';
import type { RunState } from './run-events.ts';
import type { TaskId } from '../task.ts';

/** What a reviewer wrote on lines of the work on a task. */
export interface LineComment {
  /** Relative to the repository, with `/`. */
  readonly path: string;
  /** The first of these lines, from 1. */
  readonly line: number;
  /** The lines, as the work has them. */
  readonly quote: string;
  readonly text: string;
}

/** What a reviewer answers to the work on a task, in general and on lines of it. */
export function sendBackText(comment: string, lines: readonly LineComment[]): string {
  return [cleanLines(comment).trim(), ...lines.map(lineText)].filter(Boolean).join('\n\n');
}

function lineText({ path, line, quote, text }: LineComment): string {
  const quoted = cleanLines(quote).split('\n');
  const place = `${oneLine(path)}:${line}`;
  return [place, ...quoted.map((each) => `> ${each}`), cleanLines(text).trim()].join('\n');
}

/** The latest run that the work of a run on a task was sent back to; undefined where it was not. */
export function sentBackIn(
  runs: readonly RunState[],
  runId: string,
  id: TaskId,
): RunState | undefined {
  return runs
    .filter((run) => isSentBack(run, runId, id))
    .reduce<RunState | undefined>(
      (latest, run) => (latest !== undefined && latest.startedAt > run.startedAt ? latest : run),
      undefined,
    );
}

/** True for a run of nothing but work of that other one that was sent back. */
export function sendsBack(run: RunState, runId: string): boolean {
  return [...run.tasks.keys()].every((id) => isSentBack(run, runId, id));
}

function isSentBack({ tasks }: RunState, runId: string, id: TaskId): boolean {
  return tasks.get(id)?.followUp?.after?.runId === runId;
}

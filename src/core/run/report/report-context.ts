import { inline, inlineId } from '../../markdown.ts';
import type { TaskId } from '../../task.ts';
import type { VerifyResult } from '../evidence.ts';
import type { RunStop, TaskOutcome } from '../run-events.ts';

/** What a report needs to know beside the run. */
export interface ReportContext {
  /** Undefined for a task that is gone. */
  readonly titleOf: (id: TaskId) => string | undefined;
  readonly dependenciesOf: (id: TaskId) => readonly TaskId[];
  /** Epoch ms. */
  readonly now: number;
  readonly words: ReportWords;
}

/** How things are called, as plain text: what they quote may be anybody's. */
export interface ReportWords {
  readonly outcome: (outcome: TaskOutcome) => string;
  /** Why a run starts nothing further, to stand by itself. */
  readonly stop: (stop: RunStop) => string;
  readonly verify: (result: VerifyResult) => string;
  readonly agent: (kind: string) => string;
  readonly duration: (ms: number) => string;
}

/** `T-1 · Title`, as inline markdown. */
export function taskName(id: TaskId, titleOf: ReportContext['titleOf']): string {
  const title = titleOf(id);
  return title === undefined || title.trim() === '' ? inlineId(id) : `${inlineId(id)} · ${inline(title)}`;
}

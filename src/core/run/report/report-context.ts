import { inline, inlineId } from '../../markdown.ts';
import type { TaskId } from '../../task.ts';

/** What a report needs to know beside the run. */
export interface ReportContext {
  /** Undefined for a task that is gone. */
  readonly titleOf: (id: TaskId) => string | undefined;
  readonly dependenciesOf: (id: TaskId) => readonly TaskId[];
  /** Epoch ms. */
  readonly now: number;
  /** A moment in epoch ms as the reader of the report has it, such as in their own time zone. */
  readonly timeOf: (at: number) => string;
}

/** `T-1 · Title`, as inline markdown. */
export function taskName(id: TaskId, titleOf: ReportContext['titleOf']): string {
  const title = titleOf(id);
  return title === undefined || title.trim() === ''
    ? inlineId(id)
    : `${inlineId(id)} · ${inline(title)}`;
}

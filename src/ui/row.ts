import type { Backlog } from '../core/backlog.ts';
import { oneLine } from '../core/text.ts';
import type { TaskId } from '../core/task.ts';

/** A codicon and, where it has one, its theme colour. */
export interface Icon {
  readonly id: string;
  readonly color?: string;
}

/** A command and what it is called. */
export interface Click {
  readonly title: string;
  readonly command: string;
}

/** What a row shows, in the editor's terms but without the editor. */
export interface RowContent {
  readonly label: string;
  readonly description: string;
  readonly icon: Icon;
  /** Everything a screen reader needs: icons and badges are not read. */
  readonly spoken: string;
  /** Words that menus ask for, such as `runnableTask`. */
  readonly flags: readonly string[];
  readonly collapsible: 'none' | 'collapsed' | 'expanded';
  /** The task that a click opens. */
  readonly opens?: TaskId;
  /** What a click does where it opens no task; the command gets the row. */
  readonly click?: Click;
  /** Plain text in place of the label and the description, or of a summary of the task. */
  readonly tooltip?: string;
}

/** What only the edge knows of agents. */
export interface RowView {
  /** Whether the output of a task's agent can still be shown. */
  readonly hasTerminal: (backlog: Backlog, id: TaskId) => boolean;
  /** What the agent of a task is doing now, in one plain line; undefined where it does not say. */
  readonly activityOf: (backlog: Backlog, id: TaskId) => string | undefined;
}

/** A row: no flags, no children and a spoken form of its texts, except for what `more` says. */
export function row(
  label: string,
  description: string,
  icon: Icon,
  more: Partial<RowContent> = {},
): RowContent {
  return {
    label,
    description: oneLine(description),
    icon,
    spoken: [label, description].filter(Boolean).join(', '),
    flags: [],
    collapsible: 'none',
    ...more,
  };
}

/** A row whose matter has gone since the editor asked for it. */
export const GONE: RowContent = row('No longer there', '', { id: 'circle-slash' });

import type { Backlog } from '../core/backlog.ts';
import { Emitter, type Event } from '../core/events.ts';
import { isSettled, type Task } from '../core/task.ts';
import { oneLine } from '../core/text.ts';
import { isOpenPart } from '../core/run/task-of-run.ts';
import { titleOf } from './wait-words.ts';

export const GROUPINGS = ['none', 'tag', 'epic', 'priority'] as const;
export const FILTERS = ['ready', 'failed', 'review', 'mine'] as const;

export type Grouping = (typeof GROUPINGS)[number];
export type Filter = (typeof FILTERS)[number];

/** What the user wants to see of the waves. */
export interface TreeLook {
  /** What tasks are put together by, within each wave. */
  readonly groupBy: Grouping;
  /** Tasks that are one of these; all where there is none. */
  readonly only: readonly Filter[];
  /** In title, id, tags or status; empty for all. */
  readonly text: string;
}

/** Everything, and flat. */
export const WHOLE: TreeLook = { groupBy: 'none', only: [], text: '' };

const KEY = 'treeLook';

/** The look that the user chose, remembered for the workspace. */
export class TreeLooks {
  readonly #memory: TreeMemory;
  readonly #changed = new Emitter<undefined>();
  #look: TreeLook;

  readonly onDidChange: Event<undefined> = this.#changed.event;

  constructor(memory: TreeMemory) {
    this.#memory = memory;
    this.#look = readLook(memory.get(KEY));
  }

  get now(): TreeLook {
    return this.#look;
  }

  async set(look: Partial<TreeLook>): Promise<void> {
    this.#look = { ...this.#look, ...look };
    this.#changed.fire(undefined);
    await this.#memory.update(KEY, this.#look);
  }
}

/** Where a look is kept. */
export interface TreeMemory {
  get(key: string): unknown;
  update(key: string, value: unknown): PromiseLike<void>;
}

function readLook(value: unknown): TreeLook {
  if (typeof value !== 'object' || value === null) return WHOLE;
  const { groupBy, only, text } = value as Readonly<Record<string, unknown>>;
  return {
    groupBy: GROUPINGS.find((known) => known === groupBy) ?? WHOLE.groupBy,
    only: FILTERS.filter((known) => Array.isArray(only) && only.includes(known)),
    text: typeof text === 'string' ? oneLine(text) : '',
  };
}

/** True where some tasks are left out. */
export function isFiltered({ only, text }: TreeLook): boolean {
  return only.length > 0 || text !== '';
}

/** True for a task that is to be shown. */
export function isShown(backlog: Backlog, task: Task, { only, text }: TreeLook): boolean {
  if (only.length > 0 && !only.some((filter) => TESTS[filter](backlog, task))) return false;
  if (text === '') return true;
  const whole = [task.title, task.id, task.rawStatus, ...task.tags].join('\n').toLowerCase();
  return whole.includes(text.toLowerCase());
}

const TESTS: Readonly<Record<Filter, (backlog: Backlog, task: Task) => boolean>> = {
  ready: (backlog, task) =>
    !isSettled(task.status) &&
    backlog.readinessOf(task).kind === 'ready' &&
    backlog.runs.of(task.id) === undefined &&
    backlog.runs.failedPartOf(task.id) === undefined,
  failed: ({ runs }, { id, status }) =>
    !isSettled(status) &&
    (runs.failedPartOf(id) !== undefined || runs.stuckSince(id) !== undefined),
  review: (_, { status }) => status === 'Review',
  mine: (backlog, { id, lock }) => {
    const latest = backlog.runs.latestOf(id);
    return (
      (lock !== undefined && backlog.isOurs(lock.holder)) ||
      (latest !== undefined && isOpenPart(latest) && latest.part.agent.agentMode === 'human')
    );
  },
};

export const FILTER_WORDS: Readonly<Record<Filter, string>> = {
  ready: 'ready',
  failed: 'failed or stuck',
  review: 'to review',
  mine: 'mine',
};

/** What is shown, in a few words: “ready · “parse””. */
export function filterWords({ only, text }: TreeLook): string {
  return [
    ...only.map((filter) => FILTER_WORDS[filter]),
    ...(text === '' ? [] : [`“${text}”`]),
  ].join(' · ');
}

/** The heading that a task stands under, and where that comes among the others. */
export interface Heading {
  readonly name: string;
  /** Ascending; of equal ones the name decides. */
  readonly place: number;
}

const PRIORITIES = ['critical', 'high', 'medium', 'low', 'other'] as const;

/** A task has one row, so of several tags the first counts. */
export function headingOf(backlog: Backlog, task: Task, by: Exclude<Grouping, 'none'>): Heading {
  switch (by) {
    case 'tag': {
      const [tag] = [...task.tags].sort();
      return tag === undefined ? { name: 'No tag', place: 1 } : { name: oneLine(tag), place: 0 };
    }
    case 'epic':
      return task.parentId === undefined
        ? { name: 'No parent', place: 1 }
        : { name: titleOf(backlog, task.parentId), place: 0 };
    case 'priority':
      return {
        name: `${task.priority.charAt(0).toUpperCase()}${task.priority.slice(1)}`,
        place: PRIORITIES.indexOf(task.priority),
      };
  }
}

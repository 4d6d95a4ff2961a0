import { isSettled, type Task, type TaskId } from '../task.ts';
import type { Plan } from '../waves/waves.ts';
import { readMilestone } from './milestone.ts';
import { splitIds, WAVE_LINE } from './read-plan.ts';
import { isForAgents, todoStatus } from './wave-facts.ts';

/** Where a task is named in a plan; lines and columns count from 0, `end` is behind the id. */
export interface IdLocation {
  readonly id: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
  /** `mention` is anywhere in the text, where an unknown id is no error. */
  readonly as: 'todo' | 'wave' | 'milestone' | 'mention';
}

/**
 * The line of a wave: in the frontmatter, in section 4, or the heading of a section for subagents.
 */
export interface WaveLocation {
  readonly line: number;
  readonly in: 'frontmatter' | 'list' | 'section';
  /** As the plan numbers it. */
  readonly number: number;
  readonly ids: readonly string[];
}

/** The locations in a plan, for an editor. */
export interface PlanLocations {
  readonly ids: readonly IdLocation[];
  readonly waves: readonly WaveLocation[];
  /** The status of each todo, in the words of the plan. */
  readonly statuses: ReadonlyMap<string, string>;
}

/** Only this many lines are read: an editor waits for the answer. */
const MAX_LINES = 50_000;

const MENTION = /(?<![\w-])[A-Z][A-Za-z]{0,9}-\d+(?![\w-])/g;

/**
 * Finds tasks and waves in a plan, line by line and without parsing YAML, so that it keeps up with
 * typing.
 */
export function findLocations(text: string): PlanLocations {
  const ids: IdLocation[] = [];
  const waves: { line: number; in: WaveLocation['in']; number: number; ids: readonly string[] }[] =
    [];
  const statuses = new Map<string, string>();
  let part: 'start' | 'front' | 'body' = 'start';
  let key = '';
  let todo: string | undefined;
  let isSectionList = false;
  let inFrontmatter = 0;
  const lines = text.replace(/^\ufeff/, '').split(/\r\n?|\n/, MAX_LINES);
  lines.forEach((line, at) => {
    if (part === 'start') part = /^---[ \t]*$/.test(line) ? 'front' : 'body';
    else if (part === 'front' && /^---[ \t]*$/.test(line)) part = 'body';
    else if (part === 'front') inFront(line, at);
    if (part === 'body') inBody(line, at);
  });
  return { ids, waves, statuses };

  function inFront(line: string, at: number): void {
    key = /^([\w-]+):/.exec(line)?.[1] ?? key;
    if (key === 'todos') {
      const id = unquote(/^\s*(?:-\s*)?id:([^\n]*)/.exec(line)?.[1]);
      const status = unquote(/^\s*status:([^\n]*)/.exec(line)?.[1]);
      if (id !== undefined) put(id, line, at, 'todo', line.indexOf('id:') + 3);
      todo = id ?? todo;
      if (todo !== undefined && status !== undefined) statuses.set(todo, status);
    } else if (key === 'waves') {
      const list = /^\s*-\s*\[(.*)\]\s*$/.exec(line)?.[1];
      if (list === undefined) return;
      const named = [...list.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|([^,\s"'][^,]*)/g)].map(
        (match) => match[1] ?? match[2] ?? match[3]?.trim() ?? '',
      );
      wave(line, at, 'frontmatter', inFrontmatter++, named);
    }
  }

  function inBody(line: string, at: number): void {
    const milestone = readMilestone(line);
    const listed = WAVE_LINE.exec(line);
    const section = /^## Wave (\d+)/.exec(line)?.[1];
    if (milestone !== undefined) put(milestone.id, line, at, 'milestone', milestone.start);
    else if (listed !== null) wave(line, at, 'list', Number(listed[1]), splitIds(listed[2] ?? ''));
    else if (section !== undefined)
      waves.push({ line: at, in: 'section', number: Number(section), ids: [] });
    else if (/^\*\*Task IDs\b.*:\*\*\s*$/.test(line)) isSectionList = true;
    else if (isSectionList && line.trim() !== '') {
      isSectionList = false;
      const last = waves.at(-1);
      if (last?.in === 'section') last.ids = putAll(line, at, splitIds(line));
    } else
      for (const match of line.matchAll(MENTION)) put(match[0], line, at, 'mention', match.index);
  }

  function wave(
    line: string,
    at: number,
    where: WaveLocation['in'],
    number: number,
    named: readonly string[],
  ): void {
    waves.push({
      line: at,
      in: where,
      number,
      ids: putAll(line, at, named, line.indexOf(':') + 1),
    });
  }

  function putAll(line: string, at: number, named: readonly string[], from = 0): readonly string[] {
    let next = from;
    for (const each of named) next = put(each, line, at, 'wave', next);
    return named;
  }

  function put(id: string, line: string, at: number, as: IdLocation['as'], from: number): number {
    const start = line.indexOf(id, from);
    if (id === '' || start === -1) return from;
    ids.push({ id, line: at, start, end: start + id.length, as });
    return start + id.length;
  }
}

/** A value of one line, without the quotes around it; undefined where there is none. */
function unquote(written: string | undefined): string | undefined {
  const text = written?.trim() ?? '';
  const quote = text.charAt(0);
  const isQuoted = text.length > 2 && /["']/.test(quote) && text.endsWith(quote);
  return (isQuoted ? text.slice(1, -1) : text) || undefined;
}

/** True where writing the plan anew would change its waves or the statuses of its todos. */
export function isOutOfDate(
  { waves, statuses }: PlanLocations,
  plan: Plan,
  byId: ReadonlyMap<TaskId, Task>,
  kind: 'main' | 'subagents',
): boolean {
  const wanted = plan.waves.map(({ tasks }) =>
    kind === 'main' ? tasks : tasks.filter(isForAgents),
  );
  const places = kind === 'main' ? waves.filter((each) => each.in === 'frontmatter') : waves;
  const isSame =
    places.length === wanted.length &&
    places.every(({ ids }, i) => {
      const tasks = wanted[i] ?? [];
      return ids.length === tasks.length && tasks.every(({ id }, j) => ids[j] === id);
    });
  if (!isSame) return true;
  return [...statuses].some(([id, word]) => {
    const task = byId.get(id as TaskId);
    // What somebody added to the todos is not the backlog's, and stays.
    if (task === undefined) return /^T-\d+$/.test(id);
    return isSettled(task.status) || todoStatus(task.status) !== word;
  });
}

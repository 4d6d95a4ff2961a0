import type { Unreadable } from '../../core/failure.ts';
import {
  newestFirst,
  parseHandoffStatus,
  type BadHandoff,
  type GitStatus,
  type Handoff,
  type HandoffRun,
  type HandoffsState,
  type HandoffTask,
} from '../../core/handoff.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { isRecord } from '../../core/shape.ts';
import { parseJson } from '../read/parse-json.ts';
import { readDate } from '../read/read-date.ts';

/** The name of the list in the file. */
export const HANDOFFS = 'handoffs';

type Fault = Pick<Unreadable, 'cause' | 'detail'>;
type Entry = Readonly<Record<string, unknown>>;

/**
 * The handoffs of a `handoffs.json`, as exarp-go and its Python predecessor write it. Entries that
 * are not objects are skipped and reported in `bad`. Fails only where the file as a whole cannot be
 * read.
 */
export function readHandoffs(
  bytes: Uint8Array,
): Result<HandoffsState & { readonly kind: 'read' }, Fault> {
  const document = parseJson(bytes);
  if (!document.ok) return document;
  const entries = handoffEntries(document.value);
  if (entries === undefined)
    return fail({ cause: 'malformed', detail: `no list named "${HANDOFFS}"` });
  const handoffs: Handoff[] = [];
  const bad: BadHandoff[] = [];
  const keys = new Set<string>();
  for (const [index, entry] of entries.entries()) {
    if (!isRecord(entry)) {
      bad.push({ position: index + 1, detail: entry === null ? 'is null' : 'is not an object' });
      continue;
    }
    handoffs.push(readEntry(entry, keys));
  }
  return ok({ kind: 'read', handoffs: newestFirst(handoffs), bad });
}

/**
 * The list of a document, empty where the key is missing or null. Undefined where another value is
 * in its place.
 */
export function handoffEntries(document: unknown): readonly unknown[] | undefined {
  if (!isRecord(document)) return undefined;
  const list = Object.hasOwn(document, HANDOFFS) ? document[HANDOFFS] : null;
  if (list === null) return [];
  return Array.isArray(list) ? (list as readonly unknown[]) : undefined;
}

function readEntry(entry: Entry, keys: Set<string>): Handoff {
  const id = text(entry['id']);
  const rawStatus = text(entry['status']);
  let key = id || text(entry['timestamp']) || 'handoff';
  while (keys.has(key)) key += '+'; // exarp-go's ids are in seconds, so two can be equal
  keys.add(key);
  return {
    key,
    id,
    at: readDate(entry['timestamp']),
    host: text(entry['host']),
    status: parseHandoffStatus(rawStatus),
    rawStatus,
    summary: text(entry['summary']),
    blockers: texts(entry['blockers']),
    nextSteps: texts(entry['next_steps']),
    inProgress: tasks(entry['tasks_in_progress']),
    completed: [...tasks(entry['tasks_completed_today']), ...tasks(entry['tasks_completed'])],
    runs: runs(entry['runs']),
    journal: list(entry['task_journal']).flatMap((each) =>
      isRecord(each) ? [{ id: text(each['id']), action: text(each['action']) }] : [],
    ),
    warnings: texts(entry['warnings']),
    git: gitStatus(entry['git_status']),
    entry,
  };
}

function gitStatus(value: unknown): GitStatus | undefined {
  if (!isRecord(value)) return undefined;
  return {
    branch: text(value['branch']) || undefined,
    uncommittedFiles: count(value['uncommitted_files']),
    changedFiles: texts(value['changed_files']),
    ahead: count(value['ahead_of_remote']),
    behind: count(value['behind_remote']),
  };
}

/** Tasks of a list; old files have a number in its place, which names none. */
function tasks(value: unknown): readonly HandoffTask[] {
  return list(value).flatMap((each) => {
    if (!isRecord(each))
      return typeof each === 'string' && each !== '' ? [{ id: each, title: '', note: '' }] : [];
    const title = text(each['content']) || text(each['name']) || text(each['title']);
    return [{ id: text(each['id']), title, note: text(each['status']) || text(each['priority']) }];
  });
}

function runs(value: unknown): readonly HandoffRun[] {
  return list(value).flatMap((each) =>
    isRecord(each)
      ? [
          {
            id: text(each['id']),
            title: text(each['title']),
            status: text(each['status']),
            result: text(each['result']),
          },
        ]
      : [],
  );
}

function texts(value: unknown): readonly string[] {
  return (typeof value === 'string' ? [value] : list(value))
    .map(text)
    .filter((each) => each.trim() !== '');
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : '';
}

function count(value: unknown): number | undefined {
  if (Array.isArray(value)) return value.length;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

import { fail, ok, type Result } from '../../core/result.ts';
import { isRecord } from '../../core/shape.ts';
import { LIST_NAMES, parseJson } from './parse-json.ts';
import { readMetadataValue } from './metadata.ts';
import { readDate } from './read-date.ts';
import type { ContentFault, StoreContent } from './store-content.ts';
import { TaskList, hoursOf, type RawTask } from './task-list.ts';

type Entry = Readonly<Record<string, unknown>>;

/**
 * The tasks of a `state.todo2.json`, as exarp-go or the Todo2 extension writes it. An entry that is
 * not a task is left out with a notice. Fails only where the file as a whole cannot be read. Such a
 * file has no locks.
 */
export function readJsonStore(
  bytes: Uint8Array,
  project: string,
): Result<StoreContent, ContentFault> {
  const document = parseJson(bytes);
  if (!document.ok) return document;
  const entries = entriesOf(document.value);
  if (entries === undefined) {
    return fail({
      cause: 'malformed',
      detail: `neither a list named "todos" nor one named "tasks" at line 1, column 1`,
    });
  }
  // On import exarp-go gives tasks without a project the one of the folder.
  const list = new TaskList({
    isForeign: (id) => id !== '' && id !== project,
    isSpellingFree: true,
  });
  for (const [index, entry] of entries.entries()) {
    const position = index + 1;
    if (!isRecord(entry)) {
      list.notices.push({
        kind: 'badEntry',
        position,
        detail: `is ${kindOf(entry)}, not an object`,
      });
      continue;
    }
    const reader = new EntryReader(entry);
    const raw = reader.read();
    if (list.add(raw, position) && reader.faults.length > 0) {
      list.notices.push({ kind: 'badEntry', position, detail: reader.faults.join('; ') });
    }
  }
  return ok({ tasks: list.tasks, notices: list.notices });
}

function entriesOf(document: unknown): readonly unknown[] | undefined {
  if (Array.isArray(document)) return document as readonly unknown[];
  if (!isRecord(document)) return undefined;
  const lists = LIST_NAMES.map((name) => document[name]);
  const list = lists.find((each) => Array.isArray(each));
  if (list !== undefined) return list as readonly unknown[];
  // Go writes an empty list as null.
  return lists.includes(null) || Object.keys(document).length === 0 ? [] : undefined;
}

/**
 * Reads one entry, with all names that its fields have; values of a wrong type are left out and
 * reported in `faults`.
 */
class EntryReader {
  readonly faults: string[] = [];
  readonly #entry: Entry;

  constructor(entry: Entry) {
    this.#entry = entry;
  }

  read(): RawTask {
    const status = this.#text('status');
    return {
      id: this.#text('id') ?? '',
      title: this.#text('content', 'name', 'title') ?? '',
      description:
        this.#text('long_description', 'description', 'longDescription', 'details') ?? '',
      status: status ?? (isTrue(this.#entry['completed']) ? 'Done' : undefined),
      priority: this.#text('priority') ?? '',
      tags: this.#list('tags'),
      dependencies: this.#list('dependencies', 'dependsOn', 'depends_on'),
      parentId: this.#text('parent_id', 'parentId', 'parent') ?? '',
      projectId: this.#text('project_id', 'projectId') ?? '',
      lock: undefined,
      metadata: readMetadataValue(this.#entry['metadata']),
      estimatedHours: hoursOf(this.#first('estimatedHours', 'estimated_hours')),
      createdAt: this.#date('created', 'created_at', 'createdAt'),
      modifiedAt: this.#date('last_modified', 'lastModified', 'updated', 'updated_at', 'updatedAt'),
      completedAt: this.#date('completed_at', 'completedAt'),
      version: 0,
    };
  }

  /** The value of the first of these names that is not empty, else of the first that is present. */
  #first(...names: readonly string[]): unknown {
    const present = names.filter((name) => {
      const value = Object.hasOwn(this.#entry, name) ? this.#entry[name] : undefined;
      return value !== undefined && value !== null;
    });
    const name = present.find((each) => !isEmpty(this.#entry[each])) ?? present[0];
    return name === undefined ? undefined : this.#entry[name];
  }

  #text(...names: readonly string[]): string | undefined {
    const value = this.#first(...names);
    if (value === undefined || typeof value === 'string') return value;
    if (typeof value === 'number') return String(value);
    this.faults.push(`${names[0] ?? ''} is ${kindOf(value)}, not text`);
    return undefined;
  }

  #date(...names: readonly string[]): number | undefined {
    return readDate(this.#first(...names));
  }

  #list(...names: readonly string[]): readonly string[] {
    const value = this.#first(...names);
    if (value === undefined) return [];
    if (typeof value === 'string') return value.split(',').map((each) => each.trim());
    if (!Array.isArray(value)) {
      this.faults.push(`${names[0] ?? ''} is ${kindOf(value)}, not a list`);
      return [];
    }
    return value.flatMap((each: unknown) => {
      if (typeof each === 'string') return [each];
      if (typeof each === 'number') return [String(each)];
      if (isRecord(each) && typeof each['id'] === 'string') return [each['id']];
      this.faults.push(`${names[0] ?? ''} holds ${kindOf(each)}`);
      return [];
    });
  }
}

function isEmpty(value: unknown): boolean {
  return value === '' || (Array.isArray(value) && value.length === 0);
}

/** exarp-go's database stores a number, and so do exports from it. */
function isTrue(value: unknown): boolean {
  return value === true || value === 1;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
}

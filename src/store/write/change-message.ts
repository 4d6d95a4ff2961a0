import type { Change } from '../../core/edit/change.ts';
import type { Task } from '../../core/task.ts';

const COLUMNS = ['content', 'long_description', 'status', 'priority', 'completed'];
const STATUSES = ['Todo', 'In Progress', 'Review', 'Done', 'Blocked', 'Cancelled'];
const PRIORITIES = ['critical', 'high', 'medium', 'low'];
const PAIR_TABLES = ['task_tags', 'task_dependencies'];

/** Whether a message holds a change: names of columns and tables in it become part of statements, so no other is let in. */
export function isChange(value: unknown): value is Change {
  if (!isRecord(value) || !isId(value['id'])) return false;
  const { from, to } = value;
  switch (value['kind']) {
    case 'create':
      return (
        isId(value['title']) &&
        isText(value['description']) &&
        isOneOf(PRIORITIES, value['priority']) &&
        isTexts(value['tags']) &&
        isIds(value['dependencies']) &&
        isIdOrNone(value['parentId'])
      );
    case 'delete':
      return typeof value['version'] === 'number';
    case 'setTitle':
      return isText(from) && isId(to);
    case 'setDescription':
      return isText(from) && isText(to);
    case 'setStatus':
      return isText(from) && isOneOf(STATUSES, to);
    case 'setPriority':
      return isText(from) && isOneOf(PRIORITIES, to);
    case 'setTags':
      return isTexts(from) && isTexts(to);
    case 'addDependency':
    case 'removeDependency':
      return isId(value['on']);
    case 'setParent':
      return isIdOrNone(from) && isIdOrNone(to);
    case 'setProject':
      return isIdOrNone(from) && isId(to);
    case 'fillNull':
      return isOneOf(COLUMNS, value['column']);
    case 'clearLock':
      return isId(value['holder']) && isTimeOrNone(value['until']) && isText(value['reason']);
    case 'removeOrphan':
      return isOneOf(PAIR_TABLES, value['table']) && isText(value['value']);
    default:
      return false;
  }
}

/** Whether a message holds a task that can be put into a new store. */
export function isImportable(value: unknown): value is Task {
  if (!isRecord(value)) return false;
  const texts = ['title', 'description', 'rawStatus', 'rawPriority', 'status', 'priority'];
  return (
    isId(value['id']) &&
    texts.every((name) => isText(value[name])) &&
    isTexts(value['tags']) &&
    isTexts(value['dependencies']) &&
    isRecord(value['metadata'])
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** What is undefined does not arrive at all. */
function isIdOrNone(value: unknown): boolean {
  return value === undefined || isId(value);
}

function isTimeOrNone(value: unknown): boolean {
  return value === undefined || (typeof value === 'number' && Number.isFinite(value));
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}

function isIds(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isId);
}

function isOneOf(words: readonly string[], value: unknown): boolean {
  return isText(value) && words.includes(value);
}

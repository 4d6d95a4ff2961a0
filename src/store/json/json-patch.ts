import type { Failure } from '../../core/failure.ts';
import { mapOk, type Result } from '../../core/result.ts';
import type { Status, TaskId } from '../../core/task.ts';
import { LIST_NAMES } from '../read/parse-json.ts';
import { elementSpans, memberSpans, put, type Span } from './json-spans.ts';
import { type ParseJson, patchJsonFile, type Patch } from './patch-file.ts';

/** All outcomes but `patched` leave the file unchanged. */
type PatchOutcome = 'patched' | 'unchanged' | 'noFile' | 'noEntry';

const MODIFIED = ['last_modified', 'lastModified', 'updated', 'updated_at', 'updatedAt'];
const COMPLETED_AT = ['completed_at', 'completedAt'];

/**
 * Writes the status of one task in a `state.todo2.json`, atomically, to match the database.
 *
 * Only the values that change are replaced, in the style that the entry has; every other byte
 * stays. Never creates the file. Fails with `unreadable` where it is not valid JSON, and with
 * `writeFailed`. `now` is epoch ms; for `root` and `parse` see `patchJsonFile`.
 */
export async function patchJsonStatus(
  file: string,
  id: TaskId,
  status: Exclude<Status, 'Unknown'>,
  now: number,
  root?: string,
  parse?: ParseJson,
): Promise<Result<PatchOutcome, Failure>> {
  const patch = (text: string): Patch<'noEntry'> => {
    const patched = patchText(text, id, status, now);
    return patched === undefined ? { refused: 'noEntry' } : { text: patched };
  };
  const done = await patchJsonFile(file, patch, root, parse);
  return mapOk(done, (outcome) => (typeof outcome === 'string' ? outcome : outcome.refused));
}

/** The patched text; undefined where no entry has the id. */
function patchText(
  text: string,
  id: TaskId,
  status: Exclude<Status, 'Unknown'>,
  now: number,
): string | undefined {
  const entry = entriesIn(text).find((span) => idAt(text, span) === id);
  if (entry === undefined) return undefined;
  const members = memberSpans(text, entry.start);
  const changes: (Span & { readonly json: string })[] = [];
  const replace = (span: Span, value: unknown): void => {
    const json = JSON.stringify(value);
    if (text.slice(span.start, span.end) !== json) changes.push({ ...span, json });
  };

  const stored = members.get('status');
  if (stored !== undefined) replace(stored, status);
  else {
    const after = members.get('id') ?? entry;
    changes.push({
      start: after.end,
      end: after.end,
      json: `, "status": ${JSON.stringify(status)}`,
    });
  }
  const completed = members.get('completed');
  if (completed !== undefined) {
    const isNumber = typeof valueAt(text, completed) === 'number';
    replace(completed, isNumber ? Number(status === 'Done') : status === 'Done');
  }
  for (const span of spansOf(members, COMPLETED_AT)) {
    const old = valueAt(text, span);
    if (status !== 'Done') replace(span, typeof old === 'string' ? '' : null);
    else if (old === '' || old === null) replace(span, dateLike(styleOf(text, members), now));
  }
  if (changes.length === 0) return text;
  for (const span of spansOf(members, MODIFIED)) replace(span, dateLike(valueAt(text, span), now));

  return changes
    .sort((a, b) => b.start - a.start)
    .reduce((all, change) => put(all, change, change.json), text);
}

/** The id of an entry, as text; undefined where it has none. */
export function idAt(text: string, entry: Span): string | undefined {
  return textAt(text, memberSpans(text, entry.start).get('id'));
}

/** The spans of the entries of a store. The text must be valid JSON. */
export function entriesIn(text: string): readonly Span[] {
  const direct = elementSpans(text, 0);
  if (direct.length > 0) return direct;
  const members = memberSpans(text, 0);
  for (const name of LIST_NAMES) {
    const list = members.get(name);
    if (list !== undefined && text[list.start] === '[') return elementSpans(text, list.start);
  }
  return [];
}

function spansOf(members: ReadonlyMap<string, Span>, names: readonly string[]): Span[] {
  return names.flatMap((name) => members.get(name) ?? []);
}

/** A date of the entry, as the style for a new one. */
function styleOf(text: string, members: ReadonlyMap<string, Span>): unknown {
  const [span] = spansOf(members, [...MODIFIED, 'created', 'created_at', 'createdAt']);
  return span && valueAt(text, span);
}

/** In the format of the other date: seconds, ms, or a number. */
function dateLike(other: unknown, now: number): string | number {
  if (typeof other === 'number') return other > 1e11 ? now : Math.floor(now / 1000);
  const iso = new Date(now).toISOString();
  return typeof other === 'string' && other.includes('.') ? iso : `${iso.slice(0, 19)}Z`;
}

function textAt(text: string, span: Span | undefined): string | undefined {
  const value = span && valueAt(text, span);
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined;
}

function valueAt(text: string, span: Span): unknown {
  return JSON.parse(text.slice(span.start, span.end)) as unknown;
}

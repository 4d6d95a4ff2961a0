import type { Failure } from '../../core/failure.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import type { TaskId } from '../../core/task.ts';
import { LIST_NAMES } from '../read/json-reader.ts';
import { entriesIn, idAt } from './json-patch.ts';
import { patchJsonFile } from './patch-file.ts';
import { cutOne, elementSpans, insert, memberSpans } from './json-spans.ts';

/** An entry that was taken out of a file, and how to put it back. */
interface RemovedEntry {
  /** Puts the entry back: in its old place where the file is as it was left, else at the end of its list. */
  putBack(): Promise<Result<unknown, Failure>>;
}

/**
 * Takes the entry of a task out of a `state.todo2.json`; everything else in it stays to the byte. Undefined where there is no
 * such file, or no such entry. Fails as `patchJsonFile` does; the file is then as it was.
 */
export async function removeJsonEntry(file: string, id: TaskId): Promise<Result<RemovedEntry | undefined, Failure>> {
  let before = '';
  let after = '';
  const removed = await patchJsonFile(file, (text) => {
    before = after = text;
    // An id that is there twice would come back from the second entry.
    for (;;) {
      const entries = entriesIn(after);
      const index = entries.findIndex((span) => idAt(after, span) === id);
      if (index === -1) return { text: after };
      after = cutOne(after, entries, index);
    }
  });
  if (!removed.ok) return fail(removed.failure);
  if (removed.value !== 'patched') return ok(undefined);
  return ok({
    putBack: () =>
      patchJsonFile(file, (text) => {
        if (text === after) return { text: before };
        const entries = entriesIn(before);
        const entry = entries.find((span) => idAt(before, span) === id);
        const isThere = entriesIn(text).some((span) => idAt(text, span) === id);
        return { text: entry === undefined || isThere ? text : append(text, before.slice(entry.start, entry.end)) };
      }),
  });
}

/** With one more element at the end of the list of tasks; a file that has no such list any more stays as it is. */
function append(text: string, entry: string): string {
  const last = entriesIn(text).at(-1);
  if (last !== undefined) return insert(text, last.end, `, ${entry}`);
  const list = LIST_NAMES.map((name) => memberSpans(text, 0).get(name)).find((span) => span !== undefined);
  const start = list?.start ?? text.indexOf('[');
  if (text[start] !== '[' || elementSpans(text, start).length > 0) return text;
  return insert(text, start + 1, entry);
}

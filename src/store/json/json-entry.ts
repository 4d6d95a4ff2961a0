import type { Failure } from '../../core/failure.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import type { TaskId } from '../../core/task.ts';
import { LIST_NAMES } from '../read/parse-json.ts';
import { entriesIn, idAt } from './json-patch.ts';
import { parseJson } from '../read/parse-json.ts';
import { patchJsonFile, type Patch } from './patch-file.ts';
import { cutOne, elementSpans, insert, memberSpans } from './json-spans.ts';

/** An entry that was removed from a file. */
interface RemovedEntry {
  /**
   * Restores the entry: in its old place where the file has not changed since, else at the end of
   * its list.
   */
  putBack(): Promise<Result<unknown, Failure>>;
}

/**
 * Removes the entry of a task from a `state.todo2.json`; every other byte stays. Undefined where
 * the file or the entry does not exist. Fails as `patchJsonFile` does; the file is then unchanged.
 */
export async function removeJsonEntry(
  file: string,
  id: TaskId,
  root?: string,
): Promise<Result<RemovedEntry | undefined, Failure>> {
  let before = '';
  let after = '';
  const remove = (text: string): Patch<never> => {
    before = after = text;
    // With a duplicate id, exarp-go would restore the task from the second entry.
    for (;;) {
      const entries = entriesIn(after);
      const index = entries.findIndex((span) => idAt(after, span) === id);
      if (index === -1) return { text: after };
      after = cutOne(after, entries, index);
    }
  };
  const removed = await patchJsonFile(file, remove, root, parseJson);
  if (!removed.ok) return fail(removed.failure);
  if (removed.value !== 'patched') return ok(undefined);
  return ok({
    putBack: () => {
      const putBack = (text: string): Patch<never> => {
        if (text === after) return { text: before };
        const entries = entriesIn(before);
        const entry = entries.find((span) => idAt(before, span) === id);
        const isThere = entriesIn(text).some((span) => idAt(text, span) === id);
        return {
          text:
            entry === undefined || isThere
              ? text
              : append(text, before.slice(entry.start, entry.end)),
        };
      };
      return patchJsonFile(file, putBack, root, parseJson);
    },
  });
}

/** Appends an element to the list of tasks; the text stays as it is where it has no list. */
function append(text: string, entry: string): string {
  const last = entriesIn(text).at(-1);
  if (last !== undefined) return insert(text, last.end, `, ${entry}`);
  const list = LIST_NAMES.map((name) => memberSpans(text, 0).get(name)).find(
    (span) => span !== undefined,
  );
  const start = list?.start ?? text.indexOf('[');
  if (text[start] !== '[' || elementSpans(text, start).length > 0) return text;
  return insert(text, start + 1, entry);
}

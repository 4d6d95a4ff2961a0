import type { DatabaseSync } from 'node:sqlite';
import { parseStatus, type TaskId } from '../../../core/task.ts';
import type { LockContext } from '../lock-row.ts';
import { partOf, possible, type RowImage, valuesSince, withPart } from './row-image.ts';
import { listWriterOf, withDependencyChange } from './written-lists.ts';

/** A task before it was deleted, with earlier values of its words, as `partOf` gives them. */
export interface DeletedTask {
  readonly before: RowImage;
  readonly words: ReadonlyMap<string, readonly string[]>;
}

/** What only a process needs that edits tasks, not just their locks, to see its writes undone. */
export interface EditWatch {
  /** Deletes a task and what hangs on it. */
  readonly remove: (context: Pick<LockContext, 'db' | 'now'>, id: TaskId) => void;
  /** The words that a task had since a time (unix seconds): its history goes with it. */
  readonly wordsOf: (db: DatabaseSync, id: TaskId, since: number) => DeletedTask['words'];
  /** True where a row that is there is a deleted task, in these words or in earlier ones. */
  readonly isSame: (
    db: DatabaseSync,
    id: TaskId,
    rows: { readonly found: RowImage; readonly deleted: DeletedTask },
    since: number,
  ) => boolean;
  /**
   * Called from time to time for a deleted task that was there again: its JSON entry may be, too.
   */
  readonly onAgain: (id: TaskId) => void;
  /** Who undid entries of ours; undefined where only others of the list were changed. */
  readonly listWriterOf: typeof listWriterOf;
  /** An image whose dependencies are those of `list` with what changed between two others. */
  readonly withChange: typeof withDependencyChange;
  /**
   * A new task as it was last seen, with our parts in place of its own, and nobody at work on it:
   * another holder who is inserts it at once, so a lock in it has been released since.
   */
  readonly asFree: (
    seen: RowImage,
    parts: ReadonlyMap<string, { readonly image: RowImage }>,
  ) => RowImage;
  /** True where a row lacks dependencies that can be written now: those on tasks that exist. */
  readonly lacks: (db: DatabaseSync, found: RowImage, wanted: RowImage) => boolean;
}

/** The parts that tell a deleted task that is back from a new one with its id. */
const WORDS: readonly string[] = ['title', 'description'];

export function watchEdits({ remove, onAgain }: Pick<EditWatch, 'remove' | 'onAgain'>): EditWatch {
  const wordsOf: EditWatch['wordsOf'] = (db, id, since) =>
    new Map(WORDS.map((part) => [part, valuesSince(db, id, part, since)]));
  return {
    remove,
    wordsOf,
    isSame: (db, id, { found, deleted: { before, words } }, since) => {
      const later = wordsOf(db, id, since);
      return WORDS.every((part) => {
        const known = [
          partOf(before, part),
          ...(words.get(part) ?? []),
          ...(later.get(part) ?? []),
        ];
        return known.includes(partOf(found, part));
      });
    },
    onAgain,
    listWriterOf,
    withChange: withDependencyChange,
    asFree: (seen, parts) => {
      const image = [...parts].reduce(
        (made, [name, part]) => withPart(made, name, part.image),
        seen,
      );
      const isAtWork = parseStatus(partOf(image, 'status')) === 'In Progress';
      const free = { assignee: null, assigned_at: null, lock_until: null };
      return { ...image, row: { ...image.row, ...free, ...(isAtWork && { status: 'Todo' }) } };
    },
    lacks: (db, found, wanted) =>
      partOf(found, 'dependencies') !== partOf(possible(db, wanted), 'dependencies'),
  };
}

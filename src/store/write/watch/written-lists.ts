import type { DatabaseSync } from 'node:sqlite';
import type { TaskId } from '../../../core/task.ts';
import { changesSince, lastChange } from '../edit-history.ts';
import type { Rewrites, RowWriter } from './rewrites.ts';
import { historyOf, partOf, type RowImage, valuesSince, withList } from './row-image.ts';

/** Tags or dependencies as we wrote them. */
interface WrittenList {
  image: RowImage;
  /** The lists that were there before, as `partOf` gives them. */
  readonly older: ReadonlySet<string>;
  /** The last entry of the history of changes when it was written. */
  lastChange: number;
  /** True once entries were undone by a rewrite, and could not be written again yet. */
  isUndone: boolean;
}

interface ListJudge {
  readonly db: DatabaseSync;
  readonly id: TaskId;
  /** In ms. */
  readonly now: number;
  /** How far back the history is looked at, in unix seconds. */
  readonly since: number;
  readonly rewrites: Rewrites;
}

/**
 * Who undid entries of a list that we wrote; undefined where only others of it were changed. Takes
 * what others wrote into `ours`, which is then what the row has to have.
 */
export function listWriterOf(
  judge: ListJudge,
  part: string,
  ours: WrittenList,
  found: RowImage,
): RowWriter | undefined {
  const { db, id, now, rewrites } = judge;
  const { wanted, isUndone, wasUndone } = judgeList(judge, part, ours, found);
  [ours.image, ours.lastChange] = [wanted, lastChange(db)];
  ours.isUndone = isUndone && (ours.isUndone || wasUndone);
  if (!isUndone) return undefined;
  if (ours.isUndone) return 'rewrite';
  // A dependency goes with its task, without a write of its row.
  return part === 'dependencies' && !rewrites.hasWritten(id)
    ? rewrites.removerOf(now)
    : rewrites.writerOf(id, now);
}

interface JudgedList {
  /** What the row has to have, which is what it has where none of ours was undone. */
  readonly wanted: RowImage;
  readonly isUndone: boolean;
  /** True where another process of ours has written the list since some were undone. */
  readonly wasUndone: boolean;
}

/**
 * Holds a list against the one that we wrote, entry by entry: other programs add to it, too, and
 * older data may make a list that never was.
 */
function judgeList(
  { db, id, since }: ListJudge,
  part: string,
  ours: WrittenList,
  row: RowImage,
): JudgedList {
  const { field, read } = historyOf(part);
  const earlier = [...ours.older, ...valuesSince(db, id, part, since)].map(entriesOf);
  const later = changesSince(db, id, { field }, ours.lastChange).map(
    ({ from, to }) => [entriesOf(read(from)), entriesOf(read(to))] as const,
  );
  const [wanted, found] = [entriesOf(partOf(ours.image, part)), entriesOf(partOf(row, part))];
  const undone = [...new Set([...wanted, ...found])].filter((entry) => {
    const isWanted = wanted.has(entry);
    if (found.has(entry) === isWanted) return false;
    // Another process of ours meant it so.
    const change = later.findLast(([from, to]) => from.has(entry) !== to.has(entry));
    if (change !== undefined && change[1].has(entry) !== isWanted) return false;
    return earlier.some((list) => list.has(entry) !== isWanted);
  });
  const kept = [...found].filter((entry) => !undone.includes(entry));
  const lacking = undone.filter((entry) => wanted.has(entry));
  return {
    wanted: withList(row, part, [...kept, ...lacking].sort()),
    isUndone: undone.length > 0,
    wasUndone: later.some(([from]) =>
      undone.some((entry) => from.has(entry) !== wanted.has(entry)),
    ),
  };
}

function entriesOf(list: string): ReadonlySet<string> {
  return new Set(JSON.parse(list) as readonly string[]);
}

/** An image whose dependencies are `list` with what was added and removed between two others. */
export function withDependencyChange(
  image: RowImage,
  list: RowImage,
  from: RowImage | undefined,
  to: RowImage,
): RowImage {
  const [before, after] = [from === undefined ? [] : dependenciesOf(from), dependenciesOf(to)];
  const kept = dependenciesOf(list).filter((id) => after.includes(id) || !before.includes(id));
  const added = after.filter((id) => !before.includes(id));
  const dependencies = [...new Set([...kept, ...added])].sort();
  return withList(image, 'dependencies', dependencies);
}

function dependenciesOf({ pairs }: RowImage): readonly string[] {
  return pairs.task_dependencies;
}

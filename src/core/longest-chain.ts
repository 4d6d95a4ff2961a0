import { compareIds, type TaskId } from './task.ts';

/** Which of two chains equally long counts: the first, or the one that ends with the lower id. */
type Tie = 'first' | 'lowestId';

/**
 * The longest chain of items in which each waits for the one before, first to last. Items come
 * after what they wait for; what does not come before counts for nothing. Empty where no item has a
 * length. Linear.
 */
export function longestChain<T extends { readonly id: TaskId }>(
  items: Iterable<T>,
  waitsFor: (item: T) => Iterable<TaskId>,
  lengthOf: (item: T) => number,
  ties: { readonly before: Tie; readonly end: Tie },
): { readonly chain: readonly T[]; readonly length: number } {
  const steps = new Map<TaskId, { item: T; length: number; before: TaskId | undefined }>();
  const stepOf = (id: TaskId | undefined) => (id === undefined ? undefined : steps.get(id));
  const lengthTo = (id: TaskId | undefined): number => stepOf(id)?.length ?? 0;
  const isBetter = (id: TaskId, than: TaskId | undefined, tie: Tie): boolean => {
    const more = lengthTo(id) - lengthTo(than);
    const isTie = more === 0 && tie === 'lowestId' && than !== undefined;
    return isTie ? compareIds(id, than) < 0 : more > 0;
  };
  let end: TaskId | undefined;
  for (const item of items) {
    let before: TaskId | undefined;
    for (const id of waitsFor(item)) if (isBetter(id, before, ties.before)) before = id;
    steps.set(item.id, { item, length: lengthTo(before) + lengthOf(item), before });
    if (isBetter(item.id, end, ties.end)) end = item.id;
  }
  const chain: T[] = [];
  for (let at = stepOf(end); at !== undefined; at = stepOf(at.before)) chain.push(at.item);
  return { chain: chain.reverse(), length: lengthTo(end) };
}

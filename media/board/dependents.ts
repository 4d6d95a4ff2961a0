import type { Card } from '../../src/core/board/board-state.ts';

const beforeOf = new WeakMap<ReadonlyMap<string, Card>, ReadonlyMap<string, readonly string[]>>();

/** Nothing waits for anything else than before: what was found for the cards before holds. */
export function keepDependents(
  before: ReadonlyMap<string, Card>,
  now: ReadonlyMap<string, Card>,
): void {
  const found = beforeOf.get(before);
  if (found) beforeOf.set(now, found);
}

/** The tasks that wait for a task, by its id. */
export function dependentsOf(
  cards: ReadonlyMap<string, Card>,
): ReadonlyMap<string, readonly string[]> {
  let found = beforeOf.get(cards);
  if (found === undefined) {
    const map = new Map<string, string[]>();
    for (const card of cards.values())
      for (const id of card.after) {
        const list = map.get(id);
        if (list) list.push(card.id);
        else map.set(id, [card.id]);
      }
    found = map;
    beforeOf.set(cards, found);
  }
  return found;
}

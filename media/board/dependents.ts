import type { Card } from '../../src/core/board/board-state.ts';

const beforeOf = new WeakMap<ReadonlyMap<string, Card>, ReadonlyMap<string, readonly string[]>>();

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

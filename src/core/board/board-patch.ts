import type { ToBoard } from './board-messages.ts';
import type { BoardState, Card, Column } from './board-state.ts';

type Patch = Extract<ToBoard, { readonly kind: 'patch' }>;

/**
 * Says what has changed since the state that a board was given last. What is not the same object is
 * compared by its text, so that a card that only the clock has made anew is not sent again.
 */
export class BoardPatches {
  #frame = '';
  #columns: readonly Column[] = [];
  #cards = new Map<string, Card>();

  /** From here on patches are made against this state. */
  begin(state: BoardState): void {
    const { cards, columns, ...frame } = state;
    this.#frame = frameText(frame);
    this.#columns = columns;
    this.#cards = new Map(cards.map((card) => [card.id, card]));
  }

  /** Undefined where nothing has changed but the time. */
  next(state: BoardState): Patch | undefined {
    const { cards, columns, ...frame } = state;
    const changed = cards.filter((card) => !isEqual(this.#cards.get(card.id), card));
    const now = new Map(cards.map((card) => [card.id, card]));
    const gone = [...this.#cards.keys()].filter((id) => !now.has(id));
    const text = frameText(frame);
    const patch: Patch = {
      kind: 'patch',
      ...(text === this.#frame ? {} : { frame }),
      ...(isEqual(columns, this.#columns) ? {} : { columns }),
      cards: changed,
      gone,
    };
    this.#frame = text;
    this.#columns = columns;
    this.#cards = now;
    const isSame =
      patch.frame === undefined &&
      patch.columns === undefined &&
      changed.length === 0 &&
      gone.length === 0;
    return isSame ? undefined : patch;
  }
}

function isEqual(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

function frameText(frame: Omit<BoardState, 'cards' | 'columns'>): string {
  return JSON.stringify({ ...frame, now: 0 });
}

/** A state after a patch; what did not change is the same object. */
export function patched(state: BoardState, { frame, columns, cards, gone }: Patch): BoardState {
  const next: BoardState =
    frame === undefined ? state : { ...frame, cards: state.cards, columns: state.columns };
  const changed = new Map(cards.map((card) => [card.id, card]));
  const without = new Set(gone);
  const kept = state.cards.filter(({ id }) => !without.has(id));
  const known = new Set(kept.map(({ id }) => id));
  return {
    ...next,
    columns: columns ?? state.columns,
    cards:
      cards.length === 0 && gone.length === 0
        ? state.cards
        : [
            ...kept.map((card) => changed.get(card.id) ?? card),
            ...cards.filter(({ id }) => !known.has(id)),
          ],
  };
}

import type { ToBoard } from './board-messages.ts';
import type { BoardState, Card } from './board-state.ts';

type Patch = Extract<ToBoard, { readonly kind: 'patch' }>;

/**
 * Says what has changed since the state that a board was given last. A card is compared by its
 * text, so that one that only the clock has made anew is not sent again.
 */
export class BoardPatches {
  #frame = '';
  #columns = '';
  #cards = new Map<string, string>();

  /** From here on patches are made against this state. */
  begin(state: BoardState): void {
    const { cards, columns, ...frame } = state;
    this.#frame = frameText(frame);
    this.#columns = JSON.stringify(columns);
    this.#cards = new Map(cards.map((card) => [card.id, JSON.stringify(card)]));
  }

  /** Undefined where nothing has changed but the time. */
  next(state: BoardState): Patch | undefined {
    const { cards, columns, ...frame } = state;
    const changed: Card[] = [];
    const texts = new Map<string, string>();
    for (const card of cards) {
      const text = JSON.stringify(card);
      texts.set(card.id, text);
      if (this.#cards.get(card.id) !== text) changed.push(card);
    }
    const gone = [...this.#cards.keys()].filter((id) => !texts.has(id));
    const columnsText = JSON.stringify(columns);
    const text = frameText(frame);
    const patch: Patch = {
      kind: 'patch',
      ...(text === this.#frame ? {} : { frame }),
      ...(columnsText === this.#columns ? {} : { columns }),
      cards: changed,
      gone,
    };
    this.#frame = text;
    this.#columns = columnsText;
    this.#cards = texts;
    const isSame =
      patch.frame === undefined &&
      patch.columns === undefined &&
      changed.length === 0 &&
      gone.length === 0;
    return isSame ? undefined : patch;
  }
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

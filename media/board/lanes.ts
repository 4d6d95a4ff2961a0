import {
  CARD_STATES,
  type Card,
  type CardState,
  type Column,
} from '../../src/core/board/board-state.ts';
import type { Model } from './model.ts';
import type { Density } from './ui-state.ts';

/** A column with those of its cards that pass the filter. */
export interface Lane {
  readonly column: Column;
  readonly cards: readonly Card[];
  /** How many cards it has in each state, filtered or not. */
  readonly states: readonly (readonly [CardState, number])[];
}

export interface Lanes {
  readonly lanes: readonly Lane[];
  readonly shown: number;
  readonly all: number;
  /** Lane and row of each shown card. */
  readonly places: ReadonlyMap<string, readonly [lane: number, row: number]>;
}

/**
 * The lanes as they are now, given those of the version before: where only a few cards have changed,
 * and each of them passes the filter as it did, the others need no second look.
 */
export function nextLanes(model: Model, before: Lanes | undefined): Lanes {
  const { changed } = model;
  if (before === undefined || changed === undefined) return lanesOf(model);
  const lanes = [...before.lanes];
  for (const card of changed) {
    const place = before.places.get(card.id);
    const lane = place && lanes[place[0]];
    const old = place && lane?.cards[place[1]];
    if (!lane || old?.state !== card.state || !model.passes(card)) return lanesOf(model);
    lanes[place[0]] = { ...lane, cards: lane.cards.with(place[1], card) };
  }
  return { ...before, lanes };
}

/** Columns that have a card to show; with what the shown run has done where that is asked for. */
export function lanesOf(model: Model): Lanes {
  const lanes: Lane[] = [];
  const places = new Map<string, readonly [number, number]>();
  const inColumns = new Set<string>();
  let all = 0;
  const add = (column: Column) => {
    const counts = new Map<CardState, number>();
    const cards: Card[] = [];
    for (const id of column.ids) {
      const card = model.cards.get(id);
      if (card === undefined) continue;
      all++;
      inColumns.add(id);
      counts.set(card.state, (counts.get(card.state) ?? 0) + 1);
      if (!model.passes(card)) continue;
      places.set(id, [lanes.length, cards.length]);
      cards.push(card);
    }
    if (cards.length === 0) return;
    const states = CARD_STATES.flatMap((state): [CardState, number][] => {
      const n = counts.get(state);
      return n === undefined ? [] : [[state, n]];
    });
    lanes.push({ column, cards, states });
  };
  for (const column of model.columns) add(column);
  const isFiltered = model.ui.text !== '' || model.ui.states.length > 0;
  if (isFiltered) {
    const ids = [...model.cards.keys()].filter((id) => !inColumns.has(id));
    add({ key: 'ended', title: 'Ended', note: 'in this run', wave: undefined, ids });
  }
  return { lanes, shown: places.size, all, places };
}

/** Full cards for a dozen tasks, lines for a screenful, counts on top of them for more. */
export function densityFor(wanted: Density, shown: number): Exclude<Density, 'auto'> {
  if (wanted !== 'auto') return wanted;
  return shown <= 12 ? 'full' : shown <= 80 ? 'lines' : 'stacks';
}

const AT_WORK: ReadonlySet<CardState> = new Set(['working', 'starting', 'stuck']);

/** True for a card that is drawn in full among lines. */
export function isAtWork(card: Card): boolean {
  return AT_WORK.has(card.state) && card.work?.startedAt !== undefined;
}

/** Height of a card's row in px, with the gap below it. */
export const ROW = { work: 160, full: 102, line: 38 } as const;

export function rowHeight(card: Card, density: Exclude<Density, 'auto'>): number {
  if (isAtWork(card)) return ROW.work;
  return density === 'full' ? ROW.full : ROW.line;
}

/** Where each row begins, and after the last where it ends. */
export function offsetsOf(heights: Iterable<number>): readonly number[] {
  const offsets = [0];
  let at = 0;
  for (const height of heights) offsets.push((at += height));
  return offsets;
}

/** The row at this distance from the top; the last one below all of them. */
export function rowAt(offsets: readonly number[], y: number): number {
  let [low, high] = [0, offsets.length - 2];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((offsets[middle] ?? 0) <= y) low = middle;
    else high = middle - 1;
  }
  return Math.max(0, low);
}

import type { CardAction } from '../../src/core/board/board-state.ts';
import type { Model } from './model.ts';
import type { Move, Navigator } from './navigator.ts';
import { VIEWS } from './ui-state.ts';

const MOVES: Readonly<Record<string, Move>> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right',
  Home: 'first',
  End: 'last',
};

const ZOOMS: Readonly<Record<string, number | 'all'>> = {
  '+': 1.4,
  '=': 1.4,
  '-': 1 / 1.4,
  '0': 'all',
};

/** What a letter asks for: the first of these that the task can have now. */
const LETTERS: Readonly<Record<string, readonly CardAction[]>> = {
  r: ['run', 'requeue'],
  a: ['accept', 'finish'],
  x: ['sendBack'],
  s: ['stop'],
};

export const KEY_HELP: readonly (readonly [keys: string, what: string])[] = [
  ['Arrows', 'Go from task to task'],
  ['Home, End', 'First or last task of the wave'],
  ['Enter', 'Open the details of the task'],
  ['L', 'Open its log'],
  ['R', 'Run it, or run it again'],
  ['A', 'Accept its work'],
  ['X', 'Request changes'],
  ['S', 'Stop it'],
  ['/', 'Search by title, id, tag or status'],
  ['1, 2, 3', 'Board, timeline, graph'],
  ['+, −, 0', 'Zoom in, zoom out, show everything (timeline, graph)'],
  ['Escape', 'Close help or details, clear the filter'],
  ['?', 'This help'],
];

interface Page {
  readonly model: Model;
  readonly navigator: Navigator;
  isHelpOpen(): boolean;
  setHelp(open: boolean): void;
  focusSearch(): void;
}

/** Takes the keys of the whole page: the focus may have been on a card that is no longer there. */
export function onKey(event: KeyboardEvent, page: Page): void {
  const { model, navigator } = page;
  const target = event.target instanceof HTMLElement ? event.target : document.body;
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const isField = target.matches('input, select, textarea');
  const { key } = event;
  if (key === 'Escape') {
    if (page.isHelpOpen()) page.setHelp(false);
    else if (isField && model.ui.text !== '') model.set({ text: '' });
    else if (isField) back(page);
    else if (model.ui.drawer !== undefined) {
      model.set({ drawer: undefined });
      back(page);
    } else if (model.ui.text !== '' || model.ui.states.length > 0)
      model.set({ text: '', states: [] });
    else return;
    event.preventDefault();
    return;
  }
  if (target.matches('input') && (key === 'Enter' || key === 'ArrowDown')) {
    const id = navigator.move(undefined, 'first');
    if (id !== undefined) go(page, id);
    event.preventDefault();
    return;
  }
  if (isField) return;
  if (take(key, target, page)) event.preventDefault();
}

function take(key: string, target: HTMLElement, page: Page): boolean {
  const { model, navigator } = page;
  const { selected } = model.ui;
  const card = selected === undefined ? undefined : model.cards.get(selected);
  const move = MOVES[key];
  // Elsewhere arrows scroll, or go from tab to tab.
  const isOnView = target === document.body || target.closest('.view') !== null;
  if (move !== undefined) {
    if (!isOnView) return false;
    const id = navigator.move(card?.id, move);
    if (id !== undefined) go(page, id);
    return true;
  }
  if (key === 'Enter' || key === ' ') {
    if (!isOnView || target.closest('button') !== null || card === undefined) return false;
    model.set({ drawer: model.ui.drawer ?? 'overview' });
    return true;
  }
  const factor = ZOOMS[key];
  if (factor !== undefined) {
    navigator.zoom?.(factor);
    return navigator.zoom !== undefined;
  }
  if (key === '?') {
    page.setHelp(!page.isHelpOpen());
    return true;
  }
  if (key === '/') {
    page.focusSearch();
    return true;
  }
  const view = VIEWS[Number(key) - 1];
  if (view !== undefined) {
    model.set({ view });
    return true;
  }
  const letter = key.toLowerCase();
  if (card === undefined) return false;
  if (letter === 'l') {
    model.set({ drawer: 'log' });
    return true;
  }
  const action = LETTERS[letter]?.find((each) => card.can.includes(each));
  if (action === undefined) return false;
  model.post({ kind: 'card', action, ids: [card.id] });
  return true;
}

function go(page: Page, id: string): void {
  page.model.set({ selected: id });
  page.navigator.reveal(id);
}

function back(page: Page): void {
  const { selected } = page.model.ui;
  if (selected !== undefined) page.navigator.reveal(selected);
}

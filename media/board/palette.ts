import { CARD_STATES, type CardState } from '../../src/core/board/board-state.ts';

const COLORS: Readonly<Record<CardState, string>> = {
  stuck: '--yellow',
  failed: '--red',
  conflict: '--orange',
  unclear: '--orange',
  review: '--purple',
  working: '--blue',
  starting: '--blue',
  yours: '--blue',
  held: '--quiet',
  queued: '--quiet',
  ready: '--green',
  waiting: '--quiet',
  blocked: '--quiet',
  done: '--green',
  cancelled: '--quiet',
};

/** The theme's colours now, for what is no element of the page: a canvas, a saved picture. */
export interface Palette {
  of(state: CardState): string;
  readonly background: string;
  readonly text: string;
  readonly quiet: string;
  readonly card: string;
  readonly line: string;
  readonly focus: string;
  readonly red: string;
  readonly font: string;
}

export function readPalette(): Palette {
  const style = getComputedStyle(document.body);
  const read = (name: string) => style.getPropertyValue(name).trim();
  const colors = new Map(CARD_STATES.map((state) => [state, read(COLORS[state])]));
  return {
    of: (state) => colors.get(state) ?? '',
    background: read('--bg'),
    text: read('--fg'),
    quiet: read('--quiet'),
    card: read('--card'),
    line: read('--line'),
    focus: read('--focus'),
    red: read('--red'),
    font: style.fontFamily,
  };
}

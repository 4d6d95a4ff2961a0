import { CARD_STATES, type CardState } from '../../src/core/board/board-state.ts';
import { isRecord } from '../../src/core/shape.ts';

export const VIEWS = ['board', 'timeline', 'graph'] as const;
export type View = (typeof VIEWS)[number];

export const TABS = ['overview', 'log', 'changes', 'history'] as const;
export type Tab = (typeof TABS)[number];

export const DENSITIES = ['auto', 'full', 'lines', 'stacks'] as const;
export type Density = (typeof DENSITIES)[number];

/** Which part of the graph is drawn: all, or what a task waits for, what waits for it, both. */
export const PARTS = ['all', 'before', 'after', 'both'] as const;
export type Part = (typeof PARTS)[number];

export interface Place {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}

/** How the user looks at the board; the webview keeps it, so that a reload brings it back. */
export interface Ui {
  readonly view: View;
  readonly density: Density;
  /** Only cards in these states; all where it is empty. */
  readonly states: readonly CardState[];
  readonly text: string;
  readonly selected: string | undefined;
  /** What the drawer shows; undefined while it is closed. */
  readonly drawer: Tab | undefined;
  /** The run that the user chose; undefined is the newest. */
  readonly runId: string | undefined;
  readonly allNeeds: boolean;
  /** Where a part of the page is scrolled to, by its name. */
  readonly scroll: Readonly<Record<string, number>>;
  readonly part: Part;
  /** The task whose part it is. */
  readonly partOf: string | undefined;
  /** Undefined: the whole graph fits into its window. */
  readonly place: Place | undefined;
  /** How much wider than its window the timeline is. */
  readonly stretch: number;
}

/** Kept scroll positions: those of columns that are gone would pile up. */
export const MOST_SCROLLS = 200;

/** What was kept, field by field: an earlier version of the board may have kept it. */
export function readUi(saved: unknown): Ui {
  const from = isRecord(saved) ? saved : {};
  return {
    view: oneOf(VIEWS, from['view']) ?? 'board',
    density: oneOf(DENSITIES, from['density']) ?? 'auto',
    states: Array.isArray(from['states'])
      ? CARD_STATES.filter((state) => (from['states'] as unknown[]).includes(state))
      : [],
    text: string(from['text']) ?? '',
    selected: string(from['selected']),
    drawer: oneOf(TABS, from['drawer']),
    runId: string(from['runId']),
    allNeeds: from['allNeeds'] === true,
    scroll: isRecord(from['scroll'])
      ? Object.fromEntries(
          Object.entries(from['scroll'])
            .filter((entry): entry is [string, number] => isNumber(entry[1]))
            .slice(-MOST_SCROLLS),
        )
      : {},
    part: oneOf(PARTS, from['part']) ?? 'all',
    partOf: string(from['partOf']),
    place: place(from['place']),
    stretch: isNumber(from['stretch']) && from['stretch'] >= 1 ? from['stretch'] : 1,
  };
}

function place(value: unknown): Place | undefined {
  if (!isRecord(value)) return undefined;
  const { x, y, zoom } = value;
  return isNumber(x) && isNumber(y) && isNumber(zoom) && zoom > 0 ? { x, y, zoom } : undefined;
}

const isNumber = (value: unknown): value is number => Number.isFinite(value);

const string = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;

function oneOf<const T extends string>(words: readonly T[], value: unknown): T | undefined {
  return words.find((word) => word === value);
}

import {
  type BoardState,
  type Card,
  type CardAction,
  type Column,
  type Details,
  type RunAction,
} from './board-state.ts';

/** Everything of a board but what grows with the number of its tasks. */
export type BoardFrame = Omit<BoardState, 'cards' | 'columns'>;

/** From the window to its board. */
export type ToBoard =
  /** The whole board; answers `ready`. */
  | { readonly kind: 'state'; readonly state: BoardState }
  /** What has changed since the message before, whole; what did not change is absent. */
  | {
      readonly kind: 'patch';
      readonly frame?: BoardFrame | undefined;
      readonly columns?: readonly Column[] | undefined;
      readonly cards: readonly Card[];
      readonly gone: readonly string[];
    }
  /** Answers `details`, and comes again when they change; undefined where the task is gone. */
  | { readonly kind: 'details'; readonly id: string; readonly details: Details | undefined }
  /** The end of what the agent of this task wrote, plain text, again as it grows. */
  | { readonly kind: 'log'; readonly id: string; readonly text: string }
  /** The user asked, from outside of the board, to see this task in it. */
  | { readonly kind: 'show'; readonly id: string };

/** From the board to its window. */
export type FromBoard =
  /** The board can draw, for the first time or again; `runId` is the run that it showed. */
  | { readonly kind: 'ready'; readonly runId?: string | undefined }
  | { readonly kind: 'card'; readonly action: CardAction; readonly ids: readonly string[] }
  | { readonly kind: 'run'; readonly action: RunAction; readonly runId?: string | undefined }
  | { readonly kind: 'wave'; readonly wave: number }
  | { readonly kind: 'cap'; readonly cap: number }
  /** Shows this run in strip and timeline; undefined is the newest. */
  | { readonly kind: 'showRun'; readonly runId?: string | undefined }
  /** The drawer shows this task (undefined: none), and whether its log. */
  | { readonly kind: 'drawer'; readonly id?: string | undefined; readonly withLog: boolean }
  /** A picture of graph or timeline, to be saved where the user says. */
  | { readonly kind: 'saveSvg'; readonly name: string; readonly svg: string };

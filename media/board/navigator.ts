export type Move = 'up' | 'down' | 'left' | 'right' | 'first' | 'last';

/** How the shown view moves from task to task; each view sets it as it is drawn. */
export interface Navigator {
  /** The task in this direction; undefined where there is none. */
  move(from: string | undefined, direction: Move): string | undefined;
  /** Brings a task into sight and puts the keyboard on it. */
  reveal(id: string): void;
  /** Makes the view larger by a factor, or all of it visible; absent where nothing can be zoomed. */
  zoom?: ((factor: number | 'all') => void) | undefined;
  /** A picture of all that the view shows, as SVG. */
  picture?: (() => string) | undefined;
}

import type { FromBoard, ToBoard, BoardFrame } from '../../src/core/board/board-messages.ts';
import type { Card, CardState, Column, Details } from '../../src/core/board/board-state.ts';
import { keepDependents } from './dependents.ts';
import { readUi, type Ui } from './ui-state.ts';

/** What a webview gives its page. */
export interface Host {
  post(message: FromBoard): void;
  saved(): unknown;
  save(state: Ui): void;
}

/**
 * What the page knows: the state as last told, and how the user looks at it. Cards are replaced
 * whole and otherwise stay the same objects, so that a view can tell which have changed.
 */
export class Model {
  frame: BoardFrame | undefined;
  columns: readonly Column[] = [];
  cards: ReadonlyMap<string, Card> = new Map();
  details: Details | undefined;
  log: string | undefined;
  ui: Ui;
  /** Counts the messages that changed cards or columns; what is derived from them keeps it. */
  version = 0;
  /** What alone is new in this version; undefined where it may be anything. */
  changed: readonly Card[] | undefined;

  readonly #host: Host;
  readonly #listeners = new Set<() => void>();
  readonly #shown = new Set<(id: string) => void>();
  #clockAhead = 0;
  #saving: ReturnType<typeof setTimeout> | undefined;
  /** What the drawer was last said to show. */
  #drawer = JSON.stringify([undefined, false]);

  constructor(host: Host) {
    this.#host = host;
    this.ui = readUi(host.saved());
  }

  /** By the clock of the window, which may be another machine's. */
  now(): number {
    return Date.now() + this.#clockAhead;
  }

  onDidChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A task is to be brought into view, with the keyboard on it. */
  onShow(listener: (id: string) => void): () => void {
    this.#shown.add(listener);
    return () => this.#shown.delete(listener);
  }

  start(): void {
    this.#host.post({ kind: 'ready', runId: this.ui.runId });
  }

  take(message: ToBoard): void {
    switch (message.kind) {
      case 'state': {
        const { cards, columns, ...frame } = message.state;
        this.frame = frame;
        this.columns = columns;
        this.cards = new Map(cards.map((card) => [card.id, card]));
        this.#clockAhead = frame.now - Date.now();
        this.version++;
        this.changed = undefined;
        this.#askForDrawer(true);
        break;
      }
      case 'patch': {
        if (this.frame === undefined) return; // the whole state is on its way
        if (message.frame) {
          this.frame = message.frame;
          this.#clockAhead = message.frame.now - Date.now();
        }
        if (message.columns) this.columns = message.columns;
        if (message.cards.length + message.gone.length > 0) {
          const cards = new Map(this.cards);
          for (const id of message.gone) cards.delete(id);
          let isSameOrder = message.gone.length === 0;
          for (const card of message.cards) {
            const before = cards.get(card.id);
            isSameOrder &&= before?.after.join() === card.after.join();
            cards.set(card.id, card);
          }
          if (isSameOrder) keepDependents(this.cards, cards);
          this.cards = cards;
        }
        if (message.columns || message.cards.length + message.gone.length > 0) {
          this.version++;
          const isSmall =
            !message.columns && message.gone.length === 0 && message.cards.length < 50;
          this.changed = isSmall ? message.cards : undefined;
        }
        break;
      }
      case 'details':
        if (message.id !== this.ui.selected) return;
        this.details = message.details;
        break;
      case 'log':
        if (message.id !== this.ui.selected) return;
        this.log = message.text;
        break;
      case 'show':
        this.set({ selected: message.id, drawer: this.ui.drawer ?? 'overview' });
        this.show(message.id);
        return;
    }
    this.#tell();
  }

  /** Changes how the user looks at it; kept over a reload. */
  set(change: Partial<Ui>): void {
    if (change.selected !== undefined && change.selected !== this.ui.selected) {
      this.details = undefined;
      this.log = undefined;
    }
    this.ui = { ...this.ui, ...change };
    this.#askForDrawer(false);
    this.#tell();
    this.#saveSoon();
  }

  /** Keeps what a view has done itself, such as scrolling: nothing is drawn again. */
  keep(change: Partial<Ui>): void {
    this.ui = { ...this.ui, ...change };
    this.#saveSoon();
  }

  /** Brings a task into sight, also where the filter hides it. */
  show(id: string): void {
    const card = this.cards.get(id);
    if (card && !this.passes(card)) this.set({ text: '', states: [] });
    for (const listener of this.#shown) listener(id);
  }

  post(message: FromBoard): void {
    this.#host.post(message);
  }

  /** True where a card passes what the user has filtered by. */
  passes(card: Card): boolean {
    const { states, text } = this.ui;
    if (states.length > 0 && !states.includes(card.state)) return false;
    if (text === '') return true;
    return text
      .toLowerCase()
      .split(' ')
      .every((word) => textOf(card).includes(word));
  }

  toggleStates(states: readonly CardState[]): void {
    const isOn = this.ui.states.join() === states.join();
    this.set({ states: isOn ? [] : states });
  }

  #askForDrawer(again: boolean): void {
    const id = this.ui.drawer === undefined ? undefined : this.ui.selected;
    const withLog = id !== undefined && this.ui.drawer === 'log';
    const asked = JSON.stringify([id, withLog]);
    if (asked === this.#drawer && !(again && id !== undefined)) return;
    this.#drawer = asked;
    this.#host.post({ kind: 'drawer', id, withLog });
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  #saveSoon(): void {
    this.#saving ??= setTimeout(() => {
      this.#saving = undefined;
      this.#host.save(this.ui);
    }, 150);
  }
}

const texts = new WeakMap<Card, string>();

/** What a search looks through. */
function textOf(card: Card): string {
  let found = texts.get(card);
  if (found === undefined) {
    found = [card.title, card.id, card.words, card.work?.agent ?? '', ...card.tags]
      .join('\n')
      .toLowerCase();
    texts.set(card, found);
  }
  return found;
}

/** What is kept of a message, in characters. */
const MAX_TAIL = 16_000;

/**
 * The end of a message that comes in pieces, however long it becomes. All pieces together take time
 * linear in them.
 */
export class MessageTail {
  #text = '';
  #isCut = false;

  get isEmpty(): boolean {
    return this.#text === '';
  }

  get endsLine(): boolean {
    return this.#text.endsWith('\n');
  }

  /** The last 16,000 characters. */
  get text(): string {
    return this.#text.slice(-MAX_TAIL);
  }

  /** The last 16,000 characters of the message without white space around it. */
  get trimmed(): string {
    return this.#isCut ? this.#text.trimEnd().slice(-MAX_TAIL) : tailOf(this.#text);
  }

  add(piece: string): void {
    this.#text += piece;
    // Cut at a multiple of the bound, so that each character is moved once and not with every piece.
    if (this.#text.length <= 4 * MAX_TAIL) return;
    const trimmed = this.#text.trimEnd();
    const blank = this.#text.slice(trimmed.length).slice(-MAX_TAIL);
    this.#isCut ||= trimmed.trimStart().length > MAX_TAIL;
    this.#text = trimmed.slice(-MAX_TAIL) + blank;
  }
}

/** The last 16,000 characters of a text without white space around it. */
export function tailOf(text: string): string {
  return text.trim().slice(-MAX_TAIL);
}

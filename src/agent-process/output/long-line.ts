/** Of each text within a long line so much is kept, in characters. */
const MAX_TEXT = 32 * 1024;
/** Of all of a long line, in characters. */
const MAX_KEPT = 2 * 1024 * 1024;
const LEFT_OUT = '… [the rest is left out: it is too long]';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;

/** Where in a line of JSON a character stands. */
class JsonCursor {
  depth = 0;
  isText = false;
  #isEscaped = false;
  /** Digits of `\uXXXX` that are still to come. */
  #digits = 0;

  /** True within `\n` or `\u0041`, which must not be divided. */
  get isEscape(): boolean {
    return this.#isEscaped || this.#digits > 0;
  }

  step(code: number): void {
    if (!this.isText) {
      if (code === QUOTE) this.isText = true;
      else if (code === 0x7b || code === 0x5b) this.depth++;
      else if (code === 0x7d || code === 0x5d) this.depth--;
    } else if (this.#isEscaped) {
      this.#isEscaped = false;
      this.#digits = code === LETTER_U ? 4 : 0;
    } else if (this.#digits > 0) this.#digits--;
    else if (code === BACKSLASH) this.#isEscaped = true;
    else if (code === QUOTE) this.isText = false;
  }
}

/** The outermost object of what it is given: for every object or list within it stands null. */
class OuterObject {
  readonly #cursor = new JsonCursor();
  #text = '';

  add(text: string): void {
    for (let at = 0; at < text.length && this.#text.length <= MAX_KEPT; at++) {
      const before = this.#cursor.depth;
      this.#cursor.step(text.charCodeAt(at));
      const { depth } = this.#cursor;
      if (before === 1 && depth === 2) this.#text += 'null';
      else if (before <= 1 && depth <= 1) this.#text += text.charAt(at);
    }
  }

  get text(): string {
    return this.#text.length <= MAX_KEPT ? this.#text : '';
  }
}

/**
 * A line of JSON that is too long to be kept, read as it comes: long texts in it are cut, so that
 * what is kept is JSON still. Where even that is too much, every object and list below the
 * outermost object is left out; its own fields, such as `type`, remain.
 */
export class LongLine {
  readonly #cursor = new JsonCursor();
  readonly #outer = new OuterObject();
  #kept: string[] = [];
  #keptLength = 0;
  /** Of the text that the cursor is in. */
  #textLength = 0;
  #isCut = false;

  /** More of the line. */
  add(text: string): void {
    let from = 0;
    for (let at = 0; at < text.length; at++) {
      const wasText = this.#cursor.isText;
      this.#cursor.step(text.charCodeAt(at));
      if (!this.#cursor.isText) {
        if (this.#isCut) {
          this.#keep(LEFT_OUT);
          from = at;
        }
        this.#isCut = false;
        continue;
      }
      this.#textLength = wasText ? this.#textLength + 1 : 0;
      if (this.#isCut || this.#textLength < MAX_TEXT || this.#cursor.isEscape) continue;
      this.#keep(text.slice(from, at + 1));
      this.#isCut = true;
    }
    if (!this.#isCut) this.#keep(text.slice(from));
  }

  /** What is kept of the line; empty where that is nothing. */
  end(): string {
    return this.#keptLength <= MAX_KEPT ? this.#kept.join('') : this.#outer.text;
  }

  #keep(text: string): void {
    this.#outer.add(text);
    this.#keptLength += text.length;
    if (this.#keptLength <= MAX_KEPT) this.#kept.push(text);
    else this.#kept = [];
  }
}

/** A line of JSON-RPC, or one that was longer than the limit: then what names its request. */
export type MessageLine =
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'tooLong'; readonly bytes: number; readonly id: RequestName | undefined };

/** The `id` of a request in JSON-RPC. */
export type RequestName = string | number;

const LINE_FEED = 0x0a;

/**
 * Cuts a stream into lines. Of a line that is longer than the limit nothing is kept: its bytes are
 * looked through for the id of its request, and passed over.
 */
export class MessageLines {
  readonly #mostBytes: number;
  #pieces: Buffer[] = [];
  #length = 0;
  #search: IdSearch | undefined;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** The lines that end with these bytes. */
  take(bytes: Buffer): readonly MessageLine[] {
    const lines: MessageLine[] = [];
    for (let from = 0; from < bytes.length;) {
      const end = bytes.indexOf(LINE_FEED, from);
      this.#add(bytes.subarray(from, end === -1 ? bytes.length : end));
      if (end === -1) break;
      lines.push(this.#end());
      from = end + 1;
    }
    return lines;
  }

  #add(piece: Buffer): void {
    this.#length += piece.length;
    if (this.#length > this.#mostBytes && this.#search === undefined) {
      this.#search = new IdSearch();
      for (const each of this.#pieces) this.#search.take(each);
      this.#pieces = [];
    }
    if (this.#search === undefined) this.#pieces.push(piece);
    else this.#search.take(piece);
  }

  #end(): MessageLine {
    const line: MessageLine =
      this.#search === undefined
        ? { kind: 'line', text: Buffer.concat(this.#pieces).toString('utf8') }
        : { kind: 'tooLong', bytes: this.#length, id: this.#search.id };
    this.#pieces = [];
    this.#length = 0;
    this.#search = undefined;
    return line;
  }
}

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
const MOST_ID_BYTES = 256;

/** Finds the `id` of a request in its JSON, byte by byte, wherever in the outermost object it is. */
class IdSearch {
  #depth = 0;
  #isInText = false;
  #isEscaped = false;
  /** What stands at the outermost level: a key before its colon, a value after it. */
  #token: number[] = [];
  #key: string | undefined;
  #id: RequestName | undefined;
  #isRequest = false;

  /** Undefined for an answer or a notification, to which nothing is answered. */
  get id(): RequestName | undefined {
    return this.#isRequest ? this.#id : undefined;
  }

  take(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (this.#isInText) this.#takeText(byte);
      else this.#takeSign(byte);
    }
  }

  #takeText(byte: number): void {
    this.#keep(byte);
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#isInText = false;
  }

  #takeSign(byte: number): void {
    switch (byte) {
      case OPEN_OBJECT:
      case OPEN_LIST:
        this.#keep(byte);
        this.#depth++;
        break;
      case CLOSE_OBJECT:
      case CLOSE_LIST:
        if (this.#depth === 1) this.#endPair();
        this.#depth--;
        break;
      case COLON:
        if (this.#depth !== 1) break;
        this.#key = valueOf(this.#token) as string | undefined;
        this.#token = [];
        break;
      case COMMA:
        if (this.#depth === 1) this.#endPair();
        break;
      default:
        if (byte === QUOTE) this.#isInText = true;
        this.#keep(byte);
    }
  }

  #keep(byte: number): void {
    if (this.#depth === 1 && this.#token.length <= MOST_ID_BYTES) this.#token.push(byte);
  }

  #endPair(): void {
    if (this.#key === 'method') this.#isRequest = true;
    if (this.#key === 'id') {
      const id = valueOf(this.#token);
      this.#id = typeof id === 'string' || typeof id === 'number' ? id : undefined;
    }
    this.#key = undefined;
    this.#token = [];
  }
}

function valueOf(token: readonly number[]): unknown {
  if (token.length > MOST_ID_BYTES) return undefined;
  try {
    return JSON.parse(Buffer.from(token).toString('utf8'));
  } catch {
    return undefined; // a list or an object, or no JSON at all
  }
}

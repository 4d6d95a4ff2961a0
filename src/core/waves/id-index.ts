/* eslint-disable @typescript-eslint/no-non-null-assertion --
   Every index below is a slot of the table at hand; a check per access would only cost time. */
import type { TaskId } from '../task.ts';

/** Bounds a search, so that ids chosen to collide cannot make it linear. */
const MAX_PROBES = 64;
const ZERO = 48;
/**
 * As many digits as one double holds exactly; a second one holds the rest, behind a 1 that keeps
 * its zeros.
 */
const HEAD_DIGITS = 15;
const MAX_DIGITS = 29;

/**
 * Finds the position of an id in a list. Ids that share a prefix before a number, such as
 * `T-1764129938123`, are compared as numbers, several times faster than in a `Map`; every other id
 * goes into a `Map`. Of two equal ids the first counts.
 *
 * Each planning looks up the dependencies of the whole backlog, which takes most of its time.
 */
export class IdIndex {
  readonly #others = new Map<string, number>();
  readonly #prefix: string;
  readonly #mask: number;
  readonly #shift: number;
  /** Two numbers per slot; the first is -1 in a free one. */
  readonly #keys: Float64Array;
  readonly #positions: Int32Array;
  // What `#parse` found last: returning a pair would allocate one for each id.
  #head = 0;
  #tail = 0;
  #size = 0;

  constructor(ids: readonly TaskId[]) {
    // At most half full, so that a search takes a step or two.
    const bits = Math.max(2, Math.ceil(Math.log2(ids.length * 2 + 1)));
    this.#mask = 2 ** bits - 1;
    this.#shift = 32 - bits;
    this.#keys = new Float64Array(2 ** (bits + 1)).fill(-1);
    this.#positions = new Int32Array(2 ** bits);
    this.#prefix = /^\D*/.exec(ids[0] ?? '')?.[0] ?? '';
    for (let position = 0; position < ids.length; position++) this.add(ids[position]!, position);
  }

  /** How many different ids there are. */
  get size(): number {
    return this.#size;
  }

  /** The position of an id, or -1 where the list does not have it. */
  get(id: string): number {
    if (this.#parse(id)) {
      const slot = this.#find();
      if (slot !== -1) return this.#keys[2 * slot] === -1 ? -1 : this.#positions[slot]!;
    }
    return this.#others.get(id) ?? -1;
  }

  /** True where the index can hold this many ids in total. */
  hasRoomFor(size: number): boolean {
    return size * 2 <= this.#mask;
  }

  /**
   * Gives a position to an id that has none yet. A list that shares the index must expect it to
   * hold later ids too.
   */
  add(id: TaskId, position: number): void {
    const slot = this.#parse(id) ? this.#find() : -1;
    if (slot === -1) {
      if (this.#others.has(id)) return;
      this.#others.set(id, position);
    } else {
      if (this.#keys[2 * slot] !== -1) return;
      this.#keys[2 * slot] = this.#head;
      this.#keys[2 * slot + 1] = this.#tail;
      this.#positions[slot] = position;
    }
    this.#size++;
  }

  /**
   * The slot of the number parsed last, or the free one where it belongs; -1 where the search is
   * too long.
   */
  #find(): number {
    const head = this.#head;
    const tail = this.#tail;
    const keys = this.#keys;
    // Multiplying by 2^32 divided by the golden ratio spreads consecutive numbers over the upper
    // bits.
    let slot =
      Math.imul(head ^ Math.imul(head / 2 ** 32 + tail, 0x85ebca6b), 0x9e3779b1) >>> this.#shift;
    for (let probe = 0; probe < MAX_PROBES; probe++) {
      const found = keys[2 * slot]!;
      if (found === -1 || (found === head && keys[2 * slot + 1] === tail)) return slot;
      slot = (slot + 1) & this.#mask;
    }
    return -1;
  }

  /** Reads the number of an id; false for an id of another form, so that no two ids read alike. */
  #parse(id: string): boolean {
    const prefix = this.#prefix;
    const start = prefix.length;
    const digits = id.length - start;
    if (digits < 1 || digits > MAX_DIGITS) return false;
    for (let i = 0; i < start; i++) if (id.charCodeAt(i) !== prefix.charCodeAt(i)) return false;
    if (digits > 1 && id.charCodeAt(start) === ZERO) return false;
    const headEnd = digits > HEAD_DIGITS ? start + HEAD_DIGITS : id.length;
    let head = 0;
    for (let i = start; i < headEnd; i++) {
      const digit = id.charCodeAt(i) - ZERO;
      if (digit < 0 || digit > 9) return false;
      head = head * 10 + digit;
    }
    let tail = headEnd < id.length ? 1 : 0;
    for (let i = headEnd; i < id.length; i++) {
      const digit = id.charCodeAt(i) - ZERO;
      if (digit < 0 || digit > 9) return false;
      tail = tail * 10 + digit;
    }
    this.#head = head;
    this.#tail = tail;
    return true;
  }
}

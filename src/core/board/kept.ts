/** Keeps what was made last, as long as it would be made of the same values. */
export class Kept<T> {
  #last: { readonly from: readonly unknown[]; readonly made: T } | undefined;

  of(from: readonly unknown[], make: () => T): T {
    const last = this.#last;
    if (last !== undefined && isSame(last.from, from)) return last.made;
    const made = make();
    this.#last = { from, made };
    return made;
  }
}

/** The same for each of many keys; those that were not asked for in a round are forgotten. */
export class KeptEach<T> {
  #before = new Map<string, Kept<T>>();
  #now = new Map<string, Kept<T>>();

  /** Begins a round. */
  begin(): void {
    this.#before = this.#now;
    this.#now = new Map();
  }

  of(key: string, from: readonly unknown[], make: () => T): T {
    const kept = this.#before.get(key) ?? new Kept<T>();
    this.#now.set(key, kept);
    return kept.of(from, make);
  }
}

function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, at) => Object.is(value, b[at]));
}

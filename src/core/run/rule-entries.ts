/** A list in settings: the valid entries, and the problems of the others. */
export interface Parsed<T> {
  readonly rules: readonly T[];
  readonly problems: readonly string[];
}

/** Reads an unchecked list of objects; an entry with a complaint is left out. */
export function listOf<T>(value: unknown, read: (entry: EntryReader) => T): Parsed<T> {
  if (value === undefined || value === null) return { rules: [], problems: [] };
  if (!Array.isArray(value)) return { rules: [], problems: ['It is no list.'] };
  const rules: T[] = [];
  const problems: string[] = [];
  for (const [index, item] of value.entries()) {
    const entry = new EntryReader(item);
    const rule = read(entry);
    if (entry.problems.length === 0) rules.push(rule);
    // The first problem is enough: an entry that is no object has no fields either.
    else problems.push(`Entry ${index + 1}: ${entry.problems[0] ?? ''}.`);
  }
  return { rules, problems };
}

/**
 * Reads the fields of one entry and collects their problems; a wrong field reads as a missing one.
 */
export class EntryReader {
  readonly problems: string[] = [];
  readonly #fields: ReadonlyMap<string, unknown>;

  constructor(value: unknown) {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (!isObject) this.complain('it is no object');
    this.#fields = new Map(isObject ? Object.entries(value) : []);
  }

  complain(problem: string): void {
    this.problems.push(problem);
  }

  text(name: string): string | undefined {
    const value = this.#fields.get(name);
    if (value === undefined || typeof value === 'string') return value;
    this.complain(`"${name}" is no text`);
    return undefined;
  }

  texts(name: string): readonly string[] | undefined {
    const value = this.#fields.get(name);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    this.complain(`"${name}" is no list of texts`);
    return undefined;
  }

  word(name: string, isRight: (text: string) => boolean, what: string): string | undefined {
    const value = this.text(name);
    if (value === undefined || isRight(value)) return value;
    this.complain(`"${name}" is not ${what}: ${JSON.stringify(value.slice(0, 60))}`);
    return undefined;
  }

  oneOf<T extends string>(name: string, known: readonly T[]): T | undefined {
    const value = this.text(name);
    const found = known.find((word) => word === value);
    if (value !== undefined && found === undefined) {
      this.complain(
        `"${name}" is none of ${known.join(', ')}: ${JSON.stringify(value.slice(0, 60))}`,
      );
    }
    return found;
  }

  whole(name: string, min: number, max: number): number | undefined {
    const value = this.#fields.get(name);
    if (value === undefined) return undefined;
    if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max)
      return value as number;
    this.complain(`"${name}" is no whole number from ${min} to ${max}`);
    return undefined;
  }

  /** More than `min`. */
  number(name: string, min: number, max: number): number | undefined {
    const value = this.#fields.get(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && value > min && value <= max) return value;
    this.complain(`"${name}" is no number above ${min} and up to ${max}`);
    return undefined;
  }
}

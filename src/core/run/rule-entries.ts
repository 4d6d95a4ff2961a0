import { between, finite, INVALID, isRecord, listOf, type Shape, text, where } from '../shape.ts';

/** A list in settings: the valid entries, and the problems of the others. */
export interface Parsed<T> {
  readonly rules: readonly T[];
  readonly problems: readonly string[];
}

/** Reads an unchecked list of objects; an entry with a complaint is left out. */
export function readEntries<T>(value: unknown, read: (entry: EntryReader) => T): Parsed<T> {
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
    if (!isRecord(value)) this.complain('it is no object');
    this.#fields = new Map(isRecord(value) ? Object.entries(value) : []);
  }

  complain(problem: string): void {
    this.problems.push(problem);
  }

  text(name: string): string | undefined {
    return this.#read(name, text, 'text');
  }

  texts(name: string): readonly string[] | undefined {
    return this.#read(name, listOf(text), 'list of texts');
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
    if (value === undefined || found !== undefined) return found;
    const words = known.join(', ');
    this.complain(`"${name}" is none of ${words}: ${JSON.stringify(value.slice(0, 60))}`);
    return undefined;
  }

  whole(name: string, min: number, max: number): number | undefined {
    return this.#read(name, between(min, max), `whole number from ${min} to ${max}`);
  }

  /** More than `min`. */
  number(name: string, min: number, max: number): number | undefined {
    const shape = where(finite, (value) => value > min && value <= max);
    return this.#read(name, shape, `number above ${min} and up to ${max}`);
  }

  #read<T>(name: string, shape: Shape<T>, what: string): T | undefined {
    const value = this.#fields.get(name);
    if (value === undefined) return undefined;
    const read = shape(value, 0);
    if (read !== INVALID) return read;
    this.complain(`"${name}" is no ${what}`);
    return undefined;
  }
}

import type { StoredNames } from './stored-names.ts';

/** What a shape answers for a value that does not have it; no value of any shape is this. */
export const INVALID = Symbol('misfit');

/**
 * Checks whether a value from outside, as JSON gives it, is a `T`, and answers a new value with the
 * fields of `T` and no others. `depth` is its nesting level, so that no text can exhaust the stack.
 */
export type Shape<T> = (value: unknown, depth: number) => T | typeof INVALID;

/** What a shape answers. */
type ValueOf<S> = S extends Shape<infer T> ? T : never;

/** The object that these shapes of its fields make. */
export type FieldsOf<Shapes> = { readonly [K in keyof Shapes]: ValueOf<Shapes[K]> };

/**
 * The fields of an object, each with its shape. Those that may be undefined are so where the object
 * is silent.
 */
export type Fields<T> = { readonly [K in keyof T]-?: Shape<T[K]> };

/** For each kind of a union, the other fields of that kind. */
type KindFields<T extends { readonly kind: string }> = {
  readonly [K in T['kind']]: Fields<Omit<Extract<T, { readonly kind: K }>, 'kind'>>;
};

// Our values are never nested deeper; only outcomes in stops in outcomes could go on.
const MAX_DEPTH = 32;

/** True for an object that is no list. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object of any fields, as it is. */
export const record: Shape<Readonly<Record<string, unknown>>> = (value) =>
  isRecord(value) ? value : INVALID;

export const text: Shape<string> = (value) => (typeof value === 'string' ? value : INVALID);

/** Text that is not empty. */
export const someText: Shape<string> = (value) =>
  typeof value === 'string' && value !== '' ? value : INVALID;

export const flag: Shape<boolean> = (value) => (typeof value === 'boolean' ? value : INVALID);

/** Any number that JSON can hold. */
export const finite = atLeast(-Infinity, Number.isFinite);

export const wholeNumber = atLeast(-Infinity, Number.isSafeInteger);

/** A length of time, in ms. */
export const duration = atLeast(0, Number.isFinite);

/** A whole number, 0 or more. */
export const natural = atLeast(0, Number.isSafeInteger);

/** A whole number, 1 or more. */
export const positive = atLeast(1, Number.isSafeInteger);

function atLeast(least: number, isNumber: (value: unknown) => boolean): Shape<number> {
  return (value) => (isNumber(value) && (value as number) >= least ? (value as number) : INVALID);
}

/** A whole number within these bounds. */
export function between(least: number, most: number): Shape<number> {
  return where(atLeast(least, Number.isSafeInteger), (number) => number <= most);
}

/** A `T` of which more is true than its shape says. */
export function where<T, U extends T>(shape: Shape<T>, isRight: (read: T) => read is U): Shape<U>;
export function where<T>(shape: Shape<T>, isRight: (read: T) => boolean): Shape<T>;
export function where<T>(shape: Shape<T>, isRight: (read: T) => boolean): Shape<T> {
  return (value, depth) => {
    const read = shape(value, depth);
    return read === INVALID || !isRight(read) ? INVALID : read;
  };
}

/** What has the shape, and undefined in place of anything else. */
export function orNothing<T>(shape: Shape<T>): Shape<T | undefined> {
  return (value, depth) => {
    const read = shape(value, depth);
    return read === INVALID ? undefined : read;
  };
}

/** One of these words. */
export function oneOf<const T extends string>(...words: readonly T[]): Shape<T> {
  return (value) => words.find((word) => word === value) ?? INVALID;
}

/** A `T`, or nothing at all. */
export function maybe<T>(shape: Shape<T>): Shape<T | undefined> {
  return (value, depth) => (value === undefined ? undefined : shape(value, depth));
}

/** A `T`, or null. */
export function orNull<T>(shape: Shape<T>): Shape<T | null> {
  return (value, depth) => (value === null ? null : shape(value, depth));
}

/** The first of these that fits. */
export function anyOf<T>(...shapes: readonly Shape<T>[]): Shape<T> {
  return (value, depth) => {
    for (const shape of shapes) {
      const read = shape(value, depth);
      if (read !== INVALID) return read;
    }
    return INVALID;
  };
}

/** The text of JSON, as a `T`; undefined where it is none. */
export function parseAs<T>(shape: Shape<T>, json: string): T | undefined {
  try {
    const read = shape(JSON.parse(json), 0);
    return read === INVALID ? undefined : read;
  } catch {
    return undefined;
  }
}

export function listOf<T>(shape: Shape<T>): Shape<readonly T[]> {
  return (value, depth) => {
    if (!Array.isArray(value) || depth > MAX_DEPTH) return INVALID;
    const list: T[] = [];
    for (const each of value as readonly unknown[]) {
      const read = shape(each, depth + 1);
      if (read === INVALID) return INVALID;
      list.push(read);
    }
    return list;
  };
}

/** Two values, each of its own shape. */
export function pairOf<A, B>(first: Shape<A>, second: Shape<B>): Shape<readonly [A, B]> {
  return (value, depth) => {
    if (!Array.isArray(value) || value.length !== 2 || depth > MAX_DEPTH) return INVALID;
    const a = first(value[0], depth + 1);
    const b = second(value[1], depth + 1);
    return a === INVALID || b === INVALID ? INVALID : [a, b];
  };
}

/** `storedAs` names the fields that the outside knows by another name than we do. */
export function objectOf<T>(fields: Fields<T>, storedAs: StoredNames = {}): Shape<T> {
  return (value, depth) =>
    isRecord(value) && depth <= MAX_DEPTH ? readFields(fields, value, depth, storedAs) : INVALID;
}

/** A union that is told apart by `kind`: the compiler sees to it that none is forgotten. */
export function unionOf<T extends { readonly kind: string }>(
  kinds: KindFields<T>,
  storedAs: { readonly [K in T['kind']]?: StoredNames } = {},
): Shape<T> {
  return (value, depth) => {
    if (!isRecord(value) || depth > MAX_DEPTH) return INVALID;
    const { kind } = value;
    if (typeof kind !== 'string' || !Object.hasOwn(kinds, kind)) return INVALID;
    const fields = kinds[kind as T['kind']] as Fields<Record<string, unknown>>;
    const read = readFields(fields, value, depth, storedAs[kind as T['kind']]);
    return read === INVALID ? INVALID : ({ kind, ...read } as unknown as T);
  };
}

function readFields<T>(
  fields: Fields<T>,
  value: Readonly<Record<string, unknown>>,
  depth: number,
  storedAs: StoredNames = {},
): T | typeof INVALID {
  const read: Record<string, unknown> = {};
  for (const [name, shape] of Object.entries<Shape<unknown>>(fields)) {
    // Not what every object inherits.
    const stored = storedAs[name] ?? name;
    const field = shape(Object.hasOwn(value, stored) ? value[stored] : undefined, depth + 1);
    if (field === INVALID) return INVALID;
    read[name] = field;
  }
  return read as T;
}

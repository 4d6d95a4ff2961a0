/**
 * The part of JSON Schema that operations are described with. One description serves MCP,
 * language-model tools, the check of what comes in, and the compiler.
 */
export type Schema =
  StringSchema | NumberSchema | BooleanSchema | ArraySchema | ObjectSchema | MapSchema;

interface Described {
  readonly description?: string;
}

export interface StringSchema extends Described {
  readonly type: 'string';
  readonly enum?: readonly string[];
  /** In UTF-16 units, blanks at both ends not counted. */
  readonly minLength?: number;
  readonly maxLength?: number;
}

export interface NumberSchema extends Described {
  readonly type: 'integer';
  readonly minimum?: number;
  readonly maximum?: number;
}

export interface BooleanSchema extends Described {
  readonly type: 'boolean';
}

export interface ArraySchema extends Described {
  readonly type: 'array';
  readonly items: Schema;
  readonly maxItems?: number;
}

export interface ObjectSchema extends Described {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, Schema>>;
  readonly required: readonly string[];
  readonly additionalProperties: false;
}

/** An object whose names are data, such as numbers of waves. */
export interface MapSchema extends Described {
  readonly type: 'object';
  readonly additionalProperties: Schema;
}

/** The values that a schema describes. */
export type ValueOf<S> = S extends { readonly enum: readonly (infer E)[] }
  ? E
  : S extends { readonly type: 'string' }
    ? string
    : S extends { readonly type: 'integer' }
      ? number
      : S extends { readonly type: 'boolean' }
        ? boolean
        : S extends { readonly type: 'array'; readonly items: infer I }
          ? readonly ValueOf<I>[]
          : S extends { readonly properties: infer P; readonly required: readonly (infer R)[] }
            ? ObjectOf<P, R>
            : S extends { readonly additionalProperties: infer V }
              ? Readonly<Record<string, ValueOf<V>>>
              : never;

type ObjectOf<P, R> = { readonly [K in Extract<keyof P, R>]: ValueOf<P[K]> } & {
  readonly [K in Exclude<keyof P, R>]?: ValueOf<P[K]>;
};

/** An object of these properties and no others; all are required unless it is said which are. */
export function object<
  const P extends Readonly<Record<string, Schema>>,
  const R extends readonly (keyof P & string)[] = readonly (keyof P & string)[],
>(properties: P, required: R = Object.keys(properties) as readonly string[] as R) {
  return { type: 'object', properties, required, additionalProperties: false } as const;
}

/** A list of such values. */
export function list<const S extends Schema>(
  items: S,
  more: { readonly maxItems?: number } & Described = {},
) {
  return { type: 'array', items, ...more } as const;
}

/** The problems of a value, each a sentence that names the place; empty for a valid one. */
export function problemsWith(schema: Schema, value: unknown, place = ''): readonly string[] {
  const at = place === '' ? 'The input' : `"${place}"`;
  switch (schema.type) {
    case 'string':
      return problemsWithText(schema, value, at);
    case 'integer':
      if (typeof value !== 'number' || !Number.isSafeInteger(value))
        return [`${at} must be a whole number, not ${nameOf(value)}.`];
      if (schema.minimum !== undefined && value < schema.minimum)
        return [`${at} must be ${schema.minimum} or more.`];
      if (schema.maximum !== undefined && value > schema.maximum)
        return [`${at} must be ${schema.maximum} or less.`];
      return [];
    case 'boolean':
      return typeof value === 'boolean'
        ? []
        : [`${at} must be true or false, not ${nameOf(value)}.`];
    case 'array':
      if (!Array.isArray(value)) return [`${at} must be a list, not ${nameOf(value)}.`];
      if (schema.maxItems !== undefined && value.length > schema.maxItems)
        return [`${at} has ${value.length} entries; ${schema.maxItems} are the most.`];
      return (value as readonly unknown[]).flatMap((item, i) =>
        problemsWith(schema.items, item, `${place}[${i}]`),
      );
    case 'object':
      return problemsWithObject(schema, value, at, place);
  }
}

function problemsWithText(schema: StringSchema, value: unknown, at: string): readonly string[] {
  if (typeof value !== 'string') return [`${at} must be text, not ${nameOf(value)}.`];
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    return [`${at} must be one of ${schema.enum.map((word) => `"${word}"`).join(', ')}.`];
  }
  if (schema.minLength !== undefined && value.trim().length < schema.minLength)
    return [`${at} must not be empty.`];
  if (schema.maxLength !== undefined && value.length > schema.maxLength) {
    return [`${at} has ${value.length} characters; ${schema.maxLength} are the most.`];
  }
  return [];
}

function problemsWithObject(
  schema: ObjectSchema | MapSchema,
  value: unknown,
  at: string,
  place: string,
): readonly string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [`${at} must be an object, not ${nameOf(value)}.`];
  }
  const inside = (name: string): string => (place === '' ? name : `${place}.${name}`);
  const entries = Object.entries(value);
  if (!('properties' in schema)) {
    return entries.flatMap(([name, item]) =>
      problemsWith(schema.additionalProperties, item, inside(name)),
    );
  }
  const names = Object.keys(schema.properties);
  // An undefined value is one that is not there: it does not survive a way through JSON.
  const given = new Map(entries.filter(([, item]) => item !== undefined));
  return [
    ...schema.required
      .filter((name) => !given.has(name))
      .map((name) => `"${inside(name)}" is missing.`),
    ...[...given].flatMap(([name, item]) => {
      const known = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
      if (known !== undefined) return problemsWith(known, item, inside(name));
      const choice =
        names.length === 0 ? 'Nothing is expected' : `Known: ${names.map(inside).join(', ')}`;
      return [`"${inside(name).slice(0, 100)}" is not known here. ${choice}.`];
    }),
  ];
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number') return `the number ${value}`;
  return typeof value === 'string'
    ? 'text'
    : typeof value === 'object'
      ? 'an object'
      : typeof value;
}

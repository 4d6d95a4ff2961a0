/** For some fields, the name that they have in a file. */
export type StoredNames = Readonly<Partial<Record<string, string>>>;

/**
 * The object with its fields under the names that a file has for them; the counterpart of
 * `objectOf`.
 */
export function withStoredNames(value: object, storedAs: StoredNames): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [storedAs[name] ?? name, field]),
  );
}

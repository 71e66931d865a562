/** Values as JSON and YAML have them; a mapping is neither a list nor null. */

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A mapping's entries by name; none of what is no mapping. */
export function fieldsOf(value: unknown): Record<string, unknown> {
  return isMapping(value) ? value : {};
}

/** What a mapping itself has under a name: experiments call their parameters as they like, `constructor` too. */
export function own<Value>(mapping: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(mapping, name) ? mapping[name] : undefined;
}

/** A list's items; none of what is no list. */
export function itemsOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** What stands at the end of a way of keys, a list's indexes among them. */
export function valueAt(value: unknown, keys: readonly string[]): unknown {
  return keys.reduce(
    (inner: unknown, key) =>
      typeof inner === "object" && inner !== null && Object.hasOwn(inner, key) ? (inner as Record<string, unknown>)[key] : undefined,
    value,
  );
}

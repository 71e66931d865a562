/** Nested data of exact texts as one flat table: `{train: {lr: "1e-5"}}` → `train.lr = 1e-5`. */
export function flatten(value: unknown): Record<string, string> {
  return Object.fromEntries(leavesOf(value));
}

/** Names that more than one value goes by, as `a.b` in `{"a.b": 1, a: {b: 2}}`, with their values; {@link flatten} gives the last. */
export function namesOfMany(value: unknown): [name: string, values: string[]][] {
  const values = new Map<string, string[]>();
  for (const [name, text] of leavesOf(value)) {
    const known = values.get(name);
    if (known === undefined) values.set(name, [text]);
    else known.push(text);
  }
  return [...values].filter(([, texts]) => texts.length > 1);
}

function leavesOf(value: unknown, prefix = ""): [name: string, text: string][] {
  if (value === null || value === undefined) return [];
  if (typeof value !== "object") return prefix === "" ? [] : [[prefix, String(value)]];
  const entries = Array.isArray(value) ? value.map((item, index): [string, unknown] => [String(index), item]) : Object.entries(value);
  return entries.flatMap(([key, item]) => leavesOf(item, prefix === "" ? key : `${prefix}.${key}`));
}

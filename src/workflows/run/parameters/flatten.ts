/** Nested data of exact texts as one flat table: `{train: {lr: "1e-5"}}` → `train.lr = 1e-5`. */
export function flatten(value: unknown, prefix = ""): Record<string, string> {
  if (value === null || value === undefined) return {};
  if (typeof value !== "object") return prefix === "" ? {} : { [prefix]: String(value) };
  const entries = Array.isArray(value) ? value.map((item, index): [string, unknown] => [String(index), item]) : Object.entries(value);
  return Object.assign({}, ...entries.map(([key, item]) => flatten(item, prefix === "" ? key : `${prefix}.${key}`)));
}

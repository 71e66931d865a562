/** Answers within a budget: rows in order, cut between rows, and always said what was left out and how to get it. */

/** Characters of JSON: about 2,000 and 7,500 tokens. */
const SHORT = 8_000;
const CEILING = 28_000;
const ROWS = 20;
const TEXT = 1_500;
const KEYS = 40;

export interface Page {
  /** The list of the data that is paged, `versions`: the first of these the data has. */
  rows?: readonly string[] | undefined;
  offset: number;
  limit: number;
  /** Only these fields of each row. */
  fields?: readonly string[] | undefined;
  detail: "short" | "full";
}

interface Cut {
  /** Where in `data`: `versions`, `code.patch`. */
  path: string;
  /** Rows, keys or characters there are. */
  total: number;
  shown: number;
}

export interface Fitted {
  data: unknown;
  /** Of the paged list; null where the data has none. */
  total: number | null;
  shown: number | null;
  truncated: boolean;
  /** Offset of the next page; null on the last. */
  next: number | null;
  /** What else was shortened. */
  cut: Cut[];
}

export function pageOf(
  asked: { offset?: number | undefined; limit?: number | undefined; fields?: string[] | undefined; detail?: "short" | "full" | undefined },
  rows?: readonly string[],
): Page {
  return { rows, offset: asked.offset ?? 0, limit: asked.limit ?? ROWS, fields: asked.fields, detail: asked.detail ?? "short" };
}

/** The data as it fits: first the page's rows, then less of what is nested, at last fewer rows. */
export function fitAnswer(data: unknown, page: Page): Fitted {
  const budget = page.detail === "full" ? CEILING : SHORT;
  const name = page.rows?.find((one) => Array.isArray(fieldOf(data, one)));
  const list = name === undefined ? undefined : fieldOf(data, name);
  if (name === undefined || !Array.isArray(list)) return shrink(data, budget);
  const total = list.length;
  const rows = list.slice(page.offset, page.offset + page.limit).map((row) => chosen(row, page.fields));
  const rest = { ...(data as Record<string, unknown>), [name]: [] };
  const head = shrink(rest, Math.floor(budget / 2));
  const cut = [...head.cut];
  const kept: unknown[] = [];
  let left = budget - sizeOf(head.data);
  for (const [index, row] of rows.entries()) {
    // The first row is shown whatever it takes, shortened; later ones only whole or as short as the first.
    const fitted = shrink(row, Math.max(Math.min(left, budget / 2), 400), `${name}[${page.offset + index}]`);
    const size = sizeOf(fitted.data) + 1;
    if (size > left && kept.length > 0) break;
    kept.push(fitted.data);
    cut.push(...fitted.cut);
    left -= size;
  }
  const end = page.offset + kept.length;
  return {
    data: { ...(head.data as Record<string, unknown>), [name]: kept },
    total,
    shown: kept.length,
    truncated: end < total || cut.length > 0,
    next: end < total ? end : null,
    cut: cut.slice(0, ROWS),
  };
}

function chosen(row: unknown, fields: readonly string[] | undefined): unknown {
  if (fields === undefined || typeof row !== "object" || row === null) return row;
  return Object.fromEntries(Object.entries(row).filter(([name]) => fields.includes(name)));
}

/** Shortens lists, maps and texts, ever more, until it fits. */
function shrink(data: unknown, budget: number, at = ""): Fitted {
  let cut: Cut[] = [];
  let short = data;
  for (let share = 1; ; share /= 2) {
    cut = [];
    const free = share === 1 && sizeOf(data) <= budget;
    short = free ? data : shortened(data, { rows: ROWS * share, text: TEXT * share, keys: KEYS * share }, at, cut);
    if (sizeOf(short) <= budget || share < 1 / 64) break;
  }
  return { data: short, total: null, shown: null, truncated: cut.length > 0, next: null, cut: cut.slice(0, ROWS) };
}

interface Limits {
  rows: number;
  text: number;
  keys: number;
}

function shortened(value: unknown, limits: Limits, path: string, cut: Cut[]): unknown {
  if (typeof value === "string") {
    const shown = Math.max(24, Math.floor(limits.text));
    if (value.length <= shown) return value;
    cut.push({ path, total: value.length, shown });
    return `${value.slice(0, shown)}…`;
  }
  if (Array.isArray(value)) {
    const shown = Math.max(1, Math.floor(limits.rows));
    if (value.length > shown) cut.push({ path, total: value.length, shown });
    return value.slice(0, shown).map((one, index) => shortened(one, limits, `${path}[${index}]`, cut));
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value);
    const shown = Math.max(12, Math.floor(limits.keys));
    if (entries.length > shown) cut.push({ path, total: entries.length, shown });
    return Object.fromEntries(
      entries
        .slice(0, shown)
        .map(([name, one]) => [name.slice(0, 200), shortened(one, limits, path === "" ? name : `${path}.${name}`, cut)]),
    );
  }
  return value;
}

function fieldOf(data: unknown, name: string): unknown {
  return typeof data === "object" && data !== null ? (data as Record<string, unknown>)[name] : undefined;
}

function sizeOf(value: unknown): number {
  return (JSON.stringify(value) ?? "").length;
}

/** Answers within a budget: rows in order, cut between rows, and always said what was left out and how to get it. */
import { toJson } from "../cli/envelope.ts";

/** Characters of JSON: about 2,000 and 6,000 tokens. With warnings and what stands around it an answer stays below 30,000. */
const SHORT = 8_000;
const CEILING = 24_000;
export const ROWS = 20;
const TEXT = 1_500;
const KEYS = 40;

export interface Page {
  /** The list of the data that is paged, `versions`: the first of these the data has. */
  rows?: readonly string[] | undefined;
  /** The list is the page already, and this field of the data says how many there are. */
  counted?: string | undefined;
  offset: number;
  limit: number;
  /** Only these fields of each row. */
  fields?: readonly string[] | undefined;
  detail: "short" | "full";
  /** A text of which the end counts, such as a log's. */
  tail?: string | undefined;
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
  /** Of the paged list; null where the data has none, or nobody has counted. */
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
  { rows, counted, tail }: { rows?: readonly string[] | undefined; counted?: string | undefined; tail?: string | undefined } = {},
): Page {
  return {
    rows,
    counted,
    tail,
    offset: asked.offset ?? 0,
    limit: asked.limit ?? ROWS,
    fields: asked.fields,
    detail: asked.detail ?? "short",
  };
}

/** The data as it fits: first the page's rows, then less of what is nested, at last fewer rows. */
export function fitAnswer(whole: unknown, page: Page): Fitted {
  const data = withColumnsOf(whole, page);
  const budget = page.detail === "full" ? CEILING : SHORT;
  if (page.tail !== undefined && typeof fieldOf(data, page.tail) === "string")
    return fitTail(data as Record<string, unknown>, page.tail, budget);
  const name = page.rows?.find((one) => Array.isArray(fieldOf(data, one)));
  const list = name === undefined ? undefined : fieldOf(data, name);
  if (name === undefined || !Array.isArray(list)) return shrink(data, budget);
  const count = page.counted === undefined ? undefined : fieldOf(data, page.counted);
  const total = typeof count === "number" ? count : list.length;
  const shownHere = typeof count === "number" ? list : list.slice(page.offset, page.offset + page.limit);
  const rows = shownHere.map((row) => chosen(row, page.fields));
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
  // What is paged may itself be the beginning of something nobody has counted.
  const hasMore = fieldOf(data, "more") === true;
  const isLast = end >= total && !(hasMore && kept.length > 0);
  return {
    data: { ...(head.data as Record<string, unknown>), [name]: kept },
    total: hasMore ? null : total,
    shown: kept.length,
    truncated: !isLast || cut.length > 0,
    next: isLast ? null : end,
    cut: told(cut),
  };
}

/** The rest first, then as much of the text's end as there is room for. */
function fitTail(data: Record<string, unknown>, name: string, budget: number): Fitted {
  const text = String(data[name]);
  const rest = shrink({ ...data, [name]: "" }, Math.floor(budget / 2));
  const left = budget - sizeOf(rest.data);
  let end = text.slice(-left);
  // A character may take six.
  while (sizeOf(end) > left) end = end.slice(-Math.floor((end.length * left) / sizeOf(end)));
  const cut = end.length < text.length ? [{ path: name, total: text.length, shown: end.length }] : [];
  return {
    ...rest,
    data: { ...(rest.data as object), [name]: end },
    truncated: rest.truncated || cut.length > 0,
    cut: [...cut, ...rest.cut],
  };
}

/** Rows that are lists have their names once, in `columns`. */
function withColumnsOf(data: unknown, { fields }: Page): unknown {
  const [columns, rows] = [fieldOf(data, "columns"), fieldOf(data, "rows")];
  if (fields === undefined || !Array.isArray(columns) || !Array.isArray(rows)) return data;
  const places = columns.flatMap((name, at) => (fields.includes(name) ? [at] : []));
  const picked = (row: unknown) => (Array.isArray(row) ? places.map((at) => row[at]) : row);
  return { ...(data as object), columns: picked(columns), rows: rows.map(picked) };
}

function chosen(row: unknown, fields: readonly string[] | undefined): unknown {
  if (fields === undefined || typeof row !== "object" || row === null || Array.isArray(row)) return row;
  return Object.fromEntries(Object.entries(row).filter(([name]) => fields.includes(name)));
}

/** Shortens lists, maps and texts, ever more, until it fits; at last only the top of it is left. */
function shrink(data: unknown, budget: number, at = ""): Fitted {
  let cut: Cut[] = [];
  let short = sizeOf(data) <= budget ? data : undefined;
  for (let step = 0; short === undefined; step += 1) {
    cut = [];
    const less = shortened(data, limitsOf(step), { path: at, depth: 0, cut });
    if (sizeOf(less) <= budget || step === LAST_STEP) short = less;
  }
  return { data: short, total: null, shown: null, truncated: cut.length > 0, next: null, cut: told(cut) };
}

interface Limits {
  rows: number;
  text: number;
  keys: number;
  /** Of names in maps. */
  name: number;
  depth: number;
}

const LAST_STEP = 8;

function limitsOf(step: number): Limits {
  const share = 2 ** -step;
  const most = (all: number, least: number) => Math.max(least, Math.floor(all * share));
  const isHard = step > 4;
  return {
    rows: most(ROWS, 1),
    text: most(TEXT, isHard ? 8 : 24),
    keys: most(KEYS, isHard ? 4 : 12),
    name: most(200, isHard ? 16 : 60),
    depth: step < 2 ? Number.POSITIVE_INFINITY : LAST_STEP + 1 - step,
  };
}

interface At {
  path: string;
  depth: number;
  cut: Cut[];
}

function shortened(value: unknown, limits: Limits, { path, depth, cut }: At): unknown {
  const note = (total: number, shown: number) => {
    if (total > shown) cut.push({ path, total, shown });
  };
  if (typeof value === "string") {
    note(value.length, limits.text);
    return cutText(value, limits.text);
  }
  if (typeof value !== "object" || value === null) return value;
  const isList = Array.isArray(value);
  const entries = Object.entries(value);
  const most = depth >= limits.depth ? 0 : isList ? limits.rows : limits.keys;
  note(entries.length, most);
  const kept = entries
    .slice(0, most)
    .map(([name, one]): [string, unknown] => [
      cutText(name, limits.name),
      shortened(one, limits, { path: isList ? `${path}[${name}]` : path === "" ? name : `${path}.${name}`, depth: depth + 1, cut }),
    ]);
  return isList ? kept.map(([, one]) => one) : Object.fromEntries(kept);
}

/** The first that many characters, which may be less of those that take six when they are sent. */
export function cutText(text: string, most: number): string {
  if (text.length <= most && sizeOf(text) <= most * 2) return text;
  let short = text.slice(0, most);
  while (short.length > 0 && sizeOf(short) > most * 2) short = short.slice(0, Math.floor((short.length * most * 2) / (sizeOf(short) + 1)));
  return `${short}…`;
}

function told(cut: readonly Cut[]): Cut[] {
  return cut.slice(0, 10).map((one) => ({ ...one, path: cutText(one.path, 60) }));
}

function fieldOf(data: unknown, name: string): unknown {
  return typeof data === "object" && data !== null ? (data as Record<string, unknown>)[name] : undefined;
}

/** As it is sent: what is escaped takes more than one character. */
function sizeOf(value: unknown): number {
  return value === undefined ? 0 : toJson(value, 0).length;
}

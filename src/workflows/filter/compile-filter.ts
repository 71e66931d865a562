/** A filter as a test of rows: names are known, values have the type of what they are held against, numbers are compared exactly. */

import { nearestWord } from "../../config/nearest.ts";
import { own } from "../../platform/mapping.ts";
import { someOf } from "../../platform/words.ts";
import { compareNumbers, numberOf } from "../../versions/exact-numbers.ts";
import { type Filter, type Name, parseFilter, type Sign, type Value } from "./parse-filter.ts";
import { filterError } from "./words.ts";

/** A row's own facts beside its parameters and metrics. */
export interface Field<Row> {
  /** Null: missing. */
  of(row: Row): string | null;
  /** `yes or no`: those words; `time`: ISO 8601; `value`: a number where both sides are numbers, else text. */
  type: "value" | "text" | "time" | "yes or no";
  /** The order of values where it is not that of numbers or texts; null when one is no such value. */
  order?(one: string, other: string): number | null;
}

export interface Vocabulary<Row> {
  fields: Readonly<Record<string, Field<Row>>>;
  params(row: Row): Readonly<Record<string, string>>;
  metrics(row: Row): Readonly<Record<string, string>>;
  /** Of any row. */
  paramNames: ReadonlySet<string>;
  metricNames: ReadonlySet<string>;
}

/** Throws E_USAGE that points at the column: grammar, unknown names, values of the wrong type. */
export function compileFilter<Row>(filter: string, vocabulary: Vocabulary<Row>): (row: Row) => boolean {
  return testOf(parseFilter(filter), { filter, vocabulary });
}

interface Scope<Row> {
  filter: string;
  vocabulary: Vocabulary<Row>;
}

function testOf<Row>(part: Filter, scope: Scope<Row>): (row: Row) => boolean {
  switch (part.is) {
    case "and": {
      const tests = part.parts.map((one) => testOf(one, scope));
      return (row) => tests.every((test) => test(row));
    }
    case "or": {
      const tests = part.parts.map((one) => testOf(one, scope));
      return (row) => tests.some((test) => test(row));
    }
    case "not": {
      const test = testOf(part.part, scope);
      return (row) => !test(row);
    }
    case "missing": {
      const field = fieldOf(part.name, scope);
      return (row) => field.of(row) === null;
    }
    case "one of": {
      const tests = part.values.map((value) => comparison(part.name, "=", value, scope));
      return (row) => tests.some((test) => test(row));
    }
    case "compared":
      return comparison(part.name, part.sign, part.value, scope);
  }
}

/** A missing value is neither equal nor unequal to anything. */
function comparison<Row>(name: Name, sign: Sign, value: Value, scope: Scope<Row>): (row: Row) => boolean {
  const field = fieldOf(name, scope);
  const holds = sign === "~" || sign === "!~" ? patternTest(sign, value, scope) : orderTest(field, { name, sign, value }, scope);
  return (row) => {
    const cell = field.of(row);
    return cell !== null && holds(cell);
  };
}

function patternTest<Row>(sign: Sign, { text, column }: Value, { filter }: Scope<Row>): (cell: string) => boolean {
  try {
    const pattern = new RegExp(text, "i");
    return (cell) => pattern.test(cell) === (sign === "~");
  } catch (error) {
    throw filterError(filter, column, `${error instanceof Error ? error.message : String(error)}`, "~ takes a regular expression");
  }
}

const HOLDS: Record<Exclude<Sign, "~" | "!~">, (order: number) => boolean> = {
  "=": (order) => order === 0,
  "!=": (order) => order !== 0,
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
  ">": (order) => order > 0,
  ">=": (order) => order >= 0,
};

function orderTest<Row>(
  field: Field<Row>,
  { name, sign, value }: { name: Name; sign: Sign; value: Value },
  { filter }: Scope<Row>,
): (cell: string) => boolean {
  const wrong = (what: string) => filterError(filter, value.column, `${name.text} takes ${what}, not ${JSON.stringify(value.text)}`);
  const order = orderAgainst(field, value, wrong);
  const holds = HOLDS[sign as keyof typeof HOLDS];
  return (cell) => {
    const found = order(cell);
    // What cannot be ordered is different, and neither smaller nor larger.
    return found === null ? sign === "!=" : holds(found);
  };
}

function orderAgainst<Row>(
  { type, order }: Field<Row>,
  { text, quoted }: Value,
  wrong: (what: string) => Error,
): (cell: string) => number | null {
  if (order !== undefined) {
    if (order(text, text) === null) throw wrong("a version's name");
    return (cell) => order(cell, text);
  }
  if (type === "yes or no") {
    const wanted = { yes: "yes", true: "yes", no: "no", false: "no" }[text.toLowerCase()];
    if (wanted === undefined) throw wrong("yes or no");
    return (cell) => (cell === wanted ? 0 : null);
  }
  if (type === "time") {
    const span = timeSpan(text);
    if (span === null) throw wrong("a day (2026-03-01) or a time (2026-03-01T12:00)");
    return (cell) => {
      const time = Date.parse(cell);
      return Number.isNaN(time) ? null : time < span.from ? -1 : time >= span.to ? 1 : 0;
    };
  }
  if (type === "text" || quoted) return (cell) => compareTexts(cell, text);
  return (cell) => (numberOf(text) !== null || numberOf(cell) !== null ? compareNumbers(cell, text) : compareTexts(cell, text));
}

/** A day is as long as it is here, so `date = 2026-03-01` is any time of it. */
function timeSpan(text: string): { from: number; to: number } | null {
  const day = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)?.slice(1).map(Number);
  if (day === undefined) {
    const time = /^\d{4}-\d{2}-\d{2}[T ]/.test(text) ? Date.parse(text) : Number.NaN;
    return Number.isNaN(time) ? null : { from: time, to: time + 1 };
  }
  const [year = 0, month = 0, date = 0] = day;
  const from = new Date(year, month - 1, date);
  if (from.getMonth() !== month - 1) return null; // 2026-02-30
  return { from: from.getTime(), to: new Date(year, month - 1, date + 1).getTime() };
}

function compareTexts(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}

/** A row's own fact, else a metric, else a parameter; `metric.` and `param.` say which, for names that are several. */
function fieldOf<Row>({ text, column }: Name, { filter, vocabulary }: Scope<Row>): Field<Row> {
  const { fields, params, metrics, paramNames, metricNames } = vocabulary;
  const metric = (name: string): Field<Row> => ({ type: "value", of: (row) => own(metrics(row), name) ?? null });
  const param = (name: string): Field<Row> => ({ type: "value", of: (row) => own(params(row), name) ?? null });
  if (Object.hasOwn(fields, text)) return fields[text] as Field<Row>;
  if (metricNames.has(text)) return metric(text);
  if (paramNames.has(text)) return param(text);
  const [, kind, name = ""] = /^(metric|param)\.(.+)$/s.exec(text) ?? [];
  if (kind === "metric" && metricNames.has(name)) return metric(name);
  if (kind === "param" && paramNames.has(name)) return param(name);
  const known = [...metricNames, ...paramNames, ...Object.keys(fields)];
  const near = nearestWord(text, known);
  throw filterError(
    filter,
    column,
    `nothing is called ${JSON.stringify(text)}`,
    near === undefined ? `known are ${someOf(known, 20)}` : `did you mean ${near}?`,
  );
}

/** Metrics in the text of a file: every number of it, nested names joined with dots, digits as written; of one with a row for each step what `aggregate:` says. */
import { csvParseRows, tsvParseRows } from "d3-dsv";
import type { Config } from "../../../config/config.ts";
import { guessDirection } from "../../../config/metric-direction.ts";
import { loadYaml } from "../../../config/yaml.ts";
import { ExpverError } from "../../../errors.ts";
import { isMapping, own } from "../../../platform/mapping.ts";
import { aggregated, isProgress } from "../../../results/numbers.ts";
import { flatten } from "../parameters/flatten.ts";

export interface FoundMetrics {
  metrics: Record<string, string>;
  /** The last of its JSON lines has no end, and counts for nothing: its program was killed, or is still writing. */
  isCut?: true;
}

export type Numbers = Pick<Config, "metrics" | "aggregate">;

/** `file`: its name, whose end says of what kind it is. Throws E_CONFIG when it is not. */
export function findMetrics(text: string, file: string, config: Numbers = { metrics: {}, aggregate: {} }): FoundMetrics {
  const plain = text.replace(/^\ufeff/, "");
  if (/\.[ct]sv$/i.test(file)) return { metrics: ofTable(plain, /\.csv$/i.test(file) ? csvParseRows : tsvParseRows, config) };
  if (/\.(?:jsonl|ndjson)$/i.test(file)) return ofLines(plain, file, config);
  if (!/\.(?:json|ya?ml)$/i.test(file) && isTable(plain)) return { metrics: ofTable(plain, csvParseRows, config) };
  if (!/\.json$/i.test(file)) return { metrics: ofTree(loadYaml(text, file, { exact: true }), config) };
  try {
    return { metrics: ofTree(exactJson(plain, file), config) };
  } catch (error) {
    // Some programs (Detectron2, MMEngine) call their JSON lines so.
    if (!/^\s*\{.*\}[ \t\r]*\n\s*\{/.test(plain)) throw error;
    return ofLines(plain, file, config);
  }
}

/** Numbers only: a text that merely looks like a number (a version, an id in quotes) is no metric. */
function numbersIn(all: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(all)
      .filter(([, value]) => NUMBER.test(value))
      .map(([name, value]) => [name, nameOfOdd(value)]),
  );
}

/** Keras' documentation calls the CSV file of its `CSVLogger` `training.log`. */
function isTable(text: string): boolean {
  const [names = [], row = []] = csvParseRows(text.split("\n", 2).join("\n"));
  return (
    names.length > 1 && row.length === names.length && names.every((name) => /^[^{}:]*[a-z][^{}:]*$/i.test(name)) && row.some(isNumber)
  );
}

function isNumber(value: unknown): boolean {
  return typeof value === "string" && NUMBER.test(value.trim());
}

/** A list with a row for each step among the rest (`log_history` of Hugging Face's `trainer_state.json`) is read as a file of such rows is. */
function ofTree(tree: unknown, config: Numbers, name = ""): Record<string, string> {
  const columns = name === "" ? columnsIn(tree) : [];
  if (isHistory(columns)) {
    const steps = stepsOf(config);
    columns[0][1].forEach((_, at) => {
      steps.add(numbersIn(Object.fromEntries(columns.map(([column, values]) => [column, String(values[at])]))));
    });
    return steps.numbers();
  }
  if (isLog(tree)) {
    const steps = stepsOf(config, name === "" ? "" : `${name}.`);
    for (const row of tree) steps.add(numbersIn(flatten(row)));
    return steps.numbers();
  }
  if (!isMapping(tree)) return numbersIn(flatten(name === "" ? tree : { [name]: tree }));
  const below = ([key, value]: [string, unknown]) => Object.entries(ofTree(value, config, name === "" ? key : `${name}.${key}`));
  return Object.fromEntries(Object.entries(tree).flatMap(below));
}

/** Leaves that are no mappings, by their names. */
function columnsIn(tree: unknown, name = ""): [name: string, leaf: unknown][] {
  if (!isMapping(tree)) return [[name, tree]];
  return Object.entries(tree).flatMap(([key, value]) => columnsIn(value, name === "" ? key : `${name}.${key}`));
}

/**
 * Nothing but lists of one length with a number for each step, as Keras' `history.history` and XGBoost's `evals_result()` are. What is small when it is
 * good is among them: scores of a model's classes are lists of one length too.
 */
function isHistory(columns: [name: string, leaf: unknown][]): columns is [[string, unknown[]], ...[string, unknown[]][]] {
  const length = Array.isArray(columns[0]?.[1]) ? columns[0][1].length : 0;
  const isColumn = (leaf: unknown) => Array.isArray(leaf) && leaf.length === length && leaf.every(isNumber);
  return length > 1 && columns.every(([, leaf]) => isColumn(leaf)) && columns.some(([name]) => guessDirection(name) === "min");
}

/** Each of its members says how far the run had come. */
function isLog(value: unknown): value is Record<string, unknown>[] {
  return Array.isArray(value) && value.length > 0 && value.every((row) => isMapping(row) && Object.keys(row).some(isProgress));
}

function ofLines(text: string, file: string, config: Numbers): FoundMetrics {
  const steps = stepsOf(config);
  let [start, number] = [0, 0];
  while (start < text.length) {
    const end = text.indexOf("\n", start);
    const line = text.slice(start, end < 0 ? text.length : end);
    number += 1;
    start = end < 0 ? text.length : end + 1;
    if (line.trim() === "") continue;
    try {
      steps.add(numbersIn(flatten(exactJson(line, `${file}:${number}`))));
    } catch (error) {
      if (end < 0) return { metrics: steps.numbers(), isCut: true };
      throw error;
    }
  }
  return { metrics: steps.numbers() };
}

/** The first row that is neither empty nor a comment has the names; where it has numbers only, the comment before it does (NumPy's `savetxt`). */
function ofTable(text: string, parseRows: typeof csvParseRows, config: Numbers): Record<string, string> {
  const steps = stepsOf(config);
  let comment: string[] = [];
  let names: string[] | null = null;
  parseRows(text, (row) => {
    const cells = row.map((cell) => cell.trim());
    if (cells.every((cell) => cell === "")) return null;
    if (cells[0]?.startsWith("#")) {
      comment = [cells[0].slice(1).trim(), ...cells.slice(1)];
      return null;
    }
    const isFirst = names === null;
    names ??= comment.length === cells.length && cells.every((cell) => NUMBER.test(cell)) ? comment : cells;
    if (!isFirst || names === comment) steps.add(numbersIn(Object.fromEntries(cells.map((cell, at) => [names?.[at] ?? "", cell]))));
    return null;
  });
  return steps.numbers();
}

interface Column {
  first: string;
  isConstant: boolean;
  /** The last one alone where no other counts. */
  values: string[];
}

/**
 * One value for each name of many rows, as of the rows of a database; not how far the run has come. `prefix`: what stands before their names in
 * `expver.yaml`. Of a file with millions of rows only what counts is kept.
 */
function stepsOf(
  { metrics, aggregate }: Numbers,
  prefix = "",
): { add: (row: Record<string, string>) => void; numbers: () => Record<string, string> } {
  const found = new Map<string, Column>();
  const ruleOf = (name: string) => own(aggregate, prefix + name) ?? "last";
  const isSaid = ([name, { isConstant }]: [string, Column]) =>
    name !== "" && (Object.hasOwn(metrics, prefix + name) || !isProgress(name) || isConstant);
  const one = ([name, { values }]: [string, Column]) => {
    const direction = own(metrics, prefix + name) ?? guessDirection(name) ?? "max";
    return [prefix + name, aggregated(values, ruleOf(name), direction)];
  };
  return {
    add(row) {
      for (const [name, value] of Object.entries(row)) {
        const column = found.get(name);
        if (column === undefined) found.set(name, { first: value, isConstant: true, values: [value] });
        else {
          column.isConstant &&= value === column.first;
          if (ruleOf(name) === "last") column.values[0] = value;
          else column.values.push(value);
        }
      }
    },
    numbers: () => Object.fromEntries([...found].filter(isSaid).map(one)),
  };
}

const NUMBER = /^[-+]?(\d+\.?\d*([eE][-+]?\d+)?|\.\d+([eE][-+]?\d+)?|\.?(inf|Inf|INF)|Infinity|\.?(nan|NaN|NAN))$/;

/** YAML and Python spell the odd numbers in many ways. */
function nameOfOdd(value: string): string {
  if (/nan/i.test(value)) return "NaN";
  if (/inf/i.test(value)) return value.startsWith("-") ? "-Infinity" : "Infinity";
  return value;
}

/**
 * JSON whose numbers stay the text they were written as; Python's NaN and Infinity are read too. What stands in quotes, and
 * true and false, become what `other` makes of them; by default nothing.
 */
export function exactJson(text: string, file: string, other: (value: string | boolean) => unknown = () => null): unknown {
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?(?:NaN|Infinity|\d[\d.eE+-]*)/g, (token) =>
    token[0] === '"' ? token : `"\\u0000${token}"`,
  );
  try {
    return JSON.parse(marked, (_key, value: unknown) => {
      if (typeof value === "boolean") return other(value);
      if (typeof value !== "string") return value;
      return value.startsWith("\0") ? value.slice(1) : other(value);
    });
  } catch (cause) {
    throw new ExpverError("E_CONFIG", `${file}: not valid JSON: ${cause instanceof Error ? cause.message : cause}`, {
      hint: "The file must be JSON (.json) or YAML (.yaml): names and values.",
      details: { file },
      cause,
    });
  }
}

/** From the text of `expver.yaml` to a {@link Config}; every mistake names file, line, key, value and what was expected. */
import { basename, dirname } from "node:path/posix";
import { ExpverError } from "../errors.ts";
import { type Aggregation, type Config, DEFAULTS, type Direction } from "./config.ts";
import { nearestWord } from "./nearest.ts";
import { lineOf, parseYaml, type YamlNode } from "./yaml.ts";

/** Throws E_CONFIG. `file` is what the messages call it. */
export function parseConfig(text: string, file: string): Config {
  const config = structuredClone(DEFAULTS);
  const root = parseYaml(text, file);
  if (root === null || isNull(root)) return config;
  readMapping({ text, file, key: "", node: root }, rulesFor(config));
  const { models } = config;
  // A model keeps its name, and what its extension says of it, in production.
  if (!models.namesProduction) models.production = `${dirname(models.production)}/${basename(models.output)}`;
  return config;
}

/** One value and where it stands. */
interface Place {
  text: string;
  file: string;
  /** Dotted path; empty at the top. */
  key: string;
  node: YamlNode;
}

type Rule = (place: Place) => void;

function rulesFor(config: Config): Record<string, Rule> {
  const { results, models, versions, record, worktrees } = config;
  return {
    results: section({
      database: into(results, "database", filePath),
      table: into(results, "tables", (place) => unique([name(place), ...results.tables])),
      tables: into(results, "tables", (place) => unique([...results.tables, ...list(place, name)])),
    }),
    metrics: into(config, "metrics", (place) => table(place, (one) => choice<Direction>(one, ["max", "min"]))),
    aggregate: into(config, "aggregate", (place) =>
      table(place, (one) => choice<Aggregation>(one, ["last", "best", "mean", "min", "max", "sum"])),
    ),
    params: into(config, "params", (place) => (isNull(place.node) || isFalse(place.node) ? null : filePath(place))),
    // The project's own folder means all in it, as any other does.
    data: into(config, "data", (place) => list(place, (one) => insidePath(one).replace(/^\.?$/, "**"))),
    track: into(config, "track", (place) => list(place, insidePath)),
    models: section({
      output: into(models, "output", insidePath),
      production: (place) => {
        models.production = insidePath(place);
        models.namesProduction = true;
      },
      candidates: into(models, "candidates", insidePath),
      keep: into(models, "keep", wholeNumber),
    }),
    link: into(config, "link", (place) => list(place, insidePath)),
    publish: into(config, "publish", (place) => choice(place, ["ask", "auto"])),
    versions: section({ prefix: into(versions, "prefix", prefix) }),
    record: section({ host: into(record, "host", bool), user: into(record, "user", bool) }),
    worktrees: section({ dir: into(worktrees, "dir", (place) => (isNull(place.node) ? null : name(place))) }),
  };
}

function into<Target, Key extends keyof Target>(target: Target, key: Key, read: (place: Place) => Target[Key]): Rule {
  return (place) => {
    target[key] = read(place);
  };
}

function section(rules: Record<string, Rule>): Rule {
  return (place) => {
    if (!isNull(place.node)) readMapping(place, rules);
  };
}

function readMapping(place: Place, rules: Record<string, Rule>): void {
  for (const { word, value, keyNode } of entriesOf(place)) {
    const rule = Object.hasOwn(rules, word) ? rules[word] : undefined;
    const at = { ...place, key: join(place.key, word), node: value };
    if (rule === undefined) throw unknownKey({ ...at, node: keyNode }, word, Object.keys(rules));
    rule(at);
  }
}

/** A mapping whose keys are the user's own words (metric names). */
function table<Value>(place: Place, read: (place: Place) => Value): Record<string, Value> {
  if (isNull(place.node)) return {};
  const entries = entriesOf(place).map(({ word, value }) => [word, read({ ...place, key: join(place.key, word), node: value })] as const);
  return Object.fromEntries(entries);
}

function entriesOf(place: Place): { word: string; keyNode: YamlNode; value: YamlNode }[] {
  if (place.node.kind !== "mapping") throw wrong(place, "keys with values");
  const seen = new Set<string>();
  return place.node.entries.map(({ key, value }) => {
    const at = { ...place, node: key };
    if (key.kind !== "scalar") throw wrong(at, "a plain key");
    if (seen.has(key.text)) throw mistake({ ...at, key: join(place.key, key.text) }, "is written twice", "Keep one of them.");
    seen.add(key.text);
    return { word: key.text, keyNode: key, value };
  });
}

/** One text or a list of them. */
function list<Value>(place: Place, read: (place: Place) => Value): Value[] {
  const { node } = place;
  if (isNull(node)) return [];
  if (node.kind !== "sequence") return [read(place)];
  return node.items.map((item, index) => read({ ...place, key: `${place.key}[${index}]`, node: item }));
}

function name(place: Place): string {
  if (place.node.kind !== "scalar" || isNull(place.node) || place.node.text === "") throw wrong(place, "a text");
  return place.node.text;
}

/** A path or glob that stays inside the project. */
function insidePath(place: Place): string {
  const path = name(place);
  if (path.startsWith("/") || /^[A-Za-z]:[\\/]/.test(path))
    throw wrong(place, "a path relative to the project, such as results/experiments.db");
  if (path.split("/").includes("..")) throw wrong(place, "a path inside the project, without `..`");
  return path.replace(/^(\.\/)+/, "").replace(/\/+$/, "");
}

/** The same of a file: the project's own folder is none. */
function filePath(place: Place): string {
  const path = insidePath(place);
  if (/^\.?$/.test(path)) throw wrong(place, "a file in the project, not its folder");
  return path;
}

function choice<Word extends string>(place: Place, words: readonly Word[]): Word {
  const found = place.node.kind === "scalar" ? words.find((word) => place.node.kind === "scalar" && word === place.node.text) : undefined;
  if (found === undefined) throw wrong(place, words.join(", ").replace(/, ([^,]*)$/, " or $1"));
  return found;
}

function wholeNumber(place: Place): number {
  if (place.node.kind !== "scalar" || !/^[0-9]{1,9}$/.test(place.node.text)) throw wrong(place, "a whole number, 0 or more");
  return Number(place.node.text);
}

function bool(place: Place): boolean {
  const text = place.node.kind === "scalar" && place.node.style === "plain" ? place.node.text.toLowerCase() : "";
  if (text !== "true" && text !== "false") throw wrong(place, "true or false");
  return text === "true";
}

/** Goes before a number in a tag name, so it may not end in a digit. */
function prefix(place: Place): string {
  const text = name(place);
  if (!/^[A-Za-z]([\w./@-]*[A-Za-z_./@-])?$/.test(text) || /\.\.|\/\/|\.$|\.lock|\/\.|\/$/.test(text)) {
    throw wrong(place, "letters that may begin a tag name and do not end in a digit, such as e or exp-");
  }
  return text;
}

function isNull(node: YamlNode): boolean {
  return node.kind === "scalar" && node.style === "plain" && /^(|~|null|Null|NULL)$/.test(node.text);
}

function isFalse(node: YamlNode): boolean {
  return node.kind === "scalar" && node.style === "plain" && node.text.toLowerCase() === "false";
}

function unique(words: string[]): string[] {
  return [...new Set(words)];
}

function join(key: string, word: string): string {
  return key === "" ? word : `${key}.${word}`;
}

function unknownKey(place: Place, word: string, known: string[]): ExpverError {
  const meant = nearestWord(word, known);
  const hint = meant === undefined ? `Known keys: ${known.join(", ")}.` : `Did you mean ${JSON.stringify(meant)}?`;
  return mistake(place, "is no key expver knows", hint);
}

function wrong(place: Place, expected: string): ExpverError {
  return mistake(place, `is ${received(place.node)}, expected ${expected}`, `Correct ${place.key || "the file"} in ${place.file}.`);
}

function mistake(place: Place, what: string, hint: string): ExpverError {
  const line = lineOf(place.text, place.node.start);
  const value = place.node.kind === "scalar" ? place.node.text : place.text.slice(place.node.start, place.node.end);
  return new ExpverError("E_CONFIG", `${place.file}:${line}: ${place.key || "the file"} ${what}`, {
    hint,
    details: { file: place.file, line, key: place.key, value },
  });
}

function received(node: YamlNode): string {
  if (node.kind === "alias") return "an alias (not supported here)";
  if (node.kind !== "scalar") return node.kind === "sequence" ? "a list" : "a mapping";
  return isNull(node) ? "empty" : JSON.stringify(node.text);
}

/** The trailers of a tag message: one line each, exact values, readable by `git interpret-trailers`. */
import { quote, readPiece, unquote } from "./quoting.ts";
import type { ArtifactEntry, MetricEntry, RunEntry, VersionKind, VersionMessage } from "./types.ts";

export type Recorded = Omit<VersionMessage, "headline" | "description" | "body">;

export const UNRECORDED: Recorded = Object.freeze({
  kind: null,
  runs: [],
  bestRun: null,
  merged: [],
  code: null,
  dataHash: null,
  data: [],
  models: [],
  params: {},
  metrics: [],
  other: [],
});

export function formatTrailers(recorded: Recorded): string[] {
  const { kind, runs, bestRun, merged, code, dataHash, data, models, params, metrics, other } = recorded;
  const lines: [key: string, value: string | null][] = [
    ["Kind", kind],
    ...runs.map((run): [string, string] => ["Run", formatRun(run)]),
    ["Best-Run", bestRun === null ? null : quoteWord(bestRun)],
    ...merged.map((name): [string, string] => ["Merged", quote(name)]),
    ["Code", code],
    ["Data-Hash", dataHash],
    ...data.map((entry): [string, string] => ["Data", formatArtifact(entry)]),
    ...models.map((entry): [string, string] => ["Model", formatArtifact(entry)]),
    ...Object.entries(params).map(([key, value]): [string, string] => ["Param", `${quoteWord(key)}=${quote(value)}`]),
    ...metrics.map((metric): [string, string] => ["Metric", formatMetric(metric)]),
    ...other,
  ];
  return lines.flatMap(([key, value]) => (value === null ? [] : [`${key}: ${value}`]));
}

/** Reads a trailer block that has `Kind:`; what cannot be read is named in `problems` and left out. */
export function parseTrailers(lines: readonly (readonly [key: string, value: string])[]): { recorded: Recorded; problems: string[] } {
  const recorded: Recorded = { ...UNRECORDED, runs: [], merged: [], data: [], models: [], metrics: [], other: [] };
  const params: [string, string][] = [];
  const problems: string[] = [];
  const seen = new Set<string>();
  const once = (key: string) => {
    if (seen.has(key)) problems.push(`${key}: given more than once; the last one counts`);
    seen.add(key);
  };
  const read = <T>(key: string, value: string, parsed: T | null, use: (parsed: T) => void) => {
    if (parsed === null) problems.push(`${key}: ${JSON.stringify(value)} cannot be read`);
    else use(parsed);
  };
  for (const [key, value] of lines) {
    if (SINGLE.has(key)) once(key);
    if (key === "Kind") {
      read(key, value, isKind(value) ? value : null, (kind) => Object.assign(recorded, { kind }));
      // A kind of a later expver: kept, so that the trailers survive a rewriting.
      if (!isKind(value)) recorded.other.push([key, value]);
    } else if (key === "Run") read(key, value, parseRun(value), (run) => recorded.runs.push(run));
    else if (key === "Best-Run") recorded.bestRun = unquote(value);
    else if (key === "Merged") recorded.merged.push(unquote(value));
    else if (key === "Code") read(key, value, /^[0-9a-f]{40,64}$/.test(value) ? value : null, (code) => Object.assign(recorded, { code }));
    else if (key === "Data-Hash") recorded.dataHash = value;
    else if (key === "Data") read(key, value, parseArtifact(value), (entry) => recorded.data.push(entry));
    else if (key === "Model") read(key, value, parseArtifact(value), (entry) => recorded.models.push(entry));
    else if (key === "Param") read(key, value, parseParam(value), (pair) => params.push(pair));
    else if (key === "Metric") read(key, value, parseMetric(value), (metric) => recorded.metrics.push(metric));
    else recorded.other.push([key, value]);
  }
  recorded.params = Object.fromEntries(params);
  return { recorded, problems };
}

const SINGLE = new Set(["Kind", "Best-Run", "Code", "Data-Hash"]);
const KINDS: readonly string[] = ["run", "sweep", "merge", "manual"] satisfies VersionKind[];

function isKind(value: string): value is VersionKind {
  return KINDS.includes(value);
}

/** Quoted also when it holds a blank or `=`, or is empty: for names and for values that stand between blanks. */
function quoteWord(text: string): string {
  return quote(text, /[\s=]|^$/);
}

function formatRun({ run, params }: RunEntry): string {
  return [quoteWord(run), ...Object.entries(params).map(([key, value]) => `${quoteWord(key)}=${quote(value, /\s/)}`)].join(" ");
}

function parseRun(text: string): RunEntry | null {
  const run = readPiece(text, 0, /[^\s=]+/y);
  if (run === null) return null;
  const params: [string, string][] = [];
  let at = run.end;
  while (at < text.length) {
    const pair = text[at] === " " ? readPair(text, at + 1) : null;
    if (pair === null) return null;
    params.push([pair.key, pair.value]);
    at = pair.end;
  }
  return { run: run.text, params: Object.fromEntries(params) };
}

function formatArtifact({ hash, size, path }: ArtifactEntry): string {
  return `${hash} ${size ?? "-"} ${quote(path)}`;
}

function parseArtifact(text: string): ArtifactEntry | null {
  const parts = /^(\S+) (\d+|-) (.+)$/s.exec(text);
  if (parts === null) return null;
  const [, hash = "", size = "", path = ""] = parts;
  return { hash, size: size === "-" ? null : Number(size), path: unquote(path) };
}

function parseParam(text: string): [string, string] | null {
  const key = readPiece(text, 0, /[^\s=]+/y);
  return key === null || text[key.end] !== "=" ? null : [key.text, unquote(text.slice(key.end + 1))];
}

function formatMetric({ name, value, direction }: MetricEntry): string {
  return `${quoteWord(name)}=${quote(value, /\s/)}${direction === null ? "" : ` ${direction}`}`;
}

function parseMetric(text: string): MetricEntry | null {
  const pair = readPair(text, 0);
  if (pair === null) return null;
  const rest = text.slice(pair.end).trim();
  if (rest !== "" && rest !== "max" && rest !== "min") return null;
  return { name: pair.key, value: pair.value, direction: rest === "" ? null : rest };
}

/** `key=value` where both end at a blank unless quoted. */
function readPair(text: string, start: number): { key: string; value: string; end: number } | null {
  const key = readPiece(text, start, /[^\s=]+/y);
  if (key === null || text[key.end] !== "=") return null;
  const value = readPiece(text, key.end + 1, /\S*/y);
  return value === null ? null : { key: key.text, value: value.text, end: value.end };
}

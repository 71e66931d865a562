/** Edits of YAML files that belong to the user: only the bytes of one value change, everything else stays as it was typed. */
import { isDeepStrictEqual } from "node:util";
import { ExpverError } from "../errors.ts";
import { valueAt } from "../platform/mapping.ts";
import { lineOf, loadYaml, parseYaml, type YamlEntry, type YamlNode } from "./yaml.ts";
import { stringSource, typedJson, typedSource } from "./yaml-text.ts";

type Mapping = Extract<YamlNode, { kind: "mapping" }>;

/**
 * Sets the value at `path` (mapping keys; numbers for list items) to this one-line source, adding what is missing. Throws E_CONFIG when the
 * file's shape forbids it.
 */
export function setYamlSource(text: string, path: readonly string[], source: string): string {
  return edit(text, path, "the file", () => source);
}

/** The same for text typed on a command line (see `typedSource`); a value that was quoted stays a quoted text. A JSON file stays one. */
export function setYamlTyped(text: string, path: readonly string[], typed: string, file = "the file"): string {
  const source = /\.json$/i.test(file) ? typedJson : typedSource;
  return edit(text, path, file, (old) =>
    old?.kind === "scalar" && (old.style === "single" || old.style === "double") ? stringSource(typed, old.style) : source(typed),
  );
}

/** Makes the source of the new value from the node it replaces. */
type MakeSource = (old: YamlNode | null) => string;

function edit(text: string, path: readonly string[], file: string, make: MakeSource): string {
  const root = parseYaml(text, file);
  const job: Job = { text, path, file, make, eol: text.includes("\r\n") ? "\r\n" : "\n" };
  const result = root === null || isEmpty(root) ? appendLines(job, text.length, path, "") : editNode(job, root, 0);
  verify(job, result);
  return result;
}

interface Job {
  text: string;
  path: readonly string[];
  file: string;
  make: MakeSource;
  eol: string;
}

function editNode(job: Job, node: YamlNode, depth: number): string {
  const word = job.path[depth];
  if (word === undefined) return replaceNode(job, node);
  if (node.kind === "sequence") {
    const item = /^[0-9]+$/.test(word) ? node.items[Number(word)] : undefined;
    if (item === undefined) throw refuse(job, node, `has no item ${word}`);
    return editNode(job, item, depth + 1);
  }
  if (node.kind !== "mapping")
    throw refuse(job, node, node.kind === "alias" ? "stands behind an alias" : "is a single value, it has no keys");
  const entry = node.entries.find(({ key }) => key.kind === "scalar" && key.text === word);
  if (entry === undefined) return addEntry(job, node, depth);
  if (depth + 1 < job.path.length && isNull(entry.value)) return fillEmpty(job, node, entry, depth + 1);
  return editNode(job, entry.value, depth + 1);
}

function replaceNode(job: Job, node: YamlNode): string {
  const { text, eol } = job;
  const source = job.make(node);
  if (isEmpty(node)) return splice(text, node.start, node.end, ` ${source}`);
  if (node.kind === "scalar" && node.style === "block") return splice(text, node.start, node.end, source + eol);
  if ((node.kind === "mapping" || node.kind === "sequence") && !node.flow) {
    // A block collection begins on the line after its key: the new value goes up to the key.
    const lead = /\s*$/.exec(text.slice(0, node.start))?.[0] ?? "";
    return splice(text, node.start - lead.length, node.end, ` ${source}`);
  }
  return splice(text, node.start, node.end, source);
}

function addEntry(job: Job, node: Mapping, depth: number): string {
  const rest = job.path.slice(depth);
  const last = node.entries.at(-1);
  if (node.flow) {
    const source = flowEntry(rest, job.make(null));
    return last === undefined
      ? splice(job.text, node.start + 1, node.start + 1, source)
      : splice(job.text, last.value.end, last.value.end, `, ${source}`);
  }
  const first = node.entries[0]?.key.start ?? 0;
  return appendLines(job, endOfEntry(job.text, last), rest, " ".repeat(columnOf(job.text, first)));
}

/** `key:` without a value gets a block below it. */
function fillEmpty(job: Job, parent: Mapping, { value }: YamlEntry, depth: number): string {
  if (parent.flow) return splice(job.text, value.start, value.end, ` {${flowEntry(job.path.slice(depth), job.make(null))}}`);
  const indent = " ".repeat(columnOf(job.text, parent.entries[0]?.key.start ?? 0) + stepOf(job.text));
  if (value.end > value.start) return splice(job.text, value.start, value.end, `{${flowEntry(job.path.slice(depth), job.make(null))}}`);
  return appendLines(job, endOfLine(job.text, value.end), job.path.slice(depth), indent);
}

/** New lines `a:` / `  b: value` at an offset that begins a line, or ends the text. */
function appendLines(job: Job, offset: number, path: readonly string[], indent: string): string {
  const { text, eol } = job;
  const step = " ".repeat(stepOf(text));
  const lines = path.map((word, index) => {
    const value = index === path.length - 1 ? ` ${job.make(null)}` : "";
    return `${indent}${step.repeat(index)}${stringSource(word)}:${value}${eol}`;
  });
  const before = offset > 0 && text[offset - 1] !== "\n" && !/^\uFEFF?$/.test(text.slice(0, offset)) ? eol : "";
  return splice(text, offset, offset, before + lines.join(""));
}

function flowEntry(path: readonly string[], source: string): string {
  const [word = "", ...rest] = path;
  return `${stringSource(word)}: ${rest.length === 0 ? source : `{${flowEntry(rest, source)}}`}`;
}

/** Behind the line (and its comment) on which an entry ends; a block scalar ends at the start of a line already. */
function endOfEntry(text: string, entry: YamlEntry | undefined): number {
  const end = entry === undefined ? 0 : deepEnd(entry.value);
  return end > 0 && text[end - 1] === "\n" ? end : endOfLine(text, end);
}

function deepEnd(node: YamlNode): number {
  if (node.kind === "sequence" && !node.flow) return Math.max(node.end, ...node.items.map(deepEnd));
  if (node.kind === "mapping" && !node.flow) return Math.max(node.end, ...node.entries.map(({ value }) => deepEnd(value)));
  return node.end;
}

function endOfLine(text: string, offset: number): number {
  const end = text.indexOf("\n", offset);
  return end < 0 ? text.length : end + 1;
}

function columnOf(text: string, offset: number): number {
  const line = text.lastIndexOf("\n", offset - 1) + 1;
  return text.slice(line, offset).replace(/^\uFEFF/, "").length;
}

/** How many spaces the file uses for one level. */
function stepOf(text: string): number {
  return /^[^\s#][^\n]*:[^\S\n]*(?:#[^\n]*)?\r?\n( +)[^\s#-]/m.exec(text)?.[1]?.length ?? 2;
}

/** `key:` with nothing behind it. */
function isEmpty(node: YamlNode): boolean {
  return node.start === node.end;
}

function isNull(node: YamlNode): boolean {
  return isEmpty(node) || (node.kind === "scalar" && node.style === "plain" && /^(~|null)$/.test(node.text));
}

function splice(text: string, start: number, end: number, put: string): string {
  return text.slice(0, start) + put + text.slice(end);
}

/** The last word: the new text must mean the old one with exactly this value changed, else it is not written. */
function verify(job: Job, result: string): void {
  const { text, path, file, make } = job;
  const before = loadYaml(text, file, { exact: true });
  const after = loadYaml(result, file, { exact: true });
  const value = valueAt(after, path);
  if (isDeepStrictEqual(withValue(before, path, value), after) && value !== undefined) {
    const wanted = loadYaml(`v: ${make(nodeAt(parseYaml(text, file), path))}\n`, file, { exact: true });
    if (isDeepStrictEqual({ v: value }, plain(wanted))) return;
  }
  throw new ExpverError("E_CONFIG", `${file}: cannot change ${path.join(".")} without changing more than that`, {
    hint: `An anchor (&name) that others use, or an unusual layout, stands in the way: write the values out in ${file}.`,
    details: { file, key: path.join(".") },
  });
}

function nodeAt(node: YamlNode | null, path: readonly string[]): YamlNode | null {
  const [word, ...rest] = path;
  if (word === undefined || node === null) return node;
  if (node.kind === "sequence") return nodeAt(node.items[Number(word)] ?? null, rest);
  if (node.kind !== "mapping") return null;
  return nodeAt(node.entries.find(({ key }) => key.kind === "scalar" && key.text === word)?.value ?? null, rest);
}

/** A copy with one value replaced; an empty text on the way counts as a mapping. */
function withValue(value: unknown, path: readonly string[], put: unknown): unknown {
  const [word, ...rest] = path;
  if (word === undefined) return put;
  if (Array.isArray(value)) return value.map((item: unknown, index) => (String(index) === word ? withValue(item, rest, put) : item));
  const old = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  return { ...old, [word]: withValue(old[word], rest, put) };
}

function plain(value: unknown): unknown {
  return typeof value === "object" && value !== null ? { ...value } : value;
}

function refuse(job: Job, node: YamlNode, what: string): ExpverError {
  const key = job.path.join(".");
  return new ExpverError("E_CONFIG", `${job.file}:${lineOf(job.text, node.start)}: cannot set ${key}: what stands here ${what}`, {
    hint: `Change line ${lineOf(job.text, node.start)} of ${job.file} by hand.`,
    details: { file: job.file, line: lineOf(job.text, node.start), key },
  });
}

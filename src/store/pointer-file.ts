/** The `.dvc` file: reading every age of it, writing it byte for byte as DVC 3 does. */
import { posix } from "node:path";
import { loadYaml, parseYaml, type YamlNode } from "../config/yaml.ts";
import { ExpverError } from "../errors.ts";
import { staysInside } from "./listing.ts";
import type { OutputContent, Pointer } from "./types.ts";
import { yamlLine } from "./yaml-scalar.ts";

export type Fields = Record<string, unknown>;

/** What a pointer file says. `file` is its path from the root, with `/`; outputs come out relative to the root too. Throws E_POINTER. */
export function parsePointerFile(text: string, file: string): Pointer[] {
  const top = readMapping(text, file);
  const folder = posix.join(posix.dirname(file), typeof top.wdir === "string" ? top.wdir : ".");
  const isImport = Array.isArray(top.deps) && top.deps.length > 0;
  const outs = top.outs ?? [];
  if (!Array.isArray(outs)) throw bad(file, "outs", "is no list");
  return outs.map((out) => toPointer(asFields(out, file, "outs"), { file, folder, isImport }));
}

/**
 * Text of a pointer file for one output. With an old text only the values that differ change: comments, order and other
 * fields stay; new fields come last in their entry. `name` is the output's name beside the file.
 */
export function renderPointerFile(old: string | null, name: string, content: OutputContent): string {
  if (old !== null) return editPointerFile(old, name, content);
  const lines = fieldsOf(content).map(([key, value]) => line(key, value));
  return `outs:\n${asItem([...lines, line("path", name)].join(""))}`;
}

export function toPointer(fields: Fields, place: { file: string; folder: string; isImport: boolean; stage?: string }): Pointer {
  const { file, folder, isImport, stage } = place;
  const path = fields.path;
  if (typeof path !== "string") throw bad(file, "path", "is missing");
  const full = posix.join(folder, path);
  if (posix.isAbsolute(path) || !staysInside(full)) throw bad(file, "path", `leads out of the repository: ${JSON.stringify(path)}`);
  const hash = fields.md5 === undefined || fields.md5 === null || fields.md5 === "" ? null : String(fields.md5);
  if (hash !== null && !/^[0-9a-f]{32}(?:\.dir)?$/.test(hash)) throw bad(file, "md5", `is no hash: ${JSON.stringify(hash)}`);
  const size = wholeNumber(fields.size, file, "size");
  const nfiles = wholeNumber(fields.nfiles, file, "nfiles");
  return {
    file,
    ...(stage === undefined ? {} : { stage }),
    path: full,
    hash,
    hashName: fields.hash === undefined && hash !== null ? "md5-dos2unix" : "md5",
    ...(size === undefined ? {} : { size }),
    ...(nfiles === undefined ? {} : { nfiles }),
    ...(fields.isexec === "true" ? { isexec: true } : {}),
    cache: fields.cache !== "false",
    push: fields.push !== "false",
    isImport,
    ...(typeof fields.remote === "string" ? { remote: fields.remote } : {}),
  };
}

/** The file's top mapping with every scalar as the text that was written. */
export function readMapping(text: string, file: string): Fields {
  let value: unknown;
  try {
    value = loadYaml(text, file, { exact: true });
  } catch (error) {
    throw new ExpverError("E_POINTER", error instanceof Error ? error.message : String(error), { details: { file }, cause: error });
  }
  return value === undefined || value === null ? {} : asFields(value, file, "the file");
}

export function asFields(value: unknown, file: string, where: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad(file, where, "is no mapping");
  return value as Fields;
}

function bad(file: string, field: string, what: string): ExpverError {
  return new ExpverError("E_POINTER", `${file}: ${field} ${what}`, { details: { file, field } });
}

function wholeNumber(value: unknown, file: string, field: string): number | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const number = Number(String(value).replaceAll("_", ""));
  if (!Number.isSafeInteger(number) || number < 0) throw bad(file, field, `is no whole number: ${JSON.stringify(value)}`);
  return number;
}

type Field = [key: string, value: string];

function fieldsOf({ hash, size, nfiles, isexec }: OutputContent): Field[] {
  return [
    ["md5", hash],
    ["size", String(size)],
    ...(nfiles === undefined ? [] : [["nfiles", String(nfiles)] as Field]),
    ...(isexec ? [["isexec", "true"] as Field] : []),
    ["hash", "md5"],
  ];
}

const VERBATIM = new Set(["size", "nfiles", "isexec"]);

/** A line of an entry, two blanks in; `asItem` turns the first two into the dash. */
function line(key: string, value: string): string {
  return VERBATIM.has(key) ? `  ${key}: ${value}\n` : yamlLine("  ", key, value, 4);
}

function asItem(entry: string): string {
  return `-${entry.slice(1)}`;
}

interface Splice {
  start: number;
  end: number;
  text: string;
}

function editPointerFile(old: string, name: string, content: OutputContent): string {
  const entry = findEntry(old, name);
  if (entry === undefined) throw new ExpverError("E_POINTER", `the pointer file has no entry for ${name}`);
  const wanted = new Map(fieldsOf(content));
  const splices: Splice[] = [];
  for (const { key, value } of entry.entries) {
    if (key.kind !== "scalar") continue;
    const next = wanted.get(key.text);
    wanted.delete(key.text);
    if (next !== undefined && !(value.kind === "scalar" && value.text === next))
      splices.push({ start: value.start, end: value.end, text: scalar(key.text, next) });
    if (next === undefined && (key.text === "nfiles" || key.text === "isexec")) splices.push(wholeLine(old, key.start, value.end));
  }
  const last = entry.entries.at(-1);
  if (last !== undefined && wanted.size > 0) {
    const first = entry.entries[0]?.key.start ?? 0;
    const indent = " ".repeat(first - (old.lastIndexOf("\n", first - 1) + 1));
    const at = endOfLine(old, last.value.end);
    const lines = [...wanted].map(([key, value]) => `${indent}${key}: ${scalar(key, value)}\n`).join("");
    splices.push({ start: at, end: at, text: old[at - 1] === "\n" ? lines : `\n${lines}` });
  }
  return splices
    .sort((a, b) => b.start - a.start)
    .reduce((text, { start, end, text: part }) => text.slice(0, start) + part + text.slice(end), old);
}

function findEntry(text: string, name: string): Extract<YamlNode, { kind: "mapping" }> | undefined {
  const top = parseYaml(text, name);
  if (top?.kind !== "mapping") return undefined;
  const outs = top.entries.find(({ key }) => key.kind === "scalar" && key.text === "outs")?.value;
  if (outs?.kind !== "sequence") return undefined;
  const mappings = outs.items.filter((item) => item.kind === "mapping");
  return mappings.find((item) =>
    item.entries.some(({ key, value }) => key.kind === "scalar" && key.text === "path" && value.kind === "scalar" && value.text === name),
  );
}

function scalar(key: string, value: string): string {
  return line(key, value).slice(`  ${key}: `.length, -1);
}

function wholeLine(text: string, start: number, end: number): Splice {
  return { start: text.lastIndexOf("\n", start - 1) + 1, end: endOfLine(text, end), text: "" };
}

/** Offset just behind the line feed that ends the line, or the end of the text. */
function endOfLine(text: string, offset: number): number {
  // A block scalar's end already lies behind its line feed.
  if (text[offset - 1] === "\n") return offset;
  const feed = text.indexOf("\n", offset);
  return feed < 0 ? text.length : feed + 1;
}

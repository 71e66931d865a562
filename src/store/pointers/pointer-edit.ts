/** A changed hash in an existing pointer file: only the bytes of the values that differ change. */
import { posix } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parseYaml, type YamlEntry, type YamlNode } from "../../config/yaml.ts";
import { badPointer, type Fields, readMapping } from "./pointer-fields.ts";
import { yamlScalar } from "./yaml-scalar.ts";

export type Mapping = Extract<YamlNode, { kind: "mapping" }>;

export interface Splice {
  start: number;
  end: number;
  text: string;
}

// What a file or an older content says and the new one does not: where a cloud remote keeps it, how many files it has.
const OF_ONE_CONTENT = new Set(["nfiles", "isexec", "etag", "checksum", "version_id", "cloud", "files"]);
// As what content is known: by its hash, or by what the server of an import calls it.
const CONTENT_NAMES = ["md5", "etag", "checksum"];
const VERBATIM = new Set(["size", "nfiles", "isexec"]);

/** Sets the fields of the output whose path the file gives as `name`; new fields come last in the entry. Throws E_POINTER. */
export function editEntry(old: string, name: string, fields: EntryFields): string {
  return edit(old, name, { list: "outs", fields });
}

/** The same for an output, or a dependency, of a stage; `stages`: the keys that lead to its entry in the `dvc.lock`. */
export function editLockEntry(
  old: string,
  name: string,
  { stages, fields, list = "outs" }: { stages: readonly string[]; fields: EntryFields; list?: Edit["list"] },
): string {
  return edit(old, name, { list, fields, within: stages });
}

/** The same for what an import depends on. */
export function setDependency(old: string, path: string, fields: EntryFields): string {
  return edit(old, path, { list: "deps", fields });
}

/** Takes away what the file says about the output's content: it is not here any more. Throws E_POINTER. */
export function clearEntry(old: string, name: string): string {
  return edit(old, name, { list: "outs", fields: [["hash", "md5"]], clears: true });
}

const OF_SOURCE = new Set(["md5", "frozen", "locked", "deps"]);

/** Takes away where the file's outputs came from: they are data of their own from now on. Throws E_POINTER. */
export function withoutSource(old: string, file: string): string {
  let text = old;
  for (;;) {
    const top = parseYaml(text, file);
    if (top?.kind !== "mapping") return text;
    const index = top.entries.findIndex(({ key }) => key.kind === "scalar" && OF_SOURCE.has(key.text));
    if (index < 0) return text;
    text = applied(text, [removal(text, top, index)]);
  }
}

/** These lines under a key of the file itself, in the place of what it said there. Throws E_POINTER. */
export function replaceEntry(old: string, key: string, { file, lines }: { file: string; lines: string }): string {
  const top = blockOf(old, key, file);
  const entry = top.entries.find((one) => one.key.kind === "scalar" && one.key.text === key);
  const block = `${key}:\n${lines}`;
  if (entry === undefined) return applied(old, [addition(old, top, () => [block])]);
  const end = endOfLine(old, endOf(entry.value));
  return applied(old, [{ start: entry.key.start, end, text: block.replaceAll("\n", feedOf(old)) }]);
}

/** Takes away what stands at the end of a way of keys. Throws E_POINTER. */
export function withoutEntry(old: string, path: readonly string[], file: string): string {
  const key = path.at(-1) ?? "";
  const mapping = path.slice(0, -1).reduce(under, parseYaml(old, file));
  if (mapping?.kind !== "mapping") return old;
  const index = mapping.entries.findIndex((entry) => entry.key.kind === "scalar" && entry.key.text === key);
  return index < 0 ? old : applied(old, [removal(old, mapping, index)]);
}

function blockOf(text: string, key: string, file: string): Mapping {
  const top = parseYaml(text, file);
  if (top?.kind === "mapping" && !top.flow) return top;
  throw badPointer(file, key, "cannot be written into a file that is one mapping in braces");
}

type EntryFields = readonly (readonly [key: string, value: string])[];

interface Edit {
  list: "outs" | "deps";
  fields: EntryFields;
  /** No content is left. */
  clears?: boolean;
  /** Keys that lead to what has the list; none: the file itself. */
  within?: readonly string[];
}

function edit(old: string, name: string, { list, fields, clears = false, within = [] }: Edit): string {
  const file = `${name}.dvc`;
  const expected = readMapping(old, file);
  const entry = findEntry(old, name, { file, list, within });
  const wanted = new Map(fields);
  const names = CONTENT_NAMES.filter((word) => wanted.has(word));
  const hasContent = names.length > 0;
  const isOther = names.some((word) => textOf(entry, word) !== wanted.get(word));
  const goes = (word: string) =>
    clears
      ? word === "md5" || word === "size" || OF_ONE_CONTENT.has(word)
      : hasContent && (OF_ONE_CONTENT.has(word) || word === "md5") && (isOther || VERBATIM.has(word));
  const splices: Splice[] = [];
  for (const [index, { key, value }] of entry.entries.entries()) {
    const word = key.kind === "scalar" ? key.text : "";
    const next = wanted.get(word);
    wanted.delete(word);
    if (next === undefined && goes(word)) splices.push(removal(old, entry, index));
    if (next !== undefined && !(value.kind === "scalar" && value.text === next))
      splices.push(replacement(old, value, scalarSource(word, next)));
  }
  if (wanted.size > 0) {
    const fieldsIn = ([key, value]: [string, string]) => `${key}: ${scalarSource(key, value)}`;
    splices.push(
      entry.flow
        ? flowAddition(entry, [...wanted].map(fieldsIn))
        : addition(old, entry, (indent) => [...wanted].map((one) => `${indent}${fieldsIn(one)}\n`)),
    );
  }
  const text = applied(old, splices);
  const around = within.reduce((found, key) => found[key] as Fields, expected);
  const meant = (around[list] as Fields[]).find((item) => isPath(item.path, name)) ?? {};
  for (const key of Object.keys(meant)) if (goes(key)) delete meant[key];
  Object.assign(meant, Object.fromEntries(fields));
  // The last word: the new text says what the old one said but for these fields, else it is not used.
  if (isDeepStrictEqual(readMapping(text, file), expected)) return text;
  throw badPointer(file, name, "cannot be changed without changing more: an anchor (&name) or an unusual layout stands in the way");
}

function findEntry(
  text: string,
  name: string,
  { file, list, within }: { file: string; list: Edit["list"]; within: readonly string[] },
): Mapping {
  const outs = [...within, list].reduce(under, parseYaml(text, file));
  const mappings = outs?.kind === "sequence" ? outs.items.filter((item) => item.kind === "mapping") : [];
  const found = mappings.find((item) => isPath(textOf(item, "path"), name));
  if (found === undefined) throw badPointer(file, list, `has no entry for ${JSON.stringify(name)}`);
  return found;
}

function under(node: YamlNode | null, word: string): YamlNode | null {
  return (node?.kind === "mapping" ? node.entries.find(({ key }) => key.kind === "scalar" && key.text === word)?.value : null) ?? null;
}

function textOf(entry: Mapping, word: string): string | undefined {
  const value = under(entry, word);
  return value?.kind === "scalar" ? value.text : undefined;
}

function isPath(written: unknown, name: string): boolean {
  return typeof written === "string" && posix.normalize(written).replace(/\/$/, "") === posix.normalize(name).replace(/\/$/, "");
}

export function replacement(text: string, { start, end }: YamlNode, source: string): Splice {
  // `md5:` with nothing behind it.
  if (start === end) return { start, end, text: text[start - 1] === ":" ? ` ${source}` : source };
  // A block scalar's end lies behind its line feed.
  return { start, end, text: text[end - 1] === "\n" ? `${source}\n` : source };
}

export function removal(text: string, { entries, flow }: Mapping, index: number): Splice {
  const { key, value } = entries[index] as YamlEntry;
  const [before, after] = [entries[index - 1], entries[index + 1]];
  if (flow)
    return before === undefined
      ? { start: key.start, end: after?.key.start ?? value.end, text: "" }
      : { start: before.value.end, end: value.end, text: "" };
  // The first key of an entry stands behind the dash: the next one takes its place.
  if (before === undefined && after !== undefined) return { start: key.start, end: after.key.start, text: "" };
  return { start: text.lastIndexOf("\n", key.start - 1) + 1, end: endOfLine(text, endOf(value)), text: "" };
}

function flowAddition({ entries }: Mapping, fields: readonly string[]): Splice {
  const { end } = (entries.at(-1) as YamlEntry).value;
  return { start: end, end, text: fields.map((field) => `, ${field}`).join("") };
}

/** Lines behind those of a block mapping. */
export function addition(text: string, { entries }: Mapping, linesAt: (indent: string) => string[]): Splice {
  const last = entries.at(-1) as YamlEntry;
  const first = entries[0]?.key.start ?? 0;
  const indent = " ".repeat(first - (text.lastIndexOf("\n", first - 1) + 1));
  const feed = feedOf(text);
  const at = endOfLine(text, endOf(last.value));
  const lines = linesAt(indent).join("").replaceAll("\n", feed);
  return { start: at, end: at, text: text[at - 1] === "\n" ? lines : feed + lines };
}

function feedOf(text: string): string {
  return text.includes("\r\n") ? "\r\n" : "\n";
}

/** A hash or a number: never long enough to fold. */
export function scalarSource(key: string, value: string): string {
  return VERBATIM.has(key) ? value : yamlScalar(value, 0, 0);
}

/** End of the last token in a node; a block collection's own end may lie further on. */
export function endOf(node: YamlNode): number {
  if (node.kind === "mapping" && !node.flow) return Math.max(node.start, ...node.entries.map(({ value }) => endOf(value)));
  if (node.kind === "sequence" && !node.flow) return Math.max(node.start, ...node.items.map(endOf));
  return node.end;
}

/** Offset just behind the line feed that ends the line, or the end of the text. */
export function endOfLine(text: string, offset: number): number {
  if (offset > 0 && text[offset - 1] === "\n") return offset;
  const feed = text.indexOf("\n", offset);
  return feed < 0 ? text.length : feed + 1;
}

export function applied(old: string, splices: readonly Splice[]): string {
  const fromBehind = [...splices].sort((a, b) => b.start - a.start);
  return fromBehind.reduce((text, { start, end, text: part }) => text.slice(0, start) + part + text.slice(end), old);
}

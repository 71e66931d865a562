/** What a pointer says about versions on a remote: edited value by value, as DVC does, so that comments and order stay. */
import { posix } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parseYaml, type YamlNode } from "../../config/yaml.ts";
import type { TakenVersion, VersionedFile } from "../types.ts";
import { addition, applied, endOf, endOfLine, type Mapping, removal, replacement, type Splice, scalarSource } from "./pointer-edit.ts";
import { asFields, badPointer, type Fields, readMapping } from "./pointer-fields.ts";
import { yamlLine, yamlScalar } from "./yaml-scalar.ts";

type Value = string | Value[] | { [key: string]: Value };

export interface EntryFiles {
  /** The pointer file, for messages. */
  file: string;
  /** Of a `dvc.lock`. */
  stage?: string | undefined;
  /** The output, from the top. */
  path: string;
  /** A single file has an empty relpath. */
  files: readonly VersionedFile[];
}

/** The file saying this about one output: a folder's members stand in it instead of its hash, size and number of files. Throws E_POINTER. */
export function renderFiles(old: string, { file, stage, path, files }: EntryFiles): string {
  const expected = readMapping(old, file);
  const outs = outsIn(expected, stage, file);
  const index = indexOf(outs, path);
  const node = nodeOf(parseYaml(old, file), [...(stage === undefined ? [] : ["stages", stage]), "outs"]);
  const entry = node?.kind === "sequence" ? node.items[index] : undefined;
  const meant = outs[index];
  if (meant === undefined || entry?.kind !== "mapping") throw badPointer(file, "outs", `has no entry for ${JSON.stringify(path)}`);
  const wanted = wantedFields(meant, files);
  const text = applied(old, changesOf(old, entry, wanted));
  outs[index] = wanted;
  // The last word: the new text says what is meant, else it is not used.
  if (isDeepStrictEqual(readMapping(text, file), expected)) return text;
  throw badPointer(file, path, "cannot be changed without changing more: an anchor (&name) or an unusual layout stands in the way");
}

/** The file of an import naming these versions of a folder's files. Throws E_POINTER. */
export function setVersions(old: string, file: string, files: readonly TakenVersion[]): string {
  const expected = readMapping(old, file);
  const [meant] = expected.deps as Fields[];
  const list = nodeOf(parseYaml(old, file), ["deps"]);
  const entry = list?.kind === "sequence" ? list.items[0] : undefined;
  if (meant === undefined || entry?.kind !== "mapping") throw badPointer(file, "deps", "has no entry");
  meant.files = files.map(takenFields);
  const text = applied(old, changesOf(old, entry, meant));
  if (isDeepStrictEqual(readMapping(text, file), expected)) return text;
  throw badPointer(file, "files", "cannot be changed without changing more: an anchor (&name) or an unusual layout stands in the way");
}

/** The same in a new file. */
export function renderVersions(files: readonly TakenVersion[]): string {
  return rendered("files", files.map(takenFields), "  ");
}

function takenFields({ relpath, tag, size, version }: TakenVersion): { [key: string]: Value } {
  return {
    relpath,
    ...(tag === undefined ? {} : { etag: tag }),
    ...(size === undefined ? {} : { size: String(size) }),
    ...(version === undefined ? {} : { version_id: version }),
  };
}

const OF_THE_WHOLE = ["md5", "size", "nfiles", "isexec", "etag", "checksum", "version_id", "cloud"];

function wantedFields(meant: Fields, files: readonly VersionedFile[]): Fields {
  const [only] = files;
  const wanted = { ...meant };
  if (only?.relpath === "") {
    for (const key of ["etag", "checksum", "version_id", "cloud"]) delete wanted[key];
    const isOther = only.md5 !== meant.md5;
    return Object.assign(wanted, isOther ? { md5: only.md5, size: String(only.size ?? 0) } : {}, versionFields(only));
  }
  for (const key of OF_THE_WHOLE) delete wanted[key];
  wanted.files = files.map((one) => ({
    relpath: one.relpath,
    md5: one.md5,
    ...(one.size === undefined ? {} : { size: String(one.size) }),
    ...(one.isexec ? { isexec: "true" } : {}),
    ...versionFields(one),
  }));
  return wanted;
}

function versionFields({ remote, version, etag }: VersionedFile): Fields {
  const said = { ...(etag === undefined ? {} : { etag }), ...(version === undefined ? {} : { version_id: version }) };
  if (Object.keys(said).length === 0) return {};
  return remote === undefined ? said : { cloud: { [remote]: said } };
}

/** The list itself, within what was read. */
function outsIn(top: Fields, stage: string | undefined, file: string): Fields[] {
  const stages = stage === undefined ? undefined : asFields(top.stages, file, "stages");
  const { outs } = stages === undefined ? top : asFields(stages[stage ?? ""], file, `stage ${stage}`);
  if (!Array.isArray(outs)) throw badPointer(file, "outs", "is no list");
  return outs as Fields[];
}

/** Entries spell the output's path from where they stand: of those it ends with it is the longest. */
function indexOf(outs: readonly Fields[], path: string): number {
  const lengths = outs.map((entry) => {
    const written = typeof entry.path === "string" ? posix.normalize(entry.path).replace(/^(?:\.\.\/)+|\/$/g, "") : "";
    return written !== "" && (path === written || path.endsWith(`/${written}`)) ? written.length : 0;
  });
  const longest = Math.max(0, ...lengths);
  return longest === 0 ? -1 : lengths.indexOf(longest);
}

function nodeOf(node: YamlNode | null, keys: readonly string[]): YamlNode | undefined {
  const [key, ...rest] = keys;
  if (node === null || key === undefined) return node ?? undefined;
  const found = node.kind === "mapping" ? node.entries.find((entry) => entry.key.kind === "scalar" && entry.key.text === key) : undefined;
  return nodeOf(found?.value ?? null, rest);
}

/** Lists of the same length are compared item by item, as DVC does; others are written anew. */
function changesOf(text: string, mapping: Mapping, wanted: Fields): Splice[] {
  const splices: Splice[] = [];
  const left = new Map(Object.entries(wanted));
  for (const [index, { key, value }] of mapping.entries.entries()) {
    const word = key.kind === "scalar" ? key.text : "";
    const next = left.get(word) as Value | undefined;
    left.delete(word);
    if (next === undefined) splices.push(removal(text, mapping, index));
    else splices.push(...changesTo(text, { mapping, index, word }, value, next));
  }
  if (left.size > 0)
    splices.push(addition(text, mapping, (indent) => [...left].map(([key, value]) => rendered(key, value as Value, indent))));
  return splices;
}

function changesTo(text: string, place: { mapping: Mapping; index: number; word: string }, node: YamlNode, wanted: Value): Splice[] {
  if (typeof wanted === "string") {
    if (node.kind === "scalar") return node.text === wanted ? [] : [replacement(text, node, scalarSource(place.word, wanted))];
  } else if (Array.isArray(wanted)) {
    const items = node.kind === "sequence" ? node.items : [];
    if (node.kind === "sequence" && items.length === wanted.length && items.every((item) => item.kind === "mapping"))
      return items.flatMap((item, index) => (item.kind === "mapping" ? changesOf(text, item, wanted[index] as Fields) : []));
  } else if (node.kind === "mapping") return changesOf(text, node, wanted);
  return [written(text, place, wanted)];
}

/** A whole entry in the place of the old one. */
function written(text: string, { mapping, index, word }: { mapping: Mapping; index: number; word: string }, wanted: Value): Splice {
  const { key, value } = mapping.entries[index] as Mapping["entries"][number];
  const column = key.start - (text.lastIndexOf("\n", key.start - 1) + 1);
  return { start: key.start, end: endOfLine(text, endOf(value)), text: rendered(word, wanted, " ".repeat(column)).slice(column) };
}

/** Lines of one entry, as DVC's library writes them: a list is not indented more than its key. */
function rendered(key: string, value: Value, indent: string): string {
  if (typeof value === "string") return yamlLine(indent, yamlScalar(key, 0, 0), value, indent.length + 2, VERBATIM.has(key));
  const head = `${indent}${yamlScalar(key, 0, 0)}:`;
  const lines = (fields: { [key: string]: Value }, at: string) =>
    Object.entries(fields)
      .map(([name, one]) => rendered(name, one, at))
      .join("");
  if (!Array.isArray(value)) return `${head}\n${lines(value, `${indent}  `)}`;
  const items = value.map((item) => `${indent}- ${lines(item as { [key: string]: Value }, `${indent}  `).slice(indent.length + 2)}`);
  return items.length === 0 ? `${head} []\n` : `${head}\n${items.join("")}`;
}

const VERBATIM = new Set(["size", "nfiles", "isexec"]);

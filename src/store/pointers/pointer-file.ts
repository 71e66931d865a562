/** The `.dvc` file: reading every age of it, writing it byte for byte as DVC 3 does. */
import { posix } from "node:path";
import { isMapping } from "../../platform/mapping.ts";
import { staysInside } from "../objects/listing.ts";
import type { OutputContent, Pointer, RepositorySource, Settings, TakenVersion, UrlOrigin } from "../types.ts";
import { editEntry } from "./pointer-edit.ts";
import {
  asFields,
  asList,
  badPointer,
  type Fields,
  liesElsewhere,
  readMapping,
  refuseUnknown,
  text as textOf,
  toPointer,
  truth,
} from "./pointer-fields.ts";
import { yamlLine } from "./yaml-scalar.ts";

// `cmd` stood here in DVC 1; what such a file says about outputs still holds.
const TOP_KEYS = new Set(["md5", "wdir", "deps", "outs", "locked", "frozen", "meta", "always_changed", "desc", "cmd"]);

/** What a pointer file says. `file` is its path from the root, with `/`; outputs come out relative to the root too. Throws E_POINTER. */
export function parsePointerFile(text: string, file: string): Pointer[] {
  const top = readMapping(text, file);
  refuseUnknown(top, TOP_KEYS, file);
  const folder = posix.join(posix.dirname(file), textOf(top.wdir) ?? ".");
  const deps = asList(top.deps, file, "deps").map((dep) => asFields(dep, file, "an entry of deps"));
  // What came from a URL is pushed like one's own data; what came from another repository is not.
  const source = deps.flatMap((dep) => repositorySource(dep, file) ?? [])[0];
  const isKept = (out: unknown) => {
    const { path, cache } = asFields(out, file, "an entry of outs");
    return truth(cache, file, "cache", true) || !liesElsewhere(path, folder);
  };
  const outs = asList(top.outs, file, "outs").filter(isKept);
  const pointers = outs.map((out) => toPointer(out, { file, folder, isImport: source !== undefined }));
  if (source !== undefined) return pointers.map((pointer) => ({ ...pointer, source }));
  const [first, second] = deps;
  const origin = first === undefined || second !== undefined ? null : urlOrigin(first, { file, folder });
  if (origin === null) return pointers;
  const { hash: awaited } = origin;
  const told = pointers.map((one) => (one.hash === null && awaited !== null ? { ...one, awaited } : one));
  // Versions that stay where they came from are not pushed either.
  return origin.versions === null ? told : told.map((one) => ({ ...one, origin, isImport: !one.push }));
}

/** Of a dependency that is in no other repository. Throws E_POINTER. */
export function urlOrigin(dependency: Fields, { file, folder }: { file: string; folder: string }): UrlOrigin {
  const config = dependency.fs_config === undefined ? {} : asFields(dependency.fs_config, file, "fs_config");
  const known = (fields: Fields) => textOf(fields.md5) ?? textOf(fields.etag) ?? textOf(fields.checksum);
  const taken = (fields: Fields, relpath: string): TakenVersion => ({
    relpath,
    version: textOf(fields.version_id),
    tag: textOf(fields.etag) ?? textOf(fields.checksum) ?? textOf(fields.md5),
    size: fields.size === undefined ? undefined : Number(textOf(fields.size)),
  });
  const members = asList(dependency.files, file, "files").map((one) => {
    const fields = asFields(one, file, "an entry of files");
    const relpath = textOf(fields.relpath) ?? "";
    if (!staysInside(relpath)) throw badPointer(file, "files", `has a bad member: ${JSON.stringify(relpath)}`);
    return taken(fields, relpath);
  });
  const isNamed = textOf(dependency.version_id) !== undefined;
  return {
    path: textOf(dependency.path) ?? "",
    folder,
    hash: known(dependency) ?? null,
    options: new Map(Object.entries(config).map(([key, value]) => [key, textOf(value) ?? ""])),
    versions: dependency.files !== undefined ? members : isNamed ? [taken(dependency, "")] : null,
  };
}

/** Null for a dependency that is in no other repository. */
export function repositorySource(dependency: Fields, file: string): RepositorySource | null {
  if (dependency.repo === undefined) return null;
  const repo = asFields(dependency.repo, file, "repo");
  const said = (key: string) => textOf(repo[key]) ?? null;
  const path = textOf(dependency.path) ?? "";
  const settings = (key: string) => said(key) ?? (isMapping(repo[key]) ? settingsIn(repo[key]) : null);
  return { url: said("url") ?? "", path, rev: said("rev"), lock: said("rev_lock"), remote: settings("remote"), config: settings("config") };
}

function settingsIn(fields: Fields): Settings {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, isMapping(value) ? settingsIn(value) : (textOf(value) ?? "")]),
  );
}

/**
 * Text of a pointer file for one output. With an old text only the values that differ change: comments, order and other
 * fields stay; new fields come last in their entry. `name` is the output's path as the file has it. Throws E_POINTER.
 */
export function renderPointerFile(old: string | null, name: string, content: OutputContent): string {
  const fields = contentFields(content);
  if (old !== null && textHasEntries(old)) return editEntry(old, name, fields);
  const lines = [...fields, ["path", name] as const].map(([key, value]) => yamlLine("  ", key, value, 4, VERBATIM.has(key)));
  const comments = old === null || old === "" || old.endsWith("\n") ? (old ?? "") : `${old}\n`;
  return `${comments}outs:\n-${lines.join("").slice(1)}`;
}

/** The same file saying that the output called `name` is now called `to`. Throws E_POINTER. */
export function renameEntry(old: string, name: string, to: string): string {
  return editEntry(old, name, [["path", to]]);
}

const VERBATIM: ReadonlySet<string> = new Set(["size", "nfiles", "isexec"]);

/** What a file says about an output's content, in DVC's order. */
export function contentFields({ hash, size, nfiles, isexec }: OutputContent): [key: string, value: string][] {
  return [
    ["md5", hash],
    ["size", String(size)],
    ...(nfiles === undefined ? [] : [["nfiles", String(nfiles)] as [string, string]]),
    ...(isexec ? [["isexec", "true"] as [string, string]] : []),
    ["hash", "md5"],
  ];
}

/** False for an empty file and for one of comments only. */
function textHasEntries(text: string): boolean {
  return /^\s*[^\s#]/m.test(text);
}

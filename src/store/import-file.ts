/** The `.dvc` file of an import: where its data came from, and as what it is known there. */
import { posix } from "node:path";
import { setYamlSource } from "../config/edit-yaml.ts";
import { clearEntry, setDependency } from "./pointer-edit.ts";
import { asFields, asList, readMapping, text as textOf } from "./pointer-fields.ts";
import { renderPointerFile, repositorySource } from "./pointer-file.ts";
import { stageMd5 } from "./stage-md5.ts";
import type { OutputContent, RepositorySource } from "./types.ts";
import { yamlLine, yamlScalar } from "./yaml-scalar.ts";

export type Import =
  | ({ kind: "repository" } & RepositorySource)
  /** From a path or URL as the file has it, relative to `folder` (from the top); `hash`: as what it was known there, `options` of `fs_config`. */
  | { kind: "url"; path: string; folder: string; hash: string | null; options: ReadonlyMap<string, string> };

/** Null for a file that imports nothing. Throws E_POINTER. */
export function readImport(text: string, file: string): Import | null {
  const top = readMapping(text, file);
  const [first, second] = asList(top.deps, file, "deps");
  if (first === undefined || second !== undefined) return null;
  const dep = asFields(first, file, "an entry of deps");
  const source = repositorySource(dep, file);
  if (source !== null) return { kind: "repository", ...source };
  const path = textOf(dep.path) ?? "";
  const folder = posix.join(posix.dirname(file), textOf(top.wdir) ?? ".");
  const config = dep.fs_config === undefined ? {} : asFields(dep.fs_config, file, "fs_config");
  const options = new Map(Object.entries(config).map(([key, value]) => [key, textOf(value) ?? ""]));
  return { kind: "url", path, folder, hash: textOf(dep.md5) ?? textOf(dep.etag) ?? textOf(dep.checksum) ?? null, options };
}

export interface NewImport {
  from: Import;
  /** The output's name in the file. */
  name: string;
  /** Null: not brought here. */
  content: OutputContent | null;
  /** Of a path or URL: what the file says about what is there. */
  source: [key: string, value: string][] | null;
  /** False: where it comes from was not even looked at. */
  looked: boolean;
}

/** A new file, as DVC writes it. */
export function renderImport({ from, name, content, source, looked }: NewImport): string {
  const outs = content === null ? `outs:\n- hash: md5\n${yamlLine("  ", "path", name, 4)}` : renderPointerFile(null, name, content);
  const body = `frozen: true\ndeps:\n${dependency(from, source)}${outs}`;
  return looked ? `${yamlLine("", "md5", stageMd5(body, `${name}.dvc`), 2)}${body}` : body;
}

function dependency(from: Import, source: NewImport["source"]): string {
  if (from.kind === "url") {
    const fields = source ?? [["hash", "md5"] as const];
    const lines = [...fields, ["path", from.path] as const].map(([key, value]) => yamlLine("  ", key, value, 4, isNumber(key)));
    const options = [...from.options].map(([key, value]) => yamlLine("    ", key, value, 6));
    return `-${lines.join("").slice(1)}${options.length === 0 ? "" : `  fs_config:\n${options.join("")}`}`;
  }
  const repo: [string, string | null][] = [
    ["url", from.url],
    ["rev", from.rev],
    ["rev_lock", from.lock],
    ["remote", from.remote],
  ];
  const lines = repo.flatMap(([key, value]) => (value === null ? [] : [yamlLine("    ", key, value, 6)]));
  return `${yamlLine("- ", "path", from.path, 4)}  repo:\n${lines.join("")}`;
}

function isNumber(key: string): boolean {
  return key === "size" || key === "nfiles";
}

/** An existing file after an update; comments, order and other fields stay. `keepsDigest`: as dvc leaves it when the bytes go to a remote. */
export function updateImport(
  old: string,
  { from, name, content, source, keepsDigest = false }: NewImport & { keepsDigest?: boolean },
): string {
  let text = old;
  if (from.kind === "repository") {
    if (from.rev !== null) text = setYamlSource(text, ["deps", "0", "repo", "rev"], yamlScalar(from.rev, 0, 0));
    if (from.lock !== null) text = setYamlSource(text, ["deps", "0", "repo", "rev_lock"], yamlScalar(from.lock, 0, 0));
  } else if (source !== null) text = setDependency(text, from.path, source);
  const whole = content === null ? text : renderPointerFile(text, name, content);
  if (keepsDigest) return whole;
  // dvc forgets the content after it has made the digest.
  const digest = yamlScalar(stageMd5(whole, `${name}.dvc`), 0, 0);
  return setYamlSource(content === null ? clearEntry(text, name) : whole, ["md5"], digest);
}

/** The `.dvc` file of an import: where its data came from, and as what it is known there. */
import { posix } from "node:path";
import { setYamlSource } from "../../config/edit-yaml.ts";
import type { OutputContent, RepositorySource, Settings, TakenVersion, UrlOrigin } from "../types.ts";
import { clearEntry, replaceEntry, setDependency, withoutEntry } from "./pointer-edit.ts";
import { asFields, asList, badPointer, readMapping, text as textOf } from "./pointer-fields.ts";
import { renderPointerFile, repositorySource, urlOrigin } from "./pointer-file.ts";
import { renderVersions, setVersions } from "./pointer-versions.ts";
import { stageMd5, withStageMd5 } from "./stage-md5.ts";
import { yamlLine, yamlScalar } from "./yaml-scalar.ts";

export type Import = ({ kind: "repository" } & RepositorySource) | ({ kind: "url" } & UrlOrigin);

/** Null for a file that imports nothing. Throws E_POINTER. */
export function readImport(text: string, file: string): Import | null {
  const top = readMapping(text, file);
  const [first, second] = asList(top.deps, file, "deps");
  if (first === undefined || second !== undefined) return null;
  const dep = asFields(first, file, "an entry of deps");
  const source = repositorySource(dep, file);
  if (source !== null) return { kind: "repository", ...source };
  const folder = posix.join(posix.dirname(file), textOf(top.wdir) ?? ".");
  return { kind: "url", ...urlOrigin(dep, { file, folder }) };
}

/** What the file of an import says about what is at a path or URL. */
export interface SourceFields {
  fields: [key: string, value: string][];
  /** A folder's files, where versions are kept. */
  files: readonly TakenVersion[] | null;
  /** Versions are kept there: that is where the data stays. */
  isVersioned: boolean;
}

export interface NewImport {
  from: Import;
  /** The output's name in the file. */
  name: string;
  /** Null: not brought here. */
  content: OutputContent | null;
  /** Of a path or URL. */
  source: SourceFields | null;
  /** False: where it comes from was not even looked at. */
  looked: boolean;
}

/** A new file, as DVC writes it. */
function renderImport({ from, name, content, source, looked }: NewImport): string {
  const outs = content === null ? `outs:\n- hash: md5\n${yamlLine("  ", "path", name, 4)}` : renderPointerFile(null, name, content);
  const stays = source?.isVersioned ? "  push: false\n" : "";
  const body = `frozen: true\ndeps:\n${dependency(from, source)}${outs}${stays}`;
  return looked ? `${yamlLine("", "md5", stageMd5(body, `${name}.dvc`), 2)}${body}` : body;
}

/**
 * What is said of an import where a file of this name stands already, as after `--force`: what people have written about the output stays
 * (comments, `desc`, `labels`, `meta`, `remote`). Throws E_POINTER where the file has other outputs.
 */
export function renderImportAgain(old: string | null, wanted: NewImport): string {
  const { name, source, looked } = wanted;
  const file = `${name}.dvc`;
  const { wdir, outs: said } = old === null ? {} : readMapping(old, file);
  const outs = asList(said, file, "outs");
  // Of what keeps versions the file says more than of other data.
  if (old === null || outs.length === 0 || source?.isVersioned || source?.files) return renderImport(wanted);
  const [first, ...others] = outs.map((one) => textOf(asFields(one, file, "an entry of outs").path));
  if (others.length > 0 || first === undefined || posix.join(textOf(wdir) ?? ".", first) !== name)
    throw badPointer(file, "outs", "has other outputs than what is to be imported");
  const { content } = wanted;
  let text = withDependency(old, wanted);
  // The digest has its place, before what is new and behind what is old, before it is known.
  text = looked ? setYamlSource(text, ["md5"], "''") : withoutEntry(text, ["md5"], file);
  text = updateImport(setYamlSource(text, ["frozen"], "true"), { ...wanted, keepsDigest: true });
  if (content === null) text = clearEntry(text, name);
  return looked ? withStageMd5(text, file) : text;
}

/** Where it comes from, as far as that is other than what the file says. */
function withDependency(old: string, { from, source, name, looked }: NewImport): string {
  const was = readImport(old, `${name}.dvc`);
  const isSame = looked && was !== null && settingsOf(was) === settingsOf(from);
  if (!isSame) return replaceEntry(old, "deps", { file: `${name}.dvc`, lines: dependency(from, source) });
  return from.kind === "url" ? moveSource(old, was.path, from.path) : old;
}

/** What is not edited where it stands. */
function settingsOf(from: Import): string {
  return from.kind === "url"
    ? JSON.stringify([...from.options])
    : JSON.stringify([from.url, from.path, from.rev, from.config, from.remote]);
}

function dependency(from: Import, source: NewImport["source"]): string {
  if (from.kind === "url") {
    const fields = source?.fields ?? [["hash", "md5"] as const];
    const lines = [...fields, ["path", from.path] as const].map(([key, value]) => yamlLine("  ", key, value, 4, isVerbatim(key)));
    const options = [...from.options].map(([key, value]) => yamlLine("    ", key, value, 6, key === "version_aware"));
    const text = `-${lines.join("").slice(1)}${options.length === 0 ? "" : `  fs_config:\n${options.join("")}`}`;
    return source?.files ? `${text}${renderVersions(source.files)}` : text;
  }
  const repo: [string, string | Settings | null][] = [
    ["url", from.url],
    ["rev", from.rev],
    ["rev_lock", from.lock],
    ["config", from.config],
    ["remote", from.remote],
  ];
  const lines = repo.flatMap(([key, value]) => (value === null ? [] : [block(key, value, "    ")]));
  return `${yamlLine("- ", "path", from.path, 4)}  repo:\n${lines.join("")}`;
}

function block(key: string, value: string | Settings, prefix: string): string {
  if (typeof value === "string") return yamlLine(prefix, key, value, prefix.length + 2);
  return `${prefix}${key}:\n${Object.entries(value)
    .map(([inner, said]) => block(inner, said, `${prefix}  `))
    .join("")}`;
}

function isVerbatim(key: string): boolean {
  return key === "size" || key === "nfiles" || key === "isexec";
}

/** An existing file after an update whose bytes are the same, under another version's name. */
export function updateSource(old: string, { from, name, source }: Pick<NewImport, "from" | "name" | "source">): string {
  const text = updateImport(old, { from, name, content: null, source, looked: true, keeps: true });
  return setYamlSource(text, ["md5"], yamlScalar(stageMd5(text, `${name}.dvc`), 0, 0));
}

/** The same with another path or URL. */
export function moveSource(old: string, path: string, to: string): string {
  return path === to ? old : setDependency(old, path, [["path", to]]);
}

/** An existing file after an update; comments, order and other fields stay. `keepsDigest`: as dvc leaves it when the bytes go to a remote. */
export function updateImport(
  old: string,
  { from, name, content, source, keepsDigest = false, keeps = false }: NewImport & { keepsDigest?: boolean; keeps?: boolean },
): string {
  let text = old;
  if (from.kind === "repository") {
    if (from.rev !== null) text = setYamlSource(text, ["deps", "0", "repo", "rev"], yamlScalar(from.rev, 0, 0));
    if (from.lock !== null) text = setYamlSource(text, ["deps", "0", "repo", "rev_lock"], yamlScalar(from.lock, 0, 0));
  } else if (source !== null) {
    text = setDependency(text, from.path, source.fields);
    if (source.files !== null) text = setVersions(text, `${name}.dvc`, source.files);
  }
  const whole = content === null ? text : renderPointerFile(text, name, content);
  if (keepsDigest || keeps) return whole;
  // dvc forgets the content after it has made the digest.
  const digest = yamlScalar(stageMd5(whole, `${name}.dvc`), 0, 0);
  return setYamlSource(content === null ? clearEntry(text, name) : whole, ["md5"], digest);
}

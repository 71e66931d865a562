/** What Git would call the bytes of files as they lie in the worktree. */
import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { lstatIfThere } from "../platform/files.ts";
import { git, type Repository } from "./git.ts";

export interface FileHere {
  mode: "100644" | "100755" | "120000";
  object: string;
}

/** Paths from the top, as `git add` would take them; what is neither file nor link is left out. */
export function hashesHere(repository: Repository, paths: readonly string[]): Map<string, string> {
  return new Map([...filesHere(repository, paths)].map(([path, { object }]) => [path, object]));
}

/** The same with their modes; `write`: the objects are made. */
export function filesHere(repository: Repository, paths: readonly string[], { write = false } = {}): Map<string, FileHere> {
  const flags = write ? ["-w"] : [];
  const found = new Map<string, FileHere>();
  const files: { path: string; mode: FileHere["mode"] }[] = [];
  for (const path of paths) {
    const stat = lstatIfThere(join(repository.root, path));
    if (stat?.isFile()) files.push({ path, mode: (stat.mode & 0o100) === 0 ? "100644" : "100755" });
    if (!stat?.isSymbolicLink()) continue;
    const input = readlinkSync(join(repository.root, path));
    found.set(path, { mode: "120000", object: git(repository, ["hash-object", ...flags, "--stdin"], { input }).trim() });
  }
  if (files.length === 0) return found;
  const input = files.map(({ path }) => `${quoted(path)}\n`).join("");
  const objects = git(repository, ["hash-object", ...flags, "--stdin-paths"], { input }).split("\n");
  for (const [index, { path, mode }] of files.entries()) found.set(path, { mode, object: objects[index] ?? "" });
  return found;
}

/** Git takes a line that begins with a quote for a quoted one, and drops a carriage return at the end of any other. */
function quoted(path: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are meant
  if (!/^"|[\x00-\x1f]/.test(path)) return path;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are meant
  const escaped = path.replace(/[\x00-\x1f"\\]/g, (one) => `\\${one.charCodeAt(0).toString(8).padStart(3, "0")}`);
  return `"${escaped}"`;
}

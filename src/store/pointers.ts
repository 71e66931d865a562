/** Every pointer of the worktree, or of any commit. */
import { readdirSync } from "node:fs";
import { join, posix } from "node:path";
import type { Project } from "../config/project.ts";
import { git } from "../git/git.ts";
import { catFiles, readTree } from "../git/tree.ts";
import { readTextIfExists } from "../platform/files.ts";
import { parseLockFile } from "./lock-file.ts";
import { asFields, parsePointerFile, readMapping } from "./pointer-file.ts";
import type { Pointer } from "./types.ts";

/** Pointers of the worktree: files Git knows or would add; without Git, all below the DVC root. */
export function readPointers(project: Project): Pointer[] {
  const top = project.repository?.root ?? project.dvcRoot ?? project.root;
  const files = new Set(project.repository === null ? walk(top, "") : listFiles(project.repository));
  return readAll([...files].filter(isPointerFile).sort(), (file) => readTextIfExists(join(top, file)));
}

/** Pointers of a commit, from Git objects: two processes however many there are. Empty without Git. */
export function readPointersAt(project: Project, rev: string): Pointer[] {
  const { repository } = project;
  if (repository === null) return [];
  const wanted = (path: string) => isPointerFile(path) || posix.basename(path) === "dvc.yaml";
  const entries = readTree(repository, rev).filter(({ type, path }) => type === "blob" && wanted(path));
  const blobs = catFiles(
    repository,
    entries.map(({ object }) => object),
  );
  const texts = new Map(entries.map(({ path, object }) => [path, blobs.get(object)?.toString("utf8") ?? null]));
  return readAll([...texts.keys()].filter(isPointerFile).sort(), (file) => texts.get(file) ?? null);
}

/** The pointer of this path, or of the tracked folder that contains it. `path` is relative to the Git root. */
export function findPointer(pointers: readonly Pointer[], path: string): Pointer | undefined {
  return pointers.find((pointer) => pointer.path === path || path.startsWith(`${pointer.path}/`));
}

function isPointerFile(path: string): boolean {
  const name = posix.basename(path);
  return name === "dvc.lock" || (name.endsWith(".dvc") && name !== ".dvc" && !path.split("/").slice(0, -1).includes(".dvc"));
}

function readAll(files: readonly string[], textOf: (file: string) => string | null): Pointer[] {
  return files.flatMap((file) => {
    const text = textOf(file);
    if (text === null) return [];
    if (posix.basename(file) !== "dvc.lock") return parsePointerFile(text, file);
    const pipeline = posix.join(posix.dirname(file), "dvc.yaml");
    return parseLockFile(text, file, workingFolders(textOf(pipeline), pipeline));
  });
}

function workingFolders(text: string | null, file: string): (stage: string) => string {
  if (text === null) return () => ".";
  const stages = asFields(readMapping(text, file).stages ?? {}, file, "stages");
  return (stage) => {
    // `name@key` is generated from `name`.
    const entry = stages[stage] ?? stages[stage.split("@")[0] ?? ""];
    const wdir = typeof entry === "object" && entry !== null && "wdir" in entry ? entry.wdir : undefined;
    return typeof wdir === "string" && !wdir.includes("${") ? wdir : ".";
  };
}

function listFiles(repository: NonNullable<Project["repository"]>): string[] {
  if (repository.bare) return [];
  return git(repository, ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).split("\0").filter(Boolean);
}

function walk(top: string, folder: string): string[] {
  return readdirSync(join(top, folder), { withFileTypes: true }).flatMap((item) => {
    const path = folder === "" ? item.name : `${folder}/${item.name}`;
    if (item.isDirectory()) return item.name === ".dvc" || item.name === ".git" ? [] : walk(top, path);
    return [path];
  });
}

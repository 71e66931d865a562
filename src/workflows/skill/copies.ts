/** The skill as this package has it, and copies of it where agents look: which release each is of, and what was edited in it. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openProject, topOf } from "../../config/project.ts";
import type { Context } from "../../platform/context.ts";
import { isFolder, readTextIfExists } from "../../platform/files.ts";
import { homeFolder } from "../../platform/home.ts";
import { packageRoot } from "../../platform/package-root.ts";
import { VERSION } from "../../platform/version.ts";

/** Read by Codex, Cursor, Gemini CLI and Copilot; by Claude Code. */
const FOLDERS = [".agents/skills/expver", ".claude/skills/expver"];
/** In each copy: the release, and the digest of every file as it was installed. */
const MANIFEST = ".expver-skill.json";

export interface SkillCopy {
  /** Absolute. */
  folder: string;
  state: "missing" | "current" | "other release" | "edited" | "not ours";
  /** Release it was installed from. */
  version: string | null;
  /** Files that are no longer what was installed, relative to the folder. */
  edited: string[];
}

/** Relative path to text, of the skill in this package. */
export function skillFiles(): Map<string, string> {
  const root = join(packageRoot(), "skills/expver");
  const names = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => !isFolder(join(root, name)));
  return new Map(names.sort().map((name) => [name, readFileSync(join(root, name), "utf8")]));
}

/** With the manifest: what an installed copy consists of. */
export function copiedFiles(): Map<string, string> {
  const files = skillFiles();
  const digests = Object.fromEntries([...files].map(([name, text]) => [name, digestOf(text)]));
  return files.set(MANIFEST, `${JSON.stringify({ version: VERSION, files: digests }, null, 2)}\n`);
}

/** Where copies go: the repository's folders, or the user's. */
export function skillFolders(context: Context, { isUser }: { isUser: boolean }): string[] {
  const root = isUser ? homeFolder(context.env) : topOf(openProject(context));
  return FOLDERS.map((folder) => join(root, folder));
}

export function lookAtCopy(folder: string): SkillCopy {
  if (!isFolder(folder)) return { folder, state: "missing", version: null, edited: [] };
  const manifest = readManifest(folder);
  if (manifest === null) return { folder, state: "not ours", version: null, edited: [] };
  const edited = Object.entries(manifest.files).flatMap(([name, digest]) => {
    const text = isInside(name) ? readTextIfExists(join(folder, name)) : null;
    return text === null || digestOf(text) === digest ? [] : [name];
  });
  const state = edited.length > 0 ? "edited" : manifest.version === VERSION && isWhole(folder) ? "current" : "other release";
  return { folder, state, version: manifest.version, edited };
}

/** Files of a copy that are as they were installed, the manifest included. */
export function untouchedFiles(folder: string): string[] {
  const manifest = readManifest(folder);
  if (manifest === null) return [];
  const { edited } = lookAtCopy(folder);
  return [...Object.keys(manifest.files).filter((name) => isInside(name) && !edited.includes(name)), MANIFEST];
}

function isWhole(folder: string): boolean {
  return [...copiedFiles()].every(([name, text]) => readTextIfExists(join(folder, name)) === text);
}

function readManifest(folder: string): { version: string; files: Record<string, string> } | null {
  const text = readTextIfExists(join(folder, MANIFEST));
  if (text === null) return null;
  try {
    const { version, files } = JSON.parse(text);
    if (typeof version !== "string" || typeof files !== "object" || files === null) return null;
    return { version, files };
  } catch {
    return null;
  }
}

/** A manifest is a file like any other: nothing outside the copy is read or removed by it. */
function isInside(name: string): boolean {
  return !name.startsWith("/") && !name.split("/").includes("..");
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** What an existing repository has that expver can adopt. Reads only. */
import { closeSync, type Dirent, existsSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { stageModel, stageParams } from "../../pipelines/named-outputs.ts";
import { isFile, isFolder, readTextIfExists } from "../../platform/files.ts";

export interface Survey {
  /** SQLite databases with events tables, the one to use first. Paths relative to the root. */
  databases: { path: string; tables: string[] }[];
  /** File of parameters that is there. */
  params: string | null;
  models: { output: string | null; production: string | null; candidates: string | null };
  /** Names of environment folders and files that Git should not see, wherever they were seen. */
  environment: string[];
  /** Those of them that stand at the root: linked into private workspaces. */
  links: string[];
  /** Data that somebody tracks, results databases left out: none, all of it here, or some not. */
  tracked: "none" | "here" | "absent";
}

const ENVIRONMENT = [
  "node_modules",
  ".venv",
  "venv",
  ".env",
  "__pycache__",
  ".ipynb_checkpoints",
  ".pytest_cache",
  ".mypy_cache",
  ".ruff_cache",
  ".DS_Store",
];
const LINKED = ["node_modules", ".venv", "venv", ".env"];
const NOT_ENTERED = new Set([".git", ".dvc", ".hg", ...ENVIRONMENT]);
const MOST_ENTRIES = 20_000;
const DEEPEST = 6;

/** `objectOf`: the stored bytes of a pointer file (relative to the root) whose output is not here; null when they are not here either. */
export async function survey(root: string, defaultDatabase: string, objectOf: (pointer: string) => string | null): Promise<Survey> {
  const found = walk(root);
  const databases: Survey["databases"] = [];
  for (const path of inOrderOfUse(root, found.databases, defaultDatabase)) {
    const tables = await eventsTablesOf(join(root, path), { readonly: true });
    if (tables !== null) databases.push({ path, tables });
  }
  for (const pointer of found.pointers) {
    const object = objectOf(pointer);
    // Without its bytes the name must do.
    const tables = object === null ? [] : await eventsTablesOf(object, { immutable: true });
    if (tables !== null) databases.push({ path: pointer.slice(0, -".dvc".length), tables });
  }
  return {
    databases,
    params: ["params.yaml", stageParams(root)].find((path) => path !== null && isFile(join(root, path))) ?? null,
    models: findModels(root),
    environment: ENVIRONMENT.filter((name) => found.names.has(name)),
    tracked: found.tracked.length === 0 ? "none" : found.tracked.some((path) => isOutputAbsent(root, path)) ? "absent" : "here",
    links: LINKED.filter((name) => statSync(join(root, name), { throwIfNoEntry: false }) !== undefined),
  };
}

function isOutputAbsent(root: string, pointer: string): boolean {
  return pointer.endsWith(".dvc") && !existsSync(join(root, pointer.slice(0, -".dvc".length)));
}

/** Bounded: a data folder of a million files must not make `init` slow. Names in breadth-first order. */
function walk(root: string): { names: Set<string>; databases: string[]; pointers: string[]; tracked: string[] } {
  const names = new Set<string>();
  const databases: string[] = [];
  const pointers: string[] = [];
  const tracked: string[] = [];
  let seen = 0;
  const folders = [{ path: "", depth: 0 }];
  for (let next = folders.shift(); next !== undefined && seen < MOST_ENTRIES; next = folders.shift()) {
    for (const entry of entriesOf(join(root, next.path))) {
      seen += 1;
      const path = next.path === "" ? entry.name : `${next.path}/${entry.name}`;
      if (ENVIRONMENT.includes(entry.name)) names.add(entry.name);
      if (entry.isDirectory() && next.depth < DEEPEST && !NOT_ENTERED.has(entry.name) && !isNestedRepository(join(root, path))) {
        folders.push({ path, depth: next.depth + 1 });
      }
      if (entry.isFile() && /\.(db|sqlite3?)$/i.test(entry.name) && isSqlite(join(root, path))) databases.push(path);
      if (entry.isFile() && /\.(db|sqlite3?)\.dvc$/i.test(entry.name) && !isFile(join(root, path.slice(0, -".dvc".length))))
        pointers.push(path);
      if (entry.isFile() && /[^/]\.dvc$|(^|\/)dvc\.lock$/.test(path) && !/\.(db|sqlite3?)\.dvc$/i.test(path)) tracked.push(path);
    }
  }
  return { names, databases, pointers, tracked };
}

/** The default path, then those a pointer tracks, then the newest. */
function inOrderOfUse(root: string, paths: string[], defaultDatabase: string): string[] {
  const rank = (path: string) => (path === defaultDatabase ? 0 : isFile(join(root, `${path}.dvc`)) ? 1 : 2);
  const age = (path: string) => -statSync(join(root, path)).mtimeMs;
  return [...paths].sort((one, other) => rank(one) - rank(other) || age(one) - age(other));
}

/** Names of xetrack's tables; null when there is none or the file cannot be read (that is no failure of `init`). */
async function eventsTablesOf(path: string, options: { readonly: true } | { immutable: true }): Promise<string[] | null> {
  const { openResults } = await import("../../results/database.ts");
  const { eventsTables } = await import("../../results/schema.ts");
  try {
    const db = openResults(path, options);
    try {
      const tables = eventsTables(db).map((table) => table.name);
      return tables.length > 0 ? tables : null;
    } finally {
      db.close();
    }
  } catch {
    return null;
  }
}

/** `models/production/NAME`, `models/candidates`, and the one file or pointer directly in `models`, else the one model of the pipeline. */
function findModels(root: string): Survey["models"] {
  const trackedNames = (folder: string) => [
    ...new Set(
      entriesOf(join(root, folder))
        .filter((entry) => entry.isFile() || entry.isSymbolicLink())
        .map((entry) => entry.name.replace(/\.dvc$/, ""))
        .filter((name) => !name.startsWith(".")),
    ),
  ];
  const single = (folder: string) => {
    const names = trackedNames(folder).filter((name) => name !== "candidates" && name !== "production");
    return names.length === 1 && names[0] !== undefined ? `${folder}/${names[0]}` : null;
  };
  const hasCandidates = isFolder(join(root, "models/candidates")) || isFile(join(root, "models/candidates.dvc"));
  return {
    output: single("models") ?? stageModel(root),
    production: single("models/production"),
    candidates: hasCandidates ? "models/candidates" : null,
  };
}

function isNestedRepository(path: string): boolean {
  return statSync(join(path, ".git"), { throwIfNoEntry: false }) !== undefined || readTextIfExists(join(path, "pyvenv.cfg")) !== null;
}

function isSqlite(path: string): boolean {
  try {
    const descriptor = openSync(path, "r");
    try {
      const head = Buffer.alloc(16);
      return readSync(descriptor, head, 0, 16, 0) === 16 && head.toString("latin1") === "SQLite format 3\0";
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return false;
  }
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((one, other) => (one.name < other.name ? -1 : 1));
  } catch {
    return [];
  }
}

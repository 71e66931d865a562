/** DVC's configuration: the ConfigObj dialect, and the cache folder it names. Only what is used is read. */
import { homedir } from "node:os";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import type { Project } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { readTextIfExists } from "../platform/files.ts";

/** Section (lower case, quotes of `'remote "x"'` kept inside) → key (lower case) → text. */
export type Sections = Map<string, Map<string, string>>;

/** Reads one file. Throws E_CONFIG naming the line. */
export function parseDvcConfig(text: string, file: string): Sections {
  const sections: Sections = new Map();
  let current: Map<string, string> | undefined;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const header = /^\[(.*)\]$/.exec(line)?.[1];
    if (header !== undefined) {
      const name = unquote(header.trim()).toLowerCase();
      if (sections.has(name)) throw mistake(file, index, `section ${name} stands twice`);
      current = new Map();
      sections.set(name, current);
      continue;
    }
    const equals = line.indexOf("=");
    if (equals < 0 || current === undefined) throw mistake(file, index, `neither a section nor \`key = value\`: ${line}`);
    const key = unquote(line.slice(0, equals).trim()).toLowerCase();
    if (current.has(key)) throw mistake(file, index, `${key} stands twice`);
    current.set(key, readValue(line.slice(equals + 1).trim()));
  }
  return sections;
}

/** Absolute cache folder: `cache.dir` of the local, repository, global or system level, else `.dvc/cache` of the main worktree. */
export function cacheDir(project: Project): string {
  const dvc = join(project.dvcRoot ?? project.root, ".dvc");
  const env = project.repository?.env ?? process.env;
  const global = env.DVC_GLOBAL_CONFIG_DIR ?? join(env.XDG_CONFIG_HOME || join(homedir(), ".config"), "dvc");
  const system = env.DVC_SYSTEM_CONFIG_DIR ?? join((env.XDG_CONFIG_DIRS || "/etc/xdg").split(":")[0] ?? "/etc/xdg", "dvc");
  for (const [folder, name] of [
    [dvc, "config.local"],
    [dvc, "config"],
    [global, "config"],
    [system, "config"],
  ] as const) {
    const file = join(folder, name);
    const text = readTextIfExists(file);
    const dir = text === null ? undefined : parseDvcConfig(text, file).get("cache")?.get("dir");
    if (dir !== undefined) return located(dir, folder);
  }
  return join(mainFolder(project, dvc), "cache");
}

/** A linked worktree shares the main worktree's cache: its own `.dvc` is a fresh checkout with nothing in it. */
function mainFolder({ repository }: Project, dvc: string): string {
  if (repository === null || repository.gitDir === repository.commonDir || basename(repository.commonDir) !== ".git") return dvc;
  return join(dirname(repository.commonDir), relative(repository.root, dvc));
}

function located(path: string, folder: string): string {
  if (path === "~" || path.startsWith("~/")) return join(homedir(), path.slice(1));
  return isAbsolute(path) ? path : resolve(folder, path);
}

function readValue(text: string): string {
  const quoted = /^("""|'''|"|')(.*?)\1\s*(?:#.*)?$/.exec(text);
  if (quoted) return quoted[2] ?? "";
  return text.replace(/\s+#.*$/, "");
}

function unquote(text: string): string {
  return /^(["'])(.*)\1$/.exec(text)?.[2] ?? text;
}

function mistake(file: string, index: number, what: string): ExpverError {
  return new ExpverError("E_CONFIG", `${file}, line ${index + 1}: ${what}`, { details: { file, line: index + 1 } });
}

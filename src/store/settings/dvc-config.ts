/** DVC's configuration, four levels of it merged: what the store needs to know. */
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import type { Place } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import type { Repository } from "../../git/git.ts";
import { textLeftOut } from "../../git/sparse.ts";
import { readTextIfExists } from "../../platform/files.ts";
import { homeFolder } from "../../platform/home.ts";
import type { LinkType } from "../../platform/links.ts";
import { type ConfigValue, parseDvcConfig, type Sections } from "./dvc-config-file.ts";

/** Weakest first. */
export const CONFIG_LEVELS = ["system", "global", "repo", "local"] as const;
export type ConfigLevel = (typeof CONFIG_LEVELS)[number];

export interface RemoteConfig {
  name: string;
  /** Absolute path, or a URL. */
  url: string;
  /** Every option as text, paths made absolute. */
  options: ReadonlyMap<string, string>;
  /** Where something about it may be remembered on this machine; absent for a place outside a project. */
  stateDir?: string;
}

export interface DvcConfig {
  cache: { dir: string; linkTypes: LinkType[]; shared: boolean };
  /** Name of the default remote, lower case. */
  defaultRemote: string | null;
  autostage: boolean;
  hardlinkLock: boolean;
  remotes: ReadonlyMap<string, RemoteConfig>;
}

const DEFAULT_LINKS: LinkType[] = ["reflink", "copy"];

/** The merged configuration. Throws E_CONFIG. */
export function readDvcConfig(project: Place): DvcConfig {
  const levels = levelsOf(project);
  const merged = mergeLevels(project.settings === undefined ? levels : [...levels, project.settings]);
  const text = (section: string, key: string) => textOf(merged.get(section)?.get(key));
  return {
    cache: {
      dir: cacheSaid(merged) ?? join(mainDvcFolder(project) ?? dvcFolder(project), "cache"),
      linkTypes: readLinkTypes(merged.get("cache")?.get("type")),
      shared: text("cache", "shared")?.toLowerCase() === "group",
    },
    defaultRemote: text("core", "remote")?.toLowerCase() ?? null,
    autostage: isTrue(text("core", "autostage")),
    hardlinkLock: isTrue(text("core", "hardlink_lock")),
    remotes: readRemotes(merged),
  };
}

/** Remotes that were not asked when this one was, or the default one: they may have what it has not. */
export function otherRemotes(project: Place, asked: string | undefined): string[] {
  const { remotes, defaultRemote } = readDvcConfig(project);
  const name = asked?.toLowerCase() ?? defaultRemote;
  return [...remotes.keys()].filter((one) => one !== name);
}

/** `cache.type` as some level says it; null: nobody has. */
export function linkSetting(project: Place): string | null {
  return textOf(mergeLevels(levelsOf(project)).get("cache")?.get("type")) ?? null;
}

/** `cache.local`, of DVC 0, names a remote on this machine, and goes before `cache.dir`. Throws E_CONFIG. */
function cacheSaid(merged: Sections): string | undefined {
  const cache = merged.get("cache");
  const name = textOf(cache?.get("local"))?.toLowerCase();
  if (!name) return textOf(cache?.get("dir"));
  const url = readRemotes(merged).get(name)?.url;
  if (url !== undefined && isAbsolute(url)) return url;
  const what = url === undefined ? `no remote ${name} is configured` : `the remote ${name} is no folder of this machine`;
  throw new ExpverError("E_CONFIG", `cache.local of DVC's configuration is ${name}: ${what}`, {
    hint: "Say where the cache is: expver data config --unset cache.local, then expver data cache dir PATH.",
  });
}

/** Absolute cache folder. */
export function cacheDir(project: Place): string {
  return readDvcConfig(project).cache.dir;
}

/**
 * One level as written, its relative paths made absolute; empty when there is no such file. What a linked worktree has of Git means the
 * places that it means in the main one, wherever the worktree stands. Where no
 * worktree has the file, Git does.
 */
export function readLevel(project: Place, level: ConfigLevel): Sections {
  const file = configFile(project, level);
  const main = level === "repo" ? mainDvcFolder(project) : null;
  const text = readTextIfExists(file) ?? (level === "repo" && project.repository !== null ? configOfGit(project.repository, file) : null);
  return settingsIn(text ?? "", main === null ? file : join(main, "config"));
}

/** Where the worktree has none. */
function configOfGit(repository: Repository, file: string): string | null {
  return textLeftOut(repository, repository.bare ? ".dvc/config" : relative(repository.root, file));
}

/** The same of the text of any such file. */
export function settingsIn(text: string, file: string): Sections {
  return mapPaths(parseDvcConfig(text, file), (path) => located(path, dirname(file)));
}

/** Absolute path of a level's file. */
export function configFile(project: Place, level: ConfigLevel): string {
  const env = project.repository?.env ?? process.env;
  switch (level) {
    case "local":
      return join(dvcFolder(project), "config.local");
    case "repo":
      return join(dvcFolder(project), "config");
    case "global":
      return join(env.DVC_GLOBAL_CONFIG_DIR || userFolder(env), "config");
    case "system":
      return join(env.DVC_SYSTEM_CONFIG_DIR || systemFolder(env), "config");
  }
}

/** `.dvc` of this worktree, there or not. */
export function dvcFolder(project: Place): string {
  return join(project.dvcRoot ?? project.root, ".dvc");
}

/** The main worktree's cache, which a linked one shares; null in the main worktree. */
export function sharedCache(project: Place): string | null {
  const main = mainDvcFolder(project);
  if (main === null) return null;
  return cacheSaid(mergeLevels(levelsOf(project).slice(0, -1))) ?? join(main, "cache");
}

/** What dvc takes for the cache: it knows nothing of the main worktree, so that relative paths in the `config` of a linked one mean other places. */
export function cacheSeenByDvc(project: Place): string {
  const levels = CONFIG_LEVELS.map((level) => {
    const file = configFile(project, level);
    return settingsIn(readTextIfExists(file) ?? "", file);
  });
  return cacheSaid(mergeLevels(levels)) ?? join(dvcFolder(project), "cache");
}

/** Weakest first. A linked worktree has what the main one's `config.local` says too: caches, remotes and secrets of this machine. */
function levelsOf(project: Place): Sections[] {
  const main = mainDvcFolder(project);
  return CONFIG_LEVELS.flatMap((level) => {
    const own = readLevel(project, level);
    if (level !== "local" || main === null) return [own];
    const file = join(main, "config.local");
    return [settingsIn(readTextIfExists(file) ?? "", file), own];
  });
}

/** `.dvc` of the main worktree, from a linked one; null in the main worktree. */
function mainDvcFolder(project: Place): string | null {
  const { repository } = project;
  if (repository === null || repository.bare || repository.gitDir === repository.commonDir || basename(repository.commonDir) !== ".git")
    return null;
  return join(dirname(repository.commonDir), relative(repository.root, dvcFolder(project)));
}

/** Some level says how files are linked. */
export function namesLinkTypes(project: Place): boolean {
  return CONFIG_LEVELS.some((level) => readLevel(project, level).get("cache")?.has("type"));
}

/** Later levels win, key by key. */
export function mergeLevels(levels: readonly ReadonlyMap<string, ReadonlyMap<string, ConfigValue>>[]): Sections {
  const merged: Sections = new Map();
  for (const level of levels) {
    for (const [name, section] of level) merged.set(name, new Map([...(merged.get(name) ?? []), ...section]));
  }
  return merged;
}

/** The name in `remote "NAME"`; null for another section. */
export function remoteName(section: string): string | null {
  return /^\s*remote\s*"(.*)"\s*$/.exec(section)?.[1] ?? null;
}

/** Applies `change` to every option that holds a path. */
function mapPaths(sections: Sections, change: (path: string) => string): Sections {
  const changed = (section: string, key: string, value: ConfigValue): ConfigValue =>
    isPathOption(section, key) && typeof value === "string" ? change(value) : value;
  return new Map(
    [...sections].map(([name, section]) => [name, new Map([...section].map(([key, value]) => [key, changed(name, key, value)]))]),
  );
}

/** The option holds a path or URL: a relative path means a place as seen from the file that says it. */
export function isPathOption(section: string, key: string): boolean {
  return (section === "cache" && key === "dir") || (remoteName(section) !== null && REMOTE_PATHS.has(key));
}

const REMOTE_PATHS = new Set([
  "url",
  "credentialpath",
  "configpath",
  "keyfile",
  "cert_path",
  "key_path",
  "gdrive_user_credentials_file",
  "gdrive_service_account_json_file_path",
]);

export function isUrl(text: string): boolean {
  return /^\w+:\/\//.test(text);
}

function located(path: string, folder: string): string {
  if (isUrl(path)) return path;
  if (path === "~" || path.startsWith("~/")) return join(homeFolder(), path.slice(1));
  return isAbsolute(path) ? path : resolve(folder, path);
}

function readRemotes(merged: Sections): Map<string, RemoteConfig> {
  const found = new Map<string, RemoteConfig>();
  for (const [section, options] of merged) {
    const name = remoteName(section);
    if (name === null) continue;
    const texts = new Map([...options].map(([key, value]) => [key, textOf(value) ?? ""]));
    found.set(name, { name, url: texts.get("url") ?? "", options: texts });
  }
  return new Map([...found].map(([name, remote]) => [name, inherit(remote, found)]));
}

/** `remote://base/sub`: the base's options and the folder below its URL. Where nothing is found, or one leads to the other, it stays `remote://`. */
function inherit(remote: RemoteConfig, all: ReadonlyMap<string, RemoteConfig>, heirs: readonly RemoteConfig[] = []): RemoteConfig {
  const [, base, below = ""] = /^remote:\/\/([^/]*)\/?(.*)$/.exec(remote.url) ?? [];
  const parent = base === undefined ? undefined : all.get(base.toLowerCase());
  if (parent === undefined || parent === remote || heirs.includes(parent)) return remote;
  const { url: parentUrl, options } = inherit(parent, all, [...heirs, remote]);
  const url = below === "" ? parentUrl : `${parentUrl.replace(/\/$/, "")}/${below}`;
  return { name: remote.name, url, options: new Map([...options, ...remote.options, ["url", url]]) };
}

function readLinkTypes(value: ConfigValue | undefined): LinkType[] {
  if (value === undefined) return DEFAULT_LINKS;
  const names = [value].flat().flatMap((one) => one.split(",").map((name) => name.trim()));
  for (const name of names) {
    if (!["reflink", "hardlink", "symlink", "copy"].includes(name))
      throw new ExpverError("E_CONFIG", `cache.type has ${JSON.stringify(name)}, which is no link type`, {
        hint: "Use reflink, hardlink, symlink, copy, or several of them with commas.",
        details: { value },
      });
  }
  return names as LinkType[];
}

function textOf(value: ConfigValue | undefined): string | undefined {
  return Array.isArray(value) ? value.join(",") : value;
}

function isTrue(text: string | undefined): boolean {
  return text?.toLowerCase() === "true";
}

function userFolder(env: Readonly<Record<string, string | undefined>>): string {
  if (process.platform === "darwin") return join(homeFolder(), "Library/Application Support/dvc");
  return join(env.XDG_CONFIG_HOME || join(homeFolder(), ".config"), "dvc");
}

function systemFolder(env: Readonly<Record<string, string | undefined>>): string {
  if (process.platform === "darwin") return "/Library/Application Support/dvc";
  return join((env.XDG_CONFIG_DIRS || "/etc/xdg").split(":")[0] ?? "/etc/xdg", "dvc");
}
